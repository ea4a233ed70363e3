"""Failures, recoveries and clients' hours are added up by triggers: history reads sums, not attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# What a row of `attempt` adds, told by `{of}`: NEW in a trigger, the table itself for the rows that are there.
_FAILED = "{of}.cause != '' AND {of}.ended != 'abandoned'"
_RECOVERED = "{of}.cause IS NULL AND {of}.ended = 'recovered'"
_NAMED = "{of}.client != '' AND {of}.cause != '' AND {of}.ended != 'abandoned'"
_HOLD = "CASE {of}.ended WHEN 'given_up' THEN {of}.held END"

# A failure joins the burst of its lane and hour that it is less than a minute from, else it begins one.
_JOIN = """
UPDATE burst SET first_at = min(first_at, NEW.at), last_at = max(last_at, NEW.at), attempts = attempts + 1,
 calls = calls + (NEW.number = 1), given_up = given_up + (NEW.ended = 'given_up'),
 broken = broken + (NEW.ended = 'broken'), utc_offset = min(utc_offset, NEW.utc_offset),
 shortest_hold = min(coalesce(shortest_hold, {hold}), coalesce({hold}, shortest_hold)),
 longest_hold = max(coalesce(longest_hold, {hold}), coalesce({hold}, longest_hold))
 WHERE id = (SELECT id FROM burst WHERE hour = CAST(NEW.at / 3600 AS INTEGER) AND cause = NEW.cause
 AND route = NEW.route AND family = NEW.family AND account = NEW.account
 AND NEW.at > first_at - 60 AND NEW.at < last_at + 60 LIMIT 1);
INSERT INTO burst (hour, cause, route, family, account, first_at, last_at, attempts, calls, given_up, broken,
 utc_offset, shortest_hold, longest_hold)
 SELECT CAST(NEW.at / 3600 AS INTEGER), NEW.cause, NEW.route, NEW.family, NEW.account, NEW.at, NEW.at, 1,
 NEW.number = 1, NEW.ended = 'given_up', NEW.ended = 'broken', NEW.utc_offset, {hold}, {hold} WHERE changes() = 0;
""".replace("{hold}", _HOLD).replace("{of}", "NEW")
_BURSTS = (
    """
WITH failed AS (
 SELECT *, CAST(at / 3600 AS INTEGER) AS hour, {hold} AS hold FROM attempt WHERE {failed}
), told AS (
 SELECT *, coalesce(at - lag(at) OVER lane >= 60, 1) AS begins FROM failed
 WINDOW lane AS (PARTITION BY hour, cause, route, family, account ORDER BY at)
), numbered AS (
 SELECT *, sum(begins) OVER (PARTITION BY hour, cause, route, family, account ORDER BY at
 ROWS UNBOUNDED PRECEDING) AS which FROM told
)
INSERT INTO burst (hour, cause, route, family, account, first_at, last_at, attempts, calls, given_up, broken,
 utc_offset, shortest_hold, longest_hold)
 SELECT hour, cause, route, family, account, min(at), max(at), count(*), sum(number = 1), sum(ended = 'given_up'),
 sum(ended = 'broken'), min(utc_offset), min(hold), max(hold)
 FROM numbered GROUP BY hour, cause, route, family, account, which
""".replace("{hold}", _HOLD)
    .replace("{failed}", _FAILED)
    .replace("{of}", "attempt")
)

_RECOVERY = (
    "INSERT INTO recovery {rows} ON CONFLICT (minute, route, family, account) DO UPDATE SET"
    " first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at),"
    " since = min(since, excluded.since), calls = calls + 1, waited = waited + excluded.waited",
    "CAST({of}.at / 60 AS INTEGER), {of}.route, {of}.family, {of}.account, {of}.at, {of}.at, {of}.at - {of}.held, 1,"
    " {of}.held",
)
_WORK = (
    "INSERT INTO work {rows} ON CONFLICT (hour, utc_offset, client) DO UPDATE SET"
    " calls = calls + excluded.calls, attempts = attempts + 1",
    "CAST({of}.at / 3600 AS INTEGER), {of}.utc_offset, {of}.client, {of}.number = 1, 1",
)


def upgrade() -> None:
    op.create_table(
        "burst",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("hour", sa.BigInteger, nullable=False),
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
        sa.PrimaryKeyConstraint("id", name="pk_burst"),
    )
    op.create_index(
        "ix_burst_hour_cause_route_family_account", "burst", ["hour", "cause", "route", "family", "account"]
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
    op.execute(_BURSTS)
    _trigger("burst", _FAILED, _JOIN)
    for table, which, (insert, values) in (("recovery", _RECOVERED, _RECOVERY), ("work", _NAMED, _WORK)):
        there = f"SELECT {values} FROM attempt WHERE {which}".format(of="attempt")  # noqa: S608 - ours
        op.execute(insert.format(rows=there))
        _trigger(table, which, insert.format(rows=f"VALUES ({values.format(of='NEW')})") + ";")


def _trigger(table: str, which: str, does: str) -> None:
    when = which.format(of="NEW")
    op.execute(f"CREATE TRIGGER attempt_to_{table} AFTER INSERT ON attempt WHEN {when} BEGIN {does} END")
