"""Tasks of agent conversations."""

import sqlalchemy as sa
from alembic import op

from storefront_mcp.database.tables.metadata import Whole

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "agent_tasks",
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("context", sa.LargeBinary, nullable=False),
        sa.Column("sealed_id", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("changed_at", Whole, nullable=False),
        sa.Column("expires_at", Whole, nullable=False),
        sa.Column("holder", sa.LargeBinary),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_agent_tasks_expires_at", "agent_tasks", ["expires_at"])
    op.create_index("agent_tasks_by_context", "agent_tasks", ["context", "changed_at"])
    op.create_index("agent_tasks_by_holder", "agent_tasks", ["holder", "expires_at"])
