"""`/mcp/server-card`: the card in the dialect of the MCP Server Card extension (SEP-2127)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, field

from cards.form import LINK, OURS, SERVER_NAME, VERSION, Member, exactly, form, text
from cards.server import REMOTES, Icon, Remote, icons, remotes, website
from cards.wording import SUMMARY_LENGTH, shortened, status, summary, version
from cards.writing import pretty
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, Complaint
from storefront_mcp.roadmap.roadmap import Roadmap

SCHEMA: Final = "https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json"
MEDIA_TYPE: Final = "application/mcp-server-card+json"
TITLE_LENGTH: Final = 100


class EndpointCard(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The document. Tools are left out on purpose: this dialect leaves them to `tools/list`."""

    schema: str = field(name="$schema")
    name: str
    """Reverse-DNS with one slash, 3 to 200 characters."""
    title: str
    description: str
    """1 to 100 characters."""
    version: str
    website_url: str = field(name="websiteUrl")
    icons: tuple[Icon, ...] = ()
    remotes: tuple[Remote, ...] = ()
    """Left out while nothing is open, so that no client dials a server that is not there yet."""
    meta: Mapping[str, str] = field(name="_meta")


def _render(store: Store, roadmap: Roadmap) -> bytes:
    namespace = store.speaker.name.partition("/")[0]
    return pretty(
        EndpointCard(
            schema=SCHEMA,
            name=store.speaker.name,
            title=shortened(store.title, TITLE_LENGTH),
            description=summary(store, roadmap),
            version=version(store, roadmap),
            website_url=website(store),
            icons=icons(store),
            remotes=remotes(store) if roadmap.open else (),
            meta={f"{namespace}/status": status(roadmap)},
        )
    )


def _dialled(document: Any, store: Store, roadmap: Roadmap) -> Iterator[Complaint]:  # noqa: ANN401 -- JSON
    """Whether clients find where to connect, and only once there is somebody."""
    if roadmap.open:
        for remote in REMOTES:
            yield from remote(document, store, roadmap)
    elif "remotes" in document:
        yield Complaint("There are remotes, and nothing is open: clients would meet a 503.", OURS)


ENDPOINT_CARD: Final = Card(
    name="endpoint-card",
    paths=("/mcp/server-card",),
    media_type=MEDIA_TYPE,
    render=_render,
    form=form(
        Member("$schema", exactly(SCHEMA)),
        Member("name", SERVER_NAME, "store.server_name"),
        Member("title", text(TITLE_LENGTH), "store.name", optional=True),
        Member("description", text(SUMMARY_LENGTH)),
        Member("version", VERSION, "store.version"),
        Member("websiteUrl", LINK, "store.website", optional=True),
        Member("icons[].src", LINK, "store.icon", optional=True),
        _dialled,
    ),
)
