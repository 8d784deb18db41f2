"""Tables of emergency stops and of scheduled flips."""

from typing import Final

from sqlalchemy import Boolean, Column, Connection, Index, Integer, Table, Text, event

from storefront_mcp.database.tables.metadata import METADATA, refuse_trigger

STOPS: Final = Table(
    "stops",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("store", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("stopped", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
    Index("stops_by_store", "store", "scope", "client", "number"),
)
"""One row per stop and per end of one. `number` is of one sequence with that of flips; `at` is ISO 8601 in UTC."""

SCHEDULED_FLIPS: Final = Table(
    "scheduled_flips",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("store", Text, nullable=False),
    Column("changes", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Index("scheduled_flips_by_outcome", "outcome", "at"),
)
"""`changes` and `terms` are JSON, `at` ISO 8601 in UTC; `outcome` is empty while one waits."""


@event.listens_for(STOPS, "after_create")
def _refuse_changes(_table: object, connection: Connection, **_options: object) -> None:
    refuse_trigger(connection, "stops")
