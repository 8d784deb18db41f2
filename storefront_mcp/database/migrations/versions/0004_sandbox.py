"""Sandbox payments."""

import sqlalchemy as sa
from alembic import op

from storefront_mcp.database.tables.metadata import Whole

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create it."""
    op.create_table(
        "sandbox_slips",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("expires_at", Whole, nullable=False),
        sa.Column("slip", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_sandbox_slips_expires_at", "sandbox_slips", ["expires_at"])
