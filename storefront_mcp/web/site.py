"""One store on the web, and the snapshot of its endpoint and documents under the current roadmap."""

import secrets
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from storefront_mcp.access.stream_quota import StreamQuota
from storefront_mcp.calls.policy import CallPolicy
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.commerce.store import Store
from storefront_mcp.mcp.caller_views import RoadmapOf
from storefront_mcp.mcp.dispatch import endpoint_context, publish_list_changes
from storefront_mcp.mcp.endpoint import JsonRpcEndpoint
from storefront_mcp.mcp.prepared import PreparedResponses
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.roadmap.widget import Widget
from storefront_mcp.web.document import DocumentRepresentation, preferred_type, represent
from storefront_mcp.web.not_open import stub_bytes


class DocumentVariants(Struct, frozen=True):
    """The representations of one document, to choose from by `Accept`."""

    documents: Mapping[str, DocumentRepresentation]
    """By media type; the first is the default."""

    def choose(self, accept: str | None) -> DocumentRepresentation:
        """The document for an Accept header."""
        return self.documents[preferred_type(accept, list(self.documents))]


class DocumentCache:
    """The documents of one store under one roadmap, each rendered on first request."""

    def __init__(self, store: Store, cards: Sequence[Card], roadmap: Roadmap) -> None:
        self._store = store
        self._roadmap = roadmap
        self._cards = {path: card for card in cards for path in card.paths_of(store)}
        self._rendered: dict[str, DocumentVariants | None] = {}

    def __iter__(self) -> Iterator[str]:
        """Every path at which there may be a document."""
        return iter(self._cards)

    def get(self, path: str) -> DocumentVariants | None:
        """The document at a path; None when there is none now."""
        card = self._cards.get(path)
        if card is None:
            return None
        if card.name not in self._rendered:
            self._rendered[card.name] = self._resource(card)
        return self._rendered[card.name]

    def _resource(self, card: Card) -> DocumentVariants | None:
        renderers = {card.media_type: card.render, **card.alternates}
        link = card.links(self._store, self._roadmap) if card.links else None
        bodies = {media_type: render(self._store, self._roadmap) for media_type, render in renderers.items()}
        documents = {
            media_type: represent(body, media_type, varies=len(renderers) > 1, link=link)
            for media_type, body in bodies.items()
            if body is not None
        }
        return DocumentVariants(documents) if documents else None


class SiteSnapshot(Struct, frozen=True):
    """Everything that depends on the roadmap. A request uses one snapshot from start to end."""

    roadmap: Roadmap
    open: bool
    """Whether the endpoint answers."""
    stub: bytes
    """What it answers otherwise."""
    endpoint: JsonRpcEndpoint
    resources: DocumentCache


class StoreSite:
    """A store, its shop, and its current snapshot."""

    def __init__(  # noqa: PLR0913 -- each has a value that fits, but for the first three
        self,
        shop: Shop,
        cards: Sequence[Card],
        roadmap: Roadmap,
        *,
        key: bytes | None = None,
        policy: CallPolicy | None = None,
        roadmap_of: RoadmapOf | None = None,
        streams: StreamQuota | None = None,
        widgets: Sequence[Widget] = (),
    ) -> None:
        """`key` signs `requestState`, which travels through clients; all workers of a store need the same.

        `roadmap_of` gives the roadmap of a caller, where it is not a stranger's. `streams` bounds the open streams of
        every transport together. `widgets` are for the clients that show them.
        """
        self.shop = shop
        self.shared = endpoint_context(shop, key or secrets.token_bytes(32), policy, streams)
        self.store = shop.store
        self._cards = [card for card in cards if card.group == "discovery" or self.store.root_documents]
        self._widgets = widgets
        self._roadmap_of = roadmap_of
        self.shown = self._snapshot(roadmap)

    def publish(self, roadmap: Roadmap) -> None:
        """Swap the snapshot for one of another roadmap, and notify streams of changed lists."""
        self.shown = self._snapshot(roadmap)
        views = self.shown.endpoint.views
        publish_list_changes(views.view_of, self.shared)

    def _snapshot(self, roadmap: Roadmap) -> SiteSnapshot:
        endpoint = JsonRpcEndpoint(self.shared, PreparedResponses(self.store, roadmap, self._widgets), self._roadmap_of)
        documents = DocumentCache(self.store, self._cards, roadmap)
        return SiteSnapshot(
            roadmap, roadmap.answers or roadmap.limited, stub_bytes(self.store, roadmap), endpoint, documents
        )
