"""View of the roadmap for pages: phases with a label, tools with a summary."""

import datetime as dt
from typing import Final, Literal

from msgspec import Struct

from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.manifest import Auth
from storefront_mcp.roadmap.roadmap import Phase, Roadmap
from storefront_mcp.tools.tool import Tool

State = Literal["open", "next", "later", "paused"]

LABELS: Final[dict[State, str]] = {"open": "Open now", "next": "Next", "later": "Later", "paused": "Paused"}
AUTH_WORDS: Final[dict[Auth, str]] = {
    "none": "no sign-in",
    "optional": "sign-in optional",
    "required": "sign-in required",
}


class ToolView(Struct, frozen=True, kw_only=True):
    """View of a promised tool."""

    name: str
    summary: str
    auth: str
    writes: bool | None
    """None while it is only promised."""
    open: bool

    @property
    def kind(self) -> str:
        """`reads`, `changes`, or `promised` while it is not delivered."""
        return "promised" if self.writes is None else "changes" if self.writes else "reads"


class PhaseView(Struct, frozen=True, kw_only=True):
    """View of a phase that is not retired."""

    number: int
    title: str
    delivers: str
    state: State
    tools: tuple[ToolView, ...]

    @property
    def label(self) -> str:
        """The state in a word or two."""
        return LABELS[self.state]


def phases(roadmap: Roadmap) -> tuple[PhaseView, ...]:
    """Every phase that is not retired, in order; the first planned one is `next`."""
    current = [phase for phase in roadmap.phases if phase.status != "retired"]
    upcoming = next((phase.name for phase in current if phase.status == "planned"), None)
    return tuple(
        PhaseView(
            number=phase.manifest.number,
            title=phase.manifest.title,
            delivers=_delivers(phase),
            state=_state(phase, upcoming),
            tools=_tools(phase),
        )
        for phase in current
    )


def reading_tools(roadmap: Roadmap) -> tuple[Tool, ...]:
    """The open tools that change nothing and ask nobody to sign in, as a visitor's browser has no token."""
    return tuple(tool for tool in roadmap.open_tools() if not tool.writes and tool.name not in roadmap.requirements)


def roadmap_summary(store: Store, roadmap: Roadmap) -> str:
    """One sentence on how many tools are open."""
    count = len(roadmap.open_tools())
    if roadmap.pause is not None:
        return f"{store.name} serves AI agents over the Model Context Protocol (MCP). {roadmap.pause.sentences}"
    if not roadmap.open:
        return f"{store.name} is preparing an MCP server for AI agents; no tool is open yet."
    tools = "1 tool is open" if count == 1 else f"{count} tools are open"
    return f"{store.name} serves AI agents over the Model Context Protocol (MCP): {tools}."


def opening_day(store: Store, roadmap: Roadmap) -> str | None:
    """`1 December 2026` while the operator's launch date lies ahead and nothing is open."""
    if store.launch is None or roadmap.condition != "planned":
        return None
    day = dt.datetime.fromisoformat(store.launch).date()
    return None if day < roadmap.as_of else f"{day.day} {day:%B %Y}"


def page_title(identifier: str) -> str:
    """`privacy-policy` → `Privacy policy`."""
    return identifier.replace("-", " ").replace("_", " ").capitalize()


def _delivers(phase: Phase) -> str:
    """What it is for; and what of a paused one can be called."""
    lasting = ", ".join(phase.lasting_tools)
    return phase.manifest.delivers + (f" Still open, for orders prepared before: {lasting}." if lasting else "")


def _state(phase: Phase, upcoming: str | None) -> State:
    if phase.open:
        return "open"
    if phase.status == "paused":
        return "paused"
    return "next" if phase.name == upcoming else "later"


def _tools(phase: Phase) -> tuple[ToolView, ...]:
    return tuple(
        ToolView(
            name=promise.name,
            summary=promise.summary,
            auth=AUTH_WORDS[promise.auth],
            writes=phase.tools[promise.name].writes if promise.name in phase.tools else None,
            open=promise.name in phase.open_tools,
        )
        for promise in phase.manifest.tools
    )
