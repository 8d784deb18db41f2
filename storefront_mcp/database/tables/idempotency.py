"""Table of idempotency records."""

from typing import Final

from sqlalchemy import Column, Index, LargeBinary, Table, Text

from storefront_mcp.database.tables.metadata import METADATA, Whole

REPLAYS: Final = Table(
    "replays",
    METADATA,
    Column("key", LargeBinary, primary_key=True),
    Column("arguments", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("answer", LargeBinary),
    Column("lease_until", Whole, nullable=False),
    Column("expires_at", Whole, nullable=False, index=True),
    Column("holder", LargeBinary),
    Index("replays_by_holder", "holder", "expires_at"),
    sqlite_with_rowid=False,
)
"""`key` and `arguments` are HMACs, `answer` is encrypted. Times are Unix seconds, `holder` as of carts."""
