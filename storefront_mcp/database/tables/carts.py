"""The table of cart handles."""

from typing import Final

from sqlalchemy import Column, LargeBinary, Table, Text

from storefront_mcp.database.tables.metadata import METADATA, Whole

CARTS: Final = Table(
    "carts",
    METADATA,
    Column("key", LargeBinary, primary_key=True),
    Column("store", Text, nullable=False),
    Column("upstream", Text, nullable=False),
    Column("lines", LargeBinary, nullable=False),
    Column("expires_at", Whole, nullable=False, index=True),
    sqlite_with_rowid=False,
)
"""`key` is a hash of store and handle: who reads the database learns no handle. `expires_at` is Unix seconds."""
