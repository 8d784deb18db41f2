"""Prepared responses for callers who are shown another roadmap than a stranger."""

from collections.abc import Callable
from typing import Final

from storefront_mcp.access.caller import Caller
from storefront_mcp.commerce.store import Store
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.mcp.prepared import PreparedResponses
from storefront_mcp.mcp.request import McpRequest
from storefront_mcp.roadmap.audience import STRANGER, CallerTraits, caller_traits
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.roadmap.terms import FlipTerms

MAX_CALLERS: Final = 4_096
"""Callers whose view is remembered; a full cache is emptied."""
RoadmapOf = Callable[[CallerTraits], Roadmap]
"""The roadmap of a caller, now."""


class CallerViews:
    """The views of one store under one published roadmap; callers with the same statuses share the responses."""

    def __init__(self, store: Store, strangers: PreparedResponses, roadmap_of: RoadmapOf | None) -> None:
        """Without `roadmap_of`, or while the roadmap differs for nobody, all are shown the strangers' responses."""
        self._store = store
        self._strangers = strangers
        self._roadmap_of = roadmap_of if strangers.roadmap.differs else None
        self._by_statuses = {_statuses(strangers.roadmap): strangers}
        self._by_caller: dict[CallerTraits, PreparedResponses] = {STRANGER: strangers}

    def view_for(self, request: McpRequest) -> PreparedResponses:
        """The responses for the sender of a request."""
        return self.view_of(traits_of(request, self._store))

    def view_of(self, traits: CallerTraits) -> PreparedResponses:
        """The responses for a caller."""
        if self._roadmap_of is None:
            return self._strangers
        known = self._by_caller.get(traits)
        if known is None:
            roadmap = self._roadmap_of(traits)
            statuses = _statuses(roadmap)
            known = self._by_statuses.get(statuses)
            if known is None:
                known = self._by_statuses[statuses] = PreparedResponses(self._store, roadmap, self._strangers.widgets)
            if len(self._by_caller) >= MAX_CALLERS:
                self._by_caller.clear()
            self._by_caller[traits] = known
        return known


def traits_of(request: McpRequest, store: Store) -> CallerTraits:
    """What flags may depend on of the sender of a request."""
    return sender_traits(request, request.caller, store)


def sender_traits(origin: RequestOrigin, caller: Caller, store: Store) -> CallerTraits:
    """What flags may depend on of who sent a request of any protocol."""
    identifier = (origin.agent or origin.address) if caller.kind == "guest" else caller.identifier
    return caller_traits(store.id, caller.kind, origin.client(), identifier)


def _statuses(roadmap: Roadmap) -> tuple[tuple[Status, FlipTerms], ...]:
    return tuple((phase.status, phase.terms) for phase in roadmap.phases)
