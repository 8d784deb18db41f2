"""Checkouts, their idempotency keys and the events of payment providers."""

import sqlalchemy as sa
from alembic import op

from storefront_mcp.database.tables.metadata import Whole

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "checkouts",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("cart", sa.Text, nullable=False),
        sa.Column("pay_key", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("live", sa.Boolean, nullable=False),
        sa.Column("fence", Whole, nullable=False),
        sa.Column("lease_until", sa.Double, nullable=False),
        sa.Column("due_at", sa.Double),
        sa.Column("hastened_at", sa.Double),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.Column("record", sa.LargeBinary, nullable=False),
        sa.Column("personal", sa.LargeBinary),
    )
    live = sa.text("live")
    op.create_index(
        "checkouts_one_live_per_cart",
        "checkouts",
        ["store", "cart"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )
    op.create_index("checkouts_by_cart", "checkouts", ["store", "cart", "created_at"])
    op.create_index("checkouts_by_pay_key", "checkouts", ["store", "pay_key"])
    op.create_index("checkouts_by_state", "checkouts", ["state", "created_at"])
    op.create_index("checkouts_by_due_at", "checkouts", ["due_at"])
    op.create_index("checkouts_by_hastened_at", "checkouts", ["hastened_at"])
    op.create_index("checkouts_by_ended_at", "checkouts", ["ended_at"])
    op.create_table(
        "checkout_keys",
        sa.Column("store", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("checkout", sa.Text, nullable=False),
    )
    op.create_index("ix_checkout_keys_checkout", "checkout_keys", ["checkout"])
    op.create_table(
        "checkout_events",
        sa.Column("store", sa.Text, primary_key=True),
        sa.Column("provider", sa.Text, primary_key=True),
        sa.Column("event", sa.Text, primary_key=True),
        sa.Column("checkout", sa.Text),
        sa.Column("at", sa.Double, nullable=False),
    )
    op.create_index("ix_checkout_events_at", "checkout_events", ["at"])
