"""What was read from files that tell of failures: how far, which record is which attempt, and no failure twice.

Only plain sqlite3 here: SQLAlchemy would be most of the half second that an import with nothing new may take.

When are two records the same failure? The first of these that answers decides:

1. A record (by its own id, or by its place and words) that was read before is the same.
2. A record with a request id is the attempt that has this request id, whoever wrote that down.
3. A record is a failure that another source has seen if the cause is the same, the times are less than `WITHIN` apart,
   the model family does not differ (as far as both know it), they do not name two request ids, and no other record of
   this source was taken for it. Of several the nearest in time.

So of a hundred agents that fail at once each record takes one row of the gateway's, and what is left over is new.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from seawall.store.rows import Attempt, Cell, cells
from seawall.store.writer import INSERT_ATTEMPT

if TYPE_CHECKING:
    from sqlite3 import Connection

WITHIN = 5.0
"""Seconds. The gateway, a hook and a transcript note the end of one attempt within a second; a busy machine takes
longer. Claude Code's own retries are as near to each other at first, but each has its own record."""
CALL = "file_"
"""How the ids of calls begin that no gateway has seen."""


@dataclass(frozen=True, slots=True)
class FileState:
    """One file that was read and up to where; the columns of `imported_file`."""

    path_hash: str
    identity: str
    size: int
    modified_ns: int
    position: int
    digest: str
    reader: int
    read_at: float


@dataclass(frozen=True, slots=True)
class Told:
    """One attempt that a file tells of.

    `record` is its id: a letter for the kind of source, then a hash. `after` is the record of the same call before it.
    The attempt's `call` is empty and its `held` is 0: both follow from `after`.
    """

    record: str
    attempt: Attempt
    after: str = ""


class Fate(StrEnum):
    """What became of a record."""

    NEW = "new"
    AGAIN = "again"
    """It was read before."""
    SEEN = "seen"
    """The gateway, a hook or another file has told of the same attempt."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Which attempt a record is."""

    call: str
    number: int


class Settling:
    """Decides for one record after another, without writing; `rows` and `records` are what is to be written.

    `connection` may be None: then nothing is on record.
    """

    def __init__(self, connection: "Connection | None") -> None:
        self.rows: list[tuple[Cell, ...]] = []
        self.records: list[tuple[str, float, str, int]] = []
        self._connection = connection
        self._places: dict[str, _Place] = {}
        self._begun: dict[str, float] = {}
        self._requests: dict[str, _Place] = {}
        self._taken: set[tuple[str, _Place]] = set()

    def settle(self, told: Told) -> Fate:
        """Whether the record tells of something new; remembers it."""
        if self._place_of(told.record) is not None:
            return Fate.AGAIN
        attempt, fate = told.attempt, Fate.SEEN
        place = self._by_request(attempt) or self._by_cause(told)
        if place is None:
            before = self._place_of(told.after) if told.after else None
            if before is None or not before.call.startswith(CALL):
                place = _Place(CALL + told.record[1:17], max(attempt.number, 1))
            else:
                place = _Place(before.call, max(attempt.number, before.number + 1))
            if not self._add(attempt, place):
                return Fate.AGAIN  # it has a number that no store can keep, today and tomorrow
            fate = Fate.NEW
        self._places[told.record] = place
        self._taken.add((told.record[:1], place))
        self.records.append((told.record, attempt.at, place.call, place.number))
        return fate

    def _add(self, attempt: Attempt, place: _Place) -> bool:
        begun = self._begun.get(place.call)
        if begun is None:
            begun = self._first("SELECT min(at) FROM attempt WHERE call = ?", place.call)
        begun = attempt.at if begun is None else float(begun)
        held = max(attempt.at - begun, 0.0)
        row = cells(replace(attempt, call=place.call, number=place.number, held=held))
        if row is None:
            return False
        self._begun[place.call] = min(begun, attempt.at)
        if attempt.request_id:
            self._requests[attempt.request_id] = place
        self.rows.append(row)
        return True

    def _place_of(self, record: str) -> _Place | None:
        if found := self._places.get(record):
            return found
        return self._one("SELECT call, number FROM imported_record WHERE record = ?", (record,))

    def _by_request(self, attempt: Attempt) -> _Place | None:
        if not attempt.request_id:
            return None
        if found := self._requests.get(attempt.request_id):
            return found
        return self._one(
            "SELECT call, number FROM attempt WHERE request_id = ? LIMIT 1", (attempt.request_id,)
        )

    def _by_cause(self, told: Told) -> _Place | None:
        attempt, kind = told.attempt, told.record[:1]
        if self._connection is None or not attempt.cause:
            return None
        rows = self._connection.execute(
            "SELECT call, number FROM attempt AS a WHERE cause = ? AND at BETWEEN ? AND ? AND source <> ?"
            " AND (request_id IS NULL OR ? IS NULL) AND (family = ? OR family = '' OR ? = '')"
            " AND NOT EXISTS (SELECT 1 FROM imported_record AS r WHERE r.call = a.call AND r.number = a.number"
            " AND substr(r.record, 1, 1) = ?) ORDER BY abs(at - ?)",
            (
                attempt.cause,
                attempt.at - WITHIN,
                attempt.at + WITHIN,
                attempt.source,
                attempt.request_id,
                attempt.family,
                attempt.family,
                kind,
                attempt.at,
            ),
        )
        return next((place for row in rows if (kind, place := _Place(*row)) not in self._taken), None)

    def _one(self, question: str, values: tuple[object, ...]) -> _Place | None:
        row = self._connection.execute(question, values).fetchone() if self._connection else None
        return None if row is None else _Place(*row)

    def _first(self, question: str, value: str) -> float | None:
        row = self._connection.execute(question, (value,)).fetchone() if self._connection else None
        return None if row is None else row[0]


def files(connection: "Connection") -> dict[str, FileState]:
    """The files that were read, by the hash of their path."""
    names = ", ".join(field.name for field in fields(FileState))
    return {row[0]: FileState(*row) for row in connection.execute(f"SELECT {names} FROM imported_file")}  # noqa: S608


_KEEP_FILE = (
    f"INSERT OR REPLACE INTO imported_file ({', '.join(field.name for field in fields(FileState))})"  # noqa: S608
    f" VALUES ({', '.join('?' for _ in fields(FileState))})"
)
_KEEP_RECORD = "INSERT OR IGNORE INTO imported_record (record, at, call, number) VALUES (?, ?, ?, ?)"


def keep(
    connection: "Connection", batch: Iterable[tuple[FileState | None, Sequence[Told]]]
) -> list[list[Fate]]:
    """Writes what some files told and how far they were read, wholly or not at all; the fates, file by file.

    Raises `sqlite3.Error`. The records are looked up within the transaction: two imports at once double nothing.
    """
    with transaction(connection):
        settling = Settling(connection)
        states, fates = [], []
        for state, told in batch:
            if state is not None:
                states.append(astuple(state))
            fates.append([settling.settle(one) for one in told])
        connection.executemany(INSERT_ATTEMPT, settling.rows)
        connection.executemany(_KEEP_RECORD, settling.records)
        connection.executemany(_KEEP_FILE, states)
    return fates


@contextmanager
def transaction(connection: "Connection") -> Iterator[None]:
    """Wholly or not at all; no other program writes meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
