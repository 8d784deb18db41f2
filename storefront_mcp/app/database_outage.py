"""Tells that the database takes no writes: the one alert that it cannot keep, so its state is in memory."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from storefront_mcp.alerts.dispatcher import PAUSES_SECONDS
from storefront_mcp.alerts.sender import AlertSender, AlertUndelivered
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.alerts import new_message_id
from storefront_mcp.records.alerts import (
    RAISE_AFTER_SECONDS,
    REMINDER_SECONDS,
    AlertChannel,
    AlertDelivery,
    AlertMessage,
    AlertStatus,
)

log: Final = logging.getLogger("storefront_mcp.alerts")


class DatabaseOutage:
    """Raised, reminded of and resolved like any alert, by one worker of each machine; a restart forgets it."""

    def __init__(self, senders: Mapping[AlertChannel, AlertSender], *, now: Callable[[], float]) -> None:
        """`now` gives Unix seconds."""
        self._senders = senders
        self._now = now
        self._since: float | None = None
        self._told_at: float | None = None
        self._reason = ""
        self._waiting: list[tuple[float, AlertDelivery]] = []
        """Deliveries and when they are due."""

    async def observe(self, reason: str | None) -> None:
        """Take why the database cannot be used, None where it can; then send what is due."""
        now = self._now()
        if reason is not None:
            self._reason = reason
            self._since = now if self._since is None else self._since
            if self._told_at is None and now - self._since >= RAISE_AFTER_SECONDS["database"]:
                self._queue("raised", now, self._since)
            elif self._told_at is not None and now - self._told_at >= REMINDER_SECONDS:
                self._queue("reminder", now, self._since)
        elif self._since is not None:
            if self._told_at is not None:
                self._queue("resolved", now, self._since)
            self._since = self._told_at = None
        await self._send_due()

    def _queue(self, status: AlertStatus, now: float, since: float) -> None:
        self._told_at = now
        message = AlertMessage(
            id=new_message_id(),
            condition="database",
            store=StoreId(""),
            status=status,
            since=since,
            at=now,
            reason=f"the database {self._reason}",
        )
        log.warning("alert %s: the database %s", status, self._reason)
        self._waiting += [(now, AlertDelivery(message=message, channel=one, tries=0)) for one in self._senders]

    async def _send_due(self) -> None:
        waiting, self._waiting = self._waiting, []
        for due, delivery in waiting:
            if due > self._now():
                self._waiting.append((due, delivery))
                continue
            try:
                await self._senders[delivery.channel].send(delivery.message)
            except AlertUndelivered as failed:
                last = failed.final or delivery.tries >= len(PAUSES_SECONDS)
                log.warning(
                    "the %s about the database is not sent%s: %s", delivery.channel, "" if last else " yet", failed
                )
                if not last:
                    pause = PAUSES_SECONDS[delivery.tries]
                    self._waiting.append((self._now() + pause, replace(delivery, tries=delivery.tries + 1)))
