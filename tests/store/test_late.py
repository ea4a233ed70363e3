"""The gateway's row of a failure comes after the transcript's: one is left, and the sums are those of one."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_helpers import attempt

from seawall.store import late
from seawall.store.imported import Fate, FileState, Told, keep
from seawall.store.late import merge
from seawall.store.rows import Attempt, cells
from seawall.store.writer import INSERT_ATTEMPT

STATE = FileState("ab" * 32, "1:2", 100, 5, 90, "cd" * 16, 1, 1.0)
AT = attempt().at
NOW = AT + 3600
SUMS = (
    "SELECT burst.hour, cause, route, first_at, last_at, burst.attempts, burst.calls, given_up, broken, utc_offset,"
    " shortest_hold, longest_hold, unheld, family, account, lane.attempts, lane.calls FROM burst"
    " JOIN burst_lane AS lane ON lane.hour = burst.hour AND lane.burst = burst.id ORDER BY burst.hour, first_at, family"
)
WORK = "SELECT * FROM work ORDER BY hour, client"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    """A store as `open_store` opens it."""
    opened = sqlite3.connect(path, isolation_level=None)
    yield opened
    opened.close()


def told(name: str, **changed: object) -> Told:
    values: dict[str, object] = {
        "call": "", "number": 1, "source": "transcript", "held": 0.0, "request_id": None, "ended": "given_up",
    }  # fmt: skip
    return Told(name, attempt(**{**values, **changed}))


def gateways(**changed: object) -> Attempt:
    values: dict[str, object] = {"call": "sw_1", "request_id": None, "client": "claude-cli/2.1.59"}
    return attempt(**{**values, **changed})


def on_record(connection: sqlite3.Connection, *rows: Attempt) -> None:
    connection.executemany(INSERT_ATTEMPT, [cells(row) for row in rows])


def fates(connection: sqlite3.Connection, *some: Told) -> list[Fate]:
    return keep(connection, [(STATE, some)])[0]


def sources(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT source FROM attempt ORDER BY at, id")]


@pytest.mark.parametrize(
    ("file", "gateway"),
    [
        ({}, {}),
        ({"at": AT + 4.9}, {}),
        ({"family": ""}, {}),
        ({"request_id": "req_000001"}, {}),
        ({"request_id": "req_000001", "at": AT + 900, "cause": "unknown.unknown"}, {"request_id": "req_000001"}),
        ({"source": "log"}, {}),
    ],
)  # fmt: skip
def test_one_is_left(
    connection: sqlite3.Connection, file: dict[str, object], gateway: dict[str, object]
) -> None:
    """The gateway's, with the sums that it alone would have made; the record is known to be that row's."""
    only = gateways(**gateway)
    on_record(connection, only)
    sums, work = connection.execute(SUMS).fetchall(), connection.execute(WORK).fetchall()
    for table in ("attempt", "burst", "burst_lane", "work"):
        connection.execute(f"DELETE FROM {table}")
    record = told("t1", **file)
    assert fates(connection, record) == [Fate.NEW]
    on_record(connection, only)
    assert merge(connection, NOW) == 1
    assert sources(connection) == ["gateway"]
    assert connection.execute(SUMS).fetchall() == sums
    assert connection.execute(WORK).fetchall() == work
    assert connection.execute("SELECT call, number FROM imported_record").fetchall() == [("sw_1", 1)]
    assert fates(connection, record) == [Fate.AGAIN]
    assert merge(connection, NOW) == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"at": AT + 5.1},
        {"at": AT - 5.1},
        {"cause": "provider.internal_server_error"},
        {"family": "sonnet"},
        {"request_id": "req_000002"},
    ],
)
def test_what_differs_stays(connection: sqlite3.Connection, changed: dict[str, object]) -> None:
    """Another time, cause, model or request: by the same rules as when the gateway's was there first."""
    fates(connection, told("t1", request_id="req_000001"))
    on_record(connection, gateways(**changed))
    sums = connection.execute(SUMS).fetchall()
    assert merge(connection, NOW) == 0
    assert sorted(sources(connection)) == ["gateway", "transcript"]
    assert connection.execute(SUMS).fetchall() == sums


def test_each_row_of_the_gateway_is_taken_once(connection: sqlite3.Connection) -> None:
    """Three agents failed at once, two through the gateway, whose rows come late: three are left."""
    fates(connection, *(told(f"t{n}", at=AT + n / 10) for n in range(3)))
    on_record(connection, *(gateways(call=f"sw_{n}", at=AT + n / 10) for n in range(2)))
    assert merge(connection, NOW) == 2
    assert sorted(sources(connection)) == ["gateway", "gateway", "transcript"]
    assert merge(connection, NOW) == 0


def test_a_row_that_was_taken_already_is_not_taken_again(connection: sqlite3.Connection) -> None:
    """A record of a transcript was found to be the gateway's row; another transcript's stays a failure of its own."""
    on_record(connection, gateways())
    assert fates(connection, told("t1"), told("t2", at=AT + 0.1)) == [Fate.SEEN, Fate.NEW]
    assert merge(connection, NOW) == 0
    assert len(sources(connection)) == 2


def test_a_burst_may_fall_apart(connection: sqlite3.Connection) -> None:
    """What held two bursts together goes: both are as if it had never been there."""
    rows = [gateways(call=f"sw_{n}", at=AT + 50 * n, ended="given_up", held=10.0 * n) for n in (0, 2)]
    fates(connection, told("t1", at=AT + 50))
    on_record(connection, *rows)
    [one] = connection.execute("SELECT attempts, calls FROM burst").fetchall()
    assert one == (3, 3)
    # The gateway's row of it is of another route, as a request id shows: it stands in a burst of its own.
    connection.execute("UPDATE attempt SET request_id = 'req_000001' WHERE source = 'transcript'")
    on_record(connection, gateways(call="sw_x", at=AT + 51, route="other", request_id="req_000001"))
    assert merge(connection, NOW) == 1
    bursts = connection.execute(
        "SELECT first_at, last_at, attempts, calls, given_up, shortest_hold, longest_hold FROM burst"
        " WHERE route != 'other' ORDER BY first_at"
    ).fetchall()
    assert bursts == [(AT, AT, 1, 1, 1, 0.0, 0.0), (AT + 100, AT + 100, 1, 1, 1, 20.0, 20.0)]


def test_bursts_that_overlap_are_not_counted_twice(connection: sqlite3.Connection) -> None:
    """Failures that came out of order made two rows of one stretch; when one of them goes, each other counts once."""
    begin = AT - AT % 3600
    for at in (0, 100, 50, 105, 150):
        on_record(connection, gateways(call=f"sw_{at}", at=begin + at))
    spans = connection.execute("SELECT first_at, last_at FROM burst ORDER BY id").fetchall()
    assert spans[0][1] > spans[1][0], "the two overlap, or this is no test"
    fates(connection, told("t1", at=begin + 30))
    on_record(connection, gateways(call="sw_x", at=begin + 31))
    assert merge(connection, begin + 3600) == 1
    for table in ("burst", "burst_lane"):
        assert connection.execute(f"SELECT sum(attempts), sum(calls) FROM {table}").fetchall() == [(6, 6)]


def test_only_the_newest_are_looked_at(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backlog is never days old, and an import takes no longer for what was imported long ago."""
    fates(connection, *(told(f"t{n}", at=AT + 100 * n) for n in range(3)))
    on_record(connection, *(gateways(call=f"sw_{n}", at=AT + 100 * n) for n in range(2)))
    assert merge(connection, AT + late.LATELY + 500) == 0
    monkeypatch.setattr(late, "MOST", 1)
    assert merge(connection, NOW) == 0
    monkeypatch.setattr(late, "MOST", 2)
    assert merge(connection, NOW) == 2  # what is merged makes room for the next
    assert sources(connection) == ["gateway", "gateway", "transcript"]


def test_nothing_to_merge_writes_nothing(connection: sqlite3.Connection, path: Path) -> None:
    """Without a pair no other program waits: the store is only read, by its indexes."""
    fates(connection, told("t1"), told("t2", at=AT + 7))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    try:
        assert merge(connection, NOW) == 0
    finally:
        other.execute("ROLLBACK")
        other.close()
        connection.set_trace_callback(None)
    assert all(one.startswith("SELECT") for one in asked)
    for question in asked[1:]:
        steps = connection.execute(f"EXPLAIN QUERY PLAN {question}").fetchall()
        assert all("SCAN" not in step[3] for step in steps), question
