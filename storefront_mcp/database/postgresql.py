"""PostgreSQL driver; every wait has a timeout, so that a server that hangs is an error."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import create_engine
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from storefront_mcp.database.errors import DatabaseUnusable
from storefront_mcp.database.failures import REFUSED, failure_kind
from storefront_mcp.records.audit import Durability

CONNECT_TIMEOUT_SECONDS: Final = 5
STATEMENT_TIMEOUT_SECONDS: Final = 10
"""Also bounds waits for locks, for a pooled connection and for a silent network."""
IDLE_TIMEOUT_SECONDS: Final = 30
"""After this the server ends a transaction whose process is stuck."""
MAX_CONNECTIONS: Final = 10
"""Pool size of one process."""
SESSION_OPTIONS: Final = (
    # Commits wait for the disk only where `survives` is "power".
    f"-c synchronous_commit=off -c statement_timeout={STATEMENT_TIMEOUT_SECONDS}s"
    f" -c idle_in_transaction_session_timeout={IDLE_TIMEOUT_SECONDS}s"
)


def _lock_statement(name: str) -> str:
    """An advisory lock, numbered by 64 bits of a hash to stay clear of other programs."""
    number = int.from_bytes(hashlib.sha256(f"storefront-mcp {name}".encode()).digest()[:8], signed=True)
    return f"SELECT pg_advisory_xact_lock({number})"


class PostgresqlDriver:
    """Implements `engine.DatabaseDriver`. Raises DatabaseUnusable."""

    kept = True
    read_options: Mapping[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    write_options: Mapping[Durability, Mapping[str, Any]] = {
        "process": {},
        "power": {"begin_with": ("SET LOCAL synchronous_commit = on",)},
    }
    lock_statement: Callable[[str], str] | None = staticmethod(_lock_statement)
    insert = staticmethod(insert)
    file = ""

    def __init__(self, where: str) -> None:
        url = _parse_url(where)
        # The query may hold secrets too.
        self.name = url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
        theirs = url.query.get("options", "")
        try:
            self.engine = create_engine(
                url.difference_update_query(["options"]),
                connect_args={
                    "connect_timeout": CONNECT_TIMEOUT_SECONDS,
                    "tcp_user_timeout": STATEMENT_TIMEOUT_SECONDS * 1000,
                    "application_name": "storefront-mcp",
                    # A pooler may run the next transaction on a connection without the prepared statements.
                    "prepare_threshold": None,
                    # The operator's options come last and win.
                    "options": f"{SESSION_OPTIONS} {theirs if isinstance(theirs, str) else ' '.join(theirs)}",
                },
                isolation_level="READ COMMITTED",
                pool_pre_ping=True,
                pool_size=MAX_CONNECTIONS,
                max_overflow=0,
                pool_timeout=STATEMENT_TIMEOUT_SECONDS,
                hide_parameters=True,
            )
        except ModuleNotFoundError as error:
            message = f"{self.name}: PostgreSQL needs its driver. Install storefront-mcp[postgresql]."
            raise DatabaseUnusable(message) from error

    def explain(self, cause: str, state: str | None = None) -> str:
        """The cause, and what to check."""
        advice = "Check that the server runs, the address, the user, and that it may create tables there."
        kind = failure_kind(cause, state)
        return f"{cause}. {advice if kind is None or kind is REFUSED else kind.advice}"

    def prepare(self) -> None:
        """Nothing to create."""

    def watching(self) -> "PostgresqlChangeProbe":
        """A probe that never detects anything."""
        return PostgresqlChangeProbe()

    def forget(self) -> None:
        """The server's own vacuum does it."""

    def displacement_reason(self) -> None:
        """None: whether it is the same is told by what is in it."""


class PostgresqlChangeProbe:
    """Implements `engine.ChangeProbe` without change detection."""

    def writes(self) -> None:
        """None: the table has to be read."""

    def close(self) -> None:
        """Nothing to close."""


def _parse_url(where: str) -> URL:
    try:
        return make_url(where).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        # The URL is not quoted, as it may hold a password.
        raise DatabaseUnusable(
            "The database's URL cannot be read: wants postgresql://user@host:port/name, special letters of a password "
            "percent-encoded."
        ) from None
