"""Confirmations of orders in SQL."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from storefront_mcp.checkout.record import Checkout
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.engine import Database, in_thread
from storefront_mcp.database.tables.order_mails import ORDER_MAILS
from storefront_mcp.records.order_mails import MailStatus, OrderMail

_M: Final = ORDER_MAILS.c


class SqlOrderMailQueue:
    """Implements `records.order_mails.OrderMailQueue`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @in_thread
    def lease(self, *, now: float, seconds: float) -> OrderMail | None:
        """Take the one that is due longest, for `seconds`, and count the attempt; None when none is due."""
        due = select(_M.checkout).where(_M.status == "waiting", _M.due_at <= now).order_by(_M.due_at, _M.checkout)
        with self._database.reading() as connection:
            first = connection.execute(due.limit(1)).scalar_one_or_none()
        if first is None:
            return None
        # The condition holds once: whoever comes second updates nothing.
        taken = (
            update(ORDER_MAILS)
            .where(_M.checkout == first, _M.status == "waiting", _M.due_at <= now)
            .values(due_at=now + seconds, tries=_M.tries + 1)
            .returning(ORDER_MAILS)
        )
        with self._database.writing(survives="power") as connection:
            row = connection.execute(taken).one_or_none()
        return None if row is None else _mail(row)

    @in_thread
    def finish(self, mail: OrderMail, status: MailStatus, *, problem: str | None = None, due_at: float) -> None:
        """Record how an attempt ended; one that is still `waiting` is due again at `due_at`."""
        values = {"status": status, "problem": problem, "due_at": due_at}
        # Another worker may have taken it over since; its attempt has another number.
        self._update(values, _M.checkout == mail.checkout, _M.tries == mail.tries)

    @in_thread
    def list_by_checkout(self, checkouts: Sequence[str]) -> dict[str, OrderMail]:
        """The confirmations of these checkouts, by checkout."""
        with self._database.reading() as connection:
            rows = connection.execute(select(ORDER_MAILS).where(_M.checkout.in_(checkouts))).all()
        return {row.checkout: _mail(row) for row in rows}

    @in_thread
    def send_again(self, store: StoreId, checkout: str, *, now: float) -> bool:
        """Make a failed one wait again; whether there was one."""
        values = {"status": "waiting", "due_at": now}
        failed = (_M.store == store, _M.checkout == checkout, _M.status == "failed")
        return self._update(values, *failed) > 0

    def _update(self, values: dict[str, Any], *conditions: Any) -> int:  # noqa: ANN401 -- SQLAlchemy's conditions
        with self._database.writing(survives="power") as connection:
            return connection.execute(update(ORDER_MAILS).where(*conditions).values(values)).rowcount


def queue_mail(database: Database, connection: Connection, checkout: Checkout) -> None:
    """Queue the confirmation of an order in the transaction of its checkout; once, whatever is repeated."""
    at = checkout.ended_at or checkout.since
    row = {"checkout": checkout.id, "store": checkout.store, "status": "waiting", "queued_at": at, "due_at": at}
    connection.execute(database.insert(ORDER_MAILS).values(row | {"tries": 0}).on_conflict_do_nothing())


def _mail(row: Row[Any]) -> OrderMail:
    return OrderMail(
        checkout=row.checkout,
        store=row.store,
        status=row.status,
        queued_at=row.queued_at,
        tries=row.tries,
        problem=row.problem,
    )
