"""`Card`: a discovery document as data, with its paths, renderer and validator."""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from msgspec import Struct

from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap

Group = Literal["discovery", "root"]
"""`root` documents belong to the whole site; a store can switch them off and serve its own."""


class DocumentIssue(Struct, frozen=True):
    """A problem of a published document, and its fix for the operator."""

    says: str
    fix: str
    grave: bool = True
    """Whether readers reject or misread the document; otherwise it could merely be better."""


DocumentValidator = Callable[[Store, Roadmap, bytes], Iterable[DocumentIssue]]
"""Validates a well-formed rendering; no issue means that it is valid."""


class PageEntry(Struct, frozen=True):
    """How pages list a document."""

    title: str
    note: str
    """What a reader gets from it."""
    listed: "Callable[[Store, Roadmap], bool]" = lambda _store, _roadmap: True
    """Whether they list it now, where the store serves it."""


class InfoEntry(Struct, frozen=True):
    """How `/mcp/info` lists a document."""

    name: str
    """Its key there."""
    purpose: str


class Card(Struct, frozen=True, kw_only=True):
    """One discovery document."""

    name: str
    paths: tuple[str, ...]
    """Of every store. The first is canonical, unless a store has one of its own; the others serve the same bytes."""
    own_path: Callable[[Store], str] | None = None
    """The canonical path of a document whose address is the store's own."""
    media_type: str
    render: Callable[[Store, Roadmap], bytes | None]
    """None means that there is no such document now: 404."""
    validate: DocumentValidator | None = None
    """The document's validator; None where well-formed is enough."""
    group: Group = "discovery"
    alternates: Mapping[str, Callable[[Store, Roadmap], bytes | None]] = {}
    """Other media types, chosen by `Accept` (the response then has `Vary: Accept`)."""
    links: Callable[[Store, Roadmap], str | None] | None = None
    """The value of the `Link` header (RFC 8288), if any."""
    served_by: Callable[[Store], bool] = lambda _: True
    """Which stores have it at all; pages list it in every state, unless its `page_entry` says when."""
    page_entry: PageEntry | None = None
    """None where pages do not list it."""
    info_entry: InfoEntry | None = None
    """None where `/mcp/info` does not list it."""

    def paths_of(self, store: Store) -> tuple[str, ...]:
        """Every path at which a store serves it, the canonical one first."""
        own = () if self.own_path is None else (self.own_path(store),)
        return tuple(dict.fromkeys((*own, *self.paths)))
