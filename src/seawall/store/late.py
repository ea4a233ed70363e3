"""Failures that a file had told of before the gateway's own row of them came: the gateway's stays, the file's goes.

A gateway whose store is locked or full keeps its rows in memory, and an import may be faster. Nothing here is asked of
the gateway when it writes: the next import looks at what it wrote down lately. Plain sqlite3, as in `imported`.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from seawall.store.imported import CALL, WITHIN, transaction

if TYPE_CHECKING:
    from sqlite3 import Connection

LATELY = 2 * 86400.0
"""Seconds before now in which failures are looked at again; a gateway's backlog is minutes old, seldom hours."""
MOST = 2000
"""Of them, the newest: 60 ms."""
_STEP = 100
"""Rows of one transaction: the gateway may write in between."""
_APART = 60.0
"""Seconds between two bursts of one kind, as the store's triggers have it."""


class _Told(NamedTuple):
    """A row of a file's, and the records that tell of it."""

    id: int
    call: str
    number: int
    at: float
    cause: str
    family: str
    request_id: str | None
    kinds: str
    """The first letters of its records, each once."""


class _Twin(NamedTuple):
    id: int
    call: str
    number: int


_LATELY = (
    "SELECT a.id, a.call, a.number, a.at, a.cause, a.family, a.request_id,"
    " group_concat(DISTINCT substr(r.record, 1, 1)) FROM (SELECT * FROM imported_record WHERE at > ? AND call >= ?"
    " AND call < ? ORDER BY at DESC LIMIT ?) AS r JOIN attempt AS a ON a.call = r.call AND a.number = r.number"
    " WHERE a.cause != '' GROUP BY a.id ORDER BY a.at"
)
_OF_REQUEST = (
    "SELECT id, call, number FROM attempt WHERE request_id = ? AND id > ? AND source = 'gateway' LIMIT 1"
)
_OF_CAUSE = (
    "SELECT id, call, number FROM attempt AS a WHERE cause = ? AND at BETWEEN ? AND ? AND id > ? AND source = 'gateway'"
    " AND (request_id IS NULL OR ? IS NULL) AND (family = ? OR family = '' OR ? = '')"
    " AND NOT EXISTS (SELECT 1 FROM imported_record AS r WHERE r.call = a.call AND r.number = a.number"
    " AND instr(?, substr(r.record, 1, 1))) ORDER BY abs(at - ?)"
)


def merge(connection: "Connection", now: float) -> int:
    """Takes away the rows of files that the gateway has written since; how many. Raises `sqlite3.Error`.

    By the rules of `imported`: the same request id, else the same cause at the same time. Without any such row the
    store is only read.
    """
    merged = 0
    while _pairs(connection, now):
        with transaction(connection):
            pairs = _pairs(connection, now)[:_STEP]
            for kind in {_replace(connection, told, twin) for told, twin in pairs}:
                _add_up_anew(connection, kind)
        merged += len(pairs)
    return merged


def _pairs(connection: "Connection", now: float) -> list[tuple[_Told, _Twin]]:
    lately = (now - LATELY, CALL, CALL + "\x7f", MOST)
    taken: set[tuple[str, int]] = set()
    pairs: list[tuple[_Told, _Twin]] = []
    for told in map(_Told._make, connection.execute(_LATELY, lately).fetchall()):
        for twin in _twins(connection, told):
            free = not any((kind, twin.id) in taken for kind in told.kinds)
            if free:
                taken.update((kind, twin.id) for kind in told.kinds)
                pairs.append((told, twin))
                break
    return pairs


def _twins(connection: "Connection", told: _Told) -> Iterable[_Twin]:
    if told.request_id:
        same = connection.execute(_OF_REQUEST, (told.request_id, told.id)).fetchone()
        if same:
            return [_Twin(*same)]
    rows = connection.execute(
        _OF_CAUSE,
        (told.cause, told.at - WITHIN, told.at + WITHIN, told.id, told.request_id, told.family, told.family,
         told.kinds, told.at),
    )  # fmt: skip
    return map(_Twin._make, rows)


class _Kind(NamedTuple):
    """Which bursts a row is counted in."""

    hour: int
    cause: str
    route: str


def _replace(connection: "Connection", told: _Told, twin: _Twin) -> _Kind:
    """Takes the file's row away; which bursts are to be added up anew."""
    place = (told.call, told.number)
    connection.execute(
        "UPDATE imported_record SET call = ?, number = ? WHERE call = ? AND number = ?",
        (twin.call, twin.number, *place),
    )
    hour, offset, client, first, cause, route = connection.execute(
        "SELECT CAST(at / 3600 AS INTEGER), utc_offset, client, number = 1, cause, route FROM attempt WHERE id = ?",
        (told.id,),
    ).fetchone()
    connection.execute("DELETE FROM attempt WHERE id = ?", (told.id,))
    work = (hour, offset, client)
    same = "WHERE hour = ? AND utc_offset = ? AND client = ?"
    connection.execute(f"UPDATE work SET attempts = attempts - 1, calls = calls - ? {same}", (first, *work))  # noqa: S608 - ours
    connection.execute(f"DELETE FROM work {same} AND attempts <= 0", work)  # noqa: S608 - ours
    return _Kind(hour, cause, route)


class _Row(NamedTuple):
    """A failure, as its burst counts it."""

    at: float
    first: int
    given_up: int
    broken: int
    utc_offset: int
    held: float | None
    unheld: int
    family: str
    account: str


def _add_up_anew(connection: "Connection", kind: _Kind) -> None:
    """The bursts of an hour, from the rows that are left: triggers only know rows that come, and bursts may overlap."""
    gone = connection.execute(
        "SELECT id FROM burst WHERE hour = ? AND cause = ? AND route = ?", kind
    ).fetchall()
    for [key] in gone:
        connection.execute("DELETE FROM burst WHERE id = ?", (key,))
        connection.execute("DELETE FROM burst_lane WHERE hour = ? AND burst = ?", (kind.hour, key))
    rows = connection.execute(
        "SELECT at, number = 1, ended = 'given_up', ended = 'broken', utc_offset,"
        " CASE WHEN ended = 'given_up' AND source = 'gateway' THEN held END,"
        " ended = 'given_up' AND source != 'gateway', family, account FROM attempt"
        " WHERE cause = ? AND route = ? AND at >= ? AND at < ?"
        " AND CAST(at / 3600 AS INTEGER) = ? AND ended != 'abandoned' ORDER BY at",
        (kind.cause, kind.route, kind.hour * 3600, (kind.hour + 1) * 3600, kind.hour),
    ).fetchall()
    group: list[_Row] = []
    for row in [*map(_Row._make, rows), None]:
        if group and (row is None or row.at - group[-1].at >= _APART):
            _burst(connection, kind, group)
            group = []
        if row is not None:
            group.append(row)


def _burst(connection: "Connection", kind: _Kind, rows: list[_Row]) -> None:
    held = [row.held for row in rows if row.held is not None]
    key = connection.execute(
        "INSERT INTO burst (hour, cause, route, first_at, last_at, attempts, calls, given_up, broken, utc_offset,"
        " shortest_hold, longest_hold, unheld) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*kind, rows[0].at, rows[-1].at, len(rows), sum(row.first for row in rows),
         sum(row.given_up for row in rows), sum(row.broken for row in rows), min(row.utc_offset for row in rows),
         min(held, default=None), max(held, default=None), sum(row.unheld for row in rows)),
    ).lastrowid  # fmt: skip
    connection.executemany(
        "INSERT INTO burst_lane (hour, burst, family, account, attempts, calls) VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT"
        " (hour, burst, family, account) DO UPDATE SET attempts = attempts + 1, calls = calls + excluded.calls",
        [(kind.hour, key, row.family, row.account, row.first) for row in rows],
    )
