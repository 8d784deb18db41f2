"""Links between documents: to the machine-readable ones, and from Markdown to the page that it is a form of."""

from collections.abc import Callable, Iterable
from functools import partial

from msgspec import Struct

from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, PageEntry
from storefront_mcp.roadmap.roadmap import Roadmap


class LinkedDocument(Struct, frozen=True):
    """A link and what a reader gets from it."""

    path: str
    title: str
    note: str
    is_listed: Callable[[Store, Roadmap], bool]


def linked_documents(cards: Iterable[Card]) -> tuple[LinkedDocument, ...]:
    """A link for every card that says how pages list it."""
    return tuple(
        LinkedDocument(card.paths[0], entry.title, entry.note, partial(_is_listed, card, entry))
        for card in cards
        if (entry := card.page_entry) is not None
    )


def links_of(store: Store, roadmap: Roadmap, documents: Iterable[LinkedDocument]) -> list[LinkedDocument]:
    """Those that the store serves now."""
    return [document for document in documents if document.is_listed(store, roadmap)]


def _is_listed(card: Card, entry: PageEntry, store: Store, roadmap: Roadmap) -> bool:
    return card.served_by(store) and entry.listed(store, roadmap)


def canonical_link(path: str) -> Callable[[Store, Roadmap], str]:
    """The `Link` header of another form of the page at a path (RFC 6596)."""
    return lambda store, _: f'<{store.url(path)}>; rel="canonical"'
