"""Sends the alerts that are queued; runs in every worker, and leases keep two from the same one."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from storefront_mcp.alerts.sender import AlertSender, AlertUndelivered
from storefront_mcp.instrumentation import store_job
from storefront_mcp.records.alerts import AlertChannel, AlertDelivery, AlertRepository

log: Final = logging.getLogger("storefront_mcp.alerts")

LEASE_SECONDS: Final = 180.0
"""Longer than any attempt: a worker that ends meanwhile leaves the message to another one."""
PAUSES_SECONDS: Final = (10.0, 60.0, 300.0, 900.0, 3600.0, 3 * 3600.0)
"""Between attempts; after the last one the message has failed."""


class AlertDispatcher:
    """Sends each queued message until its receiver took it, or all attempts are used up."""

    def __init__(
        self,
        repository: AlertRepository,
        senders: Mapping[AlertChannel, AlertSender],
        *,
        now: Callable[[], float],
    ) -> None:
        """`now` gives Unix seconds."""
        self._repository = repository
        self._senders = senders
        self._now = now

    async def send_due(self) -> int:
        """Send all that is due; the number of attempts."""
        attempts = 0
        while (delivery := await asyncio.to_thread(self._lease)) is not None:
            with store_job(delivery.message.store):
                await self._attempt(delivery)
            attempts += 1
        return attempts

    async def _attempt(self, delivery: AlertDelivery) -> None:
        sender = self._senders.get(delivery.channel)
        try:
            if sender is None:
                raise AlertUndelivered("this receiver is not in the settings any more", final=True)  # noqa: TRY301
            await sender.send(delivery.message)
        except AlertUndelivered as failed:
            last = failed.final or delivery.tries > len(PAUSES_SECONDS)
            due = self._now() + (0.0 if last else PAUSES_SECONDS[delivery.tries - 1])
            how = "cannot be sent" if last else "is not sent yet"
            condition, channel = delivery.message.condition, delivery.channel
            log.log(
                logging.ERROR if last else logging.WARNING, "the %s about %s %s: %s", channel, condition, how, failed
            )
            await self._finish(delivery, due, str(failed), last=last)
        else:
            await self._finish(delivery, self._now(), None, last=True)

    async def _finish(self, delivery: AlertDelivery, due: float, problem: str | None, *, last: bool) -> None:
        status = "waiting" if not last else "sent" if problem is None else "failed"
        await asyncio.to_thread(self._repository.finish, delivery, status, due_at=due, problem=problem)  # type: ignore[arg-type]

    def _lease(self) -> AlertDelivery | None:
        return self._repository.lease(now=self._now(), seconds=LEASE_SECONDS)
