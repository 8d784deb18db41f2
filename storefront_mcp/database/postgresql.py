"""The PostgreSQL server: timeouts everywhere, so that a server that hangs is an error and not a wait."""

import hashlib
from typing import Any, Final

from sqlalchemy import Connection, Table, create_engine, text
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from storefront_mcp.database.unusable import DatabaseUnusable

CONNECT: Final = 5
"""Seconds to connect."""

STATEMENT: Final = 10
"""Seconds for one statement, waiting for locks included; also for a network that went silent."""

IDLE: Final = 30
"""Seconds after which the server ends a transaction that says nothing, as its process is stuck."""

CONNECTIONS: Final = 10
"""Of one process at most; whoever needs one more waits."""

SESSION: Final = (
    # What need not outlive the server's own crash does not wait for its disk.
    f"-c synchronous_commit=off -c statement_timeout={STATEMENT}s -c idle_in_transaction_session_timeout={IDLE}s"
)


class PostgresqlServer:
    """A database of its own on a server. Implements `engine.Kind`. Raises DatabaseUnusable."""

    advice = "Check that the server runs, the address, the user, and that it may create tables there."

    def __init__(self, where: str) -> None:
        url = _parsed(where)
        # A query may hold secrets as well.
        self.name = url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
        theirs = url.query.get("options", "")
        try:
            self.engine = create_engine(
                url.difference_update_query(["options"]),
                connect_args={
                    "connect_timeout": CONNECT,
                    "tcp_user_timeout": STATEMENT * 1000,
                    "application_name": "storefront-mcp",
                    # A pooler may hand the next transaction to a connection that has prepared nothing.
                    "prepare_threshold": None,
                    # The last one wins: the operator's.
                    "options": f"{SESSION} {theirs if isinstance(theirs, str) else ' '.join(theirs)}",
                },
                isolation_level="READ COMMITTED",
                pool_pre_ping=True,
                pool_size=CONNECTIONS,
                max_overflow=0,
                pool_timeout=STATEMENT,
                hide_parameters=True,
            )
        except ModuleNotFoundError as error:
            message = f"{self.name}: PostgreSQL needs its driver. Install storefront-mcp[postgresql]."
            raise DatabaseUnusable(message) from error

    def prepare(self) -> None:
        """The server is there or it is not."""

    def reading(self) -> dict[str, Any]:
        """A snapshot."""
        return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

    def writing(self, survives: str) -> dict[str, Any]:  # noqa: ARG002 -- said once the transaction has begun
        """Each statement sees what was committed before it."""
        return {}

    def begun(self, connection: Connection, *, survives: str, alone: str | None) -> None:
        """Wait for the disk if told so, and for whoever wants to be alone with the same thing."""
        if survives == "power":
            connection.execute(text("SET LOCAL synchronous_commit = on"))
        if alone is not None:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _lock(alone)})

    def insert(self, table: Table) -> Insert:
        """PostgreSQL's INSERT."""
        return insert(table)

    def watching(self) -> "ServerWatching":
        """Nothing counts writes here."""
        return ServerWatching()

    def forget(self) -> None:
        """The server's own vacuum overwrites what was deleted."""


class ServerWatching:
    """Cannot tell. Implements `engine.Watching`."""

    def writes(self) -> None:
        """Only the tables themselves can tell."""

    def close(self) -> None:
        """There is nothing to let go of."""


def _parsed(where: str) -> URL:
    try:
        return make_url(where).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        # Not a word of it is repeated: a password may be in there.
        raise DatabaseUnusable(
            "The database's URL cannot be read: wants postgresql://user@host:port/name, special letters of a password "
            "percent-encoded."
        ) from None


def _lock(name: str) -> int:
    """Advisory locks are numbers, and others may use some: 64 bits of a hash stay clear of them."""
    return int.from_bytes(hashlib.sha256(f"storefront-mcp {name}".encode()).digest()[:8], signed=True)
