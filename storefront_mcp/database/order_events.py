"""Events about orders in SQL."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, select, update

from storefront_mcp.checkout.record import Checkout
from storefront_mcp.checkout_sessions.record import CheckoutSession
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.encryption import DecryptionFailed, FieldEncryption
from storefront_mcp.database.engine import Database, in_thread
from storefront_mcp.database.tables.checkouts import CHECKOUTS
from storefront_mcp.database.tables.order_events import ORDER_EVENTS
from storefront_mcp.records.order_events import OrderEvent, OrderEventStatus

log: Final = logging.getLogger(__name__)

PLAIN_PREFIX: Final = b"="
"""Of a session's id that is not encrypted; no Fernet token begins with it."""
_E: Final = ORDER_EVENTS.c
_C: Final = CHECKOUTS.c
_OPEN: Final = _E.status.in_(("waiting", "told"))
"""Of events that are worked on when they are due."""


class SqlOrderEventQueue:
    """Implements `records.order_events.OrderEventQueue`; each method is one transaction."""

    def __init__(self, database: Database, *, encryption: FieldEncryption | None = None) -> None:
        self._database = database
        self._encryption = encryption

    @in_thread
    def lease(self, *, now: float, seconds: float) -> OrderEvent | None:
        """Take the one that is due longest, for `seconds`; None when none is due. What is to be told goes first."""
        due = select(_E.checkout).where(_OPEN, _E.due_at <= now).order_by(_E.status.desc(), _E.due_at, _E.checkout)
        with self._database.reading() as connection:
            first = connection.execute(due.limit(1)).scalar_one_or_none()
        if first is None:
            return None
        # The condition holds once: whoever comes second updates nothing.
        taken = (
            update(ORDER_EVENTS)
            .where(_E.checkout == first, _OPEN, _E.due_at <= now)
            .values(due_at=now + seconds, tries=_E.tries + 1)
            .returning(ORDER_EVENTS)
        )
        with self._database.writing(survives="power") as connection:
            row = connection.execute(taken).one_or_none()
        return None if row is None else self._event(row)

    @in_thread
    def finish(self, event: OrderEvent, *, due_at: float) -> None:
        """Record how an attempt ended, by the fields of the event; it is due again at `due_at`."""
        values = {name: getattr(event, name) for name in ("status", "failures", "problem", "told")}
        # Another worker may have taken it over since; its attempt has another number.
        self._update(values | {"due_at": due_at}, _E.checkout == event.checkout, _OPEN, _E.tries == event.tries)

    @in_thread
    def list_by_checkout(self, checkouts: Sequence[str]) -> dict[str, OrderEvent]:
        """The events of these checkouts, by checkout."""
        with self._database.reading() as connection:
            rows = connection.execute(select(ORDER_EVENTS).where(_E.checkout.in_(checkouts))).all()
        return {row.checkout: self._event(row) for row in rows}

    @in_thread
    def send_again(self, store: StoreId, checkout: str, *, now: float) -> bool:
        """Make a failed one wait again; whether there was one."""
        failed = (_E.store == store, _E.checkout == checkout, _E.status == "failed")
        return self._update({"status": "waiting", "due_at": now, "failures": 0}, *failed) > 0

    @in_thread
    def forget(self, *, before: float) -> int:
        """Delete what was queued before; the number of rows."""
        with self._database.writing() as connection:
            return connection.execute(delete(ORDER_EVENTS).where(_E.queued_at < before)).rowcount

    def _update(self, values: dict[str, Any], *conditions: Any) -> int:  # noqa: ANN401 -- SQLAlchemy's conditions
        with self._database.writing(survives="power") as connection:
            return connection.execute(update(ORDER_EVENTS).where(*conditions).values(values)).rowcount

    def _event(self, row: Row[Any]) -> OrderEvent:
        return OrderEvent(
            checkout=row.checkout,
            store=row.store,
            owner=row.owner,
            session=self._session_id(row),
            status=row.status,
            queued_at=row.queued_at,
            tries=row.tries,
            failures=row.failures,
            problem=row.problem,
            told=row.told,
        )

    def _session_id(self, row: Row[Any]) -> str:
        if row.session.startswith(PLAIN_PREFIX):
            return str(row.session.removeprefix(PLAIN_PREFIX), "utf-8")
        try:
            return "" if self._encryption is None else self._encryption.decrypt(row.session).decode()
        except DecryptionFailed:
            log.error("%s: no key in personal_data.key opens the id of its session", row.checkout)  # noqa: TRY400
            return ""


def count_order_events(database: Database) -> Mapping[tuple[StoreId, OrderEventStatus], int]:
    """Number of events by store and status; blocks."""
    query = select(_E.store, _E.status, func.count()).group_by(_E.store, _E.status)
    with database.reading() as connection:
        return {(store, status): count for store, status, count in connection.execute(query)}


def await_order(
    database: Database, connection: Connection, session: CheckoutSession, encryption: FieldEncryption | None
) -> None:
    """Await the order of a session's checkout in the transaction of the session; once, whatever is repeated."""
    # The lock lets a checkout that ends meanwhile end before, and then it is seen, or after, and then it sees the row.
    query = select(_C.state, _C.ended_at, _C.created_at).where(_C.store == session.store, _C.id == session.checkout)
    checkout = connection.execute(query.with_for_update(read=True)).one_or_none()
    if checkout is None or checkout.state in {"failed", "expired", "canceled"}:
        return
    plain = session.id.encode()
    row = {
        "checkout": session.checkout,
        "store": session.store,
        "owner": session.owner,
        "session": PLAIN_PREFIX + plain if encryption is None else encryption.encrypt(plain),
        "status": "waiting" if checkout.state == "placed" else "unpaid",
        "queued_at": checkout.ended_at or checkout.created_at,
        "due_at": checkout.ended_at or checkout.created_at,
        "tries": 0,
    }
    connection.execute(database.insert(ORDER_EVENTS).values(row).on_conflict_do_nothing())


def settle_order(connection: Connection, checkout: Checkout) -> None:
    """Make the event of a checkout that has ended due in its transaction; without an order there is none."""
    ours = (_E.checkout == checkout.id, _E.status == "unpaid")
    if checkout.state == "placed":
        at = checkout.ended_at or checkout.since
        connection.execute(update(ORDER_EVENTS).where(*ours).values(status="waiting", queued_at=at, due_at=at))
    else:
        connection.execute(delete(ORDER_EVENTS).where(*ours))
