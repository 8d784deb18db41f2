"""Phases and where they stand, as one value that is shown or not shown as a whole."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.roadmap.manifest import Manifest, Mention, Promise, Status
from storefront_mcp.roadmap.prompt import Prompt
from storefront_mcp.roadmap.resource import Resource
from storefront_mcp.roadmap.tool import Tool

NEXT: Final[Mapping[Status, frozenset[Status]]] = {
    "planned": frozenset({"active"}),
    "active": frozenset({"paused"}),
    "paused": frozenset({"active", "retired"}),
    "retired": frozenset(),
}
"""planned → active ⇄ paused → retired. A promise is never deleted."""


class FlipRefused(Exception):
    """A change of the roadmap that must not happen; `complaints` are all the reasons, each a sentence."""

    def __init__(self, complaints: Sequence[str]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = tuple(complaints)


class Phase(Struct, frozen=True, kw_only=True):
    """A promise, the tools that keep it so far, and whether it is open."""

    name: str
    """The folder's name: `p1_browse`."""
    manifest: Manifest
    tools: Mapping[str, Tool]
    """Delivered tools by name, in the order they were promised."""
    resources: Mapping[str, Resource] = {}
    prompts: Mapping[str, Prompt] = {}
    """Delivered resources and prompts by name; they open and close with the tools."""
    status: Status
    missing: tuple[str, ...] = ()
    """What this store still has to set up before the phase can open, each a sentence."""

    @property
    def open(self) -> bool:
        """Whether its tools work now."""
        return self.status == "active"

    @property
    def undelivered(self) -> tuple[Promise | Mention, ...]:
        """Promises without code."""
        promised = (
            (self.manifest.tools, self.tools),
            (self.manifest.resources, self.resources),
            (self.manifest.prompts, self.prompts),
        )
        return tuple(promise for promises, kept in promised for promise in promises if promise.name not in kept)

    @property
    def delivered(self) -> bool:
        """Whether every promise is kept."""
        return not self.undelivered


class Roadmap(Struct, frozen=True, kw_only=True, dict=True):
    """All phases of one store at one moment. Requests carry the roadmap they began with to their end."""

    version: int
    """Number of the last flip, 0 before the first. Watch gives each roadmap that a process shows its own version."""
    phases: tuple[Phase, ...]
    as_of: dt.date
    """The day on which it was read; documents that must name a date take this one."""

    @property
    def open(self) -> bool:
        """Whether any phase is open."""
        return any(phase.open for phase in self.phases)

    def phase(self, name: str) -> Phase | None:
        """The phase of that name."""
        return next((phase for phase in self.phases if phase.name == name), None)

    def promises(self) -> Iterable[tuple[Phase, Promise]]:
        """Every promised tool with its phase, in order; phases that are retired promise nothing any more."""
        promising = (phase for phase in self.phases if phase.status != "retired")
        return ((phase, promise) for phase in promising for promise in phase.manifest.tools)

    def open_tools(self) -> tuple[Tool, ...]:
        """The tools that work now, in the order they were promised."""
        return tuple(self.working.values())

    @cached_property
    def working(self) -> Mapping[str, Tool]:
        """The same by name."""
        return {name: tool for phase in self.phases if phase.open for name, tool in phase.tools.items()}

    @cached_property
    def requirements(self) -> Mapping[str, str]:
        """The scope that a caller must have, by tool, for the open tools that are not for everybody."""
        return {
            promise.name: promise.scope
            for phase in self.phases
            if phase.open
            for promise in phase.manifest.tools
            if promise.scope is not None
        }

    def open_resources(self) -> tuple[Resource, ...]:
        """The resources that can be read now."""
        return tuple(resource for phase in self.phases if phase.open for resource in phase.resources.values())

    def open_prompts(self) -> tuple[Prompt, ...]:
        """The prompts that can be used now."""
        return tuple(prompt for phase in self.phases if phase.open for prompt in phase.prompts.values())

    def promised_in(self, tool: str) -> Phase | None:
        """The phase that promises a tool of this name, or did before it was retired."""
        named = (phase for phase in self.phases if any(promise.name == tool for promise in phase.manifest.tools))
        return next(named, None)

    def with_status(self, changes: Mapping[str, Status]) -> "Roadmap":
        """The next roadmap. Raises FlipRefused with every complaint at once; nothing changes then."""
        complaints = list(self._complaints(changes))
        if complaints:
            raise FlipRefused(complaints)
        return replace(
            self,
            version=self.version + 1,
            phases=tuple(replace(phase, status=changes.get(phase.name, phase.status)) for phase in self.phases),
        )

    def _complaints(self, changes: Mapping[str, Status]) -> Iterable[str]:
        known = {phase.name: phase for phase in self.phases}
        for name in changes:
            if name not in known:
                yield f"{name}: there is no such phase; there are {', '.join(known)}."
        for name, phase in known.items():
            if name in changes:
                yield from _step_complaints(phase, changes[name])
        after = {name: changes.get(name, phase.status) for name, phase in known.items()}
        for name, phase in known.items():
            touched = name in changes or any(needed in changes for needed in phase.manifest.requires)
            if touched and after[name] == "active":
                yield from _requirement_complaints(phase, after)


def _step_complaints(phase: Phase, wanted: Status) -> Iterable[str]:
    """Why this phase cannot take this step, whatever the others do."""
    allowed = NEXT[phase.status]
    if not allowed:
        yield f"{phase.name}: is {phase.status}, and that is for good."
    elif wanted not in allowed:
        yield f"{phase.name}: is {phase.status} and cannot become {wanted}, only {' or '.join(sorted(allowed))}."
    if wanted == "active":
        for promise in phase.undelivered:
            yield f"{phase.name}: {promise.name} is promised but not delivered yet."
        yield from (f"{phase.name}: {sentence}" for sentence in phase.missing)


def _requirement_complaints(phase: Phase, after: Mapping[str, Status]) -> Iterable[str]:
    """Which of the phases that this open one stands on would not be open."""
    for needed in phase.manifest.requires:
        if after.get(needed) != "active":
            yield (
                f"{phase.name}: requires {needed}, which would be {after.get(needed, 'missing')}; "
                f"flip both together or {needed} first."
            )
