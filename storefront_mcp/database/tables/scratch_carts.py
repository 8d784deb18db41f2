"""Table of carts of nobody's that may hold a buyer's address."""

from typing import Final

from sqlalchemy import Column, Double, Table, Text

from storefront_mcp.database.tables.metadata import METADATA

SCRATCH_CARTS: Final = Table(
    "scratch_carts",
    METADATA,
    Column("store", Text, primary_key=True),
    Column("cart", Text, primary_key=True),
    Column("country", Text, nullable=False),
    Column("since", Double, nullable=False),
)
"""One row per cart, from before it gets anything until it is empty. `cart` is the shop's id, `since` Unix seconds."""
