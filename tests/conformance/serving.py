"""The engine with the suite's fixtures instead of phases: put together as the app does it, and nowhere but here."""

import contextlib
from collections.abc import AsyncIterator, Iterator

from litestar import Litestar
from msgspec.structs import replace

from storefront_mcp.commerce.page import Page
from storefront_mcp.commerce.store import Store
from storefront_mcp.mcp.capabilities import capabilities
from storefront_mcp.mcp.versions import OFFERED, OVER_SSE
from storefront_mcp.roadmap.manifest import Manifest, Mention, Promise
from storefront_mcp.roadmap.roadmap import Phase, Roadmap
from storefront_mcp.roadmap.tool import Tool
from storefront_mcp.web.framework import pages_app
from storefront_mcp.web.front import Front
from storefront_mcp.web.gate import Gate
from storefront_mcp.web.mcp import McpEndpoint
from storefront_mcp.web.pages import Pages
from storefront_mcp.web.site import Site
from storefront_mcp.web.sse import SseEndpoint
from tests.conformance.fixtures import asking, describing, saying, talking
from tests.conformance.fixtures.changing import triggers
from tests.conformance.fixtures.prompting import PROMPTS
from tests.conformance.fixtures.reading import RESOURCES
from tests.serving import free_port, served
from tests.shelf import NOW, STORE, Clock, Shelf, shop_on


def fixture_roadmap(*more: Tool) -> Roadmap:
    """One open phase that holds every fixture; the first tool takes no arguments, as the suite calls it without."""
    tools = (*saying.TOOLS, *talking.TOOLS, *asking.TOOLS, *describing.TOOLS, *more)
    manifest = Manifest(
        number=1,
        title="Fixtures",
        delivers="The conformance suite finds what it looks for.",
        tools=tuple(Promise(name=tool.name, summary=tool.title, backed_by="nothing") for tool in tools),
        resources=tuple(Mention(name=resource.name, summary=resource.title) for resource in RESOURCES),
        prompts=tuple(Mention(name=prompt.name, summary=prompt.title) for prompt in PROMPTS),
    )
    phase = Phase(
        name="fixtures",
        manifest=manifest,
        tools={tool.name: tool for tool in tools},
        resources={resource.name: resource for resource in RESOURCES},
        prompts={prompt.name: prompt for prompt in PROMPTS},
        status="active",
    )
    return Roadmap(version=1, phases=(phase,), as_of=NOW.date())


@contextlib.contextmanager
def fixtures_served() -> Iterator[str]:
    """Serve the fixtures on loopback; yields the origin."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    speaker = replace(STORE.speaker, sse_versions=OVER_SSE, capabilities=capabilities(OFFERED))
    store = replace(STORE, origin=origin, hosts=(f"localhost:{port}",), pages=(), speaker=speaker)
    with served(_app(store), port):
        yield origin


def _app(store: Store) -> Front:
    site = Site(shop_on(Shelf(), store), (), fixture_roadmap())
    site.show(fixture_roadmap(*triggers(site.line.subscriptions.publish)))
    gate = Gate(site, now=Clock())
    hosts = (store.host, *store.hosts)
    pages = pages_app(paths=(), pages=Pages(_Unused()), identifiers=(), media={}, lifespan=_lifespan)
    return Front(
        dict.fromkeys(hosts, site),
        dict.fromkeys(hosts, McpEndpoint(site, gate)),
        pages,
        streams=dict.fromkeys(hosts, SseEndpoint(site, gate)),
    )


class _Unused:
    """The dress of pages, of which there are none."""

    def html(self, store: Store, roadmap: Roadmap, page: Page) -> bytes:
        raise NotImplementedError

    def markdown(self, store: Store, page: Page) -> bytes:
        raise NotImplementedError


@contextlib.asynccontextmanager
async def _lifespan(app: Litestar) -> AsyncIterator[None]:
    yield
