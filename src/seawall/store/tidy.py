"""What is older than it is kept for goes, a few rows at a time; hourly counts stay.

Plain SQL on the writer's own connection: the gateway runs this.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite3 import Connection

STEP = 500
"""Rows of a table that go in one transaction: some ten milliseconds, in which new rows wait in memory."""

# Table, its key, and its column of time with the seconds that it counts.
_DATED = (
    ("attempt", "id", "at", 1),
    ("burst", "id", "hour", 3600),
    ("burst_lane", "hour, burst, family, account", "hour", 3600),
    ("recovery", "minute, route, family, account", "minute", 60),
    ("work", "hour, utc_offset, client", "hour", 3600),
    ("latency", "hour, utc_offset, route, family, step", "hour", 3600),
    ("episode", "id", "opened_at", 1),
    ("imported_record", "record", "at", 1),
)
_DELETES = tuple(
    (f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {time} < ? LIMIT ?)", unit)  # noqa: S608 - the names above
    for table, key, time, unit in _DATED
)
_ALL = tuple(table for table, *_ in _DATED)


def step(connection: "Connection", before: float, most: int = STEP) -> bool:
    """Deletes what is older than `before` (UTC seconds), so many rows a table; true if more may be left.

    One transaction; raises `sqlite3.Error`. A minute or an hour goes when all of it is older.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        gone = [connection.execute(delete, (before // unit, most)).rowcount for delete, unit in _DELETES]
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return max(gone) >= most


def anything(connection: "Connection") -> bool:
    """Whether any failure is on record."""
    return connection.execute("SELECT 1 FROM burst LIMIT 1").fetchone() is not None


def forget(connection: "Connection") -> int:
    """Deletes all records and returns how many attempts that were; what is left on the disk is overwritten.

    Which files were imported up to where is kept: else the next import would bring back what was to be forgotten.
    """
    connection.execute("PRAGMA secure_delete = ON").fetchone()
    connection.execute("BEGIN IMMEDIATE")
    try:
        [gone] = connection.execute("SELECT count(*) FROM attempt").fetchone()
        for table in (*_ALL, "hourly_count"):
            if table != "imported_record":
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    # The log still has the old pages; a gateway that reads just now may keep it, and empties it itself later.
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return int(gone)
