"""What `seawall run --direct` keeps of a command's failures: from transcripts that are written while it runs."""

import sqlite3
import threading
import time
from contextlib import closing

import pytest

from claude_stand_in import StandIn
from kept_past import kept, store_of
from own_home import Home
from seawall.cli import written
from seawall.cli.common import Common
from transcript_lines import outage, write

OVERLOADED = "API Error: 529 Overloaded. This is a server-side issue, usually temporary."
DIRECT = ("run", "--direct", "--", "claude", "-p", "x")


def rows(home: Home) -> list[tuple[str, str]]:
    """Cause and source of what is on record."""
    with closing(sqlite3.connect(store_of(home))) as connection:
        return connection.execute("SELECT cause, source FROM attempt ORDER BY at").fetchall()


def test_what_failed_meanwhile_is_kept(own_home: Home) -> None:
    """The last failure too, written just before the end; in silence; the code is the command's. Twice nothing."""
    StandIn(own_home, OVERLOADED)
    old = own_home.path / ".claude/projects/-before"
    write(old, outage(time.time() - 3 * 86400))
    done = own_home.seawall(*DIRECT)
    assert (done.returncode, done.stdout, done.stderr) == (1, "failed\n", "")
    assert rows(own_home) == [("provider.overloaded", "transcript")]
    again = own_home.seawall("run", "--direct", "-v", "--", "claude", "-p", "x")
    assert again.stderr == "seawall: 1 failure of this run kept, from Claude Code's transcripts\n"
    assert len(rows(own_home)) == 2
    assert "On record already" not in own_home.seawall("import").stdout
    assert own_home.seawall("import").stdout.startswith("Nothing to read")


def test_a_session_that_began_before_is_read_from_then_on(own_home: Home) -> None:
    """What its file told of before this run is left to `seawall import`, which still finds it."""
    StandIn(own_home, OVERLOADED)
    write(own_home.path / ".claude/projects/-here", outage(time.time() - 3 * 86400), "other.jsonl")
    own_home.seawall(*DIRECT)
    assert len(rows(own_home)) == 1
    own_home.seawall("import")
    assert len(rows(own_home)) > 1


def test_nothing_is_made_where_nothing_was_written(own_home: Home) -> None:
    """No store, no file, no word."""
    done = own_home.seawall("run", "--direct", "-v", "--", "echo", "ran")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ran\n", "")
    assert list(own_home.path.iterdir()) == []


def test_it_can_be_switched_off(own_home: Home) -> None:
    """`history.import_transcripts` is for every reading of them."""
    StandIn(own_home, OVERLOADED)
    own_home.seawall(*DIRECT, SEAWALL_HISTORY_IMPORT_TRANSCRIPTS="false")
    assert not store_of(own_home).exists()


@pytest.mark.parametrize("trouble", ["locked", "newer", "settings"])
def test_trouble_is_one_line_and_never_changes_the_code(own_home: Home, trouble: str) -> None:
    """Whatever keeps the store shut, the command's code stays."""
    StandIn(own_home, OVERLOADED)
    more = {"SEAWALL_PLAN_APART": "never"} if trouble == "settings" else {}
    with closing(sqlite3.connect(kept(own_home), isolation_level=None)) as holder:
        if trouble == "locked":
            holder.execute("PRAGMA journal_mode = DELETE")
            holder.execute("BEGIN EXCLUSIVE")
        elif trouble == "newer":
            holder.execute("UPDATE alembic_version SET version_num = '9999'")
        done = own_home.seawall(*DIRECT, **more)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "failed\n", 1)
    assert done.stderr.startswith("seawall: what failed meanwhile could not be kept: ")


def test_the_time_is_bounded(
    own_home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An end that takes longer is left to the next import, and said."""
    for name, value in own_home.environ.items():
        monkeypatch.setenv(name, value)
    write(own_home.path / ".claude/projects/-here", outage(time.time()))
    never = threading.Event()
    monkeypatch.setattr(written, "LONGEST", 0.2)
    monkeypatch.setattr("seawall.claude_code.intake.Intake.take", lambda *_: never.wait(30))
    written.keep_what_was_written(Common(), time.time() - 60)
    assert "not all of what failed meanwhile was read" in capsys.readouterr().err
