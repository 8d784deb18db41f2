"""The type of a discovery document."""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from msgspec import Struct

from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap

Group = Literal["discovery", "root"]
"""`root` documents belong to the whole site and can be switched off where the shop serves them itself."""


class Complaint(Struct, frozen=True):
    """What is wrong with a document that is published, and what an operator does about it."""

    says: str
    fix: str
    grave: bool = True
    """Whether readers refuse the document or are led astray; otherwise it could merely serve them better."""


Form = Callable[[Store, Roadmap, bytes], Iterable[Complaint]]
"""Looks at a rendering that is known to be well-formed; no complaint means that it is as its readers want it."""


class Card(Struct, frozen=True, kw_only=True):
    """One document: where it is, what it is, and how it is made."""

    name: str
    paths: tuple[str, ...]
    """The first is its own address; the others answer with the same bytes."""
    media_type: str
    render: Callable[[Store, Roadmap], bytes | None]
    """None means that there is no such document now: a true 404."""
    form: Form | None = None
    """What the document has to be, whatever rendered it; None where being well-formed is all."""
    group: Group = "discovery"
    alternates: Mapping[str, Callable[[Store, Roadmap], bytes | None]] = {}
    """Other media types of the same resource, chosen by `Accept`; then `Vary` names it."""
    links: Callable[[Store, Roadmap], str | None] | None = None
    """The value of a `Link` header (RFC 8288), when there is one."""
