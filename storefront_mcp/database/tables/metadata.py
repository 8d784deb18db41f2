"""Metadata, column types and triggers that all tables share."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import BigInteger, Connection, Integer, MetaData

METADATA: Final = MetaData()

Whole: Final = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit integer."""


def refuse_trigger(connection: Connection, table: str, changes: Iterable[str] = ("UPDATE", "DELETE")) -> None:
    """Create triggers by which the database refuses these changes of rows."""
    for change in changes:
        name = f"{table}_refuse_{change.lower()}"
        said = f"{table} are only ever added"
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(
                f"CREATE TRIGGER {name} BEFORE {change} ON {table} BEGIN SELECT RAISE(ABORT, '{said}'); END"
            )
        else:
            connection.exec_driver_sql(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION '{said}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
            )
            # Per statement, so that TRUNCATE can be refused as well.
            events = "DELETE OR TRUNCATE" if change == "DELETE" else change
            connection.exec_driver_sql(
                f"CREATE TRIGGER {name} BEFORE {events} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
            )
