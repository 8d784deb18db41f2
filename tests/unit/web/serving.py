"""One store's app without a network: what a test needs to ask it anything, byte by byte."""

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from functools import cached_property
from typing import Any

import httpx
from litestar import Litestar
from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.access.stream_quota import StreamQuota
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.page import ShopPage
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.web.application import pages_app
from storefront_mcp.web.body import BODY_SECONDS
from storefront_mcp.web.cors import OriginGuard
from storefront_mcp.web.host_router import HostRouter
from storefront_mcp.web.shop_pages import ShopPages
from storefront_mcp.web.site import StoreSite
from storefront_mcp.web.streamable_http import StreamableHttpEndpoint
from tests.fakes.memory_backend import OPEN, STORE, Clock, MemoryBackend, shop_on

LONG = b'{"text":"' + b"dill " * 100 + b'"}'


def _status(store: Store, roadmap: Roadmap) -> bytes:
    return json.dumps({"store": store.id, "open": roadmap.open}).encode()


def _always(body: bytes) -> Callable[[Store, Roadmap], bytes]:
    return lambda *_: body


def _link(store: Store, *_: Roadmap) -> str:
    return f'<{store.url("/x")}>; rel="x"'


def _while_open(_: Store, roadmap: Roadmap) -> bytes | None:
    return b"{}" if roadmap.open else None


JSON, HTML, MARKDOWN = "application/json", "text/html; charset=utf-8", "text/markdown; charset=utf-8"
CARDS: tuple[Card, ...] = (
    Card(name="small", paths=("/.well-known/small.json", "/.well-known/small"), media_type=JSON, render=_status),
    Card(name="long", paths=("/.well-known/long.json",), media_type=JSON, render=_always(LONG), links=_link),
    Card(
        name="landing",
        paths=("/",),
        media_type=HTML,
        render=_always(b"<h1>" + b"hello " * 100 + b"</h1>"),
        alternates={MARKDOWN: _always(b"# " + b"hello " * 100)},
        group="root",
    ),
    Card(name="sometimes", paths=("/.well-known/sometimes",), media_type=JSON, render=_while_open),
)


class Layout:
    """The plainest dress for a page."""

    def html(self, store: Store, roadmap: Roadmap, page: ShopPage) -> bytes:
        return f"<h1>{page.title}</h1>{page.html} open={roadmap.open} {'.' * 300}".encode()

    def markdown(self, store: Store, page: ShopPage) -> bytes:
        return f"# {page.title}\n{page.markdown}".encode()


class Ticker(Struct):
    """A monotonic clock that stands still until it is moved."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class ServedStore:
    """One or several stores in front of an app, with everything that a test may turn."""

    def __init__(
        self,
        roadmap: Roadmap = OPEN,
        stores: Sequence[Store] = (STORE,),
        *,
        body_seconds: float = BODY_SECONDS,
        media: dict[StoreId, ASGIApp] | None = None,
        streams: StreamQuota | None = None,
    ) -> None:
        self.memory_backend = MemoryBackend()
        self.clock = Clock()
        self.ticker = Ticker()
        self.sites = {
            store.host: StoreSite(shop_on(self.memory_backend, store), CARDS, roadmap, streams=streams)
            for store in stores
        }
        self.site = next(iter(self.sites.values()))
        self._media = media or {}
        self.endpoints = {
            host: StreamableHttpEndpoint(site, OriginGuard(site, now=self.clock), body_seconds=body_seconds)
            for host, site in self.sites.items()
        }
        self.app = HostRouter(self.sites, self.endpoints, self.show_pages)

    @cached_property
    def pages(self) -> Litestar:
        """The documents and pages of the stores: built once one is asked for, as most tests ask for none."""
        return pages_app(
            paths={path for card in CARDS for path in card.paths},
            pages=ShopPages(Layout(), self.ticker),
            identifiers={page for one in self.sites.values() for page in one.store.pages},
            media=self._media,
            lifespan=_lifespan,
        )

    async def show_pages(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The same as an ASGI application."""
        await self.pages(scope, receive, send)

    async def ask(
        self, method: str, path: str, headers: Any = None, *, host: str = "", content: Any = None
    ) -> httpx.Response:
        """Send a request as a client would."""
        origin = f"https://{host or self.site.store.host}"
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url=origin) as client:
            request = client.build_request(method, path, headers=headers, content=content)
            # What the client adds by itself would hide what an absent header does.
            for name in ("accept", "accept-encoding", "user-agent", "connection"):
                if name not in dict(headers or {}):
                    del request.headers[name]
            return await client.send(request)


@contextlib.asynccontextmanager
async def _lifespan(app: Litestar) -> AsyncIterator[None]:
    yield


def elsewhere(**changes: Any) -> Store:
    """Another store than the usual one."""
    return replace(STORE, id=StoreId("other"), origin="https://other.example", name="Other", **changes)


async def raw(
    app: Any, method: str, path: str, headers: list[tuple[bytes, bytes]], receive: Any
) -> tuple[int, dict[str, str], bytes]:
    """Drive an app by a hand-made scope; status 0 when it answered nothing."""
    told: list[Any] = []

    async def send(message: Any) -> None:
        told.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
        "extensions": {},
    }
    await app(scope, receive, send)
    if not told:
        return 0, {}, b""
    fields = {name.decode(): value.decode("latin-1") for name, value in told[0]["headers"]}
    return told[0]["status"], fields, b"".join(message.get("body", b"") for message in told[1:])


async def nothing() -> Any:
    """An empty body."""
    return {"type": "http.request", "body": b"", "more_body": False}
