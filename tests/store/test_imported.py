"""Which records are the same failure, and that what is kept is kept wholly or not at all."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from store_helpers import attempt

from seawall.store.imported import Fate, FileState, Settling, Told, files, keep
from seawall.store.rows import Attempt, cells
from seawall.store.writer import INSERT_ATTEMPT

STATE = FileState("ab" * 32, "1:2", 100, 5, 90, "cd" * 16, 1, 1.0)
AT = attempt().at


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    """A store as `open_store` opens it."""
    opened = sqlite3.connect(path, isolation_level=None)
    yield opened
    opened.close()


def told(name: str, after: str = "", **changed: object) -> Told:
    values: dict[str, object] = {
        "call": "", "number": 0, "source": "transcript", "held": 0.0, "request_id": None, "ended": "given_up",
    }  # fmt: skip
    return Told(name, attempt(**{**values, **changed}), after)


def on_record(connection: sqlite3.Connection, *rows: Attempt) -> None:
    connection.executemany(INSERT_ATTEMPT, [cells(row) for row in rows])


def rows(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT call, number, held, source FROM attempt ORDER BY at, id").fetchall()


def fates(connection: sqlite3.Connection, *some: Told) -> list[Fate]:
    return keep(connection, [(STATE, some)])[0]


def test_a_call_is_put_together(connection: sqlite3.Connection) -> None:
    """Its records share a call, are numbered, and say how long it has waited; also across two imports."""
    one, two = told("t1", number=1, ended="retried"), told("t2", "t1", at=AT + 2, number=2, ended="retried")
    assert fates(connection, one, two) == [Fate.NEW, Fate.NEW]
    assert fates(connection, two, told("t3", "t2", at=AT + 7)) == [Fate.AGAIN, Fate.NEW]
    call = rows(connection)[0][0]
    assert rows(connection) == [
        (call, 1, 0.0, "transcript"), (call, 2, 2.0, "transcript"), (call, 3, 7.0, "transcript"),
    ]  # fmt: skip


def test_a_record_is_read_once(connection: sqlite3.Connection) -> None:
    """In one import, in the next, and from a copy of the file."""
    assert fates(connection, told("t1"), told("t1")) == [Fate.NEW, Fate.AGAIN]
    assert fates(connection, told("t1")) == [Fate.AGAIN]
    assert len(rows(connection)) == 1


def test_a_request_id_is_one_attempt(connection: sqlite3.Connection) -> None:
    """Whoever wrote it down, and however far apart the times are."""
    on_record(connection, attempt(request_id="req_000001"))
    late = told("t1", request_id="req_000001", at=AT + 3000, cause="unknown.unknown")
    assert fates(connection, late, told("t2", request_id="req_000001")) == [Fate.SEEN, Fate.SEEN]
    assert fates(connection, told("t3", request_id="req_000002"), told("t4", request_id="req_000002")) == [
        Fate.NEW, Fate.SEEN,
    ]  # fmt: skip
    assert len(rows(connection)) == 2


@pytest.mark.parametrize("source", ["gateway", "hook", "doctor"])
def test_the_same_cause_at_the_same_time_is_the_same_failure(
    connection: sqlite3.Connection, source: str
) -> None:
    """A failure without a request id that the gateway, a hook or a check has seen."""
    on_record(connection, attempt(request_id=None, source=source))
    assert fates(connection, told("t1", at=AT + 4.9)) == [Fate.SEEN]


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
def test_what_differs_is_another_failure(connection: sqlite3.Connection, changed: dict[str, object]) -> None:
    """Another time, cause, model or request."""
    on_record(connection, attempt(request_id="req_000001"))
    assert fates(connection, told("t1", **changed)) == [Fate.NEW]


def test_a_model_that_one_of_both_does_not_know_is_no_difference(connection: sqlite3.Connection) -> None:
    """A transcript often names none."""
    on_record(connection, attempt(request_id="req_000001"))
    assert fates(connection, told("t1", family="")) == [Fate.SEEN]


def test_each_record_takes_one_row(connection: sqlite3.Connection) -> None:
    """Of five agents that fail at once three went through the gateway: two are new, in one import or in several."""
    on_record(connection, *(attempt(call=f"sw_{n}", request_id=None) for n in range(3)))
    first = fates(connection, *(told(f"t{n}", at=AT + n / 10) for n in range(4)))
    assert sorted(first) == [Fate.NEW, Fate.SEEN, Fate.SEEN, Fate.SEEN]
    assert fates(connection, told("t9")) == [Fate.NEW]
    assert len(rows(connection)) == 5


def test_a_log_and_a_transcript_may_both_be_of_one_row(connection: sqlite3.Connection) -> None:
    """What a transcript was taken for can be what a log tells of, too; a second line of the log is new."""
    on_record(connection, attempt(request_id=None))
    assert fates(connection, told("t1")) == [Fate.SEEN]
    log = [told(f"l{n}", source="log", at=AT + n / 10) for n in range(2)]
    assert fates(connection, *log) == [Fate.SEEN, Fate.NEW]


def test_of_several_the_nearest_is_taken(connection: sqlite3.Connection) -> None:
    """So that the failure after it finds its own."""
    on_record(
        connection, attempt(call="far", request_id=None, at=AT + 3), attempt(call="near", request_id=None)
    )
    fates(connection, told("t1", at=AT + 0.5))
    assert connection.execute("SELECT call FROM imported_record").fetchall() == [("near",)]


def test_two_failures_of_one_transcript_are_two(connection: sqlite3.Connection) -> None:
    """However near: each has its own record."""
    assert fates(connection, told("t1"), told("t2", at=AT + 0.1)) == [Fate.NEW, Fate.NEW]


def test_a_call_that_begins_with_the_gateways_attempt_goes_on_as_its_own(
    connection: sqlite3.Connection,
) -> None:
    """The gateway's calls are not added to: its numbers are its own."""
    on_record(connection, attempt(call="sw_1", request_id="req_000001"))
    fates(connection, told("t1", request_id="req_000001"), told("t2", "t1", at=AT + 60, number=2))
    assert [row[:2] for row in rows(connection)][1] != ("sw_1", 2)
    assert len({row[0] for row in rows(connection)}) == 2


def test_nothing_is_written_where_something_fails(connection: sqlite3.Connection) -> None:
    """Rows, records and places go in together; afterwards all of it can be tried again."""

    def broken() -> Iterator[tuple[FileState, list[Told]]]:
        yield STATE, [told("t1")]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep(connection, broken())
    assert (rows(connection), files(connection)) == ([], {})
    assert connection.execute("SELECT count(*) FROM imported_record").fetchone() == (0,)
    assert fates(connection, told("t1")) == [Fate.NEW]
    assert files(connection) == {STATE.path_hash: STATE}


def test_a_place_is_replaced(connection: sqlite3.Connection) -> None:
    """A file has one place."""
    keep(connection, [(STATE, [])])
    keep(connection, [(replace(STATE, position=95), [])])
    assert files(connection)[STATE.path_hash].position == 95


def test_an_impossible_time_is_left_out(connection: sqlite3.Connection) -> None:
    """It is not new, and the others are kept."""
    assert fates(connection, told("t1", at=float("inf")), told("t2")) == [Fate.AGAIN, Fate.NEW]
    assert len(rows(connection)) == 1


def test_without_a_store_it_decides_all_the_same() -> None:
    """For a dry run: what would be new, and what is told twice."""
    settling = Settling(None)
    some = (
        told("t1", request_id="req_000001"),
        told("t1"),
        told("t2", request_id="req_000001"),
        told("t3", "t1"),
    )
    assert [settling.settle(one) for one in some] == [Fate.NEW, Fate.AGAIN, Fate.SEEN, Fate.NEW]
    assert len(settling.rows) == 2


def test_the_questions_use_indexes(connection: sqlite3.Connection) -> None:
    """A million attempts are not read through for one record; among many each record finds its own."""
    connection.execute("BEGIN")
    on_record(
        connection, *(attempt(call=f"sw_{n}", request_id=f"req_{n:07}", at=AT + n) for n in range(20_000))
    )
    connection.execute("COMMIT")
    plan = []
    connection.set_trace_callback(plan.append)
    fates(connection, told("t1", at=AT + 500, request_id="req_x00001"))
    connection.set_trace_callback(None)
    for question in [one for one in plan if one.startswith("SELECT")]:
        steps = connection.execute(f"EXPLAIN QUERY PLAN {question}").fetchall()
        assert all("SCAN" not in step[3] for step in steps), question
    some = [told(f"t{n}", at=AT + 20 * n, request_id=None) for n in range(2, 900)]
    assert set(fates(connection, *some)) == {Fate.SEEN}
