"""One store on the web: what it shows now, as one value that is swapped as a whole."""

import secrets
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from storefront_mcp.calls.house import House
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.commerce.store import Store
from storefront_mcp.mcp.answering import catalogue_changes, line_for
from storefront_mcp.mcp.catalogue import Catalogue
from storefront_mcp.mcp.endpoint import Endpoint
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.web.document import Document, document, preferred
from storefront_mcp.web.stub import stub_bytes


class Resource(Struct, frozen=True):
    """What is published at one address: one document, or several to choose from by `Accept`."""

    documents: Mapping[str, Document]
    """By media type; the first is the default."""

    def chosen(self, accept: str | None) -> Document:
        """The document for an Accept header."""
        return self.documents[preferred(accept, list(self.documents))]


class Published:
    """The documents of one store under one roadmap, each made when it is first asked for and then kept."""

    def __init__(self, store: Store, cards: Sequence[Card], roadmap: Roadmap) -> None:
        self._store = store
        self._roadmap = roadmap
        self._cards = {path: card for card in cards for path in card.paths}
        self._made: dict[str, Resource | None] = {}

    def __iter__(self) -> Iterator[str]:
        """Every address at which there may be a document."""
        return iter(self._cards)

    def get(self, path: str) -> Resource | None:
        """What is at an address; None when there is nothing now."""
        card = self._cards.get(path)
        if card is None:
            return None
        if card.name not in self._made:
            self._made[card.name] = self._resource(card)
        return self._made[card.name]

    def _resource(self, card: Card) -> Resource | None:
        renderers = {card.media_type: card.render, **card.alternates}
        link = card.links(self._store, self._roadmap) if card.links else None
        bodies = {media_type: render(self._store, self._roadmap) for media_type, render in renderers.items()}
        documents = {
            media_type: document(body, media_type, varies=len(renderers) > 1, link=link)
            for media_type, body in bodies.items()
            if body is not None
        }
        return Resource(documents) if documents else None


class Shown(Struct, frozen=True):
    """Everything that depends on the roadmap. A request takes one of these and keeps it to its end."""

    roadmap: Roadmap
    open: bool
    """Whether any phase is open."""
    endpoint: Endpoint
    resources: Published


class Site:
    """A store, its shop, and what it shows."""

    def __init__(
        self,
        shop: Shop,
        cards: Sequence[Card],
        roadmap: Roadmap,
        *,
        key: bytes | None = None,
        house: House | None = None,
    ) -> None:
        """`key` seals what travels through clients; workers that share a port share it."""
        self.shop = shop
        self.line = line_for(shop, key or secrets.token_bytes(32), house)
        self.store = shop.store
        self.stub = stub_bytes(self.store)
        self._cards = [card for card in cards if card.group == "discovery" or self.store.root_documents]
        self.shown = self._made(roadmap)

    def show(self, roadmap: Roadmap) -> None:
        """Show another roadmap from the next request on."""
        before, self.shown = self.shown, self._made(roadmap)
        catalogue_changes(before.endpoint.catalogue, self.shown.endpoint.catalogue, self.line)

    def _made(self, roadmap: Roadmap) -> Shown:
        endpoint = Endpoint(self.line, Catalogue(self.store, roadmap))
        return Shown(roadmap, roadmap.open, endpoint, Published(self.store, self._cards, roadmap))
