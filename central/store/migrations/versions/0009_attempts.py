"""Attempts to sign in, which all copies of the program count together."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "attempts",
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("times", sa.Text, nullable=False),
        sa.Column("ends_at", sa.Double, nullable=False),
    )
