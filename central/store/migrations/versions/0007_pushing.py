"""When alerts came into the feed, since when a destination is hindered, and what was set aside, with the reason."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table."""
    empty = sa.text("''")
    op.add_column("feed", sa.Column("at", sa.Double, nullable=True))
    op.add_column("cursors", sa.Column("problem_at", sa.Double, nullable=True))
    op.create_table(
        "set_asides",
        sa.Column("destination", sa.Text, primary_key=True),
        sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("alerts", sa.BigInteger, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("reason", sa.Text, nullable=False, server_default=empty),
    )
