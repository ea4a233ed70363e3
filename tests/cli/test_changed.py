"""What an answer that was cut may have changed."""

import os
import subprocess
from pathlib import Path

import pytest

from seawall.cli.changed import changed

T = 1_800_000_000.0


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git checkout in a home of its own, with one committed file."""
    folder = tmp_path / "api-server"
    folder.mkdir()
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(folder)
    (folder / "a.py").write_text("1\n")
    who = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", *command], check=True, capture_output=True)
    return folder


def touch(path: Path, text: str, at: float) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    os.utime(path, (at, at))


def test_files_that_changed_since(work: Path) -> None:
    """Changed and new files count, those changed before do not; also from a folder below."""
    touch(work / "a.py", "2\n", T + 5)
    touch(work / "new name.py", "3\n", T + 6)
    touch(work / "before.py", "4\n", T - 5)
    touch(work / "below" / "c.py", "5\n", T + 7)
    subprocess.run(["git", "add", "below/c.py"], check=True)
    os.chdir(work / "below")
    said = "Before you go on: 3 files changed in ~/api-server during the cut answer: git diff"
    assert changed(T) == said


def test_one_file_or_none(work: Path) -> None:
    """As people say it."""
    assert changed(T) == "An answer was cut; no file here has changed since."
    touch(work / "a.py", "2\n", T + 5)
    assert changed(T).startswith("Before you go on: 1 file changed in ~/api-server")


def test_where_git_cannot_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No checkout, no git, no folder: look yourself."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    said = "An answer was cut: look at what it changed before you go on."
    assert changed(T) == said
    monkeypatch.setenv("PATH", "/nonexistent")
    assert changed(T) == said
    gone.rmdir()
    assert changed(T) == said
