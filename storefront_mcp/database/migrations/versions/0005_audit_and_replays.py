"""The audit log and idempotency records."""

import sqlalchemy as sa
from alembic import op

from storefront_mcp.database.tables.metadata import Whole, refuse_trigger

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "audit",
        sa.Column("number", Whole, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("entry", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("audit_by_store", "audit", ["store", "number"])
    refuse_trigger(op.get_bind(), "audit", ("UPDATE",))
    op.create_table(
        "audit_head",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("number", Whole, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "replays",
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("arguments", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("answer", sa.LargeBinary),
        sa.Column("lease_until", Whole, nullable=False),
        sa.Column("expires_at", Whole, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_replays_expires_at", "replays", ["expires_at"])
