"""Flips, cart handles and shared secrets: the tables from before there were migrations."""

import sqlalchemy as sa
from alembic import op

from storefront_mcp.database.tables.metadata import Whole, refuse_trigger

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "flips",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("phase", sa.Text, primary_key=True),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
    )
    op.create_index("flips_by_phase", "flips", ["store", "phase", "number"])
    refuse_trigger(op.get_bind(), "flips")
    op.create_table(
        "carts",
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("upstream", sa.Text, nullable=False),
        sa.Column("lines", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", Whole, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_carts_expires_at", "carts", ["expires_at"])
    op.create_table(
        "keys",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("key", sa.LargeBinary, nullable=False),
    )
