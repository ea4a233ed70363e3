"""Failures and recoveries by the minute, clients by the hour, kept by triggers: history reads sums, not attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# What a row of `attempt` adds, told by `of` (NEW in a trigger, the table itself for the rows that are there).
_FAILED = "{of}.cause != '' AND {of}.ended != 'abandoned'"
_RECOVERED = "{of}.cause IS NULL AND {of}.ended = 'recovered'"
_BURST = (
    "CAST({of}.at / 60 AS INTEGER), {of}.cause, {of}.route, {of}.family, {of}.account, {of}.at, {of}.at, 1,"
    " {of}.number = 1, {of}.ended = 'given_up', {of}.ended = 'broken', {of}.utc_offset,"
    " CASE {of}.ended WHEN 'given_up' THEN {of}.held END, CASE {of}.ended WHEN 'given_up' THEN {of}.held END"
)
_RECOVERY = (
    "CAST({of}.at / 60 AS INTEGER), {of}.route, {of}.family, {of}.account, {of}.at, {of}.at, {of}.at - {of}.held,"
    " 1, {of}.held"
)
_WORK = "CAST({of}.at / 3600 AS INTEGER), {of}.utc_offset, {of}.client, {of}.number = 1, 1"

_SUMS = (
    (
        "burst",
        _FAILED,
        _BURST,
        "minute, cause, route, family, account",
        "first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at),"
        " attempts = attempts + 1, calls = calls + excluded.calls, given_up = given_up + excluded.given_up,"
        " broken = broken + excluded.broken, utc_offset = min(utc_offset, excluded.utc_offset),"
        " shortest_hold = min(coalesce(shortest_hold, excluded.shortest_hold),"
        " coalesce(excluded.shortest_hold, shortest_hold)),"
        " longest_hold = max(coalesce(longest_hold, excluded.longest_hold),"
        " coalesce(excluded.longest_hold, longest_hold))",
    ),
    (
        "recovery",
        _RECOVERED,
        _RECOVERY,
        "minute, route, family, account",
        "first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at),"
        " since = min(since, excluded.since), calls = calls + 1, waited = waited + excluded.waited",
    ),
    (
        "work",
        "{of}.client != '' AND {of}.cause != '' AND {of}.ended != 'abandoned'",
        _WORK,
        "hour, utc_offset, client",
        "calls = calls + excluded.calls, attempts = attempts + 1",
    ),
)


def upgrade() -> None:
    op.create_table(
        "burst",
        sa.Column("minute", sa.BigInteger, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("first_at", sa.Double, nullable=False),
        sa.Column("last_at", sa.Double, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("given_up", sa.Integer, nullable=False),
        sa.Column("broken", sa.Integer, nullable=False),
        sa.Column("utc_offset", sa.SmallInteger, nullable=False),
        sa.Column("shortest_hold", sa.Double),
        sa.Column("longest_hold", sa.Double),
        sa.PrimaryKeyConstraint("minute", "cause", "route", "family", "account", name="pk_burst"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "recovery",
        sa.Column("minute", sa.BigInteger, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("first_at", sa.Double, nullable=False),
        sa.Column("last_at", sa.Double, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("waited", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("minute", "route", "family", "account", name="pk_recovery"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "work",
        sa.Column("hour", sa.BigInteger, nullable=False),
        sa.Column("utc_offset", sa.SmallInteger, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("hour", "utc_offset", "client", name="pk_work"),
        sqlite_with_rowid=False,
    )
    if op.get_context().dialect.name != "sqlite":
        return  # a database of another kind needs its own triggers; this version keeps a file only
    for table, which, values, key, more in _SUMS:
        add = f"INSERT INTO {table} "
        upsert = f"ON CONFLICT ({key}) DO UPDATE SET {more}"
        # `WHERE` keeps SQLite from reading ON CONFLICT as the join's condition; here it is needed anyway.
        values_there, where = values.format(of="attempt"), which.format(of="attempt")
        op.execute(f"{add}SELECT {values_there} FROM attempt WHERE {where} {upsert}")  # noqa: S608 - all of it is ours
        op.execute(
            f"CREATE TRIGGER attempt_to_{table} AFTER INSERT ON attempt WHEN {which.format(of='NEW')} BEGIN "
            f"{add}VALUES ({values.format(of='NEW')}) {upsert}; END"
        )
