"""Whether the database takes what we would write, without writing anything."""

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.database import schema
from storefront_mcp.database.engine import Database


def unready(database: Database) -> str | None:
    """Why nothing can be written now, for anybody to read; None when it can. Waits as long as a writer would."""
    try:
        with database.writing() as connection:
            found = schema.revision(connection)
            connection.execute(update(schema.VERSION).values(version_num=schema.VERSION.c.version_num))
            connection.rollback()
    except (SQLAlchemyError, ShopBusy):
        return "cannot be written"
    return None if found == schema.HEAD else "the tables are of another version"
