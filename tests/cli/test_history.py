"""`seawall history`: from a real store to what is printed, and what it survives."""

import csv
import io
import json
import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import pytest

from own_home import Home
from seawall.config import Store
from seawall.store.migrate import migrate
from seawall.store.rows import Attempt, Count
from seawall.store.writer import Pace, Writer

FAILED = Attempt(
    at=0.0, utc_offset=60, call="c1", number=1, route="api.anthropic.com", family="opus", status=529,
    error_type="overloaded_error", cause="provider.overloaded", request_id="req_011CSHoEeqs5C35K2UUqR7Fy",
    took=0.5, held=0.0, ended="retried", client="claude-cli/2.1.59", account="ab",
)  # fmt: skip


def filled(home: Home, *rows: Attempt | Count) -> Path:
    """The store of this home, with these rows, written as the gateway does."""
    path = home.path / ".local/share/seawall/seawall.db"
    writer = Writer(Store(path=str(path)), pace=Pace(gather=0.001, counts_every=0.001))
    writer.start()
    for row in rows:
        writer.put(row)
    assert writer.close(20).dropped == 0
    return path


def outages(now: float, number: int = 9) -> list[Attempt | Count]:
    """So many episodes, an hour apart, each of two calls: one recovers after n minutes, one is given up."""
    rows: list[Attempt | Count] = []
    for n in range(1, number + 1):
        at = now - n * 3600
        for k in range(n):
            rows.append(replace(FAILED, at=at + 60.0 * k, call=f"a{n}", number=k + 1, held=60.0 * k))
        rows.append(replace(FAILED, at=at + 1, call=f"b{n}", ended="given_up"))
        success = replace(FAILED, cause=None, status=200, ended="recovered", number=n + 1)
        rows.append(replace(success, at=at + 60.0 * n, call=f"a{n}", held=60.0 * n))
        hour = int(at // 3600)
        rows += [
            Count(hour, 60, "api.anthropic.com", "opus", "ab", cause, 25)
            for cause in ("", "provider.overloaded")
        ]
    return rows


def test_the_whole_view(own_home: Home) -> None:
    """Head, hours, causes, what was saved and lost, in lines of 80 columns."""
    filled(own_home, *outages(time.time()))
    done = own_home.seawall("history")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "Last 30 days · 450 attempts · 9 episodes · 50 % of held calls recovered"
    assert "No clear pattern yet (" in done.stdout
    [cause] = [line for line in lines if line.startswith("  episodes")] or [
        line for line in lines if line.startswith("provider.overloaded")
    ]
    assert cause.split() == ["provider.overloaded", "9", "18", "5", "min", "9", "min", "9", "min"]
    assert "Held and saved: 9 calls, 45 min of waiting" in lines
    assert "Lost: 9 calls (0 cut in mid-answer, 9 given up)" in lines
    assert max(map(len, lines)) <= 80


def test_the_views(own_home: Home) -> None:
    """Each part alone; an episode by its id; the same for programs."""
    now = time.time()
    filled(own_home, *outages(now, 3))
    listed = own_home.seawall("history", "list", "--plain").stdout.splitlines()
    assert len(listed) == 4
    assert listed[1].split()[3:5] == ["provider.overloaded", "1"]
    shown = own_home.seawall("history", "show", listed[3].split()[0])
    assert "4 attempts of 2 calls failed" in shown.stdout
    assert shown.stdout.count("req_011CSHoEeqs5C35K2UUqR7Fy") == 4
    assert own_home.seawall("history", "causes").stdout.split()[0] == "cause"
    assert own_home.seawall("history", "models").stdout.splitlines()[1].split() == ["opus", "150", "50", "%"]
    assert own_home.seawall("history", "hours").stdout.startswith("Failure rate by hour\n")
    value = json.loads(own_home.seawall("history", "--json").stdout)
    assert (value["schema"], value["attempts"], value["failed"]) == ("seawall.history/1", 150, 75)
    assert [one["lasted"] for one in value["episodes"]] == pytest.approx([180.0, 120.0, 60.0], abs=0.01)
    assert value["causes"][0]["p50"] is None
    rows = list(csv.DictReader(io.StringIO(own_home.seawall("history", "--csv").stdout)))
    assert [one["id"] for one in rows] == [one["id"] for one in value["episodes"]]
    compared = json.loads(own_home.seawall("history", "--compare", "1d", "--json").stdout)
    assert (compared["after"]["attempts"], compared["before"]["attempts"], compared["change"]) == (
        150,
        0,
        None,
    )
    assert "Too few attempts to compare" in own_home.seawall("history", "--compare", "1d").stdout
    other = own_home.seawall("history", "--cause", "limit.long_gone", "--model", "sonnet", "list")
    assert (other.returncode, len(other.stdout.splitlines())) == (0, 1)


def test_what_goes_on(own_home: Home) -> None:
    """An episode that has no end yet is said with what is to be expected of it; a wrong clock's rows are left out."""
    now = time.time()
    filled(own_home, *outages(now), replace(FAILED, at=now - 30), replace(FAILED, at=now + 90_000))
    text = own_home.seawall("history", "--plain").stdout
    assert "Now: provider.overloaded for" in text
    assert "Most episodes like this end within 7 min" in text
    assert "1 attempt of the future left out" in text


def test_nothing_on_record(own_home: Home) -> None:
    """No store, an empty store, an empty span: one line, and success. Nothing is made by looking."""
    done = own_home.seawall("history")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (0, "", 1)
    assert json.loads(own_home.seawall("history", "--json").stdout)["episodes"] == []
    assert list(own_home.path.iterdir()) == []
    filled(own_home)
    assert own_home.seawall("history").stdout == "Nothing is on record: last 30 days.\n"


def test_a_store_that_cannot_be_read(own_home: Home) -> None:
    """Locked, of a newer or an older version, another program's, damaged: one line that says so, exit 1."""
    path = filled(own_home)
    with sqlite3.connect(path, isolation_level=None) as holder:
        holder.execute("PRAGMA journal_mode = DELETE")
        holder.execute("BEGIN EXCLUSIVE")
        locked = own_home.seawall("history")
        holder.execute("ROLLBACK")
        holder.execute("UPDATE alembic_version SET version_num = '9999'")
        newer = own_home.seawall("history")
        holder.execute("UPDATE alembic_version SET version_num = '0001'")
        older = own_home.seawall("history")
        holder.execute("DROP TABLE attempt")
        foreign = own_home.seawall("history")
    holder.close()
    path.write_bytes(b"not a database at all" * 100)
    damaged = own_home.seawall("history", "--json")
    for done, words in (
        (locked, "is locked by another program"),
        (newer, "of a newer Seawall (schema 9999)"),
        (older, "of an older Seawall"),
        (foreign, "no records of Seawall"),
    ):
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert words in done.stderr
    assert damaged.returncode == 1
    assert "is damaged" in json.loads(damaged.stdout)["error"]["message"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--since", "yesteryear"], ["--since", "-3d"], ["--since", "2999-01-01"], ["--since", ""],
        ["--compare", "0d"], ["--compare", "7d", "--since", "3d"], ["show"], ["list", "7f3a"], ["show", "zz"],
        ["--cause", "Robert'); DROP"], ["--csv", "--json"], ["everything"],
    ],
)  # fmt: skip
def test_nonsense_is_refused(own_home: Home, arguments: list[str]) -> None:
    """One line and exit 2, before anything is read."""
    done = own_home.seawall("history", *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") + done.stdout.count("\n") == 1


def test_a_migrated_empty_file(own_home: Home, tmp_path: Path) -> None:
    """A store that no gateway has written to yet is read like any other."""
    path = tmp_path / "made.db"
    path.touch()
    migrate(str(path))
    done = own_home.seawall("history", "--since", "2020-01-01", SEAWALL_STORE_PATH=str(path))
    assert (done.returncode, done.stdout) == (0, "Nothing is on record: since 2020-01-01.\n")
