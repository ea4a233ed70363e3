"""`seawall rules`: what is printed, what is written and only then, and every bad file of its row."""

import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from seawall.cli import rules
from seawall.cli import verbs as cli
from seawall.cli.common import Failure
from seawall.view.snippet import BEGIN, END, block
from shapes import conforms

TEXT = b"# Ours\r\n\r\n- be brief\r\n"


def outcome(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[Any, str, str]:
    """Exit code, stdout and stderr of a command in this process."""
    with pytest.raises(SystemExit) as left:
        cli.run(arguments)
    out, err = capsys.readouterr()
    return left.value.code, out, err


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """CLAUDE.md in the folder where the command runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    path = tmp_path / "CLAUDE.md"
    path.write_bytes(TEXT)
    return path


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_printed_by_default(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    """The block and nothing else; no file is touched."""
    assert outcome(capsys, "rules") == (0, block("sdk"), "")
    assert outcome(capsys, "rules", "--for", "both") == (0, block("both"), "")
    assert conforms(outcome(capsys, "rules", "--json")[1])["block"] == block("sdk")
    assert [one.name for one in path.parent.iterdir()] == ["CLAUDE.md"]


def test_written_and_removed(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    """The change is shown first, a copy is kept, and removing gives back every byte."""
    os.chmod(path, 0o640)
    code, out, err = outcome(capsys, "rules", "--write")
    assert code == 0
    assert f"+{BEGIN}\n" in out
    assert "wrote CLAUDE.md; as it was: " in err
    assert BEGIN.encode() in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o640
    (copy,) = path.parent.glob("CLAUDE.md.seawall-*")
    assert copy.read_bytes() == TEXT
    assert err.rstrip().endswith(copy.name), "whoever wants it back must be told its name, unmasked"
    assert outcome(capsys, "rules", "--write") == (0, "CLAUDE.md: nothing to change\n", "")
    assert outcome(capsys, "rules", "--remove", str(path))[0] == 0
    assert path.read_bytes() == TEXT
    assert outcome(capsys, "rules", "--remove")[1] == "CLAUDE.md: nothing to change\n"


def test_a_file_that_is_not_there_is_made(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    """Without a copy, there is nothing to keep; the name of a file may follow."""
    other = path.with_name("AGENTS.md")
    code, out, _ = outcome(capsys, "rules", "--write", str(other), "--for", "sdk", "--json")
    assert (code, other.read_text()) == (0, block("sdk"))
    value = conforms(out)
    assert (value["changed"], value["backup"]) == (True, None)


def test_a_dry_run_changes_nothing(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    """It shows the same."""
    code, out, err = outcome(capsys, "rules", "--write", "--dry-run")
    assert (code, err) == (0, "")
    assert f"+{BEGIN}\n" in out
    assert path.read_bytes() == TEXT


@pytest.mark.parametrize(
    ("typed", "code", "changed"), [("y\n", 0, True), ("n\n", 1, False), ("\n", 1, False)]
)
def test_a_person_is_asked(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    path: Path,
    typed: str,
    code: int,
    changed: bool,
) -> None:
    """No is the default, and leaves everything."""
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    assert outcome(capsys, "rules", "--write")[0] == code
    assert (path.read_bytes() != TEXT) == changed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{BEGIN}\nx\n", "marker of the block's end is missing (line 1)"),
        (f"{BEGIN}\n{END}\n" * 2, "more than once"),
        ("a\0", "no text"),
        ("x" * (10 * 1024 * 1024 + 1), "over 10 MB"),
    ],
    ids=["one marker", "two blocks", "binary", "huge"],
)
def test_a_file_that_is_left_alone(
    capsys: pytest.CaptureFixture[str], path: Path, text: str, says: str
) -> None:
    """One line, code 2, the same bytes."""
    path.write_text(text)
    for way in ("--write", "--remove"):
        code, out, err = outcome(capsys, "rules", way)
        assert (code, out) == (2, "")
        assert says in err
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--write", "no/such/CLAUDE.md"), "there is no folder no/such"),
        (("--write", "."), "cannot read ."),
        (("--write", "--remove"), "give one of --write, --remove"),
        (("--for", "nobody"), "is not one of"),
    ],
)
def test_wrong_usage(
    capsys: pytest.CaptureFixture[str], path: Path, arguments: tuple[str, ...], says: str
) -> None:
    """One line and code 2."""
    code, out, err = outcome(capsys, "rules", *arguments)
    assert (code, out) == (2, "")
    assert says in err


def test_a_file_that_may_not_be_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    """Code 1, and no half-made file is left."""
    monkeypatch.setattr(rules.os, "access", lambda *_: False)
    code, _, err = outcome(capsys, "rules", "--write")
    assert code == 1
    assert "it may not be written; it is left as it is" in err
    assert [one.name for one in path.parent.iterdir()] == ["CLAUDE.md"]


def test_a_full_disk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """The file is as it was, and nothing half-made stays."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rules.os, "fsync", full)
    code, _, err = outcome(capsys, "rules", "--write")
    assert code == 1
    assert "No space left on device; it is left as it is" in err
    assert path.read_bytes() == TEXT
    assert not list(path.parent.glob(".CLAUDE.md.*"))


def test_a_file_that_changes_meanwhile(path: Path) -> None:
    """Somebody else's words are not written over."""
    with pytest.raises(Failure, match="somebody changed it meanwhile"):
        rules._write(path, b"what was shown", b"new")
    assert path.read_bytes() == TEXT


def test_a_link_stays_a_link(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    """The file that it names is changed."""
    link = path.with_name("linked.md")
    link.symlink_to(path)
    assert outcome(capsys, "rules", "--write", str(link))[0] == 0
    assert link.is_symlink()
    assert BEGIN.encode() in path.read_bytes()


def test_signs_that_a_terminal_obeys_are_not_shown(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    """Of the lines around the block."""
    path.write_bytes(b"\x1b[2Jgone\xff\n")
    _, out, _ = outcome(capsys, "rules", "--write")
    assert "\x1b" not in out
    assert "?[2Jgone" in out
