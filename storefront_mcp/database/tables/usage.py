"""Table of usage statistics per minute, summed over all workers."""

from typing import Final

from sqlalchemy import Column, Double, Table, Text

from storefront_mcp.database.tables.metadata import METADATA, Whole

TRAFFIC: Final = Table(
    "traffic",
    METADATA,
    Column("minute", Whole, primary_key=True),
    Column("store", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("client", Text, primary_key=True),
    Column("outcome", Text, primary_key=True),
    Column("count", Whole, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("slowest", Double, nullable=False),
    Column("within_25ms", Whole, nullable=False),
    Column("within_100ms", Whole, nullable=False),
    Column("within_500ms", Whole, nullable=False),
    Column("within_2s", Whole, nullable=False),
    Column("within_10s", Whole, nullable=False),
    sqlite_with_rowid=False,
)
"""`minute` is Unix minutes; `kind` says what `name` is: a tool, a protocol, an upstream call, a vain search."""
