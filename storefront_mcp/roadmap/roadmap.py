"""`Roadmap`: an immutable snapshot of a store's phases and their statuses, and the rules of status changes."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.roadmap.manifest import PhaseManifest, PromisedContent, PromisedTool, Status
from storefront_mcp.roadmap.terms import NO_TERMS, FlipTerms
from storefront_mcp.tools.prompt import Prompt
from storefront_mcp.tools.resource import Resource
from storefront_mcp.tools.tool import Tool

TRANSITIONS: Final[Mapping[Status, frozenset[Status]]] = {
    "planned": frozenset({"active"}),
    "active": frozenset({"paused"}),
    "paused": frozenset({"active", "retired"}),
    "retired": frozenset(),
}
"""planned → active ⇄ paused → retired. A phase is never deleted."""


Condition = Literal["planned", "active", "paused"]
"""Of a whole store. active: a phase is open. paused: none is, but one was, and may open again. planned: none was."""


class FlipRefused(Exception):
    """A rejected status change; `complaints` are all the reasons, each a sentence."""

    def __init__(self, complaints: Sequence[str]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = tuple(complaints)


PAUSE_ADVICE: Final = "Nothing in a cart is lost. Tell the buyer, and try again later."


class Phase(Struct, frozen=True, kw_only=True):
    """A manifest, its delivered tools, resources and prompts, and its status."""

    name: str
    """The folder's name: `p1_browse`."""
    manifest: PhaseManifest
    tools: Mapping[str, Tool]
    """Delivered tools by name, in the manifest's order."""
    resources: Mapping[str, Resource] = {}
    prompts: Mapping[str, Prompt] = {}
    """Delivered resources and prompts by name."""
    status: Status
    terms: FlipTerms = NO_TERMS
    """Why it is paused and until when, or for whom it is open."""
    stopped: bool = False
    """Whether an emergency stop closes all of it, so that no tool outlives its pause."""
    missing: tuple[str, ...] = ()
    """What this store must set up before the phase can open, each a sentence."""

    @property
    def open(self) -> bool:
        """Whether its status is active."""
        return self.status == "active"

    @property
    def open_tools(self) -> Mapping[str, Tool]:
        """The tools that can be called: all while it is open, and while it is paused those that outlive a pause."""
        if self.open:
            return self.tools
        if self.status != "paused" or self.stopped:
            return {}
        lasting = {promise.name for promise in self.manifest.tools if promise.outlives_pause}
        return {name: tool for name, tool in self.tools.items() if name in lasting}

    @property
    def lasting_tools(self) -> tuple[str, ...]:
        """Names of its tools that can be called although it is paused: what was begun is brought to its end."""
        return () if self.open else tuple(self.open_tools)

    @property
    def undelivered(self) -> tuple[PromisedTool | PromisedContent, ...]:
        """What is promised and not implemented yet."""
        promised = (
            (self.manifest.tools, self.tools),
            (self.manifest.resources, self.resources),
            (self.manifest.prompts, self.prompts),
        )
        return tuple(promise for promises, kept in promised for promise in promises if promise.name not in kept)

    @property
    def delivered(self) -> bool:
        """Whether all that is promised is implemented."""
        return not self.undelivered


class Roadmap(Struct, frozen=True, kw_only=True, dict=True):
    """All phases of one store at one moment. A request keeps the roadmap it began with."""

    version: int
    """Number of the last flip, 0 before the first. `RoadmapRefresher` gives each published roadmap its own."""
    phases: tuple[Phase, ...]
    as_of: dt.date
    """The day on which it was read, which documents show as their date."""
    limited: bool = False
    """Whether a phase that this one shows closed is open for some callers."""
    differs: bool = False
    """Whether callers may be shown different roadmaps; this one is a stranger's."""
    payment_stop: FlipTerms | None = None
    """Why nobody can pay now; None as long as checkouts can be paid."""

    @property
    def open(self) -> bool:
        """Whether any phase is open."""
        return any(phase.open for phase in self.phases)

    @property
    def answers(self) -> bool:
        """Whether the endpoint answers: a phase is open, or a tool of a paused one outlives the pause."""
        return self.open or bool(self.open_items)

    @property
    def condition(self) -> Condition:
        """How the whole store stands."""
        if self.open:
            return "active"
        return "paused" if any(phase.status == "paused" for phase in self.phases) else "planned"

    @property
    def pause(self) -> FlipTerms | None:
        """The terms of a store that is paused: those of its first paused phase that has any; None for any other."""
        if self.condition != "paused":
            return None
        paused = (phase.terms for phase in self.phases if phase.status == "paused")
        return next((terms for terms in paused if terms != NO_TERMS), NO_TERMS)

    @cached_property
    def pause_text(self) -> str:
        """What agents hear of all that is paused; empty where nothing is."""
        return told_pauses(self.phases)

    def phase(self, name: str) -> Phase | None:
        """The phase of that name."""
        return next((phase for phase in self.phases if phase.name == name), None)

    def promises(self) -> Iterable[tuple[Phase, PromisedTool]]:
        """Every promised tool with its phase, in order, without retired phases."""
        promising = (phase for phase in self.phases if phase.status != "retired")
        return ((phase, promise) for phase in promising for promise in phase.manifest.tools)

    def open_tools(self) -> tuple[Tool, ...]:
        """The tools that can be called, in order."""
        return tuple(self.open_items.values())

    @cached_property
    def open_items(self) -> Mapping[str, Tool]:
        """The tools that can be called by name, in order."""
        return {name: tool for phase in self.phases for name, tool in phase.open_tools.items()}

    @cached_property
    def requirements(self) -> Mapping[str, str]:
        """Required scopes by tool name, of the open tools that require one."""
        return {
            promise.name: promise.scope
            for phase in self.phases
            for promise in phase.manifest.tools
            if promise.scope is not None
            and promise.auth == "required"
            and (phase.open or promise.name in phase.open_tools)
        }

    @property
    def signs_in(self) -> bool:
        """Whether customers can sign in: a phase that needs it is open, at a store that has what it takes."""
        return any(phase.open and phase.manifest.needs_sign_in and not phase.missing for phase in self.phases)

    @cached_property
    def optional_scopes(self) -> Mapping[str, str]:
        """Scopes by tool name, of the open tools that serve customers as such; empty while nobody can sign in."""
        return {
            promise.name: promise.scope
            for phase in self.phases
            for promise in phase.manifest.tools
            if promise.scope is not None and promise.auth == "optional" and phase.open and self.signs_in
        }

    @cached_property
    def widgets(self) -> Mapping[str, str]:
        """Names of widgets by tool name, of the open tools whose results one shows."""
        return {
            promise.name: promise.widget
            for phase in self.phases
            for promise in phase.manifest.tools
            if promise.widget is not None and promise.name in phase.open_tools
        }

    def open_resources(self) -> tuple[Resource, ...]:
        """The resources of the open phases."""
        return tuple(resource for phase in self.phases if phase.open for resource in phase.resources.values())

    def open_prompts(self) -> tuple[Prompt, ...]:
        """The prompts of the open phases."""
        return tuple(prompt for phase in self.phases if phase.open for prompt in phase.prompts.values())

    def phase_of(self, tool: str) -> Phase | None:
        """The phase that promises a tool of this name, retired ones included."""
        named = (phase for phase in self.phases if any(promise.name == tool for promise in phase.manifest.tools))
        return next(named, None)

    def with_status(self, changes: Mapping[str, Status], terms: FlipTerms = NO_TERMS) -> "Roadmap":
        """The next roadmap; a status may be repeated with other `terms`. Raises FlipRefused with every complaint."""
        complaints = list(self._complaints(changes, terms))
        if complaints:
            raise FlipRefused(complaints)
        return replace(
            self,
            version=self.version + 1,
            phases=tuple(
                replace(phase, status=changes[phase.name], terms=_terms_of(phase, changes[phase.name], terms))
                if phase.name in changes
                else phase
                for phase in self.phases
            ),
        )

    def _complaints(self, changes: Mapping[str, Status], terms: FlipTerms) -> Iterable[str]:
        known = {phase.name: phase for phase in self.phases}
        for name in changes:
            if name not in known:
                yield f"{name}: there is no such phase; there are {', '.join(known)}."
        for name, phase in known.items():
            if name in changes:
                yield from _step_complaints(phase, changes[name], terms)
        after = {name: changes.get(name, phase.status) for name, phase in known.items()}
        for name, phase in known.items():
            touched = name in changes or any(needed in changes for needed in phase.manifest.requires)
            if touched and after[name] == "active":
                yield from _requirement_complaints(phase, after, opens=name in changes)


def _terms_of(phase: Phase, wanted: Status, terms: FlipTerms) -> FlipTerms:
    """The terms that a flip leaves: of a limited opening, with what those are shown for whom it is not open."""
    if wanted != "active" or not terms.limited:
        return terms
    if phase.status == "active" and phase.terms.limited:
        return replace(terms, otherwise=phase.terms.otherwise)
    return replace(terms, otherwise="planned" if phase.status == "planned" else "paused")


def _step_complaints(phase: Phase, wanted: Status, terms: FlipTerms) -> Iterable[str]:
    """Why this phase cannot take this status, by itself."""
    allowed = TRANSITIONS[phase.status]
    if wanted == phase.status and allowed and _terms_of(phase, wanted, terms) != phase.terms:
        return
    if not allowed:
        yield f"{phase.name}: is {phase.status}, and that is for good."
    elif wanted not in allowed:
        yield f"{phase.name}: is {phase.status} and cannot become {wanted}, only {' or '.join(sorted(allowed))}."
    if wanted == "active":
        if terms.limited and phase.manifest.needs_sign_in:
            yield (
                f"{phase.name}: customers sign in for it, and whoever begins to is not known yet. It opens for "
                "everybody, or for nobody."
            )
        for promise in phase.undelivered:
            yield f"{phase.name}: {promise.name} is promised but not delivered yet."
        yield from (f"{phase.name}: {sentence}" for sentence in phase.missing)


def _requirement_complaints(phase: Phase, after: Mapping[str, Status], *, opens: bool) -> Iterable[str]:
    """Which of the phases that this one requires would not be active; `opens` is whether this one is to be opened."""
    for needed in phase.manifest.requires:
        if after.get(needed) != "active":
            yield (
                f"{phase.name}: requires {needed}, which would be {after.get(needed, 'missing')}; "
                f"flip both together or {needed if opens else phase.name} first."
            )


def told_pauses(phases: Sequence[Phase]) -> str:
    """What is closed for now, why, and what to do; empty where nothing is paused."""
    paused = dict.fromkeys(phase.terms for phase in phases if phase.status == "paused")
    told = [pause_sentences([phase for phase in phases if _is_paused(phase, terms)], terms) for terms in paused]
    return " ".join([*told, PAUSE_ADVICE]) if told else ""


def paused_together(phase: Phase, phases: Sequence[Phase]) -> Sequence[Phase]:
    """The phases that are paused on the same terms as `phase`, itself included."""
    return [one for one in phases if _is_paused(one, phase.terms)] or [phase]


def pause_sentences(phases: Sequence[Phase], terms: FlipTerms) -> str:
    """`Cart and checkout are closed for now: stocktaking.`, and until when that is expected to last."""
    are = "are" if len(phases) > 1 else "is"
    return f"{phase_titles(phases)} {are} {terms.sentences[0].lower()}{terms.sentences[1:]}"


def phase_titles(phases: Iterable[Phase]) -> str:
    """Titles within a sentence: `Cart and checkout`."""
    first, *others = [phase.manifest.title for phase in phases] or [""]
    if not others:
        return first
    *middle, last = [other.lower() for other in others]
    return f"{', '.join([first, *middle])} and {last}"


def _is_paused(phase: Phase, terms: FlipTerms) -> bool:
    return (phase.status, phase.terms) == ("paused", terms)
