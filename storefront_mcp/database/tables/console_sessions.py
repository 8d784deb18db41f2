"""Tables of console sessions and login links."""

from typing import Final

from sqlalchemy import Column, LargeBinary, Table, Text

from storefront_mcp.database.tables.metadata import METADATA, Whole

CONSOLE_SEATS: Final = Table(
    "console_seats",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("store", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("key", Text),
    Column("began_at", Whole, nullable=False),
    Column("expires_at", Whole, nullable=False, index=True),
)
"""`digest` is a hash of the cookie. Times are Unix seconds."""

CONSOLE_INVITATIONS: Final = Table(
    "console_invitations",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("store", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("expires_at", Whole, nullable=False, index=True),
)
"""`digest` is a hash of the link's token; redeeming a link deletes its row."""
