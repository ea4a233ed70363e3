"""`explain ID`; what is said where a note cannot be kept, or not all forgotten. The rest is in test_history.py."""

import errno
import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import pytest
from store_helpers import QUICK, attempt

from own_home import Home
from seawall.cli import incidents
from seawall.cli.common import Common, ExitCode, Failure
from seawall.config import Store
from seawall.history.episodes import End, Episode
from seawall.store import notes
from seawall.store.writer import Writer
from shapes import conforms

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


@pytest.fixture
def recorded(own_home: Home) -> Home:
    """A home with one incident on record."""
    now = time.time()
    writer = Writer(Store(path=str(own_home.path / ".local/share/seawall/seawall.db")), pace=QUICK)
    writer.start()
    failed = attempt(1, at=now - 4000, held=0.0)
    for row in (failed, replace(failed, at=now - 3900, number=2, held=100.0)):
        writer.put(row)
    writer.put(
        replace(failed, at=now - 3880, number=3, cause=None, status=200, ended="recovered", held=120.0)
    )
    assert writer.close(20).dropped == 0
    return own_home


def test_an_incident(recorded: Home) -> None:
    """When, how long, how it ended, and the page of its cause; the code of its party; the same as JSON."""
    [one] = conforms(recorded.seawall("history", "--json").stdout)["episodes"]
    done = recorded.seawall("explain", one["id"])
    assert (done.returncode, done.stderr) == (10, "")
    assert done.stdout.startswith(f"Incident  {one['id']}: from 20")
    whole = " ".join(done.stdout.split())
    assert "2 min, then a call succeeded; 2 attempts of 1 call for opus failed at api.anthropic.com" in whole
    assert "provider.overloaded — the API is at capacity" in done.stdout
    value = conforms(recorded.seawall("explain", one["id"], "--json").stdout)
    assert (value["verdict"]["cause"], value["seen"]["id"]) == ("provider.overloaded", one["id"])


@pytest.mark.parametrize("word", ["7f3a", "0123456789abcdef", "1234"])
def test_an_id_that_no_incident_has(recorded: Home, word: str) -> None:
    """Wrong usage, in one line that says where the ids are; a number with a meaning is explained."""
    done = recorded.seawall("explain", word)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"no incident on record has the id '{word}'" in done.stderr
    assert "`seawall history list`" in done.stderr
    assert recorded.seawall("explain", "529").returncode == 10


@pytest.mark.parametrize("word", ["dead", "beef"])
def test_what_only_looks_like_an_id(recorded: Home, word: str) -> None:
    """It is a text like others."""
    done = recorded.seawall("explain", word)
    assert done.returncode == 19
    assert done.stdout.startswith("Not known yet")


def test_without_records(own_home: Home) -> None:
    """Nor has any incident an id where nothing is on record, or the records are broken."""
    assert own_home.seawall("explain", "7f3a").returncode == 2
    place = own_home.path / ".local/share/seawall"
    place.mkdir(parents=True, exist_ok=True)
    (place / "seawall.db").write_bytes(b"no database" * 100)
    assert own_home.seawall("explain", "7f3a").returncode == 2
