"""The reconciler: advances checkouts that are due until they end; one lease, one step, one write at a time."""

import asyncio
import contextlib
import datetime as dt
import logging
from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from storefront_mcp.checkout.context import CheckoutContext
from storefront_mcp.checkout.record import Checkout, CheckoutRepository, LeaseLost
from storefront_mcp.checkout.states import TERMINAL_STATES
from storefront_mcp.checkout.steps import STEPS, place
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.instrumentation import store_job
from storefront_mcp.payments.provider import ProviderDown, ProviderRefused

log: Final = logging.getLogger("storefront_mcp.checkout")

MAX_CONCURRENT_CHECKOUTS: Final = 16
"""Checkouts that one worker advances at the same time."""
MAX_PAUSE_SECONDS: Final = 300.0
"""Upper bound of the backoff."""
ERASE_INTERVAL_SECONDS: Final = 3600.0


class Reconciler:
    """Advances due checkouts; runs in every worker, and leases keep two workers from the same checkout."""

    def __init__(
        self,
        contexts: Mapping[StoreId, CheckoutContext],
        records: CheckoutRepository,
        *,
        now: Callable[[], float],
        tick: float = 1.0,
        retention: dt.timedelta = dt.timedelta(days=30),
    ) -> None:
        """`tick` is in seconds; personal data is erased `retention` after a checkout's end."""
        self._contexts = contexts
        self._records = records
        self._now = now
        self._tick = tick
        self._retention = retention
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Run until cancelled. Errors are logged and end nothing."""
        erased = -ERASE_INTERVAL_SECONDS
        clock = asyncio.get_running_loop().time
        while True:
            try:
                await self._start_due()
                if clock() - erased >= ERASE_INTERVAL_SECONDS:
                    erased = clock()
                    await self._records.erase(before=dt.datetime.fromtimestamp(self._now(), dt.UTC) - self._retention)
            except Exception:
                log.exception("the records of checkouts cannot be worked on now")
            await asyncio.sleep(self._tick)

    async def run_once(self) -> int:
        """Advance everything that is due now and wait for it; the number of checkouts."""
        tasks = await self._start_due()
        await asyncio.gather(*tasks)
        return len(tasks)

    async def _start_due(self) -> list[asyncio.Task[None]]:
        """Start what is due, up to MAX_CONCURRENT_CHECKOUTS, so that a shop that hangs does not block the others."""
        room = MAX_CONCURRENT_CHECKOUTS - len(self._running)
        due = await self._records.due(now=self._now(), limit=room) if room > 0 else ()
        return [self.start_advancing(id_) for id_ in due]

    def start_advancing(self, id_: str) -> asyncio.Task[None]:
        """Advance one checkout in a background task, without waiting until it is due."""
        task = asyncio.create_task(self.advance(id_), name=f"advance {id_}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def close(self) -> None:
        """Wait up to 5 s for running steps; the rest is due again when their leases end."""
        if self._running:
            await asyncio.wait(self._running, timeout=5.0)

    async def advance(self, id_: str) -> None:
        """Take as many steps as are possible now; nothing while another worker holds the lease. Never raises."""
        with contextlib.ExitStack() as job:
            try:
                seconds = max(context.policy.lease_seconds for context in self._contexts.values())
                checkout = await self._records.lease(id_, now=self._now(), seconds=seconds)
                if checkout is not None:
                    job.enter_context(store_job(checkout.store))
                    await self._advance(checkout)
            except LeaseLost:
                log.info("%s: another worker took over", id_)
            except Exception:
                log.exception("%s: a step failed; it is tried again", id_)

    async def _advance(self, checkout: Checkout) -> None:
        context = self._contexts.get(checkout.store)
        if context is None or checkout.state not in STEPS:
            await self._records.write(replace(checkout, due_at=None), release=True)
            return
        step = STEPS[checkout.state]
        while True:
            try:
                after = await step(context, checkout)
            except (ShopError, ProviderDown, ProviderRefused) as error:
                log.warning("%s (%s): %s", checkout.id, checkout.state, getattr(error, "internal", error))
                after = _with_backoff(context, checkout)
            except BaseException:
                # Retry after a pause, neither at once nor only when the lease ends.
                with contextlib.suppress(LeaseLost):
                    await self._records.write(_with_backoff(context, checkout), release=True)
                raise
            if after.state == checkout.state and after.due_at == checkout.due_at:
                after = _with_backoff(context, after)
            going_on = after.state != checkout.state and after.state in STEPS and after.state not in TERMINAL_STATES
            going_on = going_on and after.due_at is not None and after.due_at <= context.now()
            leased = replace(after, lease_until=context.now() + context.policy.lease_seconds)
            await self._records.write(leased, release=not going_on)
            if after.state == "needs_human" != checkout.state:
                log.error("%s of store %s needs a person: %s", after.id, after.store, after.problem)
            elif after.state != checkout.state:
                log.info("%s: %s, was %s", after.id, after.state, checkout.state)
            if not going_on:
                return
            # Only the worker that wrote `placing` may place the order, and only right after it.
            step = place if after.state == "placing" else STEPS[after.state]
            checkout = leased


def _with_backoff(context: CheckoutContext, checkout: Checkout) -> Checkout:
    """Due again after a pause that grows with each look (factor 1.5); an open one at its expiry at the latest."""
    pause = min(context.policy.poll_seconds * 1.5 ** min(checkout.looks, 20), MAX_PAUSE_SECONDS)
    due = context.now() + pause
    if checkout.state == "open" and context.now() < checkout.expires_at:
        due = min(due, checkout.expires_at) if not checkout.session_over else checkout.expires_at
    return replace(checkout, looks=checkout.looks + 1, due_at=due)
