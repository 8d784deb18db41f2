"""`/.well-known/protocols`: every surface of this origin in one request; its shape is `docs/protocols.md`."""

from pathlib import Path
from typing import Final, Literal

from msgspec import Struct, field

from storefront_mcp.agent_protocols.a2a import A2A_MOUNT, CARD_PATH, REST_PATH, VERSIONS, open_skills
from storefront_mcp.agent_protocols.acp import ACP_DISCOVERY_PATH, ACP_MOUNT, SUPPORTED_ACP_VERSIONS, open_services
from storefront_mcp.agent_protocols.ucp import PROFILE_PATH, RELEASES
from storefront_mcp.cards.endpoint.docs import DOCS
from storefront_mcp.cards.endpoint.endpoint_card import ENDPOINT_CARD
from storefront_mcp.cards.endpoint.server_description import INFO_PATH
from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.openapi import OPENAPI_PATH
from storefront_mcp.cards.phrases import phase_status
from storefront_mcp.cards.rules.json_rules import (
    ENDPOINT,
    LINK,
    OUR_LINK,
    STATUS,
    TEXT,
    MemberRule,
    equals,
    equals_known,
    json_validator,
    matches_pattern,
)
from storefront_mcp.cards.server_card import SERVER_CARD
from storefront_mcp.cards.server_facts import protocol_versions, remotes, token_issuer
from storefront_mcp.cards.well_known.agent_skills import SKILL_INDEX
from storefront_mcp.cards.well_known.ai_catalog import AI_CATALOG
from storefront_mcp.cards.well_known.api_catalog import API_CATALOG
from storefront_mcp.cards.well_known.protected_resource import PROTECTED_RESOURCE
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, PageEntry
from storefront_mcp.roadmap.roadmap import Condition, Roadmap
from storefront_mcp.roadmap.widget import APPS_EXTENSION

SCHEMA: Final = Path(__file__).with_name("protocols.schema.json").read_bytes()


class McpSurface(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The Model Context Protocol."""

    endpoint: str
    status: Condition
    transports: tuple[str, ...]
    protocol_versions: tuple[str, ...]
    authentication: Literal["none", "optional"]
    """Whether access tokens are accepted; connecting needs none."""
    open_tools: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    """Extensions of the protocol that a client may declare; those of which nothing is open are omitted."""
    server_card: str
    sep_card: str
    info: str
    docs: str


class OAuthSurface(Struct, frozen=True, kw_only=True):
    """Who issues access tokens."""

    protected_resource: str
    issuer: str


class UcpSurface(Struct, frozen=True, kw_only=True):
    """The Universal Commerce Protocol."""

    profile: str
    status: Condition
    versions: tuple[str, ...]
    """Newest first."""


class AcpSurface(Struct, frozen=True, kw_only=True):
    """The Agentic Commerce Protocol."""

    discovery: str
    endpoint: str
    versions: tuple[str, ...]
    """Newest first."""
    authentication: Literal["required"] = "required"
    """A key of the store."""


class A2aSurface(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The store's agent for other agents (Agent2Agent)."""

    card: str
    status: Condition
    endpoint: str
    """JSON-RPC, every version."""
    http_json: str
    """HTTP+JSON, the newest version."""
    versions: tuple[str, ...]
    """Newest first."""
    open_skills: tuple[str, ...] = ()


class HttpSurface(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The HTTP surface."""

    spec: str
    documentation: str | None = None


class CatalogLink(Struct, frozen=True):
    """A catalog of what is here."""

    catalog: str


class SkillsIndex(Struct, frozen=True):
    """Skills that agents can install."""

    index: str


class SiteDocuments(Struct, frozen=True, kw_only=True):
    """Documents of the whole site, where they are ours."""

    landing: str
    llms_txt: str
    auth_md: str
    sitemap: str


class ProtocolSurfaces(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Surfaces by protocol; those not served are omitted."""

    mcp: McpSurface
    ucp: UcpSurface | None = None
    acp: AcpSurface | None = None
    a2a: A2aSurface | None = None
    oauth: OAuthSurface | None = None
    openapi: HttpSurface
    api_catalog: CatalogLink
    ai_catalog: CatalogLink
    agent_skills: SkillsIndex
    site: SiteDocuments | None = None


class ProtocolsDocument(Struct, frozen=True, kw_only=True):
    """The document."""

    schema: str = field(name="$schema")
    name: str
    protocols: ProtocolSurfaces


def _render(store: Store, roadmap: Roadmap) -> bytes:
    surfaces = ProtocolSurfaces(
        mcp=McpSurface(
            endpoint=store.endpoint,
            status=phase_status(roadmap),
            transports=tuple(remote.type for remote in remotes(store)),
            protocol_versions=protocol_versions(store),
            authentication="none" if token_issuer(store, roadmap) is None else "optional",
            open_tools=tuple(_open(store, roadmap)),
            extensions=_extensions(store, roadmap),
            server_card=_at(store, SERVER_CARD),
            sep_card=_at(store, ENDPOINT_CARD),
            info=store.url(INFO_PATH),
            docs=_at(store, DOCS),
        ),
        ucp=_ucp(store, roadmap),
        acp=_acp(store, roadmap),
        a2a=_a2a(store, roadmap),
        oauth=_oauth(store, roadmap),
        openapi=HttpSurface(spec=store.url(OPENAPI_PATH), documentation=store.documentation),
        api_catalog=CatalogLink(_at(store, API_CATALOG)),
        ai_catalog=CatalogLink(_at(store, AI_CATALOG)),
        agent_skills=SkillsIndex(_at(store, SKILL_INDEX)),
        site=_site(store),
    )
    return pretty_json(ProtocolsDocument(schema=_at(store, PROTOCOLS_SCHEMA), name=store.name, protocols=surfaces))


def _extensions(store: Store, roadmap: Roadmap) -> tuple[str, ...]:
    return (APPS_EXTENSION,) if store.shows_widgets and roadmap.widgets else ()


def _oauth(store: Store, roadmap: Roadmap) -> OAuthSurface | None:
    issuer = token_issuer(store, roadmap)
    if issuer is None or PROTECTED_RESOURCE.render(store, roadmap) is None:
        return None
    return OAuthSurface(protected_resource=_at(store, PROTECTED_RESOURCE), issuer=issuer)


def _ucp(store: Store, roadmap: Roadmap) -> UcpSurface | None:
    if "ucp" not in store.protocols:
        return None
    versions = tuple(release.id for release in RELEASES)
    return UcpSurface(profile=store.url(PROFILE_PATH), status=phase_status(roadmap), versions=versions)


def _acp(store: Store, roadmap: Roadmap) -> AcpSurface | None:
    if "acp" not in store.protocols or not open_services(roadmap):
        return None
    return AcpSurface(
        discovery=store.url(ACP_DISCOVERY_PATH), endpoint=store.url(ACP_MOUNT), versions=SUPPORTED_ACP_VERSIONS
    )


def _a2a(store: Store, roadmap: Roadmap) -> A2aSurface | None:
    if "a2a" not in store.protocols:
        return None
    return A2aSurface(
        card=store.url(CARD_PATH),
        status=phase_status(roadmap),
        endpoint=store.url(A2A_MOUNT),
        http_json=store.url(f"{A2A_MOUNT}{REST_PATH}"),
        versions=VERSIONS,
        open_skills=tuple(skill.id for skill in open_skills(roadmap)),
    )


def _site(store: Store) -> SiteDocuments | None:
    if not store.root_documents:
        return None
    return SiteDocuments(
        landing=store.url("/"),
        llms_txt=store.url("/llms.txt"),
        auth_md=store.url("/auth.md"),
        sitemap=store.url("/sitemap.xml"),
    )


def _at(store: Store, card: Card) -> str:
    return store.url(card.paths[0])


def _render_schema(_store: Store, _roadmap: Roadmap) -> bytes:
    return SCHEMA


def _spoken_versions(store: Store, _roadmap: Roadmap) -> list[str]:
    return list(protocol_versions(store))


def _open(_store: Store, roadmap: Roadmap) -> list[str]:
    return [tool.name for tool in roadmap.open_tools()]


def _shown_extensions(store: Store, roadmap: Roadmap) -> list[str]:
    return list(_extensions(store, roadmap))


PROTOCOLS_SCHEMA: Final = Card(
    name="protocols-schema",
    paths=("/.well-known/protocols.schema.json",),
    media_type="application/schema+json",
    render=_render_schema,
    validate=json_validator(
        MemberRule("$schema", equals("https://json-schema.org/draft/2020-12/schema")),
        MemberRule("type", equals("object")),
    ),
)
PROTOCOLS: Final = Card(
    name="protocols",
    paths=("/.well-known/protocols",),
    media_type=JSON_TYPE,
    page_entry=PageEntry("Protocols", "every protocol spoken here, in one document"),
    render=_render,
    validate=json_validator(
        MemberRule("$schema", OUR_LINK),
        MemberRule("name", TEXT, "store.name"),
        MemberRule("protocols.mcp.endpoint", ENDPOINT),
        MemberRule("protocols.mcp.status", STATUS),
        MemberRule("protocols.mcp.transports[]", matches_pattern("streamable-http|sse", "a transport of MCP")),
        MemberRule(
            "protocols.mcp.protocol_versions", equals_known(_spoken_versions, "the versions that are spoken here")
        ),
        MemberRule("protocols.mcp.authentication", matches_pattern("none|optional", '"none" or "optional"')),
        MemberRule("protocols.mcp.open_tools", equals_known(_open, "the tools that are open"), optional=True),
        MemberRule(
            "protocols.mcp.extensions", equals_known(_shown_extensions, "the extensions of what is open"), optional=True
        ),
        *(MemberRule(f"protocols.mcp.{name}", OUR_LINK) for name in ("server_card", "sep_card", "info", "docs")),
        MemberRule("protocols.ucp.profile", OUR_LINK, optional=True),
        MemberRule("protocols.ucp.status", STATUS, optional=True),
        MemberRule("protocols.acp.discovery", OUR_LINK, optional=True),
        MemberRule("protocols.acp.endpoint", OUR_LINK, optional=True),
        *(MemberRule(f"protocols.a2a.{name}", OUR_LINK, optional=True) for name in ("card", "endpoint", "http_json")),
        MemberRule("protocols.a2a.status", STATUS, optional=True),
        MemberRule("protocols.a2a.versions", equals(list(VERSIONS)), optional=True),
        MemberRule("protocols.oauth.protected_resource", OUR_LINK, optional=True),
        MemberRule("protocols.oauth.issuer", LINK, "store.issuer", optional=True),
        MemberRule("protocols.openapi.spec", OUR_LINK),
        MemberRule("protocols.openapi.documentation", LINK, "store.documentation", optional=True),
        MemberRule("protocols.api_catalog.catalog", OUR_LINK),
        MemberRule("protocols.ai_catalog.catalog", OUR_LINK),
        MemberRule("protocols.agent_skills.index", OUR_LINK),
        *(
            MemberRule(f"protocols.site.{name}", OUR_LINK, optional=True)
            for name in ("landing", "llms_txt", "auth_md", "sitemap")
        ),
    ),
)
