"""The tables of the one file, and the version of their shape."""

from typing import Final

from sqlalchemy import Column, Connection, Index, Integer, LargeBinary, MetaData, Table, Text, event

SCHEMA_VERSION: Final = 1
"""Kept in `PRAGMA user_version`. Migrations take over here: a file of an older version is brought to this one."""

METADATA: Final = MetaData()

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
    Index("flips_by_phase", "store", "phase", "number"),
)
"""One row per changed phase. Rows written in one transaction share `number`; `at` is ISO 8601 in UTC."""

CARTS: Final = Table(
    "carts",
    METADATA,
    Column("key", LargeBinary, primary_key=True),
    Column("store", Text, nullable=False),
    Column("upstream", Text, nullable=False),
    Column("lines", LargeBinary, nullable=False),
    Column("expires_at", Integer, nullable=False, index=True),
    sqlite_with_rowid=False,
)
"""`key` is a hash of store and handle: who reads the file learns no handle. `expires_at` is Unix seconds."""

KEYS: Final = Table(
    "keys",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("key", LargeBinary, nullable=False),
)
"""Random keys that the workers of a machine share."""


def _only_ever_add(_table: object, connection: Connection, **_options: object) -> None:
    """A record that can be edited is no record."""
    for change in ("UPDATE", "DELETE"):
        connection.exec_driver_sql(
            f"CREATE TRIGGER flips_refuse_{change.lower()} BEFORE {change} ON flips "
            "BEGIN SELECT RAISE(ABORT, 'flips are only ever added'); END"
        )


event.listen(FLIPS, "after_create", _only_ever_add)
