"""Looks for what a person must be told of, every few seconds in every worker."""

import asyncio
import datetime as dt
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from sqlalchemy.exc import SQLAlchemyError

from storefront_mcp.app.database_outage import DatabaseOutage
from storefront_mcp.backends.probe import ProbeFailed, ShopProbe
from storefront_mcp.checkout.record import Checkout, CheckoutRepository
from storefront_mcp.checkout.states import LATE_SECONDS, PASSING_STATES
from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.alerts import SqlAlertRepository
from storefront_mcp.database.audit import AuditLog, ChainPosition
from storefront_mcp.instrumentation import store_job
from storefront_mcp.records.alerts import ActiveAlert, AlertChannel, AlertKey
from storefront_mcp.roadmap.flips import ScheduledFlip
from storefront_mcp.web.payment_webhook import WebhookRefusals

log: Final = logging.getLogger("storefront_mcp.alerts")

PROBE_SECONDS: Final = 30.0
"""What a shop has to answer the simplest question."""
MIN_FREE_BYTES: Final = 1 << 30
MIN_FREE_SHARE: Final = 0.05
"""A disk is nearly full with less than both."""
MAX_COUNTED_CHECKOUTS: Final = 100
MAX_TOLD_PROBLEMS: Final = 3
SHOP_STATES: Final = frozenset({"authorized", "placing", "unknown"})
"""States of a checkout that waits for the shop; any other waits for the payment provider."""
SERVER_ERROR: Final = 500
SERVER: Final = StoreId("")


class ObservedStore(Struct, frozen=True, kw_only=True):
    """One store, as far as alerts are about it."""

    id: StoreId
    circuit_open: Callable[[], bool]
    probe: ShopProbe | None
    """None for an embedded shop, which cannot be down."""
    gets_webhooks: bool
    """Whether its payment provider sends any."""


class ObservedServer(Struct, frozen=True, kw_only=True):
    """This worker and its stores, as far as alerts are about them."""

    stores: Sequence[ObservedStore]
    leads: Callable[[], bool]
    """Whether this worker decides for its machine."""
    database_problem: Callable[[], str | None]
    """Why the database takes no writes, to follow its name; None when it does."""
    audit_failing: Callable[[], bool]
    """Whether entries of the audit wait that the database did not take."""
    refused_flips: Callable[[StoreId], Sequence[ScheduledFlip]]
    """The scheduled flips of a store that could not be made, by their moment."""
    folder: Path | None
    """On the disk of the database; None where that is a server."""
    channels: Sequence[AlertChannel]
    """By which somebody is told."""


class AlertSightings:
    """What one look saw."""

    def __init__(self, active: Sequence[ActiveAlert]) -> None:
        self.active: Mapping[AlertKey, ActiveAlert] = {alert.key: alert for alert in active}
        self.seen: dict[AlertKey, str] = {}
        """By what is wrong, the reason."""
        self.held: set[AlertKey] = set()
        """Of which nothing is known at this look."""
        self.cleared: set[AlertKey] = set()
        """Known to be over."""


class AlertWatch:
    """Each worker sees its own circuits, webhooks and audit queue; one of each machine sees the rest and decides.

    What several workers see is one alert, through the database.
    """

    def __init__(
        self,
        server: ObservedServer,
        repository: SqlAlertRepository,
        *,
        checkouts: CheckoutRepository,
        chain: "AuditChainWalk",
        refusals: WebhookRefusals,
        outage: DatabaseOutage,
        now: Callable[[], float],
    ) -> None:
        """`now` gives Unix seconds."""
        self._server = server
        self._stores = server.stores
        self._repository = repository
        self._checkouts = checkouts
        self._chain = chain
        self._refusals = refusals
        self._outage = outage
        self._failing = False
        self._now = now

    async def look(self) -> None:
        """Look at everything once, and queue what has to be told."""
        leads = await asyncio.to_thread(self._server.leads)
        if leads:
            problem = await asyncio.to_thread(self._server.database_problem)
            await self._outage.observe(problem)
            if problem is not None:
                return
        try:
            found = AlertSightings(await asyncio.to_thread(self._repository.list_active))
            await self._look_at_stores(found, leads=leads)
            await self._look_at_server(found, leads=leads)
            told = await asyncio.to_thread(
                self._repository.observe,
                found.seen,
                now=self._now(),
                held=found.held,
                cleared=found.cleared,
                channels=self._server.channels if leads else None,
            )
        except (SQLAlchemyError, ShopBusy) as error:
            if not self._failing:
                log.warning("alerts cannot be looked for now: %s", getattr(error, "__notes__", (error,))[0])
            self._failing = True
            return
        self._failing = False
        for message in told:
            with store_job(message.store):
                log.warning("alert %s: %s: %s", message.status, message.condition, message.reason)

    async def close(self) -> None:
        """Close the connections to the shops."""
        for store in self._stores:
            if store.probe is not None:
                await store.probe.close()

    async def _look_at_stores(self, found: AlertSightings, *, leads: bool) -> None:
        reasons = await asyncio.gather(*(_shop_problem(store, leads=leads) for store in self._stores))
        for store, reason in zip(self._stores, reasons, strict=True):
            if reason is not None:
                found.seen[AlertKey("shop", store.id)] = reason
            if store.gets_webhooks:
                await asyncio.to_thread(self._look_at_webhooks, store.id, found)
            if leads:
                await self._look_at_checkouts(store.id, found)
                await asyncio.to_thread(self._look_at_flips, store.id, found)
                given_up = await asyncio.to_thread(self._repository.failed_order_events, store.id)
                if given_up is not None:
                    found.seen[AlertKey("order_events", store.id)] = given_up

    async def _look_at_checkouts(self, store: StoreId, found: AlertSightings) -> None:
        waiting = await self._checkouts.list_by_state(store, ("needs_human",), limit=MAX_COUNTED_CHECKOUTS)
        if waiting:
            oldest = _longest(waiting)
            found.seen[AlertKey("checkouts", store)] = f"{_count_of(waiting, oldest)}: {oldest.problem}"
        latest = self._now() - LATE_SECONDS
        passing = await self._checkouts.list_by_state(
            store, tuple(PASSING_STATES), limit=MAX_COUNTED_CHECKOUTS, made_before=latest
        )
        late = [one for one in passing if one.since <= latest]
        if late:
            oldest = _longest(late)
            silent = "shop" if oldest.state in SHOP_STATES else "payment provider"
            found.seen[AlertKey("late_checkouts", store)] = (
                f"{_count_of(late, oldest)}: it is {oldest.state}, and goes on once the {silent} answers"
            )

    def _look_at_flips(self, store: StoreId, found: AlertSightings) -> None:
        refused = self._server.refused_flips(store)
        if refused:
            flip = refused[-1]
            changes = ", ".join(f"{phase} → {status}" for phase, status in flip.changes.items())
            found.seen[AlertKey("scheduled_flips", store)] = (
                f"{len(refused)}; the last is {flip.id}, {changes}, at {flip.at:%Y-%m-%d %H:%M} UTC: {flip.outcome}"
            )

    def _look_at_webhooks(self, store: StoreId, found: AlertSightings) -> None:
        key = AlertKey("webhooks", store)
        refused = self._refusals.take(store)
        if refused is None and key not in found.active:
            return
        accepted = self._repository.newest_event(store)
        if refused is not None and refused.oldest_at > accepted:
            found.seen[key] = f"{refused.count} in a row were refused: {refused.reason}"
        elif key in found.active and accepted > found.active[key].seen_at:
            found.cleared.add(key)

    async def _look_at_server(self, found: AlertSightings, *, leads: bool) -> None:
        audit = AlertKey("audit", SERVER)
        if self._server.audit_failing():
            found.seen[audit] = "entries cannot be written, and wait in memory"
        if not leads:
            return
        problems = await asyncio.to_thread(self._chain.step)
        if problems is None:
            found.held.add(audit)
        elif problems:
            found.seen.setdefault(audit, "; ".join(problems[:MAX_TOLD_PROBLEMS]))
        if self._server.folder is not None:
            usage = await asyncio.to_thread(shutil.disk_usage, self._server.folder)
            if usage.free < min(MIN_FREE_BYTES, MIN_FREE_SHARE * usage.total):
                found.seen[AlertKey("disk", SERVER)] = (
                    f"{usage.free / 2**20:,.0f} of {usage.total / 2**20:,.0f} MiB are free where the database is"
                )


class AuditChainWalk:
    """Walks the audit's hash chain all the time, a page at each step, so that it costs next to nothing."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit
        self._position: ChainPosition | None = None
        self._problems: list[str] = []
        """Of this round."""
        self._last: list[str] | None = None
        """Of the round before; None during the first."""

    def step(self) -> Sequence[str] | None:
        """Verify the next page; the problems of this round and the one before. None while nothing is known yet."""
        self._position, problems = self._audit.verify_page(self._position)
        self._problems += problems[:MAX_TOLD_PROBLEMS]
        found = [*self._problems, *(self._last or ())]
        known = self._last is not None
        if self._position is None:
            self._last, self._problems, known = self._problems, [], True
        return list(dict.fromkeys(found)) if known or found else None


def _longest(checkouts: Sequence[Checkout]) -> Checkout:
    return min(checkouts, key=lambda one: one.since)


def _count_of(checkouts: Sequence[Checkout], oldest: Checkout) -> str:
    since = dt.datetime.fromtimestamp(int(oldest.since), dt.UTC)
    waits = "waits" if len(checkouts) == 1 else "wait"
    return f"{len(checkouts)} {waits}; the oldest is {oldest.id}, since {since:%Y-%m-%d %H:%M} UTC"


async def _shop_problem(store: ObservedStore, *, leads: bool) -> str | None:
    """Why a shop counts as down; None where it does not."""
    if store.circuit_open():
        return "calls to it fail, so it is only asked now and then"
    if not leads or store.probe is None:
        return None
    probe = store.probe
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            answer = await probe.hello()
    except ProbeFailed as failed:
        return f"{probe.address}: {failed.why}"
    except TimeoutError:
        return f"{probe.address}: no answer within {PROBE_SECONDS:.0f} seconds"
    finally:
        probe.responses.clear()
    return f"{probe.address} answers with {answer.status}" if answer.status >= SERVER_ERROR else None
