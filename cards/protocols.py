"""`/.well-known/protocols`: every surface of this origin in one request; its shape is `docs/protocols.md`."""

from pathlib import Path
from typing import Final, Literal

from msgspec import Struct, field

from cards.agent_skills import SKILL_INDEX
from cards.ai_catalog import AI_CATALOG
from cards.api_catalog import API_CATALOG
from cards.beside.docs import DOCS
from cards.beside.introduction import INTRODUCTION
from cards.endpoint_card import ENDPOINT_CARD
from cards.form import ENDPOINT, LINK, OUR_LINK, STATUS, TEXT, Member, as_known, exactly, form, matching
from cards.openapi import OPENAPI_PATH
from cards.protected_resource import PROTECTED_RESOURCE
from cards.server import remotes, versions
from cards.server_card import SERVER_CARD
from cards.wording import open_promises, status
from cards.writing import JSON, pretty
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.roadmap import Roadmap

SCHEMA: Final = Path(__file__).with_name("protocols.schema.json").read_bytes()


class Mcp(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The Model Context Protocol."""

    endpoint: str
    status: Literal["planned", "active"]
    transports: tuple[str, ...]
    protocol_versions: tuple[str, ...]
    authentication: Literal["none", "optional"]
    """Whether an access token is of any use; none is ever needed to connect."""
    open_tools: tuple[str, ...] = ()
    server_card: str
    sep_card: str
    info: str
    docs: str


class OAuth(Struct, frozen=True, kw_only=True):
    """Who issues access tokens."""

    protected_resource: str
    issuer: str


class Spec(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The HTTP surface."""

    spec: str
    documentation: str | None = None


class Catalog(Struct, frozen=True):
    """A catalog of what is here."""

    catalog: str


class SkillsIndex(Struct, frozen=True):
    """Skills that agents can install."""

    index: str


class Site(Struct, frozen=True, kw_only=True):
    """Documents of the whole site, where they are ours."""

    landing: str
    llms_txt: str
    auth_md: str
    sitemap: str


class Surfaces(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """By protocol; what is not served is left out."""

    mcp: Mcp
    oauth: OAuth | None = None
    openapi: Spec
    api_catalog: Catalog
    ai_catalog: Catalog
    agent_skills: SkillsIndex
    site: Site | None = None


class Protocols(Struct, frozen=True, kw_only=True):
    """The document."""

    schema: str = field(name="$schema")
    name: str
    protocols: Surfaces


def _render(store: Store, roadmap: Roadmap) -> bytes:
    opened = open_promises(roadmap)
    surfaces = Surfaces(
        mcp=Mcp(
            endpoint=store.endpoint,
            status=status(roadmap),
            transports=tuple(remote.type for remote in remotes(store)),
            protocol_versions=versions(store),
            authentication="none" if store.issuer is None else "optional",
            open_tools=tuple(promise.name for _, promise in roadmap.promises() if promise.name in opened),
            server_card=_at(store, SERVER_CARD),
            sep_card=_at(store, ENDPOINT_CARD),
            info=_at(store, INTRODUCTION),
            docs=_at(store, DOCS),
        ),
        oauth=_oauth(store, roadmap),
        openapi=Spec(spec=store.url(OPENAPI_PATH), documentation=store.documentation),
        api_catalog=Catalog(_at(store, API_CATALOG)),
        ai_catalog=Catalog(_at(store, AI_CATALOG)),
        agent_skills=SkillsIndex(_at(store, SKILL_INDEX)),
        site=_site(store),
    )
    return pretty(Protocols(schema=_at(store, PROTOCOLS_SCHEMA), name=store.name, protocols=surfaces))


def _oauth(store: Store, roadmap: Roadmap) -> OAuth | None:
    if store.issuer is None or PROTECTED_RESOURCE.render(store, roadmap) is None:
        return None
    return OAuth(protected_resource=_at(store, PROTECTED_RESOURCE), issuer=store.issuer)


def _site(store: Store) -> Site | None:
    if not store.root_documents:
        return None
    return Site(
        landing=store.url("/"),
        llms_txt=store.url("/llms.txt"),
        auth_md=store.url("/auth.md"),
        sitemap=store.url("/sitemap.xml"),
    )


def _at(store: Store, card: Card) -> str:
    return store.url(card.paths[0])


def _render_schema(_store: Store, _roadmap: Roadmap) -> bytes:
    return SCHEMA


def _spoken(store: Store, _roadmap: Roadmap) -> list[str]:
    return list(versions(store))


def _open(_store: Store, roadmap: Roadmap) -> list[str]:
    return [tool.name for tool in roadmap.open_tools()]


PROTOCOLS_SCHEMA: Final = Card(
    name="protocols-schema",
    paths=("/.well-known/protocols.schema.json",),
    media_type="application/schema+json",
    render=_render_schema,
    form=form(
        Member("$schema", exactly("https://json-schema.org/draft/2020-12/schema")), Member("type", exactly("object"))
    ),
)
PROTOCOLS: Final = Card(
    name="protocols",
    paths=("/.well-known/protocols",),
    media_type=JSON,
    render=_render,
    form=form(
        Member("$schema", OUR_LINK),
        Member("name", TEXT, "store.name"),
        Member("protocols.mcp.endpoint", ENDPOINT),
        Member("protocols.mcp.status", STATUS),
        Member("protocols.mcp.transports[]", matching("streamable-http|sse", "a transport of MCP")),
        Member("protocols.mcp.protocol_versions", as_known(_spoken, "the versions that are spoken here")),
        Member("protocols.mcp.authentication", matching("none|optional", '"none" or "optional"')),
        Member("protocols.mcp.open_tools", as_known(_open, "the tools that are open"), optional=True),
        *(Member(f"protocols.mcp.{name}", OUR_LINK) for name in ("server_card", "sep_card", "info", "docs")),
        Member("protocols.oauth.protected_resource", OUR_LINK, optional=True),
        Member("protocols.oauth.issuer", LINK, "store.issuer", optional=True),
        Member("protocols.openapi.spec", OUR_LINK),
        Member("protocols.openapi.documentation", LINK, "store.documentation", optional=True),
        Member("protocols.api_catalog.catalog", OUR_LINK),
        Member("protocols.ai_catalog.catalog", OUR_LINK),
        Member("protocols.agent_skills.index", OUR_LINK),
        *(
            Member(f"protocols.site.{name}", OUR_LINK, optional=True)
            for name in ("landing", "llms_txt", "auth_md", "sitemap")
        ),
    ),
)
