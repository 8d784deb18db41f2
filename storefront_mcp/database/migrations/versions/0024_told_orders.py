"""What receivers of order events were told last, and how often in a row they did not take it."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Add the columns."""
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("order_events", sa.Column("failures", whole, nullable=False, server_default="0"))
    op.add_column("order_events", sa.Column("told", sa.Text))
    # What was told is not known, so nothing can be told to have changed.
    op.execute("UPDATE order_events SET due_at = 1e12 WHERE status = 'told'")
