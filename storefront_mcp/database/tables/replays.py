"""The table of answers that are replayed under their idempotency key."""

from typing import Final

from sqlalchemy import Column, LargeBinary, Table, Text

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
    sqlite_with_rowid=False,
)
"""`key` and `arguments` are keyed digests, `answer` is encrypted: who reads the database learns nothing of a cart."""
