"""Since which break in its reports a device has told all that holds."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: devices whose reports broke off earlier are asked once."""
    op.add_column("devices", sa.Column("restated_at", sa.Double, nullable=True))
