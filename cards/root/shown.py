"""The roadmap as people read it: phases with a word for where each stands, tools with what they do."""

import datetime as dt
from typing import Final, Literal

from msgspec import Struct

from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.manifest import Auth
from storefront_mcp.roadmap.roadmap import Phase, Roadmap
from storefront_mcp.roadmap.tool import Tool

State = Literal["open", "next", "later", "paused"]

LABELS: Final[dict[State, str]] = {"open": "Open now", "next": "Next", "later": "Later", "paused": "Paused"}
AUTH_WORDS: Final[dict[Auth, str]] = {
    "none": "no sign-in",
    "optional": "sign-in optional",
    "required": "sign-in required",
}


class ToolShown(Struct, frozen=True, kw_only=True):
    """A promised tool and what is known of it."""

    name: str
    summary: str
    auth: str
    writes: bool | None
    """None while it is only promised."""
    open: bool

    @property
    def kind(self) -> str:
        """Whether it reads or changes something, as far as that is known."""
        return "promised" if self.writes is None else "changes" if self.writes else "reads"


class PhaseShown(Struct, frozen=True, kw_only=True):
    """A phase that is not retired."""

    number: int
    title: str
    delivers: str
    state: State
    tools: tuple[ToolShown, ...]

    @property
    def label(self) -> str:
        """The state in a word or two."""
        return LABELS[self.state]


def phases(roadmap: Roadmap) -> tuple[PhaseShown, ...]:
    """Every phase that still promises something, in order; the first planned one is what comes next."""
    kept = [phase for phase in roadmap.phases if phase.status != "retired"]
    upcoming = next((phase.name for phase in kept if phase.status == "planned"), None)
    return tuple(
        PhaseShown(
            number=phase.manifest.number,
            title=phase.manifest.title,
            delivers=phase.manifest.delivers,
            state=_state(phase, upcoming),
            tools=_tools(phase),
        )
        for phase in kept
    )


def reading_tools(roadmap: Roadmap) -> tuple[Tool, ...]:
    """The open tools that change nothing."""
    return tuple(tool for tool in roadmap.open_tools() if not tool.writes)


def summary(store: Store, roadmap: Roadmap) -> str:
    """One sentence on what agents find here now; never a promise that something works which does not."""
    count = len(roadmap.open_tools())
    if not roadmap.open:
        return f"{store.name} is preparing an MCP server for AI agents; no tool is open yet."
    tools = "1 tool is open" if count == 1 else f"{count} tools are open"
    return f"{store.name} serves AI agents over the Model Context Protocol (MCP): {tools}."


def opening_day(store: Store, roadmap: Roadmap) -> str | None:
    """`1 December 2026` while the operator's launch date lies ahead and nothing is open."""
    if store.launch is None or roadmap.open:
        return None
    day = dt.datetime.fromisoformat(store.launch).date()
    return None if day < roadmap.as_of else f"{day.day} {day:%B %Y}"


def page_title(identifier: str) -> str:
    """`privacy-policy` → `Privacy policy`."""
    return identifier.replace("-", " ").replace("_", " ").capitalize()


def _state(phase: Phase, upcoming: str | None) -> State:
    if phase.open:
        return "open"
    if phase.status == "paused":
        return "paused"
    return "next" if phase.name == upcoming else "later"


def _tools(phase: Phase) -> tuple[ToolShown, ...]:
    return tuple(
        ToolShown(
            name=promise.name,
            summary=promise.summary,
            auth=AUTH_WORDS[promise.auth],
            writes=phase.tools[promise.name].writes if promise.name in phase.tools else None,
            open=phase.open and promise.name in phase.tools,
        )
        for promise in phase.manifest.tools
    )
