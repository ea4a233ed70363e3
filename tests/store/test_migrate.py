import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select
from store_helpers import attempt, made_at

from seawall.history.episodes import episodes
from seawall.store import schema
from seawall.store.latency import HourLatency, Latency, latency_cells
from seawall.store.migrate import LOCKED, main, migrate
from seawall.store.queries import (
    attempts_since,
    bursts_between,
    counts_since,
    latencies_between,
    reading,
    recoveries_between,
)
from seawall.store.rows import Count, cells
from seawall.store.schema import metadata
from seawall.store.sqlite import MIGRATES_WITHIN
from seawall.store.version import HEAD, REVISIONS
from seawall.store.writer import INSERT_ATTEMPT, UPSERT_COUNT, UPSERT_LATENCY


def tables(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    return names


def test_as_a_program_it_makes_the_tables(tmp_path: Path):
    """Run as the writer runs it, on a file whose name an address would trip over, it is done and silent."""
    path = tmp_path / "a %20?b#.db"
    path.touch(0o600)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "seawall.store.migrate", str(path)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert tables(path) == {"alembic_version", *metadata.tables}
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_time_changes_nothing(path: Path):
    """A store of the newest schema is left as it is."""
    before = path.read_bytes()
    migrate(str(path))
    assert path.read_bytes() == before


def test_an_address_is_migrated_too(tmp_path: Path):
    """What SQLAlchemy takes as an address works as well as a path."""
    migrate(f"sqlite:///{tmp_path / 'x.db'}")
    assert "attempt" in tables(tmp_path / "x.db")


def test_a_missing_file_is_not_made(tmp_path: Path, capsys):
    """The file's mode is its owner's to choose: it must be there."""
    assert main([str(tmp_path / "none.db")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "none.db").exists()


def test_wrong_usage_is_said(capsys):
    """One argument, or the usage and exit code 2."""
    assert main([]) == main(["a", "b"]) == 2
    assert "usage" in capsys.readouterr().err


def test_a_locked_store_is_told_from_a_failure(path: Path, monkeypatch, capsys):
    """Exit code 75 says that a later try may succeed."""
    monkeypatch.setattr("seawall.store.migrate.WAITS", 0.01)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert main([str(path)]) == LOCKED
    holder.close()
    assert "locked" in capsys.readouterr().err


def test_a_newer_store_is_left_alone(path: Path, capsys):
    """A revision that this version does not know ends it before anything is written."""
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    assert main([str(path)]) == 1
    assert "9999" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_migration_that_fails_half_way_leaves_nothing(tmp_path: Path):
    """Tables are made in one transaction: here the last of them fails, and the first are gone too."""
    path = tmp_path / "x.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE episode (something TEXT)")
    connection.commit()
    connection.close()
    assert main([str(path)]) == 1
    assert tables(path) == {"episode"}


def test_the_version_is_written_down(path: Path):
    """What the writer reads to see whether the schema is its own."""
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
    connection.close()


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_earlier_schema_becomes_the_newest_with_its_rows(tmp_path: Path, revision: str):
    """What an earlier version kept is there afterwards, added up, and the newest rows go in beside it."""
    path, row = tmp_path / "old.db", attempt()
    well = attempt(2, at=row.at + 60, cause=None, status=200, error_type=None, ended="recovered", held=60.0)
    made_at(path, revision)
    connection = sqlite3.connect(path)
    there = [name for _, name, *_ in connection.execute("PRAGMA table_info(attempt)") if name != "id"]
    for one in (row, well):
        kept = [getattr(one, name) for name in there]
        connection.execute(
            f"INSERT INTO attempt ({', '.join(there)}) VALUES ({', '.join('?' * len(there))})", kept
        )
    connection.execute(UPSERT_COUNT, cells(Count(498_611, 60, row.route, row.family, "", "", 40)))
    connection.execute(
        "INSERT INTO episode (id, cause, party, route, family, account, utc_offset, opened_at, last_failure_at,"
        " censored, attempts, calls, held, lost, waited, longest_hold, note, noted_at)"
        " VALUES ('7f3a', 'provider.overloaded', 'provider', 'api.anthropic.com', 'opus', '', 60, ?, ?, 0, 1, 1, 0, 0,"
        " 0, 0, 'fixed by waiting', 1795000100.0)",
        (row.at, row.at),
    )
    if revision >= "0003":
        connection.execute("INSERT INTO imported_record VALUES ('ab', 1.0, '3f2a9c', 1)")
    began = latency_cells(Latency(498_611, 60, row.route, row.family, 20, 3))
    if revision >= "0005":
        connection.execute(UPSERT_LATENCY, began)
    connection.commit()
    migrate(str(path))
    newer = attempt(2, at=row.at + 1, fallback="model=claude-sonnet-5-5")
    connection.execute(INSERT_ATTEMPT, cells(newer))
    connection.execute(UPSERT_LATENCY, began)
    connection.commit()
    connection.close()
    with reading(path) as found:
        assert attempts_since(found, 0.0) == [well, newer, row]
        [burst] = bursts_between(found, 0.0, 2e9)
        [recovery] = recoveries_between(found, 0.0, 2e9)
        assert (burst.first, burst.last, burst.attempts, burst.calls) == (row.at, newer.at, 2, 1)
        assert (recovery.first, recovery.since, recovery.calls, recovery.waited) == (well.at, row.at, 1, 60.0)
        assert [count.attempts for count in counts_since(found, 0)] == [40]
        assert found.execute(select(schema.episode.c.note)).scalars().all() == ["fixed by waiting"]
        assert found.execute(select(schema.work.c.calls, schema.work.c.attempts)).all() == [(1, 2)]
        answers = 6 if revision >= "0005" else 3
        assert latencies_between(found, 0.0, 2e9) == [HourLatency(498_611, 60, 20, answers)]
        if revision >= "0003":
            assert found.execute(select(schema.imported_record.c.call)).scalars().all() == ["3f2a9c"]


def test_a_large_store_is_summed_within_the_writers_patience(tmp_path: Path):
    """Fifty thousand attempts take far less than the minute that a migration may take, and nothing is counted twice."""
    path = tmp_path / "old.db"
    made_at(path, "0003")
    connection = sqlite3.connect(path)
    connection.executemany(
        INSERT_ATTEMPT, [cells(attempt(at=1e9 + n / 10, call=f"{n}")) for n in range(50_000)]
    )
    connection.commit()
    connection.close()
    began = time.monotonic()
    migrate(str(path))
    assert time.monotonic() - began < MIGRATES_WITHIN / 4
    with reading(path) as found:
        assert sum(burst.attempts for burst in bursts_between(found, 0.0, 2e9)) == 50_000


def test_what_was_there_is_added_up_as_what_comes(tmp_path: Path):
    """A migration makes the same bursts of attempts as the triggers do when they come one by one, in their order; and
    the same episodes in whatever order they came.
    """
    ends = ("retried", "given_up", "broken")
    rows = [
        attempt(
            n % 3 + 1,
            at=1_795_000_000.0 + 37.5 * n + 40 * (n % 7),
            ended="recovered" if n % 11 == 0 else ends[n % 3],
            family=("opus", "haiku")[n % 2],
            route=("api.anthropic.com", "other")[n % 5 == 0],
            cause=("provider.overloaded", None)[n % 11 == 0],
            held=float(n),
            source="transcript" if n % 4 == 0 else "gateway",
        )
        for n in range(300)
    ]
    for ordered in (True, False):
        found, told = [], []
        for revision in ("0003", "0004", "0005", "0006", HEAD):
            path = tmp_path / f"{revision}-{ordered}.db"
            made_at(path, revision)
            connection = sqlite3.connect(path)
            there = sorted(rows, key=lambda row: row.at) if ordered else rows
            connection.executemany(INSERT_ATTEMPT, map(cells, there))
            connection.commit()
            migrate(str(path))
            connection.close()
            with reading(path) as opened:
                bursts, recoveries = bursts_between(opened, 0.0, 2e9), recoveries_between(opened, 0.0, 2e9)
            found.append((sorted(bursts), sorted(recoveries)))
            told.append(episodes(bursts, recoveries, 2e9))
        assert len(told[0]) > 10
        assert told == [told[0]] * 5
        assert not ordered or found == [found[0]] * 5
