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
"""Seconds between two bursts of one lane, as the store's triggers have it."""


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
            for told, twin in pairs:
                _replace(connection, told, twin)
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


def _replace(connection: "Connection", told: _Told, twin: _Twin) -> None:
    place = (told.call, told.number)
    connection.execute(
        "UPDATE imported_record SET call = ?, number = ? WHERE call = ? AND number = ?",
        (twin.call, twin.number, *place),
    )
    hour, offset, client, first, *lane = connection.execute(
        "SELECT CAST(at / 3600 AS INTEGER), utc_offset, client, number = 1, cause, route, family, account FROM attempt"
        " WHERE id = ?",
        (told.id,),
    ).fetchone()
    connection.execute("DELETE FROM attempt WHERE id = ?", (told.id,))
    work = (hour, offset, client)
    same = "WHERE hour = ? AND utc_offset = ? AND client = ?"
    connection.execute(f"UPDATE work SET attempts = attempts - 1, calls = calls - ? {same}", (first, *work))  # noqa: S608 - ours
    connection.execute(f"DELETE FROM work {same} AND attempts <= 0", work)  # noqa: S608 - ours
    _add_up_anew(connection, (hour, *lane), told.at)


_Row = tuple[float, int, int, int, int, float | None]


def _add_up_anew(connection: "Connection", lane: tuple[object, ...], at: float) -> None:
    """The burst that the row stood in, from the rows that are left; triggers only know rows that come."""
    same = "cause = ? AND route = ? AND family = ? AND account = ?"
    gone = connection.execute(
        f"SELECT id, first_at, last_at FROM burst WHERE hour = ? AND {same} AND first_at <= ? AND last_at >= ?",  # noqa: S608 - ours
        (*lane, at, at),
    ).fetchall()
    for key, first, last in gone:
        connection.execute("DELETE FROM burst WHERE id = ?", (key,))
        rows = connection.execute(
            "SELECT at, number = 1, ended = 'given_up', ended = 'broken', utc_offset,"  # noqa: S608 - ours
            f" CASE ended WHEN 'given_up' THEN held END FROM attempt WHERE {same}"
            " AND at BETWEEN ? AND ? AND CAST(at / 3600 AS INTEGER) = ? AND ended != 'abandoned' ORDER BY at",
            (*lane[1:], first, last, lane[0]),
        ).fetchall()
        group: list[_Row] = []
        for row in [*rows, None]:
            if group and (row is None or row[0] - group[-1][0] >= _APART):
                _burst(connection, lane, group)
                group = []
            if row is not None:
                group.append(row)


def _burst(
    connection: "Connection",
    lane: tuple[object, ...],
    rows: list[_Row],
) -> None:
    times, firsts, given_up, broken, offsets, holds = zip(*rows, strict=True)
    held = [one for one in holds if one is not None]
    connection.execute(
        "INSERT INTO burst (hour, cause, route, family, account, first_at, last_at, attempts, calls, given_up, broken,"
        " utc_offset, shortest_hold, longest_hold) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*lane, times[0], times[-1], len(rows), sum(firsts), sum(given_up), sum(broken), min(offsets),
         min(held, default=None), max(held, default=None)),
    )  # fmt: skip
