"""Brings every checkout to its end, whoever forgot it: one lease, one step, one write at a time."""

import asyncio
import contextlib
import datetime as dt
import logging
from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from storefront_mcp.checkout.record import Checkout, LeaseLost, Records
from storefront_mcp.checkout.states import ENDED
from storefront_mcp.checkout.steps import STEPS, place
from storefront_mcp.checkout.trade import Trade
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.payments.port import ProviderDown, ProviderRefused

log: Final = logging.getLogger("storefront_mcp.checkout")

AT_ONCE: Final = 16
"""Checkouts that one worker advances at the same time."""
SLOWEST: Final = 300.0
"""Seconds between two looks at most."""
ERASES_EVERY: Final = 3600.0


class Reconciler:
    """Works through what is due, in every worker; leases keep two workers from one checkout."""

    def __init__(
        self,
        trades: Mapping[StoreId, Trade],
        records: Records,
        *,
        now: Callable[[], float],
        tick: float = 1.0,
        keeps: dt.timedelta = dt.timedelta(days=30),
    ) -> None:
        """`tick` is in seconds; personal data is kept for `keeps` after a checkout's end."""
        self._trades = trades
        self._records = records
        self._now = now
        self._tick = tick
        self._keeps = keeps
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled. Nothing that goes wrong with one checkout, or with the records, ends it."""
        erased = -ERASES_EVERY
        clock = asyncio.get_running_loop().time
        while True:
            try:
                await self._begin()
                if clock() - erased >= ERASES_EVERY:
                    erased = clock()
                    await self._records.erase(before=dt.datetime.fromtimestamp(self._now(), dt.UTC) - self._keeps)
            except Exception:
                log.exception("the records of checkouts cannot be worked on now")
            await asyncio.sleep(self._tick)

    async def round(self) -> int:
        """Advance everything that is due now, and wait for it; how many there were."""
        begun = await self._begin()
        await asyncio.gather(*begun)
        return len(begun)

    async def _begin(self) -> list[asyncio.Task[None]]:
        """Begin with what is due, as far as there is room: a shop that hangs must not hold up the others."""
        room = AT_ONCE - len(self._running)
        due = await self._records.due(now=self._now(), limit=room) if room > 0 else ()
        return [self.hasten(id_) for id_ in due]

    def hasten(self, id_: str) -> asyncio.Task[None]:
        """Advance one checkout in the background, now; for somebody who waits a moment for it."""
        task = asyncio.create_task(self.advance(id_), name=f"advance {id_}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def close(self) -> None:
        """Let the steps that are under way end; what they leave is found by the next round."""
        if self._running:
            await asyncio.wait(self._running, timeout=5.0)

    async def advance(self, id_: str) -> None:
        """Take as many steps as can be taken now, unless somebody else does. Never raises."""
        try:
            seconds = max(trade.terms.lease for trade in self._trades.values())
            checkout = await self._records.lease(id_, now=self._now(), seconds=seconds)
            if checkout is not None:
                await self._advance(checkout)
        except LeaseLost:
            log.info("%s: another worker took over", id_)
        except Exception:
            log.exception("%s: a step failed; it is tried again", id_)

    async def _advance(self, checkout: Checkout) -> None:
        trade = self._trades.get(checkout.store)
        if trade is None or checkout.state not in STEPS:
            await self._records.write(replace(checkout, due_at=None), let_go=True)
            return
        step = STEPS[checkout.state]
        while True:
            try:
                after = await step(trade, checkout)
            except (ShopError, ProviderDown, ProviderRefused) as error:
                log.warning("%s (%s): %s", checkout.id, checkout.state, getattr(error, "internal", error))
                after = _later(trade, checkout)
            except BaseException:
                # Whatever it was, it must not be tried without a pause, nor wait for the lease to end.
                with contextlib.suppress(LeaseLost):
                    await self._records.write(_later(trade, checkout), let_go=True)
                raise
            if after.state == checkout.state and after.due_at == checkout.due_at:
                after = _later(trade, after)
            going_on = after.state != checkout.state and after.state in STEPS and after.state not in ENDED
            going_on = going_on and after.due_at is not None and after.due_at <= trade.now()
            leased = replace(after, lease_until=trade.now() + trade.terms.lease)
            await self._records.write(leased, let_go=not going_on)
            if after.state != checkout.state:
                log.info("%s: %s, was %s", after.id, after.state, checkout.state)
            if not going_on:
                return
            # Only the worker that wrote `placing` may ask the shop, and only in the same breath.
            step = place if after.state == "placing" else STEPS[after.state]
            checkout = leased


def _later(trade: Trade, checkout: Checkout) -> Checkout:
    """The same once more after a pause, which grows; an open one is looked at when its time is over at the latest."""
    pause = min(trade.terms.poll * 1.5 ** min(checkout.looks, 20), SLOWEST)
    due = trade.now() + pause
    if checkout.state == "open" and trade.now() < checkout.expires_at:
        due = min(due, checkout.expires_at) if not checkout.session_over else checkout.expires_at
    return replace(checkout, looks=checkout.looks + 1, due_at=due)
