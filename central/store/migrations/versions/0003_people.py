"""People, their sessions and one-time links; indexes by which people search."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0001"
branch_labels = None
depends_on = None

_SEARCHED = (("devices", "hostname"), ("devices", "serial"), ("servers", "user"))


def upgrade() -> None:
    """Make the tables, and indexes over folded texts in the order of their code points, which is what a prefix needs."""
    empty = sa.text("''")
    op.create_table(
        "people",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("role", sa.Text, nullable=False, server_default=empty),
        sa.Column("password", sa.Text),
        sa.Column("subject", sa.Text, unique=True),
        sa.Column("made_at", sa.Double, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False, server_default=empty),
        sa.Column("ended_at", sa.Double),
    )
    op.create_table(
        "sessions",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("person", sa.Text, nullable=False, server_default=empty),
        sa.Column("made_at", sa.Double, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
    )
    op.create_index("sessions_by_person", "sessions", ["person"])
    op.create_table(
        "links",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("person", sa.Text, nullable=False, server_default=empty),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
    collation = "C" if op.get_bind().dialect.name == "postgresql" else "BINARY"
    for table, column in _SEARCHED:
        op.execute(f'CREATE INDEX {table}_by_{column} ON {table} (lower("{column}") COLLATE "{collation}", device)')
    op.create_index("servers_in_use", "servers", ["identity", "verdict", "device"])
