"""What the survey asks by, and which event of a device is the newest."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and indexes."""
    op.add_column("devices", sa.Column("facts_journal", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("devices", sa.Column("facts_sequence", sa.BigInteger(), server_default="0", nullable=False))
    op.create_index("servers_by_first_seen", "servers", ["first_seen"])
    op.create_index("known_servers_by_device", "known_servers", ["device", "first_seen"])
