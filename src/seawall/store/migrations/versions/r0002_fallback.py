"""Attempts say where they went instead."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Added in place, where a batch would copy a table of a million rows.
    op.add_column("attempt", sa.Column("fallback", sa.Text))
