"""What is said where a note cannot be kept, or not all forgotten. The rest is in test_history.py."""

import errno
import sqlite3
from pathlib import Path

import pytest

from seawall.cli import incidents
from seawall.cli.common import Common, ExitCode, Failure
from seawall.history.episodes import End, Episode
from seawall.store import notes

ONE = Episode("7f3a", "a.b", "api", ("opus",), 1e9, 1e9, 1e9, End.UNSEEN, 1, 1, 0, 0, 0, "7f3a0011")
TWO = Episode("7f4b", "a.b", "api", ("opus",), 2e9, 2e9, 2e9, End.UNSEEN, 1, 1, 0, 0, 0, "7f4b0011")


def of_sqlite(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("no")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (of_sqlite(sqlite3.SQLITE_BUSY), "is locked by another program"),
        (of_sqlite(sqlite3.SQLITE_FULL), "the disk of"),
        (of_sqlite(sqlite3.SQLITE_READONLY), "cannot be written; look at its permissions"),
        (OSError(errno.EROFS, "Read-only file system"), "cannot be written; look at its permissions"),
        (of_sqlite(sqlite3.SQLITE_ERROR), "OperationalError"),
    ],
)
def test_a_store_in_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    """One line that says what is wrong, and exit 1."""
    path = tmp_path / "seawall.db"
    path.touch()
    monkeypatch.setenv("SEAWALL_STORE_PATH", str(path))

    def fail(_: Path) -> int:
        raise error

    monkeypatch.setattr(notes, "forget", fail)
    with pytest.raises(Failure, match="not all was deleted") as failure:
        incidents.forget(Common(), yes=True)
    assert said in str(failure.value)
    assert failure.value.code is ExitCode.SEAWALL
    assert path.exists()


@pytest.mark.parametrize(
    ("wanted", "found"), [("7f3a", ONE), ("7F3", ONE), (" 7f4b00 ", TWO), ("7f4b0011", TWO)]
)
def test_an_episode_by_its_id(wanted: str, found: Episode) -> None:
    """As many digits as tell it from the others, as shown or more."""
    assert incidents.pick([ONE, TWO], wanted) is found


@pytest.mark.parametrize("wanted", ["", "7", "7f", "ffff", "7f3a0011ff", "'; DROP", "7" * 1000])
def test_an_id_that_names_none_or_several(wanted: str) -> None:
    """Wrong usage, and a way to find the right one."""
    with pytest.raises(Failure, match="seawall history list") as failure:
        incidents.pick([ONE, TWO], wanted)
    assert failure.value.code is ExitCode.USAGE
    assert len(str(failure.value)) < 150
