"""The first schema: attempts, hourly counts, episodes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("utc_offset", sa.SmallInteger, nullable=False),
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("error_type", sa.Text),
        sa.Column("cause", sa.Text),
        sa.Column("request_id", sa.Text),
        sa.Column("took", sa.Double, nullable=False),
        sa.Column("held", sa.Double, nullable=False),
        sa.Column("ended", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("network", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("maybe_billed", sa.Boolean, nullable=False),
        sa.Column("cache_cold", sa.Boolean, nullable=False),
        sa.Column("input_bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempt"),
    )
    op.create_index("ix_attempt_at", "attempt", ["at"])
    op.create_index("ix_attempt_cause_at", "attempt", ["cause", "at"])
    op.create_index("ix_attempt_route_family_at", "attempt", ["route", "family", "at"])
    op.create_index("ix_attempt_call", "attempt", ["call"])
    op.create_index("ix_attempt_request_id", "attempt", ["request_id"])
    op.create_table(
        "hourly_count",
        sa.Column("hour", sa.Integer, nullable=False),
        sa.Column("utc_offset", sa.SmallInteger, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(
            "hour", "utc_offset", "route", "family", "account", "cause", name="pk_hourly_count"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "episode",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("party", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("utc_offset", sa.SmallInteger, nullable=False),
        sa.Column("opened_at", sa.Double, nullable=False),
        sa.Column("last_failure_at", sa.Double, nullable=False),
        sa.Column("closed_at", sa.Double),
        sa.Column("censored", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("held", sa.Integer, nullable=False),
        sa.Column("lost", sa.Integer, nullable=False),
        sa.Column("waited", sa.Double, nullable=False),
        sa.Column("longest_hold", sa.Double, nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("noted_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_episode"),
    )
    op.create_index("ix_episode_opened_at", "episode", ["opened_at"])
    op.create_index("ix_episode_cause_opened_at", "episode", ["cause", "opened_at"])
