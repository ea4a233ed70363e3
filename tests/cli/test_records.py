"""The newest failure, wherever it was seen."""

import os
import shutil
import sqlite3
import time
from pathlib import Path

import pytest
from store_helpers import attempt, made_at

from own_home import Home
from seawall.cli.common import Common, Failure
from seawall.cli.records import asked, newest_failure, open_records, place
from seawall.store.migrate import migrate
from seawall.store.rows import cells
from seawall.store.writer import INSERT_ATTEMPT
from transcript_lines import outage, write

NOW = time.time()


@pytest.fixture
def own(own_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """This process in that home."""
    for name in (
        "CLAUDE_CONFIG_DIR",
        "XDG_DATA_HOME",
        "XDG_CONFIG_HOME",
        "SEAWALL_STORE_PATH",
        "SEAWALL_CONFIG",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(own_home.path))
    monkeypatch.chdir(own_home.path)
    return own_home


def record(home: Home, at: float, source: str) -> Path:
    path = home.path / ".local/share/seawall/seawall.db"
    path.parent.mkdir(parents=True)
    path.touch(0o600)
    migrate(str(path))
    connection = sqlite3.connect(path)
    connection.execute(
        INSERT_ATTEMPT, cells(attempt(at=at, source=source, cause="provider.internal_server_error"))
    )
    connection.commit()
    connection.close()
    return path


def told(home: Home, at: float) -> None:
    """A transcript whose last failure was then."""
    write(home.path / ".claude/projects/p", outage(at - 4))


@pytest.mark.parametrize(
    ("source", "ago", "transcript_ago", "newest"),
    [
        ("gateway", 60, 3600, "gateway"),
        ("gateway", 3600, 60, "transcript"),
        ("hook", 60, 3600, "hook"),
        ("hook", 61, 60, "hook"),  # one failure, seen by both
    ],
)
def test_the_newest_of_all_sources(
    own: Home, source: str, ago: float, transcript_ago: float, newest: str
) -> None:
    """Gateway, hook and transcript are compared by time; where both saw one failure, what is on record is taken."""
    record(own, NOW - ago, source)
    told(own, NOW - transcript_ago)
    assert newest_failure(Common()).source == newest


def test_a_record_of_the_future_is_not_the_newest(own: Home) -> None:
    """A clock that was wrong, or a transcript that says 2099, in hundreds of rows; half a minute is let pass."""
    path = record(own, NOW - 60, "gateway")
    connection = sqlite3.connect(path)
    rows = [
        cells(attempt(at=4070908800.0 + n, source="transcript", cause="provider.overloaded"))
        for n in range(250)
    ]
    connection.executemany(INSERT_ATTEMPT, rows)
    connection.commit()
    assert newest_failure(Common()).at == NOW - 60
    told(own, 4070908800.0)
    assert newest_failure(Common()).at == NOW - 60
    connection.execute(
        INSERT_ATTEMPT, cells(attempt(at=NOW + 30, source="hook", cause="provider.overloaded"))
    )
    connection.commit()
    connection.close()
    assert newest_failure(Common()).source == "hook"


def test_a_transcript_alone(own: Home) -> None:
    """Without a store, and with one that cannot be read."""
    told(own, NOW - 60)
    assert newest_failure(Common()).request_id == "req_a00003"
    record(own, NOW, "gateway").write_bytes(b"no database" * 500)
    assert newest_failure(Common()).source == "transcript"


def test_nothing_anywhere(own: Home) -> None:
    """One line; if the store is what hides it, that line says so."""
    with pytest.raises(Failure, match="no failure is on record"):
        newest_failure(Common())
    record(own, NOW, "gateway").write_bytes(b"no database" * 500)
    with pytest.raises(Failure, match="is damaged; the next gateway"):
        newest_failure(Common())


def test_what_is_asked_of_records(own: Home) -> None:
    """The answer, also where there are none yet; that they cannot be read is an answer, not an end."""
    assert asked(Common(), lambda records: records is None) is True
    path = record(own, NOW, "gateway")
    assert asked(Common(), lambda records: records is None) is False
    path.write_bytes(b"no database" * 500)
    unread = asked(Common(), lambda records: records is None)
    assert isinstance(unread, Failure)
    assert "is damaged" in str(unread)


def test_a_folder_that_may_not_be_entered(own: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made by `sudo seawall`, say: that its records cannot be opened is an answer, and not a fault of Seawall's."""
    path = record(own, NOW, "gateway")
    real = Path.stat

    def stat(this: Path, **how: bool) -> os.stat_result:
        if this == path:
            raise PermissionError(13, "Permission denied", str(this))
        return real(this, **how)

    monkeypatch.setattr(Path, "stat", stat)
    unread = asked(Common(), lambda records: records is None)
    assert str(unread) == f"{path} cannot be opened; look at its permissions"
    with pytest.raises(Failure, match="cannot be opened; look at its permissions"):
        place(Common())


def test_explain_says_where_it_was_seen(own: Home) -> None:
    """`explain --last` after a failure that only a transcript tells of."""
    told(own, NOW - 60)
    done = own.seawall("explain", "--last")
    assert done.returncode == 10
    assert "in Claude Code's transcript: 529" in " ".join(done.stdout.split())
    assert "provider.overloaded" in done.stdout
    shutil.rmtree(own.path / ".claude")
    assert own.seawall("explain", "--last").returncode == 2


def test_an_older_store_is_brought_up_to_date(own: Home) -> None:
    """Who has updated Seawall looks back at once: no gateway has to start first."""
    path = own.path / ".local/share/seawall/seawall.db"
    path.parent.mkdir(parents=True)
    made_at(path, "0001")
    path.chmod(0o600)
    with open_records(Common()) as connection:
        assert connection is not None
    assert own.seawall("history").stdout == "Nothing is on record: last 30 days.\n"
