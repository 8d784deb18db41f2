"""Keys that every worker of the machine shares, made once and kept in the database."""

import secrets

from sqlalchemy import select

from storefront_mcp.database.engine import Database
from storefront_mcp.database.tables import KEYS


def shared_key(database: Database, name: str) -> bytes:
    """32 random bytes under a name, the same for whoever asks."""
    # What a key has signed may outlive a power cut, so the key must.
    with database.writing(survives="power") as connection:
        connection.execute(
            database.insert(KEYS).values(name=name, key=secrets.token_bytes(32)).on_conflict_do_nothing()
        )
        key: bytes = connection.execute(select(KEYS.c.key).where(KEYS.c.name == name)).scalar_one()
    return key
