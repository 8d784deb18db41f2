"""Checkouts in SQL; each method is one transaction that is durable when it returns."""

import datetime as dt
import itertools
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, case, delete, or_, select, update

from storefront_mcp.checkout.record import Checkout, KeyConflict, LeaseLost, State
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.audit import append_entry
from storefront_mcp.database.checkout_quota import CHECKOUT_QUOTA, crowding_ids, drop_unpaid
from storefront_mcp.database.checkout_rows import CheckoutRowMapper
from storefront_mcp.database.encryption import FieldEncryption
from storefront_mcp.database.engine import Database, in_thread
from storefront_mcp.database.order_events import settle_order
from storefront_mcp.database.order_mails import queue_mail
from storefront_mcp.database.row_quota import OWN_INTERVAL_WRITES, RowQuota
from storefront_mcp.database.tables.checkouts import CHECKOUT_EVENTS, CHECKOUT_KEYS, CHECKOUTS, LIVE
from storefront_mcp.records.audit import AuditEntry

_C: Final = CHECKOUTS.c
_K: Final = CHECKOUT_KEYS.c

_NEXT_LOOK: Final = case((or_(_C.due_at.is_(None), _C.hastened_at < _C.due_at), _C.hastened_at), else_=_C.due_at)
"""When the checkout is due: as planned or, if that is earlier, as marked since."""

_READ: Final = select(CHECKOUTS, _NEXT_LOOK.label("next_look"))


class SqlCheckoutRepository:
    """Implements `checkout.record.CheckoutRepository`; thread-safe.

    With `encryption`, personal data is written encrypted; data that was written without can still be read.
    """

    def __init__(
        self, database: Database, *, encryption: FieldEncryption | None = None, quota: RowQuota = CHECKOUT_QUOTA
    ) -> None:
        self._database = database
        self._quota = quota
        self._opened = itertools.count(1)
        self._rows = CheckoutRowMapper(encryption)

    @in_thread
    def open(self, checkout: Checkout, *, key: str | None = None) -> Checkout:
        """Insert a checkout; if its cart has a live one or knows `key` (a digest), return that one instead.

        Raises KeyConflict when the cart knows `key` for another `request`.
        """
        holder = self._database.holder_digest()
        with self._database.writing(survives="power") as connection:
            if key is not None and (known := self._existing(connection, checkout, key)) is not None:
                return known
            if next(self._opened) % OWN_INTERVAL_WRITES == 0:
                drop_unpaid(connection, holder, self._quota)
            insert = self._database.insert(CHECKOUTS).values(self._rows.row(checkout) | {"holder": holder})
            while True:
                # A concurrent insert for the same cart is waited for, and then conflicts.
                opened = connection.execute(
                    insert.on_conflict_do_nothing(index_elements=["store", "cart"], index_where=LIVE).returning(_C.id)
                )
                if opened.scalar_one_or_none() is not None:
                    return checkout
                found = self._find_row(connection, _C.store == checkout.store, _C.cart == checkout.cart, LIVE)
                # None when it has ended in between.
                if found is not None:
                    break
            if key is not None:
                # The key leads to the live checkout only if the request is the same.
                ours = _kept_key(checkout, key)
                if found.request == checkout.request:
                    connection.execute(update(CHECKOUT_KEYS).where(ours).values(checkout=found.id))
                else:
                    connection.execute(delete(CHECKOUT_KEYS).where(ours))
            return found

    @in_thread
    def crowding(self, store: StoreId) -> Sequence[str]:
        """Ids of open checkouts of a store that are too many: the oldest of the request's client, and of all."""
        holder = self._database.holder_digest()
        with self._database.reading() as connection:
            ids = crowding_ids(connection, holder, self._quota)
            return connection.execute(select(_C.id).where(_C.id.in_(ids), _C.store == store)).scalars().all()

    @in_thread
    def find(self, store: StoreId, id_: str) -> Checkout | None:
        """By its id."""
        return self._find_row(None, _C.store == store, _C.id == id_)

    @in_thread
    def find_by_pay_key(self, store: StoreId, pay_key: str) -> Checkout | None:
        """By the digest of its payment page's token."""
        return self._find_row(None, _C.store == store, _C.pay_key == pay_key)

    @in_thread
    def find_by_key(self, store: StoreId, cart: str, key: str) -> Checkout | None:
        """By the digests of a cart and of an idempotency key that was sent with it."""
        known = select(_K.checkout).where(_K.store == store, _K.cart == cart, _K.key == key).scalar_subquery()
        return self._find_row(None, _C.store == store, _C.id == known)

    @in_thread
    def find_by_cart(self, store: StoreId, cart: str) -> Checkout | None:
        """The newest checkout of a cart, live or not."""
        return self._find_row(None, _C.store == store, _C.cart == cart)

    @in_thread
    def lease(self, id_: str, *, now: float, seconds: float) -> Checkout | None:
        """Lease a checkout and increment its fence. None when it is leased already or unknown."""
        taken = (
            update(CHECKOUTS)
            .where(_C.id == id_, _C.lease_until <= now)
            .values(fence=_C.fence + 1, lease_until=now + seconds, due_at=_NEXT_LOOK, hastened_at=None)
            .returning(_C.id)
        )
        with self._database.writing(survives="power") as connection:
            if connection.execute(taken).scalar_one_or_none() is None:
                return None
            return self._find_row(connection, _C.id == id_)

    @in_thread
    def write(self, checkout: Checkout, *, release: bool = False, entry: AuditEntry | None = None) -> None:
        """Update every field if the fence is unchanged; `release` ends the lease.

        `personal=None` leaves what is stored, as it may only be unreadable for now; only `erase` deletes it.
        `entry` goes into the audit with it. Raises LeaseLost, and then nothing was written.
        """
        row = self._rows.row(checkout)
        if release:
            row["lease_until"] = 0.0
        if checkout.personal is None:
            del row["personal"]
        written = update(CHECKOUTS).where(_C.id == checkout.id, _C.fence == checkout.fence).values(row).returning(_C.id)
        with self._database.writing(survives="power") as connection:
            if connection.execute(written).scalar_one_or_none() is None:
                raise LeaseLost
            if checkout.state == "placed" and checkout.confirms_by_mail:
                queue_mail(self._database, connection, checkout)
            if not checkout.live:
                settle_order(connection, checkout)
            if entry is not None:
                append_entry(self._database, connection, [entry])

    @in_thread
    def mark_due(self, store: StoreId, id_: str, *, now: float) -> None:
        """Make it due now, even one that has ended. Needs no lease."""
        with self._database.writing(survives="power") as connection:
            connection.execute(update(CHECKOUTS).where(_C.store == store, _C.id == id_).values(hastened_at=now))

    @in_thread
    def due(self, *, now: float, limit: int) -> Sequence[str]:
        """Ids that are due and not leased, the longest due first."""
        query = (
            select(_C.id)
            .where(or_(_C.due_at <= now, _C.hastened_at <= now), _C.lease_until <= now)
            .order_by(_NEXT_LOOK, _C.id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return connection.execute(query).scalars().all()

    @in_thread
    def list_by_state(
        self, store: StoreId | None, states: Sequence[State], *, limit: int, made_before: float | None = None
    ) -> Sequence[Checkout]:
        """Checkouts in these states, newest first, without personal data. All stores when `store` is None."""
        query = _READ.where(_C.state.in_(states)).order_by(_C.created_at.desc(), _C.id).limit(limit)
        if store is not None:
            query = query.where(_C.store == store)
        if made_before is not None:
            query = query.where(_C.created_at <= made_before)
        with self._database.reading() as connection:
            rows: Sequence[Row[Any]] = connection.execute(query).all()
        return [self._rows.checkout(row, personal=False) for row in rows]

    @in_thread
    def keep_event(self, provider: str, event: str, *, store: StoreId, checkout: str | None, now: float) -> bool:
        """Record a provider's event; whether it is new."""
        row = {"store": store, "provider": provider, "event": event, "checkout": checkout, "at": now}
        kept = self._database.insert(CHECKOUT_EVENTS).values(row).on_conflict_do_nothing()
        with self._database.writing(survives="power") as connection:
            return connection.execute(kept.returning(CHECKOUT_EVENTS.c.event)).scalar_one_or_none() is not None

    @in_thread
    def erase(self, *, before: dt.datetime) -> int:
        """Erase personal data, keys and events of checkouts that ended before; the number of checkouts."""
        moment = before.timestamp()
        ended = and_(_C.ended_at < moment, _C.live.is_(False))
        ids = select(_C.id).where(ended)
        events = CHECKOUT_EVENTS.c
        with self._database.writing(survives="power") as connection:
            connection.execute(delete(CHECKOUT_KEYS).where(_K.checkout.in_(ids)))
            connection.execute(
                delete(CHECKOUT_EVENTS).where(
                    or_(events.checkout.in_(ids), and_(events.checkout.is_(None), events.at < moment))
                )
            )
            erased = update(CHECKOUTS).where(ended, _C.personal.is_not(None)).values(personal=None, holder=None)
            count = connection.execute(erased).rowcount
        if count:
            self._database.forget()
        return count

    def _existing(self, connection: Connection, checkout: Checkout, key: str) -> Checkout | None:
        """The checkout of a known key; a new key is stored for this checkout, and None returned."""
        row = {"store": checkout.store, "cart": checkout.cart, "key": key}
        row |= {"request": checkout.request, "checkout": checkout.id}
        kept = self._database.insert(CHECKOUT_KEYS).values(row).on_conflict_do_nothing().returning(_K.key)
        if connection.execute(kept).scalar_one_or_none() is not None:
            return None
        known = connection.execute(select(_K.request, _K.checkout).where(_kept_key(checkout, key))).one()
        if known.request != checkout.request:
            raise KeyConflict
        return self._find_row(connection, _C.id == known.checkout)

    def _find_row(self, connection: Connection | None, *conditions: Any) -> Checkout | None:  # noqa: ANN401
        """The newest checkout that meets the conditions; without `connection`, in a transaction of its own."""
        # The live one counts as the newest, as clocks of several machines differ.
        query = _READ.where(*conditions).order_by(_C.live.desc(), _C.created_at.desc()).limit(1)
        with self._database.reading() if connection is None else nullcontext(connection) as reading:
            row = reading.execute(query).one_or_none()
        return None if row is None else self._rows.checkout(row)


def _kept_key(checkout: Checkout, key: str) -> ColumnElement[bool]:
    """The row of a key that was sent with the cart of this checkout."""
    return and_(_K.store == checkout.store, _K.cart == checkout.cart, _K.key == key)
