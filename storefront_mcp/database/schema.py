"""Which version of the tables a database has, and how it comes to ours."""

from pathlib import Path
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    delete,
    insert,
    inspect,
    select,
)

from storefront_mcp.database.tables import METADATA

REVISIONS: Final = sorted(
    path.name[:4] for path in (Path(__file__).parent / "migrations" / "versions").glob("[0-9]*.py")
)
"""Every step there is, oldest first."""

HEAD: Final = REVISIONS[-1]

VERSION: Final = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Alembic's own table, with one row."""

SEAL_OF_OLD_FILES: Final = 2
"""`PRAGMA user_version` since there are migrations: versions from before, which know 1, refuse the file by it."""


class NewerTables(Exception):
    """A newer storefront-mcp has written here."""

    def __init__(self, found: str) -> None:
        super().__init__(found)
        self.found = found


def revision(connection: Connection) -> str | None:
    """The revision of the tables; None before the first."""
    found: str | None = connection.execute(select(VERSION.c.version_num)).scalar_one_or_none()
    return found


def bring_up_to_date(connection: Connection) -> None:
    """Create what is missing, in one transaction that nobody else may be in at the same time. Raises NewerTables."""
    tables = set(inspect(connection).get_table_names())
    found = revision(connection) if VERSION.name in tables else None
    if found is not None and found not in REVISIONS:
        raise NewerTables(found)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {SEAL_OF_OLD_FILES}")
    if found is None and "flips" not in tables:
        # The same as all steps one by one, and quicker.
        METADATA.create_all(connection)
        stamp(connection, HEAD)
        return
    if found is None:
        stamp(connection, REVISIONS[0])
    if found != HEAD:
        upgrade(connection)


def stamp(connection: Connection, at: str) -> None:
    """Write down which revision this is."""
    VERSION.create(connection, checkfirst=True)
    connection.execute(delete(VERSION))
    connection.execute(insert(VERSION).values(version_num=at))


def upgrade(connection: Connection) -> None:
    """Run the steps that are missing."""
    from alembic import command  # noqa: PLC0415 -- takes a third of a second, and there is seldom something to do
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "storefront_mcp.database:migrations")
    command.upgrade(config, "head")
