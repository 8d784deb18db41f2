"""Tables by which processes tell of themselves: workers, and the writes that prove that the database takes some."""

from typing import Final

from sqlalchemy import Column, LargeBinary, Table, Text

from storefront_mcp.database.tables.metadata import METADATA, Whole

WORKERS: Final = Table(
    "workers",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Whole, nullable=False),
    Column("file", Text, nullable=False),
    Column("seen_at", Whole, nullable=False),
    Column("shown", LargeBinary, nullable=False),
)
"""One row per running worker. `file` is that of the database, as `Database.file`; `seen_at` is Unix seconds; `shown` is
JSON: by store, the number of the flip it shows."""

WRITE_PROBES: Final = Table(
    "write_probes",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("filler", LargeBinary, nullable=False),
)
"""The last write that readiness made, several pages long."""
