"""When people signed in last, and when tokens and enrolment keys were used last."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; sign-ins are in the audit log."""
    op.add_column("people", sa.Column("signed_in_at", sa.Double, nullable=True))
    op.add_column("tokens", sa.Column("used_at", sa.Double, nullable=True))
    op.add_column("enrolment_keys", sa.Column("used_at", sa.Double, nullable=True))
    op.execute(
        "UPDATE people SET signed_in_at = (SELECT max(at) FROM audit"
        " WHERE audit.action = 'session.begin' AND audit.subject = people.name)"
    )
