"""Bursts are those of a cause on a route, and name the lanes that they hit: a fleet's trouble is fewer rows."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_SUMS = "attempts, calls, given_up, broken, utc_offset, shortest_hold, longest_hold"

# All the lanes' bursts of an hour, cause and route that are less than a minute apart are one.
_MERGE = f"""
WITH told AS (
 SELECT *, coalesce(first_at - max(last_at) OVER earlier >= 60, 1) AS begins FROM burst_of_lane
 WINDOW earlier AS (PARTITION BY hour, cause, route ORDER BY first_at, id
 ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), numbered AS (
 SELECT *, sum(begins) OVER (PARTITION BY hour, cause, route ORDER BY first_at, id
 ROWS UNBOUNDED PRECEDING) AS which FROM told
)
INSERT INTO burst (hour, cause, route, first_at, last_at, {_SUMS})
 SELECT hour, cause, route, min(first_at), max(last_at), sum(attempts), sum(calls), sum(given_up), sum(broken),
 min(utc_offset), min(shortest_hold), max(longest_hold) FROM numbered GROUP BY hour, cause, route, which
"""  # noqa: S608 - ours
_LANES = """
INSERT INTO burst_lane (hour, burst, family, account, attempts, calls)
 SELECT burst.hour, burst.id, family, account, sum(old.attempts), sum(old.calls) FROM burst_of_lane AS old
 JOIN burst ON burst.hour = old.hour AND burst.cause = old.cause AND burst.route = old.route
 AND old.first_at BETWEEN burst.first_at AND burst.last_at GROUP BY burst.id, family, account
"""

# A failure joins the burst of its hour, cause and route that it is less than a minute from, else it begins one. Of
# several it is the oldest: the same one when its lane is counted.
_ITS = """FROM burst WHERE hour = CAST(NEW.at / 3600 AS INTEGER) AND cause = NEW.cause AND route = NEW.route
 AND NEW.at > first_at - 60 AND NEW.at < last_at + 60 ORDER BY id LIMIT 1"""
_HOLD = "CASE NEW.ended WHEN 'given_up' THEN NEW.held END"
_TRIGGER = f"""
CREATE TRIGGER attempt_to_burst AFTER INSERT ON attempt WHEN NEW.cause != '' AND NEW.ended != 'abandoned' BEGIN
UPDATE burst SET first_at = min(first_at, NEW.at), last_at = max(last_at, NEW.at), attempts = attempts + 1,
 calls = calls + (NEW.number = 1), given_up = given_up + (NEW.ended = 'given_up'),
 broken = broken + (NEW.ended = 'broken'), utc_offset = min(utc_offset, NEW.utc_offset),
 shortest_hold = min(coalesce(shortest_hold, {_HOLD}), coalesce({_HOLD}, shortest_hold)),
 longest_hold = max(coalesce(longest_hold, {_HOLD}), coalesce({_HOLD}, longest_hold))
 WHERE id = (SELECT id {_ITS});
INSERT INTO burst (hour, cause, route, first_at, last_at, {_SUMS})
 SELECT CAST(NEW.at / 3600 AS INTEGER), NEW.cause, NEW.route, NEW.at, NEW.at, 1, NEW.number = 1,
 NEW.ended = 'given_up', NEW.ended = 'broken', NEW.utc_offset, {_HOLD}, {_HOLD} WHERE changes() = 0;
INSERT INTO burst_lane (hour, burst, family, account, attempts, calls)
 SELECT hour, id, NEW.family, NEW.account, 1, NEW.number = 1 {_ITS}
 ON CONFLICT (hour, burst, family, account) DO UPDATE SET attempts = attempts + 1, calls = calls + excluded.calls;
END
"""  # noqa: S608 - ours


def upgrade() -> None:
    sqlite = op.get_context().dialect.name == "sqlite"
    if sqlite:
        op.execute("DROP TRIGGER attempt_to_burst")
    op.drop_index("ix_burst_hour_cause_route_family_account", "burst")
    op.rename_table("burst", "burst_of_lane")
    op.create_table(
        "burst",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("hour", sa.BigInteger, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
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
    op.create_index("ix_burst_hour_cause_route", "burst", ["hour", "cause", "route"])
    op.create_table(
        "burst_lane",
        sa.Column("hour", sa.BigInteger, nullable=False),
        sa.Column("burst", sa.Integer, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("hour", "burst", "family", "account", name="pk_burst_lane"),
        sqlite_with_rowid=False,
    )
    if sqlite:
        op.execute(_MERGE)
        op.execute(_LANES)
    op.drop_table("burst_of_lane")
    if sqlite:
        op.execute(_TRIGGER)
