"""The tables of API keys, and of the epochs that void all of a store's at once."""

from typing import Final

from sqlalchemy import Column, LargeBinary, Table, Text

from storefront_mcp.database.tables.metadata import METADATA, Whole

API_KEYS: Final = Table(
    "api_keys",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("store", Text, nullable=False, index=True),
    Column("digest", LargeBinary, nullable=False),
    Column("label", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("epoch", Whole, nullable=False),
    Column("created_at", Whole, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", Whole, nullable=False),
    Column("last_used_at", Whole),
    Column("revoked_at", Whole),
)
"""`digest` is a hash of the whole key: who reads the database can call as nobody. Times are Unix seconds, scopes have
spaces between them."""

KEY_EPOCHS: Final = Table(
    "key_epochs",
    METADATA,
    Column("store", Text, primary_key=True),
    Column("epoch", Whole, nullable=False),
)
"""How often a store's keys were rotated; no row is 0. A key of another epoch is void."""
