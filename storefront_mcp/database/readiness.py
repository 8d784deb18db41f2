"""Whether a database can be used now, and whether it is still the one that was opened."""

import hashlib
import secrets
from typing import Final

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.database import schema
from storefront_mcp.database.engine import Database
from storefront_mcp.database.tables.shared_secrets import KEYS
from storefront_mcp.database.tables.workers import WRITE_PROBES

IDENTITY: Final = "identity"
"""Name of the shared secret that tells one database from another."""
WRITE_PROBE_BYTES: Final = 16_384
"""More than what one call writes, so that this fails before a call does."""
SINCE_START: Final = "since the start"
"""End of every reason that the database is no longer the one that was opened."""
REPLACED: Final = f"is another one {SINCE_START}"


class DatabaseReadiness:
    """The readiness of one open database. Raises as its first write does."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.identity = _digest(database.shared_secret(IDENTITY))
        """Tells this database from every other; public."""

    @property
    def name(self) -> str:
        """As `Database.name`."""
        return self._database.name

    def is_displaced(self) -> bool:
        """Whether its file was replaced or deleted since it was opened; asks nothing but the file system."""
        return self._database.displacement_reason() is not None

    def unready_reason(self) -> str | None:
        """Why it cannot be used, to follow its name and safe to publish; None when it can. Blocks as `write`."""
        if (displaced := self._database.displacement_reason()) is not None:
            return displaced
        try:
            return self.write()
        except (SQLAlchemyError, ShopBusy) as error:
            return self._database.failure(error).reason

    def write(self) -> str | None:
        """Write WRITE_PROBE_BYTES and commit; returns as `unready_reason`.

        Blocks as long as a writer would. Raises SQLAlchemyError, ShopBusy.
        """
        with self._database.writing() as connection:
            found, identity = schema.revision(connection), recorded_identity(connection)
            _write_probe(connection)
        if found != schema.HEAD_REVISION:
            return "has the tables of another version"
        return None if identity == self.identity else REPLACED


def recorded_identity(connection: Connection) -> str | None:
    """The identity of a database as recorded; None before its first server."""
    secret = connection.execute(select(KEYS.c.key).where(KEYS.c.name == IDENTITY)).scalar_one_or_none()
    return None if secret is None else _digest(secret)


def _digest(secret: bytes) -> str:
    return hashlib.sha256(b"storefront-mcp database " + secret).hexdigest()[:16]


def _write_probe(connection: Connection) -> None:
    """Write a row, and remove the one before it: in this order, so that the database has to have room for both."""
    fresh = secrets.token_hex(8)
    connection.execute(insert(WRITE_PROBES).values(id=fresh, filler=secrets.token_bytes(WRITE_PROBE_BYTES)))
    connection.execute(delete(WRITE_PROBES).where(WRITE_PROBES.c.id != fresh))
