"""Page of all stores that a browser is signed in to: health, phases, who waits for a person, and today's figures."""

import asyncio
from typing import Final

from litestar import Response
from msgspec import Struct

from storefront_mcp.console.dependencies import TitledFinding
from storefront_mcp.console.routing import (
    ALL_STORES,
    ConsoleAction,
    ConsolePlace,
    ConsoleRequest,
    StoreSession,
    may_act,
)
from storefront_mcp.console.usage import REQUIRED_SCOPES
from storefront_mcp.findings import Level, worst_level
from storefront_mcp.records.outcomes import OK

DAY_MINUTES: Final = 24 * 60


class TodayFigures(Struct, frozen=True, kw_only=True):
    """Figures of one store since midnight, UTC."""

    calls: int
    failed: int
    orders: int


class StoreOverview(Struct, frozen=True, kw_only=True):
    """One store as the session of it may see it."""

    place: ConsolePlace
    level: Level
    unwell: list[TitledFinding]
    """What is not as it should be."""
    phases: list[tuple[str, str]]
    """Title and status of each delivered phase, as published."""
    stopped: bool
    waiting: int | None
    """Checkouts that wait for a person; None where the session may not know."""
    today: TodayFigures | None
    """None where the session may not know."""


def actions() -> list[ConsoleAction]:
    """The routes of this page."""
    return [ConsoleAction(at=ALL_STORES, run=show_stores)]


async def show_stores(request: ConsoleRequest) -> Response[bytes]:
    """Look at every store at once, each with the scopes of its own session."""
    store_sessions = request.store_sessions or [StoreSession(place=request.place, session=request.session)]
    stores = await asyncio.gather(*(_overview(request, held) for held in store_sessions))
    return request.page("stores.html.j2", stores=stores, at=request.dependencies.now())


async def _overview(request: ConsoleRequest, held: StoreSession) -> StoreOverview:
    findings = await request.dependencies.health_checks[held.place.store]()
    roadmap = held.place.site.shown.roadmap
    sees_checkouts = may_act(held.session, ("manage:checkouts",))
    return StoreOverview(
        place=held.place,
        level=worst_level(finding for _, finding in findings),
        unwell=[one for one in findings if one[1].level in {"warning", "fault"}],
        phases=[(phase.manifest.title, phase.status) for phase in roadmap.phases if not phase.undelivered],
        stopped=any(phase.stopped for phase in roadmap.phases),
        waiting=sum((await request.router.count_waiting(held.session)).values()) if sees_checkouts else None,
        today=await asyncio.to_thread(_today, request, held) if may_act(held.session, REQUIRED_SCOPES) else None,
    )


def _today(request: ConsoleRequest, held: StoreSession) -> TodayFigures:
    dependencies = request.dependencies
    began = dependencies.now().replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    rows = dependencies.usage.read(held.place.store, since=int(began) // 60, step=DAY_MINUTES)
    calls = [row for row in rows if row.kind == "tool"]
    return TodayFigures(
        calls=sum(row.sum.count for row in calls),
        failed=sum(row.sum.count for row in calls if row.outcome != OK),
        orders=dependencies.count_orders(held.place.store, began),
    )
