"""Seats and invitations of the operator's console on record."""

import datetime as dt
from typing import cast

from sqlalchemy import CursorResult, Table, delete, insert, select

from storefront_mcp.calls.seats import Invitation, Seat
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.database.engine import Database
from storefront_mcp.database.tables import CONSOLE_INVITATIONS, CONSOLE_SEATS


class DatabaseSeats:
    """Implements `calls.seats.Seats`; may be shared by threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def invite(self, invitation: Invitation) -> None:
        """Write an invitation down."""
        row = {
            "digest": invitation.digest,
            "store": invitation.store,
            "by": invitation.by,
            "expires_at": int(invitation.expires_at.timestamp()),
        }
        with self._database.writing() as connection:
            connection.execute(insert(CONSOLE_INVITATIONS).values(row))

    def accept(self, digest: bytes, store: StoreId, now: dt.datetime) -> Invitation | None:
        """The invitation of that digest, which is used up by this; None when there is none that still counts."""
        table = CONSOLE_INVITATIONS
        # One statement: of two who come at the same moment, one gets the row.
        taken = delete(table).where(table.c.digest == digest, table.c.store == store).returning(*table.c)
        with self._database.writing(survives="power") as connection:
            row = connection.execute(taken).one_or_none()
        if row is None or row.expires_at <= now.timestamp():
            return None
        return Invitation(digest=digest, store=store, by=row.by, expires_at=_moment(row.expires_at))

    def take(self, seat: Seat) -> None:
        """Write a seat down; whose time is over is forgotten."""
        now = int(seat.began_at.timestamp())
        row = {
            "digest": seat.digest,
            "store": seat.store,
            "by": seat.by,
            "scopes": " ".join(sorted(seat.scopes)),
            "key": seat.key,
            "began_at": now,
            "expires_at": int(seat.expires_at.timestamp()),
        }
        with self._database.writing() as connection:
            for table in (CONSOLE_SEATS, CONSOLE_INVITATIONS):
                connection.execute(delete(table).where(table.c.expires_at <= now))
            connection.execute(insert(CONSOLE_SEATS).values(row))

    def find(self, digest: bytes, store: StoreId, now: dt.datetime) -> Seat | None:
        """The seat of that digest; None when there is none that still counts."""
        table = CONSOLE_SEATS
        wanted = select(table).where(table.c.digest == digest, table.c.store == store)
        with self._database.reading() as connection:
            row = connection.execute(wanted).one_or_none()
        if row is None or row.expires_at <= now.timestamp():
            return None
        return Seat(
            digest=digest,
            store=store,
            by=row.by,
            scopes=frozenset(row.scopes.split()),
            key=row.key,
            began_at=_moment(row.began_at),
            expires_at=_moment(row.expires_at),
        )

    def leave(self, digest: bytes) -> None:
        """The seat of that digest is over."""
        with self._database.writing(survives="power") as connection:
            connection.execute(delete(CONSOLE_SEATS).where(CONSOLE_SEATS.c.digest == digest))

    def clear(self, store: StoreId) -> int:
        """Every seat and invitation of a store is over; how many there were."""
        with self._database.writing(survives="power") as connection:
            gone = [
                cast("CursorResult[None]", connection.execute(delete(table).where(table.c.store == store)))
                for table in (CONSOLE_SEATS, CONSOLE_INVITATIONS)
            ]
        return sum(one.rowcount for one in gone)

    def in_use(self, store: StoreId, now: dt.datetime) -> bool:
        """Whether somebody is seated or invited."""
        return any(self._counts(table, store, now) for table in (CONSOLE_SEATS, CONSOLE_INVITATIONS))

    def _counts(self, table: Table, store: StoreId, now: dt.datetime) -> bool:
        wanted = (
            select(table.c.digest).where(table.c.store == store, table.c.expires_at > int(now.timestamp())).limit(1)
        )
        with self._database.reading() as connection:
            return connection.execute(wanted).one_or_none() is not None


def _moment(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)
