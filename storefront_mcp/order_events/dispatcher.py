"""Tells receivers of the orders that are queued; runs in every worker, and leases keep two from the same one."""

import asyncio
import hashlib
import logging
import math
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from msgspec.structs import replace

from storefront_mcp.checkout.record import Checkout, CheckoutRepository
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.order import OrderProgress
from storefront_mcp.instrumentation import store_job
from storefront_mcp.order_events.webhook_sender import EventUndelivered, OrderEventReceiver
from storefront_mcp.records.order_events import OrderEvent, OrderEventQueue

log: Final = logging.getLogger("storefront_mcp.order_events")

LEASE_SECONDS: Final = 120.0
"""Longer than any attempt: a worker that ends meanwhile leaves the event to another one."""
PAUSES_SECONDS: Final = (10.0, 60.0, 300.0, 900.0, 3600.0, 3 * 3600.0, 6 * 3600.0, 12 * 3600.0, 24 * 3600.0)
"""Between attempts in a row; after the last one the event has failed."""
MAX_CONCURRENT_EVENTS: Final = 8
"""That one worker sends at the same time, so that a receiver that hangs does not hold up the others."""
TICK_SECONDS: Final = 2.0
KEEP_SECONDS: Final = 30 * 24 * 3600.0
"""How long it is on record what was told, and what was never ordered."""
FORGET_INTERVAL_SECONDS: Final = 3600.0

LOOK_PAUSES_SECONDS: Final = ((24 * 3600.0, 1800.0), (7 * 24 * 3600.0, 2 * 3600.0), (math.inf, 6 * 3600.0))
"""Up to which age of an order, how long until the shop is asked again how it stands."""


class StoreOrders(Protocol):
    """Orders of one store, in the words of the protocol by which they are told."""

    def order(self, checkout: Checkout, session: str, progress: OrderProgress | None) -> bytes:
        """The order of a checkout as JSON, by the id of its session."""

    def event(self, order: bytes, *, created: bool) -> bytes:
        """The body that tells of an order which is new, or has changed."""

    async def progress(self, checkout: Checkout) -> OrderProgress | None:
        """How the order stands; None where the shop does not tell. Raises ShopError."""


class EventSender(Protocol):
    """What hands an event over; see `OrderEventSender.send`."""

    async def send(self, receiver: OrderEventReceiver, event: str, body: bytes) -> None:
        """Raises EventUndelivered."""


class OrderEventDispatcher:
    """Sends each queued event until its receiver took it, or all attempts are used up; then looks for changes.

    An event whose attempt ended without an answer is sent again under the same id.
    """

    def __init__(
        self,
        queue: OrderEventQueue,
        records: CheckoutRepository,
        sender: EventSender,
        orders: Mapping[StoreId, StoreOrders],
        receivers: Mapping[tuple[StoreId, str], OrderEventReceiver],
        *,
        now: Callable[[], float],
    ) -> None:
        """`receivers` are by store and the caller's identifier; `now` gives Unix seconds."""
        self._queue = queue
        self._records = records
        self._sender = sender
        self._orders = orders
        self._receivers = receivers
        self._now = now

    async def run(self) -> None:
        """Run until cancelled. Errors are logged and end nothing."""
        while True:
            try:
                while await self.send_due():
                    pass
            except Exception:
                log.exception("receivers cannot be told of orders now")
            await asyncio.sleep(TICK_SECONDS)

    async def send_due(self) -> int:
        """Send the events that are due longest, several at once; the number of attempts."""
        leased: list[OrderEvent] = []
        while len(leased) < MAX_CONCURRENT_EVENTS:
            event = await self._queue.lease(now=self._now(), seconds=LEASE_SECONDS)
            if event is None:
                break
            leased.append(event)
        for outcome in await asyncio.gather(*map(self._attempt, leased), return_exceptions=True):
            if outcome is not None:
                raise outcome
        return len(leased)

    async def _attempt(self, event: OrderEvent) -> None:
        with store_job(event.store):
            try:
                await self._tell(event)
            except LookupError as gone:
                if event.status == "told":
                    await self._look_again(event)
                else:
                    await self._fail(event, str(gone.args[0]))
            except ShopError as error:
                log.info("%s: the shop does not tell how its order stands: %s", event.checkout, error.internal)
                await self._look_again(event)
            except EventUndelivered as failed:
                if event.failures >= len(PAUSES_SECONDS):
                    await self._fail(event, str(failed))
                    return
                log.warning("%s: its receiver is not told of the order yet: %s", event.checkout, failed)
                later = replace(event, status="waiting", failures=event.failures + 1, problem=str(failed))
                await self._queue.finish(later, due_at=self._now() + PAUSES_SECONDS[event.failures])

    async def _tell(self, event: OrderEvent) -> None:
        """Tell of an order that is new, or that has changed. Raises LookupError, ShopError and EventUndelivered."""
        receiver, orders, checkout = await self._find(event)
        created = event.told is None
        progress = None if created else await orders.progress(checkout)
        if progress is None and not created:
            await self._look_again(event)
            return
        order = orders.order(checkout, event.session, progress)
        state = _state_of(order, progress)
        done = replace(event, status="told", failures=0, problem=None)
        if event.told is not None and not _is_news(state, event.told):
            await self._look_again(done)
            return
        body = orders.event(order, created=created)
        await self._sender.send(receiver, event_id(event, "created" if created else state), body)
        await self._look_again(replace(done, told=state))

    async def _look_again(self, event: OrderEvent) -> None:
        age = self._now() - event.queued_at
        pause = next(pause for until, pause in LOOK_PAUSES_SECONDS if age < until)
        await self._queue.finish(event, due_at=self._now() + pause)

    async def _find(self, event: OrderEvent) -> tuple[OrderEventReceiver, StoreOrders, Checkout]:
        """Whom to tell, and of what. Raises LookupError with the reason why nobody is told."""
        receiver, orders = self._receivers.get((event.store, event.owner)), self._orders.get(event.store)
        if receiver is None or orders is None:
            raise LookupError("the settings name no receiver for its key any more")
        checkout = await self._records.find(event.store, event.checkout)
        if checkout is None or checkout.state != "placed" or not event.session:
            raise LookupError("its checkout, or the id of its session, cannot be read any more")
        if checkout.owner:
            raise LookupError("it is the order of a customer who signed in, whom its key does not act for")
        return receiver, orders, checkout

    async def _fail(self, event: OrderEvent, problem: str) -> None:
        log.error("%s: its receiver cannot be told of the order: %s", event.checkout, problem)
        await self._queue.finish(replace(event, status="failed", problem=problem), due_at=self._now())


async def forget_told(queue: OrderEventQueue, *, now: Callable[[], float]) -> None:
    """Delete what was queued long ago, until cancelled, also where nobody is told any more. Errors are logged."""
    while True:
        try:
            await queue.forget(before=now() - KEEP_SECONDS)
        except Exception:
            log.exception("what receivers were told cannot be forgotten now")
        await asyncio.sleep(FORGET_INTERVAL_SECONDS)


def event_id(event: OrderEvent, what: str) -> str:
    """The same for every attempt to tell this of an order; it says nothing of the checkout's id.

    >>> event = OrderEvent(checkout="chk_1", store=StoreId("s"), owner="", session="", status="waiting", queued_at=0.0)
    >>> event_id(event, "created")
    'evt_1875ffc4b1814ca09709a6d8'
    """
    return f"evt_{hashlib.sha256(f'{event.store}/{event.checkout}/{what}'.encode()).hexdigest()[:24]}"


def _state_of(order: bytes, progress: OrderProgress | None) -> str:
    """Parcels, money given back, and digest of an order."""
    parcels = 0 if progress is None else len(progress.parcels)
    refunded = 0 if progress is None or progress.refunded is None else progress.refunded.minor
    return f"{parcels}:{refunded}:{hashlib.sha256(order).hexdigest()}"


def _is_news(state: str, told: str) -> bool:
    """Whether an order has changed. Parcels and refunds do not go away: a shop that tells of fewer told not all."""
    parcels, refunded, _ = state.split(":")
    parcels_told, refunded_told, _ = told.split(":")
    return state != told and int(parcels) >= int(parcels_told) and int(refunded) >= int(refunded_told)
