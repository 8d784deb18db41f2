"""Tables of API keys, and of the epochs by which all keys of a store are revoked at once."""

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
"""`digest` is a hash of the whole key. Times are Unix seconds; scopes are separated by spaces."""

KEY_EPOCHS: Final = Table(
    "key_epochs",
    METADATA,
    Column("store", Text, primary_key=True),
    Column("epoch", Whole, nullable=False),
)
"""Number of rotations of a store's keys; no row means 0. A key of another epoch is revoked."""
