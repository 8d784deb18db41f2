"""Checkouts on record: each method is one transaction that is on the disk before it returns."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, case, delete, or_, select, update

from storefront_mcp.calls.audit import Entry
from storefront_mcp.checkout.record import Checkout, KeyTaken, LeaseLost, State
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.database.audit import append
from storefront_mcp.database.checkout_rows import CheckoutRows
from storefront_mcp.database.engine import Database
from storefront_mcp.database.seal import PersonalSeal
from storefront_mcp.database.tables.checkouts import CHECKOUT_EVENTS, CHECKOUT_KEYS, CHECKOUTS, LIVE

_C: Final = CHECKOUTS.c
_K: Final = CHECKOUT_KEYS.c

_NEXT_LOOK: Final = case((or_(_C.due_at.is_(None), _C.hastened_at < _C.due_at), _C.hastened_at), else_=_C.due_at)
"""When the reconciler is to look: what was planned or, if that is earlier, what was wished for since."""


class DatabaseCheckouts:
    """Checkouts in the database. Implements `checkout.record.Records`; may be shared by threads.

    With a `seal`, personal data is written sealed, and what was written without one can still be read.
    """

    def __init__(self, database: Database, *, seal: PersonalSeal | None = None) -> None:
        self._database = database
        self._rows = CheckoutRows(seal)

    async def open(self, checkout: Checkout, *, key: str | None = None) -> Checkout:
        """Write a new checkout, unless its cart has a live one or `key` (a digest) is known: then that one is answered.

        Raises KeyTaken when `key` is known for another `request`.
        """
        return await asyncio.to_thread(self._open, checkout, key)

    async def find(self, store: StoreId, id_: str) -> Checkout | None:
        """By its id."""
        return await asyncio.to_thread(self._one, _C.store == store, _C.id == id_)

    async def of_pay_key(self, store: StoreId, pay_key: str) -> Checkout | None:
        """By the digest of its payment page's token."""
        return await asyncio.to_thread(self._one, _C.store == store, _C.pay_key == pay_key)

    async def of_key(self, store: StoreId, key: str) -> Checkout | None:
        """By an idempotency key's digest."""
        known = select(_K.checkout).where(_K.store == store, _K.key == key).scalar_subquery()
        return await asyncio.to_thread(self._one, _C.store == store, _C.id == known)

    async def of_cart(self, store: StoreId, cart: str) -> Checkout | None:
        """The newest checkout of a cart, live or not."""
        return await asyncio.to_thread(self._one, _C.store == store, _C.cart == cart)

    async def lease(self, id_: str, *, now: float, seconds: float) -> Checkout | None:
        """Take the checkout for yourself: its fence grows. None when somebody else holds it, or it does not exist."""
        return await asyncio.to_thread(self._lease, id_, now, now + seconds)

    async def write(self, checkout: Checkout, *, let_go: bool = False, entry: Entry | None = None) -> None:
        """Write every field, in one transaction, if the fence is still ours; `let_go` ends the lease.

        `personal=None` leaves what is there: it may be unreadable only for now. Only `erase` takes it away.
        `entry` goes into the audit with it. Raises LeaseLost, and then nothing was written.
        """
        await asyncio.to_thread(self._write, checkout, let_go=let_go, entry=entry)

    async def hasten(self, store: StoreId, id_: str, *, now: float) -> None:
        """Let the reconciler look at once, also at one that has ended. No lease needed."""
        await asyncio.to_thread(self._hasten, store, id_, now)

    async def due(self, *, now: float, limit: int) -> Sequence[str]:
        """Ids whose time has come and whom nobody holds, the longest due first."""
        return await asyncio.to_thread(self._due, now, limit)

    async def needing(self, store: StoreId | None, states: Sequence[State], *, limit: int) -> Sequence[Checkout]:
        """Checkouts in these states, newest first, for an operator. Without personal data."""
        return await asyncio.to_thread(self._needing, store, states, limit)

    async def keep_event(self, provider: str, event: str, *, store: StoreId, checkout: str | None, now: float) -> bool:
        """Write an event down; whether it is new."""
        row = {"store": store, "provider": provider, "event": event, "checkout": checkout, "at": now}
        return await asyncio.to_thread(self._keep_event, row)

    async def erase(self, *, before: dt.datetime) -> int:
        """Erase the personal data of checkouts that ended before, and their keys and events; how many."""
        return await asyncio.to_thread(self._erase, before.timestamp())

    def _open(self, checkout: Checkout, key: str | None) -> Checkout:
        with self._database.writing(survives="power") as connection:
            if key is not None and (known := self._known(connection, checkout, key)) is not None:
                return known
            insert = self._database.insert(CHECKOUTS).values(self._rows.row(checkout))
            while True:
                # Whoever opens the same cart at the same time is waited for, and then does conflict.
                opened = connection.execute(
                    insert.on_conflict_do_nothing(index_elements=["store", "cart"], index_where=LIVE).returning(_C.id)
                )
                if opened.scalar_one_or_none() is not None:
                    return checkout
                found = self._found(connection, _C.store == checkout.store, _C.cart == checkout.cart, LIVE)
                # It may have ended in between.
                if found is not None:
                    break
            if key is not None:
                # The key leads to it only if it is what was asked for.
                ours = and_(_K.store == checkout.store, _K.key == key)
                if found.request == checkout.request:
                    connection.execute(update(CHECKOUT_KEYS).where(ours).values(checkout=found.id))
                else:
                    connection.execute(delete(CHECKOUT_KEYS).where(ours))
            return found

    def _known(self, connection: Connection, checkout: Checkout, key: str) -> Checkout | None:
        """The checkout that the key leads to; None when the key is new, and then it leads to this one."""
        row = {"store": checkout.store, "key": key, "request": checkout.request, "checkout": checkout.id}
        kept = self._database.insert(CHECKOUT_KEYS).values(row).on_conflict_do_nothing().returning(_K.key)
        if connection.execute(kept).scalar_one_or_none() is not None:
            return None
        known = connection.execute(
            select(_K.request, _K.checkout).where(_K.store == checkout.store, _K.key == key)
        ).one()
        if known.request != checkout.request:
            raise KeyTaken
        return self._found(connection, _C.id == known.checkout)

    def _one(self, *conditions: Any) -> Checkout | None:  # noqa: ANN401 -- SQLAlchemy's conditions
        with self._database.reading() as connection:
            return self._found(connection, *conditions)

    def _found(self, connection: Connection, *conditions: Any) -> Checkout | None:  # noqa: ANN401
        # Where there are several, the live one is the newest, whatever two machines' clocks say.
        query = _read().where(*conditions).order_by(_C.live.desc(), _C.created_at.desc()).limit(1)
        row = connection.execute(query).one_or_none()
        return None if row is None else self._rows.checkout(row)

    def _lease(self, id_: str, now: float, until: float) -> Checkout | None:
        taken = (
            update(CHECKOUTS)
            .where(_C.id == id_, _C.lease_until <= now)
            .values(fence=_C.fence + 1, lease_until=until, due_at=_NEXT_LOOK, hastened_at=None)
            .returning(_C.id)
        )
        with self._database.writing(survives="power") as connection:
            if connection.execute(taken).scalar_one_or_none() is None:
                return None
            return self._found(connection, _C.id == id_)

    def _write(self, checkout: Checkout, *, let_go: bool, entry: Entry | None) -> None:
        row = self._rows.row(checkout)
        if let_go:
            row["lease_until"] = 0.0
        if checkout.personal is None:
            del row["personal"]
        written = update(CHECKOUTS).where(_C.id == checkout.id, _C.fence == checkout.fence).values(row).returning(_C.id)
        with self._database.writing(survives="power") as connection:
            if connection.execute(written).scalar_one_or_none() is None:
                raise LeaseLost
            if entry is not None:
                append(self._database, connection, [entry])

    def _hasten(self, store: StoreId, id_: str, now: float) -> None:
        with self._database.writing(survives="power") as connection:
            connection.execute(update(CHECKOUTS).where(_C.store == store, _C.id == id_).values(hastened_at=now))

    def _due(self, now: float, limit: int) -> Sequence[str]:
        query = (
            select(_C.id)
            .where(or_(_C.due_at <= now, _C.hastened_at <= now), _C.lease_until <= now)
            .order_by(_NEXT_LOOK, _C.id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return connection.execute(query).scalars().all()

    def _needing(self, store: StoreId | None, states: Sequence[State], limit: int) -> Sequence[Checkout]:
        query = _read().where(_C.state.in_(states)).order_by(_C.created_at.desc(), _C.id).limit(limit)
        if store is not None:
            query = query.where(_C.store == store)
        with self._database.reading() as connection:
            rows: Sequence[Row[Any]] = connection.execute(query).all()
        return [self._rows.checkout(row, personal=False) for row in rows]

    def _keep_event(self, row: dict[str, Any]) -> bool:
        kept = self._database.insert(CHECKOUT_EVENTS).values(row).on_conflict_do_nothing()
        with self._database.writing(survives="power") as connection:
            return connection.execute(kept.returning(CHECKOUT_EVENTS.c.event)).scalar_one_or_none() is not None

    def _erase(self, before: float) -> int:
        ended = and_(_C.ended_at < before, _C.live.is_(False))
        ids = select(_C.id).where(ended)
        events = CHECKOUT_EVENTS.c
        with self._database.writing(survives="power") as connection:
            connection.execute(delete(CHECKOUT_KEYS).where(_K.checkout.in_(ids)))
            connection.execute(
                delete(CHECKOUT_EVENTS).where(
                    or_(events.checkout.in_(ids), and_(events.checkout.is_(None), events.at < before))
                )
            )
            erased = update(CHECKOUTS).where(ended, _C.personal.is_not(None)).values(personal=None)
            count = connection.execute(erased).rowcount
        if count:
            self._database.forget()
        return count


def _read() -> Any:  # noqa: ANN401
    return select(CHECKOUTS, _NEXT_LOOK.label("next_look"))
