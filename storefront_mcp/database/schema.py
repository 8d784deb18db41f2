"""Schema revision of a database, and its migration to the current one."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    create_engine,
    delete,
    insert,
    inspect,
    select,
)
from sqlalchemy.pool import StaticPool

from storefront_mcp.database.tables import METADATA

REVISIONS: Final = sorted(
    path.name[:4] for path in (Path(__file__).parent / "migrations" / "versions").glob("[0-9]*.py")
)
"""Every migration, oldest first."""

HEAD_REVISION: Final = REVISIONS[-1]

VERSION: Final = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Alembic's own table, with one row."""

OLD_FILES_REVISION: Final = 2
"""`PRAGMA user_version` since there are migrations; versions from before them know 1 and refuse the file."""

MAX_NAMED_TABLES: Final = 5
"""Foreign tables that a message names."""


class TablesRefused(Exception):
    """The tables are not this version's; the message follows the database's name, and says what to do."""


def check_tables(connection: Connection) -> None:
    """Check the revision without a change. Raises TablesRefused."""
    tables = set(inspect(connection).get_table_names())
    found = revision(connection) if VERSION.name in tables else None
    if found == HEAD_REVISION:
        return
    if found is not None and found not in REVISIONS:
        raise _newer(found)
    older = f"has tables of an older version ({found or 'before 0001'}; this one knows {HEAD_REVISION})"
    if found is None and "flips" not in tables:
        older = "has no tables of ours"
    raise TablesRefused(
        f"{older}, and to look is no reason to change it. Start this version's server, which brings the tables up to "
        "date, or look with the version that is running."
    )


def _newer(found: str) -> TablesRefused:
    return TablesRefused(
        f"was written by a newer storefront-mcp (version {found} of its tables, this one knows {HEAD_REVISION}). "
        "Update storefront-mcp or name another database."
    )


def revision(connection: Connection) -> str | None:
    """The revision of the schema; None before the first."""
    found: str | None = connection.execute(select(VERSION.c.version_num)).scalar_one_or_none()
    return found


def has_foreign_tables(connection: Connection) -> bool:
    """Whether there are tables, and none of ours."""
    tables = set(inspect(connection).get_table_names())
    return bool(tables) and not tables & {VERSION.name, "flips"}


def bring_up_to_date(connection: Connection) -> None:
    """Create or migrate the tables, in the exclusive transaction of the caller.

    Raises TablesRefused.
    """
    tables = set(inspect(connection).get_table_names())
    found = revision(connection) if VERSION.name in tables else None
    if found is not None and found not in REVISIONS:
        raise _newer(found)
    if found is None and tables and "flips" not in tables:
        named = ", ".join(sorted(tables)[:MAX_NAMED_TABLES])
        raise TablesRefused(
            f"has tables of somebody else ({named}), so nothing in it was changed. Give this server a "
            "database of its own."
        )
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {OLD_FILES_REVISION}")
    if found is None and "flips" not in tables:
        # Quicker than all migrations one by one, with the same result.
        create_tables(connection)
        stamp(connection, HEAD_REVISION)
        return
    if found is None:
        stamp(connection, REVISIONS[0])
    if found != HEAD_REVISION:
        upgrade(connection)


def create_tables(connection: Connection) -> None:
    """Create every table of this version in a database that has none of them."""
    if connection.dialect.name != "sqlite":
        METADATA.create_all(connection)
        return
    for statement in sqlite_definitions():
        connection.exec_driver_sql(statement)


@cache
def sqlite_definitions() -> Sequence[str]:
    """SQLite's statements that create tables, indexes and triggers, compiled once: most of what a new file takes."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        METADATA.create_all(connection)
        found = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
        statements = found.scalars().all()
    engine.dispose()
    return statements


def stamp(connection: Connection, at: str) -> None:
    """Store the revision."""
    VERSION.create(connection, checkfirst=True)
    connection.execute(delete(VERSION))
    connection.execute(insert(VERSION).values(version_num=at))


def upgrade(connection: Connection, to: str = "head") -> None:
    """Run the missing migrations up to a revision."""
    from alembic import command  # noqa: PLC0415 -- takes 0.3 s, and is seldom needed
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "storefront_mcp.database:migrations")
    command.upgrade(config, to)
