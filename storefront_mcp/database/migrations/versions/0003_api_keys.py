"""API keys and their epochs."""

import sqlalchemy as sa
from alembic import op

from storefront_mcp.database.tables.metadata import Whole

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("epoch", Whole, nullable=False),
        sa.Column("created_at", Whole, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("expires_at", Whole, nullable=False),
        sa.Column("last_used_at", Whole),
        sa.Column("revoked_at", Whole),
    )
    op.create_index("ix_api_keys_store", "api_keys", ["store"])
    op.create_table(
        "key_epochs",
        sa.Column("store", sa.Text, primary_key=True),
        sa.Column("epoch", Whole, nullable=False),
    )
