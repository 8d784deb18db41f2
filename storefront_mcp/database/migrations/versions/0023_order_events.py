"""Events about orders that receivers are told by webhook."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Create the table."""
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "order_events",
        sa.Column("checkout", sa.Text, primary_key=True),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("session", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("queued_at", sa.Double, nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.Column("tries", whole, nullable=False),
        sa.Column("problem", sa.Text),
    )
    op.create_index("ix_order_events_queued_at", "order_events", ["queued_at"])
    op.create_index("order_events_by_due_at", "order_events", ["status", "due_at"])
