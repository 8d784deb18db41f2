"""Confirmations of orders."""

import sqlalchemy as sa
from alembic import op

from storefront_mcp.database.tables.metadata import Whole

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "order_mails",
        sa.Column("checkout", sa.Text, primary_key=True),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("queued_at", sa.Double, nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.Column("tries", Whole, nullable=False),
        sa.Column("problem", sa.Text),
    )
    op.create_index("order_mails_by_due_at", "order_mails", ["status", "due_at"])
