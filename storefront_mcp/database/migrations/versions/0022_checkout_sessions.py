"""Checkout sessions of agent protocols."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Create the table."""
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "checkout_sessions",
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("fence", whole, nullable=False),
        sa.Column("lease_until", sa.Double, nullable=False),
        sa.Column("ends_at", sa.Double, nullable=False),
        sa.Column("expires_at", whole, nullable=False),
        sa.Column("record", sa.LargeBinary, nullable=False),
        sa.Column("personal", sa.LargeBinary),
        sa.Column("holder", sa.LargeBinary),
    )
    op.create_index("ix_checkout_sessions_expires_at", "checkout_sessions", ["expires_at"])
    op.create_index("checkout_sessions_by_ends_at", "checkout_sessions", ["ends_at"])
    op.create_index("checkout_sessions_by_holder", "checkout_sessions", ["holder", "expires_at"])
