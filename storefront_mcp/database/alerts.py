"""Alerts in SQL: each condition is told once, whichever workers see it and however often they restart."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, and_, delete, func, insert, select, update

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.engine import Database
from storefront_mcp.database.tables.alerts import ALERT_DELIVERIES, ALERTS
from storefront_mcp.database.tables.checkouts import CHECKOUT_EVENTS
from storefront_mcp.database.tables.order_events import ORDER_EVENTS
from storefront_mcp.records.alerts import (
    RAISE_AFTER_SECONDS,
    REMINDER_SECONDS,
    RESOLVE_AFTER_SECONDS,
    ActiveAlert,
    AlertChannel,
    AlertDelivery,
    AlertKey,
    AlertMessage,
    AlertStatus,
    DeliveryStatus,
)

MAX_REASON_CHARS: Final = 1_000
FORGET_SECONDS: Final = 30 * 24 * 3600.0
"""How long deliveries stay that have ended."""
_A: Final = ALERTS.c
_D: Final = ALERT_DELIVERIES.c
_MESSAGE: Final = msgspec.json.Decoder(AlertMessage)


class SqlAlertRepository:
    """Implements `records.alerts.AlertRepository`; each method is one transaction. Blocks: for threads and commands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def observe(
        self,
        seen: Mapping[AlertKey, str],
        *,
        now: float,
        held: Collection[AlertKey] = (),
        cleared: Collection[AlertKey] = (),
        channels: Sequence[AlertChannel] | None = None,
    ) -> Sequence[AlertMessage]:
        """Record what was seen, and queue what has to be told by each channel; what was queued.

        Nothing is written while nothing is wrong. Only with `channels` is anything raised or resolved.
        """
        if not seen and not self.list_active():
            return ()
        with self._database.writing(survives="power", alone="alerts") as connection:
            for key, reason in seen.items():
                self._see(connection, key, reason[:MAX_REASON_CHARS], now)
            for key in held:
                connection.execute(update(ALERTS).where(_is(key)).values(seen_at=now))
            if channels is None:
                return ()
            made = [_settle(connection, alert, now, over=alert.key in cleared) for alert in _active(connection)]
            messages = [message for message in made if message is not None]
            _queue(connection, messages, channels, now)
        return messages

    def list_active(self) -> Sequence[ActiveAlert]:
        """The conditions that hold."""
        with self._database.reading() as connection:
            return _active(connection)

    def lease(self, *, now: float, seconds: float) -> AlertDelivery | None:
        """Take the delivery that is due longest, for `seconds`, and count the attempt; None when none is due."""
        due = select(_D.id, _D.channel).where(_D.status == "waiting", _D.due_at <= now)
        with self._database.reading() as connection:
            first = connection.execute(due.order_by(_D.due_at, _D.id, _D.channel).limit(1)).one_or_none()
        if first is None:
            return None
        # The condition holds once: whoever comes second updates nothing.
        taken = (
            update(ALERT_DELIVERIES)
            .where(_D.id == first.id, _D.channel == first.channel, _D.status == "waiting", _D.due_at <= now)
            .values(due_at=now + seconds, tries=_D.tries + 1)
            .returning(ALERT_DELIVERIES)
        )
        with self._database.writing(survives="power") as connection:
            row = connection.execute(taken).one_or_none()
        if row is None:
            return None
        return AlertDelivery(message=_MESSAGE.decode(row.message), channel=row.channel, tries=row.tries)

    def finish(
        self, delivery: AlertDelivery, status: DeliveryStatus, *, due_at: float, problem: str | None = None
    ) -> None:
        """Record how an attempt ended; one that is still `waiting` is due again at `due_at`."""
        # Another worker may have taken it over since; its attempt has another number.
        ours = and_(_D.id == delivery.message.id, _D.channel == delivery.channel, _D.tries == delivery.tries)
        values = {"status": status, "due_at": due_at, "problem": problem}
        with self._database.writing(survives="power") as connection:
            connection.execute(update(ALERT_DELIVERIES).where(ours).values(values))

    def newest_event(self, store: StoreId) -> float:
        """When the last event of a payment provider was accepted; 0 without one."""
        at = select(func.max(CHECKOUT_EVENTS.c.at)).where(CHECKOUT_EVENTS.c.store == store)
        with self._database.reading() as connection:
            return float(connection.execute(at).scalar_one() or 0.0)

    def failed_order_events(self, store: StoreId) -> str | None:
        """How many events about orders were given up, and the newest one's checkout and problem; None without one."""
        failed = (ORDER_EVENTS.c.store == store, ORDER_EVENTS.c.status == "failed")
        newest = select(ORDER_EVENTS).where(*failed).order_by(ORDER_EVENTS.c.queued_at.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(newest).one_or_none()
            if row is None:
                return None
            count = connection.execute(select(func.count()).select_from(ORDER_EVENTS).where(*failed)).scalar_one()
        return f"{count} {'was' if count == 1 else 'were'} given up; the newest is of {row.checkout}: {row.problem}"

    def _see(self, connection: Connection, key: AlertKey, reason: str, now: float) -> None:
        values = {"seen_at": now, "reason": reason}
        row = {"condition": key.condition, "store": key.store, "since": now, **values}
        fresh = self._database.insert(ALERTS).values(row)
        connection.execute(fresh.on_conflict_do_update(index_elements=["condition", "store"], set_=values))


def _settle(connection: Connection, alert: ActiveAlert, now: float, *, over: bool) -> AlertMessage | None:
    """Decide about one condition: told first, again, for the last time, or not now."""
    key = alert.key
    if over or now - alert.seen_at > RESOLVE_AFTER_SECONDS[key.condition]:
        connection.execute(delete(ALERTS).where(_is(key)))
        return None if alert.told_at is None else _message(alert, "resolved", now)
    if alert.told_at is None and alert.seen_at - alert.since < RAISE_AFTER_SECONDS.get(key.condition, 0.0):
        return None
    if alert.told_at is not None and now - alert.told_at < REMINDER_SECONDS:
        return None
    connection.execute(update(ALERTS).where(_is(key)).values(told_at=now))
    return _message(alert, "raised" if alert.told_at is None else "reminder", now)


def _queue(
    connection: Connection, messages: Sequence[AlertMessage], channels: Sequence[AlertChannel], now: float
) -> None:
    rows = [
        {"id": message.id, "channel": channel, "message": msgspec.json.encode(message), "status": "waiting"}
        | {"due_at": now, "tries": 0}
        for message in messages
        for channel in channels
    ]
    if rows:
        ended = and_(_D.status != "waiting", _D.due_at < now - FORGET_SECONDS)
        connection.execute(delete(ALERT_DELIVERIES).where(ended))
        connection.execute(insert(ALERT_DELIVERIES), rows)


def _message(alert: ActiveAlert, status: AlertStatus, now: float) -> AlertMessage:
    return AlertMessage(
        id=new_message_id(),
        condition=alert.key.condition,
        store=alert.key.store,
        status=status,
        since=alert.since,
        at=now,
        reason=alert.reason,
    )


def new_message_id() -> str:
    """An id for one message."""
    return f"msg_{secrets.token_hex(12)}"


def _is(key: AlertKey) -> Any:  # noqa: ANN401 -- SQLAlchemy's condition
    return and_(_A.condition == key.condition, _A.store == key.store)


def _active(connection: Connection) -> list[ActiveAlert]:
    rows = connection.execute(select(ALERTS).order_by(_A.since, _A.condition, _A.store)).all()
    return [_alert(row) for row in rows]


def _alert(row: Row[Any]) -> ActiveAlert:
    return ActiveAlert(
        key=AlertKey(row.condition, StoreId(row.store)),
        since=row.since,
        seen_at=row.seen_at,
        told_at=row.told_at,
        reason=row.reason,
    )
