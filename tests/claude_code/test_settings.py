"""Claude Code's settings files: which win, and what is said of those that cannot be used."""

import json
import os
from pathlib import Path

import pytest

from seawall.claude_code import settings
from seawall.claude_code.settings import ClaudeSettings, SettingsFile

NOTHING = ClaudeSettings({})
HOME_FILE = "home/.claude/settings.json"


def write(path: Path, value: object) -> None:
    """A settings file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))


def test_settings_by_their_order(tmp_path: Path) -> None:
    """Managed wins over local, over the project's, over the user's; what only one says holds."""
    home, here, managed = tmp_path / "home", tmp_path / "here", tmp_path / "managed-settings.json"
    write(home / ".claude" / "settings.json", {"env": {"A": "user", "B": "user", "C": "user", "D": "user"}})
    write(here / ".claude" / "settings.json", {"env": {"A": "project", "B": "project", "C": "project"}})
    write(here / ".claude" / "settings.local.json", {"env": {"A": "local", "B": "local"}})
    write(managed, {"env": {"A": "managed"}})
    write(tmp_path / "managed-settings.d" / "10.json", {"env": {"E": 5}})
    found = settings.read({}, home, here, [managed])
    assert found.env == {"A": "managed", "B": "local", "C": "project", "D": "user", "E": "5"}
    assert found.managed == {"A", "E"}
    assert not found.fallback


def test_the_configured_folder_is_read_instead_of_the_home(tmp_path: Path) -> None:
    """CLAUDE_CONFIG_DIR moves the user's settings."""
    write(tmp_path / "moved" / "settings.json", {"fallbackModel": ["sonnet"], "env": {"A": "moved"}})
    write(tmp_path / ".claude" / "settings.json", {"env": {"A": "home"}})
    environ = {"CLAUDE_CONFIG_DIR": str(tmp_path / "moved")}
    assert settings.read(environ, tmp_path, tmp_path / "x", []) == ClaudeSettings(
        {"A": "moved"}, frozenset(), fallback=True
    )


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"env": []}', '{"env": {"A": {}}}', "[" * 100_000]
)
def test_settings_that_cannot_be_read_say_nothing(tmp_path: Path, content: str) -> None:
    """Claude Code will complain of them; a run goes on."""
    write(tmp_path / ".claude" / "settings.json", content)
    assert settings.read({}, tmp_path, tmp_path / "x", []) == NOTHING


def users(tmp_path: Path) -> SettingsFile:
    """The one file that is there: the user's."""
    (found,) = settings.files({}, tmp_path / "home", tmp_path / "x", [tmp_path / "managed"])
    return found


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("{", "line 1, column 2"),
        ('{\n // why\n "env": {}}', "line 2, column 2"),
        ("[]", "no JSON object"),
        ('{"env": []}', '"env" is no object'),
        ("[" * 100_000, "nested too deeply"),
        ("\ufeff{}", ""),
        ("", ""),
    ],
)
def test_settings_files(tmp_path: Path, text: str, trouble: str) -> None:
    """What is wrong, and where; a mark at the beginning and an empty file are none."""
    write(tmp_path / HOME_FILE, text)
    found = users(tmp_path)
    assert found.path == "~/.claude/settings.json"
    assert trouble in found.trouble
    assert bool(found.trouble) == bool(trouble)


def test_a_settings_file_that_is_none(tmp_path: Path) -> None:
    """A folder, bytes that are no text, a file that is too large."""
    path = tmp_path / HOME_FILE
    path.mkdir(parents=True)
    found = users(tmp_path)
    assert found.trouble == "it is a folder"
    path.rmdir()
    path.write_bytes(b"\xff\xfe{}")
    found = users(tmp_path)
    assert found.trouble == "byte 0 is not UTF-8"
    os.truncate(path, 5 << 20)
    found = users(tmp_path)
    assert found.trouble == "it is larger than 4 MiB"


def test_links(tmp_path: Path) -> None:
    """A link to a good file is followed; one to nothing, or in a circle, is said."""
    path = tmp_path / HOME_FILE
    write(tmp_path / "real.json", {"env": {"A": "linked"}})
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "real.json")
    assert users(tmp_path).env == {"A": "linked"}
    path.unlink()
    path.symlink_to(path)
    assert "link" in users(tmp_path).trouble
    path.unlink()
    path.symlink_to(tmp_path / "gone.json")
    assert "link" in users(tmp_path).trouble


def test_a_file_that_blocks_whoever_reads_it(tmp_path: Path) -> None:
    """A pipe in its place is not opened: nobody writes to it."""
    path = tmp_path / HOME_FILE
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    assert users(tmp_path).trouble == "it is no regular file"


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said with the system's words."""
    write(tmp_path / HOME_FILE, {})

    def refuses(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuses)
    assert users(tmp_path).trouble == "it cannot be read (Permission denied)"


def test_numbers_and_switches_are_as_javascript_writes_them(tmp_path: Path) -> None:
    """`true`, not `True`; what is no text and no number is left out."""
    write(tmp_path / HOME_FILE, {"env": {"A": True, "B": 5, "C": None, "D": ["x"], "E": 0.5}})
    assert users(tmp_path).env == {"A": "true", "B": "5", "E": "0.5"}


def test_comments_are_named(tmp_path: Path) -> None:
    """The usual reason why a file that looks right is not read."""
    write(tmp_path / HOME_FILE, '{\n  // my proxy\n  "env": {}\n}')
    assert users(tmp_path).trouble == "line 2, column 3: JSON has no comments"


def test_a_repr_shows_no_value(tmp_path: Path) -> None:
    """Whoever logs what was read logs no key."""
    write(
        tmp_path / HOME_FILE, {"env": {"ANTHROPIC_API_KEY": "sk-ant-api03-secret"}, "apiKeyHelper": "say-it"}
    )
    found = users(tmp_path)
    assert "secret" not in repr(found) + repr(settings.settled([found]))
    assert "say-it" not in repr(found)


def test_a_part_of_the_managed_settings_wins_by_its_name(tmp_path: Path) -> None:
    """The last by name, and all parts over the file itself; each is managed."""
    write(tmp_path / "managed.json", {"env": {"A": "file"}})
    write(tmp_path / "managed.d" / "10-a.json", {"env": {"A": "ten"}})
    write(tmp_path / "managed.d" / "20-b.json", {"env": {"A": "twenty"}})
    found = list(settings.files({}, tmp_path / "home", tmp_path, [tmp_path / "managed.json"]))
    assert [(one.scope, one.env["A"]) for one in found] == [
        ("managed", "twenty"),
        ("managed", "ten"),
        ("managed", "file"),
    ]


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, None),
        ({"CLAUDE_CODE_USE_BEDROCK": "1"}, "CLAUDE_CODE_USE_BEDROCK"),
        ({"CLAUDE_CODE_USE_VERTEX": "false"}, None),
        ({"CLAUDE_CODE_USE_GATEWAY": "yes"}, "CLAUDE_CODE_USE_GATEWAY"),
    ],
)
def test_another_provider(environ: dict[str, str], name: str | None) -> None:
    """The variable that switches to it; one that says no does not."""
    assert settings.cloud(environ) == name
