"""The tables, described once: migrations are compared with this, and queries are written against it.

Importing this module imports SQLAlchemy (about 0.35 s of CPU and 18 MB); the gateway does not.
Times are UTC seconds since 1970, lengths are seconds, `utc_offset` is minutes east of UTC at that moment.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Double, nullable=False),
    Column("utc_offset", SmallInteger, nullable=False),
    Column("call", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("route", Text, nullable=False),
    Column("family", Text, nullable=False),
    Column("status", Integer),
    Column("error_type", Text),
    Column("cause", Text),
    Column("request_id", Text),
    Column("took", Double, nullable=False),
    Column("held", Double, nullable=False),
    Column("ended", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("maybe_billed", Boolean, nullable=False),
    Column("cache_cold", Boolean, nullable=False),
    Column("input_bytes", BigInteger, nullable=False),
    Column("fallback", Text),
    Index(None, "at"),
    Index(None, "cause", "at"),
    Index(None, "route", "family", "at"),
    Index(None, "call"),
    # `seawall explain req_...`, and finding that a transcript tells of a failure the gateway already saw.
    Index(None, "request_id"),
)
"""The columns after `id` are the fields of `rows.Attempt`."""

hourly_count = Table(
    "hourly_count",
    metadata,
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("utc_offset", SmallInteger, primary_key=True, autoincrement=False),
    Column("route", Text, primary_key=True),
    Column("family", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("cause", Text, primary_key=True),
    Column("attempts", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""The columns are the fields of `rows.Count`; the key begins with the hour, since spans of time are read."""

latency = Table(
    "latency",
    metadata,
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("utc_offset", SmallInteger, primary_key=True, autoincrement=False),
    Column("route", Text, primary_key=True),
    Column("family", Text, primary_key=True),
    Column("step", SmallInteger, primary_key=True, autoincrement=False),
    Column("answers", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""The columns are the fields of `latency.Latency`. It tells of all answers, and goes when attempts of its age do."""

episode = Table(
    "episode",
    metadata,
    Column("id", Text, primary_key=True),
    Column("cause", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("family", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("utc_offset", SmallInteger, nullable=False),
    Column("opened_at", Double, nullable=False),
    Column("last_failure_at", Double, nullable=False),
    Column("closed_at", Double),
    Column("censored", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    Column("lost", Integer, nullable=False),
    Column("waited", Double, nullable=False),
    Column("longest_hold", Double, nullable=False),
    Column("note", Text),
    Column("noted_at", Double),
    Index(None, "opened_at"),
    Index(None, "cause", "opened_at"),
)
"""One stretch of failures of one cause on one route.

`id` is short hex such as 7f3a, longer where that is taken. `family` and `account` are empty where several
were hit. `closed_at` is null while it lasts. `censored`: nobody was trying any more when it was closed, so it
lasted at least this long; statistics must not read it as recovered. `attempts` and `calls` failed in it; of
those calls `held` were held and then finished, `lost` were not; `waited` is their holds together. `note` is
the user's own text.
"""

imported_file = Table(
    "imported_file",
    metadata,
    Column("path_hash", Text, primary_key=True),
    Column("identity", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified_ns", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("reader", SmallInteger, nullable=False),
    Column("read_at", Double, nullable=False),
    sqlite_with_rowid=False,
)
"""One file that `seawall import` read: never its name.

`path_hash` is SHA-256 of its path. `identity` is device and inode, `size` and `modified_ns` those it had:
where none of them changed it is not opened. `position` is where the next reading begins, `digest` that of the
bytes just before it. `reader` is the version of the reader: a later one reads again what it understands better.
"""

imported_record = Table(
    "imported_record",
    metadata,
    Column("record", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("call", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Index(None, "at"),
    Index(None, "call", "number"),
    sqlite_with_rowid=False,
)
"""One record of such a file (a hash of its id or of its line) and the attempt, `call` and `number`, that it tells of.

It is what keeps a record from being counted twice: read again, copied to a resumed session's file, or seen by the
gateway or the hook as well.
"""

# Migrations 0004, 0006 and 0007 give `attempt` triggers that add each new row to the four tables below. SQLite drops
# triggers with their table: a later migration that copies `attempt` must make them again.

burst = Table(
    "burst",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hour", BigInteger, nullable=False),
    Column("cause", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("first_at", Double, nullable=False),
    Column("last_at", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("given_up", Integer, nullable=False),
    Column("broken", Integer, nullable=False),
    Column("utc_offset", SmallInteger, nullable=False),
    Column("shortest_hold", Double),
    Column("longest_hold", Double),
    Column("unheld", Integer, nullable=False),
    Index(None, "hour", "cause", "route"),
)
"""Failures of one cause on one route, each less than a minute from another, within one hour (since 1970, UTC); the
columns after `hour` are the fields of `bursts.Burst`, but for its lanes. Two rows may touch or overlap: failures come
out of order."""

burst_lane = Table(
    "burst_lane",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("burst", Integer, primary_key=True, autoincrement=False),
    Column("family", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("calls", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""The lanes that a burst (its hour and id) hit, with each one's share of its attempts and calls."""

recovery = Table(
    "recovery",
    metadata,
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("route", Text, primary_key=True),
    Column("family", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("first_at", Double, nullable=False),
    Column("last_at", Double, nullable=False),
    Column("since", Double, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("waited", Double, nullable=False),
    sqlite_with_rowid=False,
)
"""Calls of one lane that succeeded after failures, within one minute; the columns after
`minute` are the fields of `bursts.Recovery`."""

work = Table(
    "work",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("utc_offset", SmallInteger, primary_key=True, autoincrement=False),
    Column("client", Text, primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""Failed attempts of one client in one hour, and the calls that began with one of them: what `plan` may move."""
