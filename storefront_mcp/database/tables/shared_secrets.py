"""Table of shared secrets."""

from typing import Final

from sqlalchemy import Column, LargeBinary, Table, Text

from storefront_mcp.database.tables.metadata import METADATA

KEYS: Final = Table(
    "keys",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("key", LargeBinary, nullable=False),
)
"""32 random bytes per name."""
