"""The servers in use, summed up over all devices."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; the survey fills it within seconds."""
    empty = sa.text("''")
    op.create_table(
        "server_sums",
        sa.Column("identity", sa.Text, primary_key=True),
        sa.Column("what", sa.Text, nullable=False, server_default=empty),
        sa.Column("folded", sa.Text, nullable=False, server_default=empty),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("devices", "users", "allowed", "blocked", "undetermined")
        ),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("versions", "clients", "names")),
        sa.Column("first_seen", sa.Double, nullable=False),
        sa.Column("first_device", sa.Text, nullable=False, server_default=empty),
    )
