"""What is announced but does not work now, as every list beside the endpoint shows it."""

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from storefront_mcp.roadmap.manifest import Auth, Manifest, Mention, Promise, Status
from storefront_mcp.roadmap.roadmap import Phase, Roadmap


class Promised(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One tool, resource or prompt that will be open, or was and is paused."""

    name: str
    description: str
    auth: Auth | None = None
    """Only tools may need a signed-in buyer."""
    phase: str
    status: Status
    """Of the phase, which opens and closes as a whole."""


def promised(
    roadmap: Roadmap,
    announced: Callable[[Manifest], Iterable[Promise | Mention]],
    kept: Callable[[Phase], Mapping[str, object]],
) -> tuple[Promised, ...]:
    """The promises of one kind that nobody can use now; phases that are retired promise nothing any more."""
    return tuple(
        Promised(
            name=promise.name,
            description=promise.summary,
            auth=promise.auth if isinstance(promise, Promise) else None,
            phase=phase.name,
            status=phase.status,
        )
        for phase in roadmap.phases
        if phase.status != "retired"
        for promise in announced(phase.manifest)
        if not (phase.open and promise.name in kept(phase))
    )
