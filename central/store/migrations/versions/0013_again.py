"""Which alerts that were set aside are to be sent again."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("set_asides", sa.Column("again", sa.Boolean, nullable=False, server_default=sa.text("false")))
