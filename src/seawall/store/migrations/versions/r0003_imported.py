"""Files that were read for failures and up to where, and which record of them is which attempt."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "imported_file",
        sa.Column("path_hash", sa.Text, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("modified_ns", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("reader", sa.SmallInteger, nullable=False),
        sa.Column("read_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("path_hash", name="pk_imported_file"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "imported_record",
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("record", name="pk_imported_record"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_imported_record_at", "imported_record", ["at"])
    op.create_index("ix_imported_record_call_number", "imported_record", ["call", "number"])
