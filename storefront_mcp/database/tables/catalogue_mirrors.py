"""Table of the mirrors of stores' catalogues."""

from typing import Final

from sqlalchemy import Column, Double, LargeBinary, Table, Text

from storefront_mcp.database.tables.metadata import METADATA

CATALOGUE_MIRRORS: Final = Table(
    "catalogue_mirrors",
    METADATA,
    Column("store", Text, primary_key=True),
    Column("place", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("lease_until", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("record", LargeBinary, nullable=False),
)
"""One row per store and folder. `record` is JSON: `MirrorRecord`, of which the other columns win; times are Unix
seconds."""
