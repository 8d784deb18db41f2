"""Links between documents: to the machine-readable ones, and from Markdown to the page that it is a form of."""

from collections.abc import Callable, Iterable

from msgspec import Struct

from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.roadmap import Roadmap


class LinkedDocument(Struct, frozen=True):
    """A link and what a reader gets from it."""

    path: str
    title: str
    note: str


def linked_documents(cards: Iterable[Card]) -> tuple[LinkedDocument, ...]:
    """A link for every card that says how pages list it; such cards are served in every state of the roadmap."""
    return tuple(
        LinkedDocument(card.paths[0], entry.title, entry.note)
        for card in cards
        if (entry := card.page_entry) is not None
    )


def canonical_link(path: str) -> Callable[[Store, Roadmap], str]:
    """The `Link` header of another form of the page at a path (RFC 6596)."""
    return lambda store, _: f'<{store.url(path)}>; rel="canonical"'
