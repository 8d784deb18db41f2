"""Sends the confirmations that are queued; runs in every worker, and leases keep two from the same one."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from typing import Final, Protocol

from storefront_mcp.checkout.context import CheckoutContext
from storefront_mcp.checkout.record import CheckoutRepository
from storefront_mcp.checkout.views import outstanding_payment
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.instrumentation import store_job
from storefront_mcp.mail.order_mail import MailSettings, order_mail
from storefront_mcp.mail.smtp_sender import MailDelayed, MailRefused
from storefront_mcp.records.order_mails import OrderMail, OrderMailQueue

log: Final = logging.getLogger("storefront_mcp.mail")

LEASE_SECONDS: Final = 300.0
"""Longer than any attempt: a worker that ends meanwhile leaves the message to another one."""
PAUSES_SECONDS: Final = (60.0, 300.0, 900.0, 3600.0, 3 * 3600.0, 6 * 3600.0, 12 * 3600.0, 24 * 3600.0)
"""Between attempts; after the last one the message has failed."""
TICK_SECONDS: Final = 5.0


class MailSender(Protocol):
    """What hands a message over; see `SmtpSender.send`."""

    async def send(self, message: EmailMessage) -> None:
        """Raises MailRefused and MailDelayed."""


class OrderMailer:
    """Sends each queued confirmation until the server took it, refused it, or all attempts are used up.

    A message whose attempt ended without an answer is sent again with the same Message-ID.
    """

    def __init__(
        self,
        queue: OrderMailQueue,
        records: CheckoutRepository,
        sender: MailSender,
        contexts: Mapping[StoreId, CheckoutContext],
        settings: Mapping[StoreId, MailSettings],
        *,
        now: Callable[[], float],
    ) -> None:
        """`settings` are those of each store that sends mail; `now` gives Unix seconds."""
        self._queue = queue
        self._records = records
        self._sender = sender
        self._contexts = contexts
        self._settings = settings
        self._now = now

    async def run(self) -> None:
        """Run until cancelled. Errors are logged and end nothing."""
        while True:
            try:
                while await self.send_next():
                    pass
            except Exception:
                log.exception("the confirmations of orders cannot be sent now")
            await asyncio.sleep(TICK_SECONDS)

    async def send_next(self) -> bool:
        """Send the confirmation that is due longest; whether there was one."""
        mail = await self._queue.lease(now=self._now(), seconds=LEASE_SECONDS)
        if mail is None:
            return False
        with store_job(mail.store):
            await self._send(mail)
        return True

    async def _send(self, mail: OrderMail) -> None:
        try:
            await self._sender.send(await self._compose(mail))
        except (MailRefused, LookupError, ValueError) as refused:
            await self._fail(mail, str(refused))
        except MailDelayed as delayed:
            if mail.tries > len(PAUSES_SECONDS):
                await self._fail(mail, str(delayed))
            else:
                due = self._now() + PAUSES_SECONDS[mail.tries - 1]
                log.warning("%s: the confirmation is not sent yet: %s", mail.checkout, delayed)
                await self._queue.finish(mail, "waiting", problem=str(delayed), due_at=due)
        else:
            await self._queue.finish(mail, "sent", due_at=self._now())

    async def _compose(self, mail: OrderMail) -> EmailMessage:
        """Raises LookupError for a store or checkout that is gone, ValueError for what cannot be written."""
        settings, context = self._settings.get(mail.store), self._contexts.get(mail.store)
        checkout = await self._records.find(mail.store, mail.checkout)
        if settings is None or context is None or checkout is None:
            raise LookupError("its store sends no mail any more, or its checkout is gone")
        payment = outstanding_payment(context, checkout)
        return order_mail(checkout, context.store, settings, payment=payment, at=mail.queued_at)

    async def _fail(self, mail: OrderMail, problem: str) -> None:
        log.error("%s: the confirmation cannot be sent: %s", mail.checkout, problem)
        await self._queue.finish(mail, "failed", problem=problem, due_at=self._now())
