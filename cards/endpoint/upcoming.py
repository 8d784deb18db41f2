"""Promised items that are not open, in the shape shared by the documents under `/mcp/`."""

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from storefront_mcp.roadmap.manifest import Auth, PhaseManifest, PromisedContent, PromisedTool, Status
from storefront_mcp.roadmap.roadmap import Phase, Roadmap


class UpcomingItem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One tool, resource or prompt that is planned or paused."""

    name: str
    description: str
    auth: Auth | None = None
    """Only tools may need a signed-in buyer."""
    phase: str
    status: Status
    """Of the phase, which opens and closes as a whole."""


def upcoming_items(
    roadmap: Roadmap,
    promised: Callable[[PhaseManifest], Iterable[PromisedTool | PromisedContent]],
    opened: Callable[[Phase], Mapping[str, object]],
) -> tuple[UpcomingItem, ...]:
    """The promised items of one kind that a phase has not `opened`, except those of retired phases."""
    return tuple(
        UpcomingItem(
            name=promise.name,
            description=promise.summary,
            auth=promise.auth if isinstance(promise, PromisedTool) else None,
            phase=phase.name,
            status=phase.status,
        )
        for phase in roadmap.phases
        if phase.status != "retired"
        for promise in promised(phase.manifest)
        if promise.name not in opened(phase)
    )
