"""Only what a gateway held counts as held: what files tell of was tried again, or given up, by its own client."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_SUMS = "first_at, last_at, attempts, calls, given_up, broken, utc_offset"
_HOLD = "CASE WHEN {of}.ended = 'given_up' AND {of}.source = 'gateway' THEN {of}.held END"
_ITS_LOST = """attempt.cause = burst.cause AND attempt.at BETWEEN burst.first_at AND burst.last_at
 AND attempt.route = burst.route AND attempt.ended = 'given_up'"""

# Of bursts in which calls were given up: whose, and how long the gateway's own had been held.
_ANEW = f"""
UPDATE burst SET (unheld, shortest_hold, longest_hold) = (
 SELECT sum(source != 'gateway'), min({_HOLD.format(of="attempt")}), max({_HOLD.format(of="attempt")})
 FROM attempt WHERE {_ITS_LOST})
 WHERE given_up > 0 AND EXISTS (SELECT 1 FROM attempt WHERE {_ITS_LOST} AND source != 'gateway')
"""  # noqa: S608 - ours
_RECOVERED = """
UPDATE recovery SET (calls, waited) = (
 SELECT count(*), coalesce(sum(held), 0.0) FROM attempt WHERE cause IS NULL AND ended = 'recovered'
 AND source = 'gateway' AND at >= minute * 60 AND at < minute * 60 + 60 AND attempt.route = recovery.route
 AND attempt.family = recovery.family AND attempt.account = recovery.account)
 WHERE minute IN (SELECT CAST(at / 60 AS INTEGER) FROM attempt WHERE cause IS NULL AND ended = 'recovered'
 AND source != 'gateway')
"""

_ITS = """FROM burst WHERE hour = CAST(NEW.at / 3600 AS INTEGER) AND cause = NEW.cause AND route = NEW.route
 AND NEW.at > first_at - 60 AND NEW.at < last_at + 60 ORDER BY id LIMIT 1"""
_NEW_HOLD = _HOLD.format(of="NEW")
_UNHELD = "(NEW.ended = 'given_up' AND NEW.source != 'gateway')"
_TO_BURST = f"""
CREATE TRIGGER attempt_to_burst AFTER INSERT ON attempt WHEN NEW.cause != '' AND NEW.ended != 'abandoned' BEGIN
UPDATE burst SET first_at = min(first_at, NEW.at), last_at = max(last_at, NEW.at), attempts = attempts + 1,
 calls = calls + (NEW.number = 1), given_up = given_up + (NEW.ended = 'given_up'),
 broken = broken + (NEW.ended = 'broken'), utc_offset = min(utc_offset, NEW.utc_offset),
 shortest_hold = min(coalesce(shortest_hold, {_NEW_HOLD}), coalesce({_NEW_HOLD}, shortest_hold)),
 longest_hold = max(coalesce(longest_hold, {_NEW_HOLD}), coalesce({_NEW_HOLD}, longest_hold)),
 unheld = unheld + {_UNHELD} WHERE id = (SELECT id {_ITS});
INSERT INTO burst (hour, cause, route, {_SUMS}, shortest_hold, longest_hold, unheld)
 SELECT CAST(NEW.at / 3600 AS INTEGER), NEW.cause, NEW.route, NEW.at, NEW.at, 1, NEW.number = 1,
 NEW.ended = 'given_up', NEW.ended = 'broken', NEW.utc_offset, {_NEW_HOLD}, {_NEW_HOLD}, {_UNHELD}
 WHERE changes() = 0;
INSERT INTO burst_lane (hour, burst, family, account, attempts, calls)
 SELECT hour, id, NEW.family, NEW.account, 1, NEW.number = 1 {_ITS}
 ON CONFLICT (hour, burst, family, account) DO UPDATE SET attempts = attempts + 1, calls = calls + excluded.calls;
END
"""  # noqa: S608 - ours
_TO_RECOVERY = """
CREATE TRIGGER attempt_to_recovery AFTER INSERT ON attempt WHEN NEW.cause IS NULL AND NEW.ended = 'recovered' BEGIN
INSERT INTO recovery VALUES (CAST(NEW.at / 60 AS INTEGER), NEW.route, NEW.family, NEW.account, NEW.at, NEW.at,
 NEW.at - NEW.held, NEW.source = 'gateway', CASE NEW.source WHEN 'gateway' THEN NEW.held ELSE 0.0 END)
 ON CONFLICT (minute, route, family, account) DO UPDATE SET
 first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at),
 since = min(since, excluded.since), calls = calls + excluded.calls, waited = waited + excluded.waited;
END
"""


def upgrade() -> None:
    sqlite = op.get_context().dialect.name == "sqlite"
    if sqlite:
        op.execute("DROP TRIGGER attempt_to_burst")
        op.execute("DROP TRIGGER attempt_to_recovery")
    op.drop_index("ix_burst_hour_cause_route", "burst")
    op.rename_table("burst", "burst_before")
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
        sa.Column("unheld", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_burst"),
    )
    op.execute(
        f"INSERT INTO burst (id, hour, cause, route, {_SUMS}, shortest_hold, longest_hold, unheld)"  # noqa: S608 - ours
        f" SELECT id, hour, cause, route, {_SUMS}, shortest_hold, longest_hold, 0 FROM burst_before"
    )
    op.create_index("ix_burst_hour_cause_route", "burst", ["hour", "cause", "route"])
    op.drop_table("burst_before")
    if sqlite:
        op.execute(_ANEW)
        op.execute(_RECOVERED)
        op.execute(_TO_BURST)
        op.execute(_TO_RECOVERY)
