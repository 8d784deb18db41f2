"""The tables of the audit: entries in a chain, and where the chain ends."""

from typing import Final

from sqlalchemy import Column, Connection, Index, LargeBinary, Table, Text, event

from storefront_mcp.database.tables.metadata import METADATA, Whole, refuse

AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("number", Whole, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False, index=True),
    Column("store", Text, nullable=False),
    Column("entry", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("audit_by_store", "store", "number"),
)
"""`entry` is JSON and what counts; `at` and `store` repeat it for searching. `hash` covers it and the hash before."""

AUDIT_HEAD: Final = Table(
    "audit_head",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("number", Whole, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
"""One row: the last entry. Whoever adds one holds this row, so that entries come one after the other."""


@event.listens_for(AUDIT, "after_create")
def _never_changes(_table: object, connection: Connection, **_options: object) -> None:
    refuse(connection, "audit", ("UPDATE",))
