"""The engine with the suite's fixtures instead of phases: put together as the app does it, and nowhere but here."""

import contextlib
from collections.abc import AsyncIterator, Iterator

from litestar import Litestar
from msgspec.structs import replace

from storefront_mcp.commerce.page import ShopPage
from storefront_mcp.commerce.store import Store
from storefront_mcp.mcp.capabilities import capabilities
from storefront_mcp.mcp.versions import LATEST_HANDSHAKE_VERSION, SSE_VERSIONS
from storefront_mcp.roadmap.manifest import PhaseManifest, PromisedContent, PromisedTool
from storefront_mcp.roadmap.roadmap import Phase, Roadmap
from storefront_mcp.tools.tool import Tool
from storefront_mcp.web.application import pages_app
from storefront_mcp.web.cors import OriginGuard
from storefront_mcp.web.host_router import HostRouter
from storefront_mcp.web.shop_pages import ShopPages
from storefront_mcp.web.site import StoreSite
from storefront_mcp.web.sse import SseEndpoint
from storefront_mcp.web.streamable_http import StreamableHttpEndpoint
from tests.external.conformance.fixtures import asking, describing, saying, talking
from tests.external.conformance.fixtures.changing import triggers
from tests.external.conformance.fixtures.prompting import PROMPTS
from tests.external.conformance.fixtures.reading import RESOURCES
from tests.fakes.memory_backend import NOW, STORE, Clock, MemoryBackend, shop_on
from tests.serving import free_port, served


def fixture_roadmap(*more: Tool) -> Roadmap:
    """One open phase that holds every fixture; the first tool takes no arguments, as the suite calls it without."""
    tools = (*saying.TOOLS, *talking.TOOLS, *asking.TOOLS, *describing.TOOLS, *more)
    manifest = PhaseManifest(
        number=1,
        title="Fixtures",
        delivers="The conformance suite finds what it looks for.",
        tools=tuple(PromisedTool(name=tool.name, summary=tool.title, backed_by="nothing") for tool in tools),
        resources=tuple(PromisedContent(name=resource.name, summary=resource.title) for resource in RESOURCES),
        prompts=tuple(PromisedContent(name=prompt.name, summary=prompt.title) for prompt in PROMPTS),
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
    server = replace(STORE.server, sse_versions=SSE_VERSIONS, capabilities=capabilities(LATEST_HANDSHAKE_VERSION))
    store = replace(STORE, origin=origin, hosts=(f"localhost:{port}",), pages=(), server=server)
    with served(_app(store), port):
        yield origin


def _app(store: Store) -> HostRouter:
    site = StoreSite(shop_on(MemoryBackend(), store), (), fixture_roadmap())
    site.publish(fixture_roadmap(*triggers(site.shared.subscriptions.publish)))
    origin_guard = OriginGuard(site, now=Clock())
    hosts = (store.host, *store.hosts)
    pages = pages_app(paths=(), pages=ShopPages(_Unused()), identifiers=(), media={}, lifespan=_lifespan)
    return HostRouter(
        dict.fromkeys(hosts, site),
        dict.fromkeys(hosts, StreamableHttpEndpoint(site, origin_guard)),
        pages,
        streams=dict.fromkeys(hosts, SseEndpoint(site, origin_guard)),
    )


class _Unused:
    """The dress of pages, of which there are none."""

    def html(self, store: Store, roadmap: Roadmap, page: ShopPage) -> bytes:
        raise NotImplementedError

    def markdown(self, store: Store, page: ShopPage) -> bytes:
        raise NotImplementedError


@contextlib.asynccontextmanager
async def _lifespan(app: Litestar) -> AsyncIterator[None]:
    yield
