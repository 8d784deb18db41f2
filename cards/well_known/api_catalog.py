"""The API catalog, `/.well-known/api-catalog` (RFC 9727): the endpoint and links to its descriptions."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from storefront_mcp.agent_protocols.acp import ACP_DISCOVERY_PATH, ACP_MOUNT, open_services
from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.openapi import OPENAPI_PATH, OPENAPI_TYPE
from storefront_mcp.cards.rules.json_rules import LINK, OUR_LINK, MemberRule, ValueConstraint, equals, json_validator
from storefront_mcp.cards.server_card import SERVER_CARD
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, PageEntry
from storefront_mcp.roadmap.roadmap import Roadmap

PATH: Final = "/.well-known/api-catalog"
MEDIA_TYPE: Final = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'


class LinkTarget(Struct, frozen=True):
    """Where a link leads (RFC 9264)."""

    href: str
    type: str


class ApiLinks(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="kebab"):
    """What is known about one API (relations of RFC 8631)."""

    anchor: str
    service_desc: tuple[LinkTarget, ...] = ()
    service_doc: tuple[LinkTarget, ...] = ()
    service_meta: tuple[LinkTarget, ...]
    status: tuple[LinkTarget, ...]


class ApiCatalog(Struct, frozen=True):
    """The document, a linkset."""

    linkset: tuple[ApiLinks, ...]


def _render(store: Store, roadmap: Roadmap) -> bytes:
    documentation = () if store.documentation is None else (LinkTarget(store.documentation, "text/html"),)
    endpoint = ApiLinks(
        anchor=store.endpoint,
        service_desc=(LinkTarget(store.url(OPENAPI_PATH), OPENAPI_TYPE),),
        service_doc=documentation,
        service_meta=(LinkTarget(store.url(SERVER_CARD.paths[0]), SERVER_CARD.media_type),),
        status=(LinkTarget(store.url("/healthz"), JSON_TYPE),),
    )
    return pretty_json(ApiCatalog((endpoint, *_checkout_api(store, roadmap))))


def _checkout_api(store: Store, roadmap: Roadmap) -> Iterator[ApiLinks]:
    """The Agentic Commerce Protocol, where the store speaks it and something of it is open."""
    if "acp" in store.protocols and open_services(roadmap):
        yield ApiLinks(
            anchor=store.url(ACP_MOUNT),
            service_meta=(LinkTarget(store.url(ACP_DISCOVERY_PATH), JSON_TYPE),),
            status=(LinkTarget(store.url("/healthz"), JSON_TYPE),),
        )


APIS: Final = ValueConstraint(
    "the address of an API of this store",
    lambda value, store, _: isinstance(value, str) and value in {store.endpoint, store.url(ACP_MOUNT)},
)


def _links(_store: Store, _roadmap: Roadmap) -> str:
    return f'<{PATH}>; rel="api-catalog"'


API_CATALOG: Final = Card(
    name="api-catalog",
    paths=(PATH,),
    media_type=MEDIA_TYPE,
    page_entry=PageEntry("API catalog", "descriptions, documentation and health of the API"),
    render=_render,
    validate=json_validator(
        MemberRule("linkset[].anchor", APIS),
        MemberRule("linkset[].service-desc[].href", OUR_LINK, optional=True),
        MemberRule("linkset[].service-desc[].type", equals(OPENAPI_TYPE), optional=True),
        MemberRule("linkset[].service-doc[].href", LINK, "store.documentation", optional=True),
        MemberRule("linkset[].service-meta[].href", OUR_LINK),
        MemberRule("linkset[].status[].href", OUR_LINK),
    ),
    links=_links,
)
