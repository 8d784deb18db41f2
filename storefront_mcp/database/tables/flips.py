"""Table of flips."""

from typing import Final

from sqlalchemy import Column, Connection, Index, Integer, Table, Text, event

from storefront_mcp.database.tables.metadata import METADATA, refuse_trigger

FLIPS: Final = Table(
    "flips",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("store", Text, nullable=False),
    Column("phase", Text, primary_key=True),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("terms", Text),
    Index("flips_by_phase", "store", "phase", "number"),
)
"""One row per changed phase. Rows written in one transaction share `number`; `at` is ISO 8601 in UTC, `terms` JSON."""


@event.listens_for(FLIPS, "after_create")
def _refuse_changes(_table: object, connection: Connection, **_options: object) -> None:
    refuse_trigger(connection, "flips")
