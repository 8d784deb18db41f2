"""Running workers, and the writes of readiness."""

import sqlalchemy as sa
from alembic import op

from storefront_mcp.database.tables.metadata import Whole

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "workers",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", Whole, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("seen_at", Whole, nullable=False),
        sa.Column("shown", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "write_probes",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("filler", sa.LargeBinary, nullable=False),
    )
