"""Up to where a destination has been sent the feed: a repeat is the same batch, whoever sends it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("cursors", sa.Column("claimed", sa.BigInteger(), nullable=True))
