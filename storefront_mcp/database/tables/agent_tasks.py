"""Table of tasks of agent conversations."""

from typing import Final

from sqlalchemy import Column, Index, LargeBinary, Table

from storefront_mcp.database.tables.metadata import METADATA, Whole

AGENT_TASKS: Final = Table(
    "agent_tasks",
    METADATA,
    Column("key", LargeBinary, primary_key=True),
    Column("context", LargeBinary, nullable=False),
    Column("sealed_id", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("changed_at", Whole, nullable=False),
    Column("expires_at", Whole, nullable=False, index=True),
    Column("holder", LargeBinary),
    Index("agent_tasks_by_context", "context", "changed_at"),
    Index("agent_tasks_by_holder", "holder", "expires_at"),
    sqlite_with_rowid=False,
)
"""`key` and `context` are HMACs of ids, which are secrets; `sealed_id` opens with the conversation's id, `sealed` with
the task's. Times are Unix seconds, `holder` as of carts."""
