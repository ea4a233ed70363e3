"""Which platform this is, told from what each leaves lying about."""

from pathlib import Path

import pytest

from seawall.doctor.platform import platforms, text_of


@pytest.mark.parametrize(
    ("environ", "system", "files", "names"),
    [
        ({}, "linux", {}, {"linux"}),
        ({}, "darwin", {}, {"macos"}),
        ({}, "win32", {}, {"windows"}),
        ({}, "sunos5", {}, set()),
        ({"WSL_DISTRO_NAME": "Ubuntu"}, "linux", {}, {"linux", "wsl"}),
        ({}, "linux", {"proc/version": "Linux version 5.15.90.1-microsoft-standard-WSL2"}, {"linux", "wsl"}),
        ({}, "linux", {"proc/version": "Linux version 6.1"}, {"linux"}),
        ({}, "linux", {".dockerenv": ""}, {"linux", "container"}),
        ({"container": "podman"}, "linux", {}, {"linux", "container"}),
        ({"CI": "true"}, "linux", {}, {"linux", "ci"}),
        ({"CI": "false"}, "linux", {}, {"linux"}),
        ({"TERM_PROGRAM": "vscode"}, "darwin", {}, {"macos", "editor"}),
        ({"TERMINAL_EMULATOR": "JetBrains-JediTerm"}, "linux", {}, {"linux", "editor"}),
        ({"container": "podman"}, "darwin", {".dockerenv": ""}, {"macos"}),
    ],
)
def test_platforms(
    tmp_path: Path, environ: dict[str, str], system: str, files: dict[str, str], names: set[str]
) -> None:
    """Several at once where one runs in another."""
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert {one.value for one in platforms(environ, system, tmp_path)} == names


def test_a_file_of_the_system(tmp_path: Path) -> None:
    """Its beginning, whatever its bytes are; nothing where there is none to be read."""
    path = tmp_path / "route"
    path.write_bytes(b"eth0\xff\n" + b"x" * 100)
    assert text_of(path, 6) == "eth0\ufffd\n"
    assert text_of(path).endswith("x" * 100)
    assert [text_of(one) for one in (tmp_path, tmp_path / "none")] == ["", ""]
