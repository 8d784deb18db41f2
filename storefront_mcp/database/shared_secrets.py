"""Random secrets that every worker shares, created once and stored in the database."""

import secrets

from sqlalchemy import select

from storefront_mcp.database.engine import Database
from storefront_mcp.database.tables import KEYS


def get_shared_secret(database: Database, name: str) -> bytes:
    """The secret of a name: 32 random bytes, created at the first call."""
    # Durable, as what it has signed may be.
    with database.writing(survives="power") as connection:
        connection.execute(
            database.insert(KEYS).values(name=name, key=secrets.token_bytes(32)).on_conflict_do_nothing()
        )
        key: bytes = connection.execute(select(KEYS.c.key).where(KEYS.c.name == name)).scalar_one()
    return key
