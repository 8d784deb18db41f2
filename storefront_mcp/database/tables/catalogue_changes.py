"""Table of what was seen to be different in shops' catalogues."""

from typing import Final

from sqlalchemy import Column, Double, Index, Table, Text

from storefront_mcp.database.tables.metadata import METADATA, Whole

CATALOGUE_CHANGES: Final = Table(
    "catalogue_changes",
    METADATA,
    Column("number", Whole, primary_key=True, autoincrement=False),
    Column("store", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("at", Double, nullable=False),
    Index("catalogue_changes_by_store", "store", "number"),
)
"""One row per change, the newest for a name only; `at` is Unix seconds."""
