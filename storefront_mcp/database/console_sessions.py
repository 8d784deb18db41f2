"""Console sessions and login links in SQL."""

import datetime as dt
from typing import cast

from sqlalchemy import CursorResult, Table, delete, insert, select

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.engine import Database
from storefront_mcp.database.tables.console_sessions import CONSOLE_INVITATIONS, CONSOLE_SEATS
from storefront_mcp.records.console_sessions import ConsoleSession, LoginLink


class SqlConsoleSessionRepository:
    """Implements `records.console_sessions.ConsoleSessionRepository`; thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_link(self, link: LoginLink) -> None:
        """Store a login link."""
        row = {
            "digest": link.digest,
            "store": link.store,
            "by": link.by,
            "expires_at": int(link.expires_at.timestamp()),
        }
        with self._database.writing() as connection:
            connection.execute(insert(CONSOLE_INVITATIONS).values(row))

    def redeem_link(self, digest: bytes, store: StoreId, now: dt.datetime) -> LoginLink | None:
        """Delete and return the link of a digest; None when there is none, or it has expired."""
        table = CONSOLE_INVITATIONS
        # One statement: of two concurrent requests, one gets the row.
        redeemed = delete(table).where(table.c.digest == digest, table.c.store == store).returning(*table.c)
        with self._database.writing(survives="power") as connection:
            row = connection.execute(redeemed).one_or_none()
        if row is None or row.expires_at <= now.timestamp():
            return None
        return LoginLink(digest=digest, store=store, by=row.by, expires_at=_moment(row.expires_at))

    def add_session(self, session: ConsoleSession) -> None:
        """Store a session, and delete expired sessions and links."""
        now = int(session.began_at.timestamp())
        row = {
            "digest": session.digest,
            "store": session.store,
            "by": session.by,
            "scopes": " ".join(sorted(session.scopes)),
            "key": session.key,
            "began_at": now,
            "expires_at": int(session.expires_at.timestamp()),
        }
        with self._database.writing() as connection:
            for table in (CONSOLE_SEATS, CONSOLE_INVITATIONS):
                connection.execute(delete(table).where(table.c.expires_at <= now))
            connection.execute(insert(CONSOLE_SEATS).values(row))

    def find_session(self, digest: bytes, store: StoreId, now: dt.datetime) -> ConsoleSession | None:
        """The session of a digest; None when there is none, or it has expired."""
        table = CONSOLE_SEATS
        wanted = select(table).where(table.c.digest == digest, table.c.store == store)
        with self._database.reading() as connection:
            row = connection.execute(wanted).one_or_none()
        if row is None or row.expires_at <= now.timestamp():
            return None
        return ConsoleSession(
            digest=digest,
            store=store,
            by=row.by,
            scopes=frozenset(row.scopes.split()),
            key=row.key,
            began_at=_moment(row.began_at),
            expires_at=_moment(row.expires_at),
        )

    def end_session(self, digest: bytes) -> None:
        """Delete the session of a digest."""
        with self._database.writing(survives="power") as connection:
            connection.execute(delete(CONSOLE_SEATS).where(CONSOLE_SEATS.c.digest == digest))

    def end_all(self, store: StoreId) -> int:
        """Delete every session and link of a store; their number."""
        with self._database.writing(survives="power") as connection:
            deleted = [
                cast("CursorResult[None]", connection.execute(delete(table).where(table.c.store == store)))
                for table in (CONSOLE_SEATS, CONSOLE_INVITATIONS)
            ]
        return sum(one.rowcount for one in deleted)

    def has_sessions(self, store: StoreId, now: dt.datetime) -> bool:
        """Whether a session or link of the store is valid."""
        return any(self._has_valid(table, store, now) for table in (CONSOLE_SEATS, CONSOLE_INVITATIONS))

    def _has_valid(self, table: Table, store: StoreId, now: dt.datetime) -> bool:
        wanted = (
            select(table.c.digest).where(table.c.store == store, table.c.expires_at > int(now.timestamp())).limit(1)
        )
        with self._database.reading() as connection:
            return connection.execute(wanted).one_or_none() is not None


def _moment(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)
