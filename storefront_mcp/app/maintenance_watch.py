"""Watches shops for maintenance mode, and closes what writes to them meanwhile.

A shop's web pages answer 503 then, and its API may go on as if nothing were, so that agents would go on ordering.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Final

from msgspec import Struct

from storefront_mcp.app.background import background_jobs
from storefront_mcp.backends.probe import ProbeFailed, ShopProbe
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.instrumentation import store_job
from storefront_mcp.roadmap.flips import FlipRepository, with_statuses
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.roadmap import FlipRefused, Roadmap
from storefront_mcp.roadmap.terms import NO_TERMS, FlipTerms

log: Final = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 15.0
"""Between two looks at a shop."""
LOOKS_THAT_AGREE: Final = 2
"""Looks in a row before anything is flipped: one 503 may be a hiccup."""
REASON: Final = "the shop is being maintained"
"""Why a phase is paused, as everybody may read it."""
CLOSED_BY: Final = "watch: the shop is in maintenance mode"
OPENED_BY: Final = "watch: the shop is out of maintenance mode"
"""Who flipped, on record."""


class WatchedShop(Struct, frozen=True, kw_only=True):
    """One store whose shop is watched."""

    planned: Roadmap
    """With every phase in its manifest's status."""
    probe: ShopProbe


class MaintenanceWatch:
    """Pauses the phases that write while a shop is in maintenance mode, and opens those again that it has paused.

    Runs in every worker: a flip is checked against the record, so one of them makes it. What an operator flips
    meanwhile stays. `flips` must not be shared.
    """

    def __init__(self, shops: Mapping[StoreId, WatchedShop], flips: FlipRepository) -> None:
        self._shops = shops
        self._flips = flips
        self._looks: dict[StoreId, int] = {}
        """Looks in a row that saw the shop as it was last: positive in maintenance, negative out of it."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch in the background until the block ends."""
        try:
            async with background_jobs({"watch for maintenance mode": self._run()}):
                yield
        finally:
            for shop in self._shops.values():
                await shop.probe.close()

    async def look(self) -> None:
        """Look at every shop once."""
        for store in self._shops:
            with store_job(store):
                await self._look_at(store)

    async def _run(self) -> None:
        while self._shops:
            try:
                await self.look()
            except Exception:
                log.exception("shops cannot be watched now")
            await asyncio.sleep(INTERVAL_SECONDS)

    async def _look_at(self, store: StoreId) -> None:
        try:
            maintained = await self._shops[store].probe.in_maintenance()
        except ProbeFailed:
            return  # a shop that does not answer is what the circuit breaker is for
        before = self._looks.get(store, 0)
        looks = self._looks[store] = max(before, 0) + 1 if maintained else min(before, 0) - 1
        if abs(looks) == LOOKS_THAT_AGREE:
            await asyncio.to_thread(self._flip, store, close=maintained)

    def _flip(self, store: StoreId, *, close: bool) -> None:
        """Pause what is open and writes, or open what was paused by this, for whom it was open before."""
        planned = self._shops[store].planned
        recorded = self._flips.current_statuses().get(store)
        phases = (planned if recorded is None else with_statuses(planned, recorded)).phases
        if close:
            writing = [one.name for one in phases if one.open and any(tool.writes for tool in one.tools.values())]
            self._record(store, dict.fromkeys(writing, "paused"), CLOSED_BY, FlipTerms(reason=REASON))
            return
        history = self._flips.history(store)
        last = {flip.phase: flip for flip in history}
        opened = {flip.phase: flip.terms for flip in history if flip.after == "active"}
        for phase in phases:
            if phase.status == "paused" and last[phase.name].by == CLOSED_BY:
                self._record(store, {phase.name: "active"}, OPENED_BY, opened.get(phase.name, NO_TERMS))

    def _record(self, store: StoreId, changes: Mapping[str, Status], by: str, terms: FlipTerms) -> None:
        if not changes:
            return
        names = ", ".join(changes)
        try:
            self._flips.flip(self._shops[store].planned, store, changes, by=by, terms=terms)
        except FlipRefused as refused:
            # Another worker was faster, or an operator.
            log.info("%s: %s stay as they are: %s", store, names, refused)
        else:
            log.warning("%s: %s, so it is %s: %s", store, by, next(iter(changes.values())), names)
