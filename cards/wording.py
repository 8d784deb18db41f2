"""The words that several documents share, each true of the store and the roadmap it is given."""

from collections.abc import Sequence
from typing import Final, Literal

from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap

ABILITIES: Final = (
    ("search_products", "search the catalogue"),
    ("get_product", "fetch product details"),
    ("create_cart", "manage a guest cart"),
    ("place_order", "complete checkout"),
)
"""What a shopper can do once a tool works: the tool, and how a sentence says it."""

AREAS: Final = (
    ("search_products", "catalogue"),
    ("create_cart", "cart"),
    ("place_order", "checkout"),
)
"""The same in one word, where room is short."""

SUMMARY_LENGTH: Final = 100
"""The longest description that the MCP server card's rules allow."""


def status(roadmap: Roadmap) -> Literal["planned", "active"]:
    """Whether the MCP endpoint answers at all."""
    return "active" if roadmap.open else "planned"


def version(store: Store, roadmap: Roadmap) -> str:
    """The server's version: the operator's in every state, else the speaker's, a stub's while nothing is open."""
    if store.version is not None:
        return store.version
    return store.speaker.version if roadmap.open else f"{store.speaker.version}-stub"


def open_promises(roadmap: Roadmap) -> frozenset[str]:
    """The names of the tools whose phases are open."""
    return frozenset(promise.name for phase, promise in roadmap.promises() if phase.open)


def spoken_for(roadmap: Roadmap) -> frozenset[str]:
    """The names of the tools to talk about: those that work, or while none does, those that are promised."""
    return open_promises(roadmap) or frozenset(promise.name for _, promise in roadmap.promises())


def listed(words: Sequence[str], *, comma: bool = False) -> str:
    """`a, b and c`; with `comma`, `a, b, and c`."""
    *first, last = words or ("",)
    if not first:
        return last
    joint = ", and " if comma and len(first) > 1 else " and "
    return ", ".join(first) + joint + last


def description(store: Store, roadmap: Roadmap) -> str:
    """What the server is, as long as it takes: the operator's own words in every state, else what is true now."""
    if store.description is not None:
        return store.description
    names = spoken_for(roadmap)
    abilities = listed([words for tool, words in ABILITIES if tool in names], comma=True)
    sentences = [f"Headless commerce MCP server for {store.name}."]
    if abilities:
        sentences.append(f"{'Exposes' if roadmap.open else 'Will expose'} tools to {abilities}.")
    if not roadmap.open:
        sentences.append("Currently a stub while the real server is built.")
    return " ".join(sentences)


def summary(store: Store, roadmap: Roadmap) -> str:
    """What the server is, in at most SUMMARY_LENGTH characters."""
    names = spoken_for(roadmap)
    tools = f"{listed([word for tool, word in AREAS if tool in names])} tools".strip()
    tools = tools[0].upper() + tools[1:] if roadmap.open else f"Planned: {tools}"
    return shortened(f"{tools} for the {store.name} storefront.", SUMMARY_LENGTH)


def shortened(text: str, limit: int) -> str:
    """The text, or as much of it as fits with an ellipsis behind it."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
