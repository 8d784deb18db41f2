"""Tables of the audit log: the chain of entries, and its head."""

from typing import Final

from sqlalchemy import Column, Connection, Index, LargeBinary, Table, Text, event

from storefront_mcp.database.tables.metadata import METADATA, Whole, refuse_trigger

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
"""`entry` is JSON and authoritative; `at` and `store` repeat it for queries. `hash` covers it and the hash before."""

AUDIT_HEAD: Final = Table(
    "audit_head",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("number", Whole, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
"""One row: the last entry. Locked while entries are appended, to serialise them."""


@event.listens_for(AUDIT, "after_create")
def _refuse_changes(_table: object, connection: Connection, **_options: object) -> None:
    refuse_trigger(connection, "audit", ("UPDATE",))
