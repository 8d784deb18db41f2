"""Table of checkout sessions."""

from typing import Final

from sqlalchemy import Column, Double, Index, LargeBinary, Table, Text

from storefront_mcp.database.tables.metadata import METADATA, Whole

CHECKOUT_SESSIONS: Final = Table(
    "checkout_sessions",
    METADATA,
    Column("key", LargeBinary, primary_key=True),
    Column("store", Text, nullable=False),
    Column("fence", Whole, nullable=False),
    Column("lease_until", Double, nullable=False),
    Column("ends_at", Double, nullable=False),
    Column("expires_at", Whole, nullable=False, index=True),
    Column("record", LargeBinary, nullable=False),
    Column("personal", LargeBinary),
    Column("holder", LargeBinary),
    Index("checkout_sessions_by_ends_at", "ends_at"),
    Index("checkout_sessions_by_holder", "holder", "expires_at"),
)
"""`key` is a hash of store and cart, as handles are secrets, and `record` is the session as JSON without both.

`personal` is JSON, encrypted where there is a key; NULL once erased, like `holder`, which is as of carts: at `ends_at`
at the latest. The row goes at `expires_at`. Times are Unix seconds.
"""
