"""How long answers took to begin, by hour and step of a scale."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "latency",
        sa.Column("hour", sa.Integer, nullable=False),
        sa.Column("utc_offset", sa.SmallInteger, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("step", sa.SmallInteger, nullable=False),
        sa.Column("answers", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("hour", "utc_offset", "route", "family", "step", name="pk_latency"),
        sqlite_with_rowid=False,
    )
