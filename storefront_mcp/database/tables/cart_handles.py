"""Table of cart handles."""

from typing import Final

from sqlalchemy import Column, Index, LargeBinary, Table, Text

from storefront_mcp.database.tables.metadata import METADATA, Whole

CARTS: Final = Table(
    "carts",
    METADATA,
    Column("key", LargeBinary, primary_key=True),
    Column("store", Text, nullable=False),
    Column("upstream", Text, nullable=False),
    Column("lines", LargeBinary, nullable=False),
    Column("expires_at", Whole, nullable=False, index=True),
    Column("holder", LargeBinary),
    Column("owner", Text),
    Column("coupon", Text),
    Index("carts_by_holder", "holder", "expires_at"),
    sqlite_with_rowid=False,
)
"""`key` is a hash of store and handle, as handles are secrets. `expires_at` is Unix seconds, `holder` a
keyed digest of the client's address: see `row_quota`. `owner` is a signed-in customer's subject, NULL for nobody.
`coupon` is the code that the cart had last, empty where one did not apply."""
