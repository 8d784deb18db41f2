"""Table of sandbox payments."""

from typing import Final

from sqlalchemy import Column, LargeBinary, Table, Text

from storefront_mcp.database.tables.metadata import METADATA, Whole

SANDBOX_SLIPS: Final = Table(
    "sandbox_slips",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("expires_at", Whole, nullable=False, index=True),
    Column("slip", LargeBinary, nullable=False),
)
"""`slip` is the payment as JSON, `key` its idempotency key."""
