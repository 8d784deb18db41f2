"""Phrases that several documents share, each a function of the store and the roadmap."""

from collections.abc import Sequence
from typing import Final

from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.manifest import PromisedTool
from storefront_mcp.roadmap.roadmap import Condition, Roadmap

MAX_SUMMARY_CHARS: Final = 100
"""Limit of `description` in the MCP Server Card (SEP-2127)."""


def server_version(store: Store, roadmap: Roadmap) -> str:
    """The operator's version, else the server's own, with `-stub` while nothing has ever been open."""
    if store.version is not None:
        return store.version
    return f"{store.server.version}-stub" if roadmap.condition == "planned" else store.server.version


def phase_status(roadmap: Roadmap) -> Condition:
    """`active` while any phase is open, `paused` while none is for now, `planned` before."""
    return roadmap.condition


def open_promises(roadmap: Roadmap) -> tuple[PromisedTool, ...]:
    """The promised tools whose phases are open, in order."""
    return tuple(promise for phase, promise in roadmap.promises() if phase.open)


def advertised_tools(roadmap: Roadmap) -> tuple[PromisedTool, ...]:
    """The open tools; while none is open, the promised ones."""
    return open_promises(roadmap) or tuple(promise for _, promise in roadmap.promises())


def list_words(words: Sequence[str], *, comma: bool = False) -> str:
    """`a, b and c`; with `comma`, `a, b, and c`."""
    *first, last = words or ("",)
    if not first:
        return last
    joint = ", and " if comma and len(first) > 1 else " and "
    return ", ".join(first) + joint + last


def store_description(store: Store, roadmap: Roadmap) -> str:
    """The operator's description, else one made of the open tools."""
    if store.description is not None:
        return store.description
    words = [promise.words for promise in advertised_tools(roadmap)]
    abilities = list_words([word.ability for word in words if word.ability], comma=True)
    sentences = [f"Headless commerce MCP server for {store.name}."]
    if abilities:
        sentences.append(f"{'Will expose' if roadmap.condition == 'planned' else 'Exposes'} tools to {abilities}.")
    if roadmap.condition == "planned":
        sentences.append("Currently a stub while the real server is built.")
    elif roadmap.pause is not None:
        sentences.append(roadmap.pause.sentences)
    return " ".join(sentences)


def phases_summary(store: Store, roadmap: Roadmap) -> str:
    """What the server is now, in at most MAX_SUMMARY_CHARS characters."""
    before = {"planned": "Planned: ", "paused": "Closed for now: ", "active": ""}[roadmap.condition]
    return _tools_summary(store, advertised_tools(roadmap), before)


def promises_summary(store: Store, roadmap: Roadmap) -> str:
    """What the server is once all that is promised is open, in at most MAX_SUMMARY_CHARS characters."""
    return _tools_summary(store, [promise for _, promise in roadmap.promises()], "")


def _tools_summary(store: Store, promises: Sequence[PromisedTool], before: str) -> str:
    tools = f"{list_words([promise.words.area for promise in promises if promise.words.area])} tools".strip()
    tools = before + tools if before else tools[0].upper() + tools[1:]
    return shorten(f"{tools} for the {store.name} storefront.", MAX_SUMMARY_CHARS)


def shorten(text: str, limit: int) -> str:
    """The text, cut to `longest` characters with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
