"""Where a variable is set, down to the line."""

from pathlib import Path

import pytest

from seawall.claude_code.profiles import Line, by_name, line_of, lines

NAME = "ANTHROPIC_BASE_URL"


def found(tmp_path: Path, *names: str) -> tuple[Line, ...]:
    return lines(tmp_path / "home", tmp_path / "here", names or (NAME,), [tmp_path / "environment"])


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (f"export {NAME}=http://a.example", "http://a.example"),
        (f'  export {NAME}="http://a.example"  # old', "http://a.example"),
        (f"{NAME}='http://a.example'", "http://a.example"),
        (f"set -gx {NAME} http://a.example", "http://a.example"),
        (f"setenv {NAME} http://a.example", "http://a.example"),
        (f"export {NAME}=http://a.example; echo hi", "http://a.example"),
        (f"{NAME}=", ""),
    ],
)
def test_a_line_that_sets_it(tmp_path: Path, line: str, value: str) -> None:
    """As each shell writes it, with its number."""
    path = tmp_path / "home" / ".zshrc"
    path.parent.mkdir()
    path.write_text(f"# first\n\n{line}\n")
    assert found(tmp_path) == (Line(NAME, value, "~/.zshrc line 3"),)


@pytest.mark.parametrize("line", [f"# export {NAME}=x", f"echo ${NAME}", f"unset {NAME}", f"MY_{NAME}=x"])
def test_a_line_that_does_not(tmp_path: Path, line: str) -> None:
    """Comments, uses, and longer names."""
    path = tmp_path / "home" / ".bashrc"
    path.parent.mkdir()
    path.write_text(line)
    assert found(tmp_path) == ()


def test_every_place_is_looked_at(tmp_path: Path) -> None:
    """Profiles, the system's list, and files that only loaders read."""
    for place in ("home/.profile", "home/.config/fish/config.fish", "environment", "here/.env"):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{NAME}=x\n")
    all_ = found(tmp_path)
    assert [one.place.removeprefix(f"{tmp_path}/") for one in all_] == [
        "~/.profile line 1",
        "~/.config/fish/config.fish line 1",
        "environment line 1",
        "here/.env line 1",
    ]
    assert [one.loader for one in all_] == [False, False, False, True]
    assert len(by_name(all_)[NAME]) == 4


def test_files_that_are_none(tmp_path: Path) -> None:
    """A folder, bytes, a line without an end: nothing is found and nothing is raised."""
    (tmp_path / "home" / ".zshrc").mkdir(parents=True)
    (tmp_path / "home" / ".profile").write_bytes(b"\xff\x00" * 100 + NAME.encode() + b"=")
    (tmp_path / "home" / ".bashrc").write_text(f"{NAME}=" + "x" * 100_000)
    assert found(tmp_path) == ()


def test_which_line_it_was() -> None:
    """The only one with just this value; where two have it, neither is named."""
    one, two = Line("A", "x", "~/.zshrc line 1"), Line("A", "x", "~/.profile line 2")
    assert line_of([one], "A", "x") == "~/.zshrc line 1"
    assert line_of([one], "A", "y") == ""
    assert line_of([one, two], "A", "x") == ""


def test_a_repr_shows_no_value() -> None:
    """Keys stand in such lines."""
    assert "secret" not in repr(Line("A", "secret", "p"))
