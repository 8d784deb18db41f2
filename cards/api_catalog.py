"""The API catalog, `/.well-known/api-catalog` (RFC 9727): the endpoint, and what describes it."""

from typing import Final

from msgspec import Struct

from cards.form import ENDPOINT, LINK, OUR_LINK, Member, exactly, form
from cards.openapi import OPENAPI_PATH, OPENAPI_TYPE
from cards.server_card import SERVER_CARD
from cards.writing import JSON, pretty
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.roadmap import Roadmap

PATH: Final = "/.well-known/api-catalog"
MEDIA_TYPE: Final = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'


class Target(Struct, frozen=True):
    """Where a link leads (RFC 9264)."""

    href: str
    type: str


class Links(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="kebab"):
    """What is known about one API (relations of RFC 8631)."""

    anchor: str
    service_desc: tuple[Target, ...]
    service_doc: tuple[Target, ...] = ()
    service_meta: tuple[Target, ...]
    status: tuple[Target, ...]


class ApiCatalog(Struct, frozen=True):
    """The document, a linkset."""

    linkset: tuple[Links, ...]


def _render(store: Store, _roadmap: Roadmap) -> bytes:
    documentation = () if store.documentation is None else (Target(store.documentation, "text/html"),)
    endpoint = Links(
        anchor=store.endpoint,
        service_desc=(Target(store.url(OPENAPI_PATH), OPENAPI_TYPE),),
        service_doc=documentation,
        service_meta=(Target(store.url(SERVER_CARD.paths[0]), SERVER_CARD.media_type),),
        status=(Target(store.url("/healthz"), JSON),),
    )
    return pretty(ApiCatalog((endpoint,)))


def _links(_store: Store, _roadmap: Roadmap) -> str:
    return f'<{PATH}>; rel="api-catalog"'


API_CATALOG: Final = Card(
    name="api-catalog",
    paths=(PATH,),
    media_type=MEDIA_TYPE,
    render=_render,
    form=form(
        Member("linkset[].anchor", ENDPOINT),
        Member("linkset[].service-desc[].href", OUR_LINK),
        Member("linkset[].service-desc[].type", exactly(OPENAPI_TYPE)),
        Member("linkset[].service-doc[].href", LINK, "store.documentation", optional=True),
        Member("linkset[].service-meta[].href", OUR_LINK),
        Member("linkset[].status[].href", OUR_LINK),
    ),
    links=_links,
)
