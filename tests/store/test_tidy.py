"""What is too old goes, a little at a time; and what is to be forgotten goes at once."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from store_helpers import QUICK, attempt, until

from seawall.config import Store
from seawall.store.latency import Latency, latency_cells
from seawall.store.rows import Count, cells
from seawall.store.tidy import STEP, anything, forget, step
from seawall.store.writer import INSERT_ATTEMPT, UPSERT_COUNT, UPSERT_LATENCY, Health, Writer

NOW = 1_795_000_000.0
DAY = 86400.0
SOON = replace(QUICK, tidy_after=0.0)
TABLES = (
    "attempt",
    "burst",
    "burst_lane",
    "recovery",
    "work",
    "episode",
    "imported_record",
    "latency",
    "hourly_count",
)


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


def fill(connection: sqlite3.Connection, *ages: float) -> None:
    """Two attempts, a note, a count, an answer's latency and an imported record of each age in days."""
    for age in ages:
        at = NOW - age * DAY
        well = attempt(2, at=at + 1, cause=None, ended="recovered")
        connection.executemany(INSERT_ATTEMPT, [cells(attempt(at=at)), cells(well)])
        connection.execute(UPSERT_COUNT, cells(Count(int(at // 3600), 60, "host", "opus", "", "", 1)))
        began = Latency(int(at // 3600), 60, "host", "opus", 20, 1)
        connection.execute(UPSERT_LATENCY, latency_cells(began))
        connection.execute(
            "INSERT INTO episode (id, cause, party, route, family, account, utc_offset, opened_at, last_failure_at,"
            " censored, attempts, calls, held, lost, waited, longest_hold, note)"
            " VALUES (?, 'a.b', 'a', 'r', '', '', 0, ?, ?, 0, 1, 1, 0, 0, 0, 0, 'a note')",
            (str(age), at, at),
        )
        connection.execute("INSERT INTO imported_record VALUES (?, ?, 'c', 1)", (str(age), at))


def long_ago(connection: sqlite3.Connection, number: int) -> None:
    """So many attempts, 500 days old."""
    connection.execute("BEGIN")
    old = (cells(attempt(at=NOW - 500 * DAY + n, call=f"{n}")) for n in range(number))
    connection.executemany(INSERT_ATTEMPT, old)
    connection.execute("COMMIT")


def rows(connection: sqlite3.Connection) -> dict[str, int]:
    return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}


def test_what_is_too_old_goes_and_hourly_counts_stay(connection: sqlite3.Connection):
    """By age alone, in every table that holds single events."""
    fill(connection, 1, 399, 401, 900)
    assert not step(connection, NOW - 400 * DAY)
    kept = dict.fromkeys(TABLES, 2)
    assert rows(connection) == kept | {"attempt": 4, "hourly_count": 4}
    assert connection.execute("SELECT min(at) FROM attempt").fetchone() == (NOW - 399 * DAY,)


def test_a_step_is_small(connection: sqlite3.Connection):
    """No transaction deletes more than so many rows of a table; each says whether more may be left."""
    long_ago(connection, 2 * STEP + 10)
    left = []
    while step(connection, NOW - 400 * DAY):
        left.append(rows(connection)["attempt"])
    assert left == [STEP + 10, 10]
    assert rows(connection)["attempt"] == 0


def test_a_step_that_fails_changes_nothing(connection: sqlite3.Connection, path: Path):
    """A locked store is left as it is, and no transaction stays open."""
    fill(connection, 900)
    connection.execute("PRAGMA busy_timeout = 0")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        step(connection, NOW)
    holder.close()
    assert not connection.in_transaction
    assert rows(connection)["attempt"] == 2


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return NOW + self.at


def test_the_writer_takes_old_rows_away_once_a_day(path: Path, connection: sqlite3.Connection):
    """Soon after the first opening and then each day by its clock, all of it; what is told each day is told then."""
    fill(connection, 399.5, 900)
    clock, told = Hands(), []
    writer = Writer(Store(path=str(path)), pace=SOON, clock=clock, keep=400 * DAY, each_day=told.append)
    writer.start()
    until(lambda: told == [path])
    assert rows(connection)["attempt"] == 2
    clock.at = 0.9 * DAY  # older than 400 days by now, but today's round was made
    writer.put(attempt(at=NOW))
    until(lambda: writer.state.written == 1)
    assert rows(connection)["attempt"] == 3
    clock.at = 1.1 * DAY
    writer.put(attempt(at=NOW + DAY))
    until(lambda: told == [path, path])
    assert rows(connection)["attempt"] == 2
    assert rows(connection)["hourly_count"] == 2
    assert writer.close(20).health is Health.CLOSED


def test_rows_are_written_while_old_ones_go(
    path: Path, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
):
    """Between any two steps what waits is written: here a row that comes before the third is there at the fourth."""
    long_ago(connection, 6 * STEP)
    there: list[int] = []

    def watched(own: sqlite3.Connection, before: float) -> bool:
        there.append(own.execute("SELECT count(*) FROM attempt WHERE at = ?", (NOW,)).fetchone()[0])
        if len(there) == 3:
            writer.put(attempt(at=NOW))
        return step(own, before)

    monkeypatch.setattr("seawall.store.writer.step", watched)
    writer = Writer(Store(path=str(path)), pace=SOON, clock=Hands(), keep=400 * DAY)
    writer.start()
    until(lambda: rows(connection)["attempt"] == 1)
    until(lambda: len(there) == 7)
    writer.close(20)
    assert there == [0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize("daily", [lambda path: 1 / 0, lambda path: (_ for _ in ()).throw(OSError())])
def test_what_is_told_may_fail(path: Path, connection: sqlite3.Connection, daily: Callable[[Path], None]):
    """The store goes on."""
    fill(connection, 1)
    writer = Writer(Store(path=str(path)), pace=SOON, clock=Hands(), each_day=daily)
    writer.start()
    writer.put(attempt(at=NOW))
    until(lambda: writer.state.written == 1)
    assert writer.close(20).dropped == 0


def test_nothing_is_told_of_an_empty_store(path: Path, connection: sqlite3.Connection):
    """There is nothing to add up."""
    told: list[Path] = []
    writer = Writer(Store(path=str(path)), pace=SOON, clock=Hands(), each_day=told.append)
    writer.start()
    until(lambda: writer.state.health is Health.OK)
    writer.close(20)
    assert (told, anything(connection)) == ([], False)


def test_what_is_forgotten_is_gone_from_the_disk_too(path: Path, connection: sqlite3.Connection):
    """All rows, in the log as well; but which records of other files were read stays, or they would come back."""
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    fill(connection, 1, 2)
    connection.execute(INSERT_ATTEMPT, cells(attempt(at=NOW, request_id="req_" + "Zq7x" * 6)))
    assert forget(connection) == 5
    assert rows(connection) == dict.fromkeys(TABLES, 0) | {"imported_record": 2}
    whole = b"".join(file.read_bytes() for file in path.parent.iterdir() if file.is_file())
    assert b"Zq7xZq7x" not in whole


def test_a_start_has_other_things_to_do(path: Path, connection: sqlite3.Connection):
    """Not before the store has been open for a minute."""
    fill(connection, 900)
    clock, told = Hands(), []
    writer = Writer(Store(path=str(path)), pace=QUICK, clock=clock, keep=400 * DAY, each_day=told.append)
    writer.start()
    for at, written in ((0.0, 1), (59.0, 2)):
        clock.at = at
        writer.put(attempt(at=NOW))
        until(lambda written=written: writer.state.written == written)
    assert rows(connection)["attempt"] == 4
    clock.at = 61.0
    writer.put(attempt(at=NOW))
    until(lambda: told == [path])
    assert rows(connection)["attempt"] == 3
    writer.close(20)
