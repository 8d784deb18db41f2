"""The shop's own pages (shipping, returns, privacy), republished as HTML and markdown."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from cachetools import TTLCache
from litestar import Request, Response
from litestar.exceptions import NotFoundException, ServiceUnavailableException
from litestar.handlers import HTTPRouteHandler, route
from msgspec import Struct

from storefront_mcp.commerce.errors import PageNotFound, ShopError
from storefront_mcp.commerce.page import ShopPage
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.web.discovery import READ_METHODS, document_response, header_field
from storefront_mcp.web.document import represent
from storefront_mcp.web.host_router import site_of
from storefront_mcp.web.site import DocumentVariants, SiteSnapshot, StoreSite

PAGE_TTL_SECONDS: Final = 300.0
"""Seconds for which a rendered page is kept."""
PAGE_CACHE_SIZE: Final = 1_024
HTML_TYPE: Final = "text/html; charset=utf-8"
MARKDOWN_TYPE: Final = "text/markdown; charset=utf-8"


class PageRenderer(Protocol):
    """Renders a shop's page."""

    def html(self, store: Store, roadmap: Roadmap, page: ShopPage) -> bytes:
        """A whole HTML document around a page."""

    def markdown(self, store: Store, page: ShopPage) -> bytes:
        """A whole markdown document around a page."""


class CachedPage(Struct, frozen=True):
    """A rendered page and the snapshot it was rendered under."""

    snapshot: SiteSnapshot
    resource: DocumentVariants


class ShopPages:
    """Cache of the pages of all stores; read again after `PAGE_TTL_SECONDS` and after each flip."""

    def __init__(self, layout: PageRenderer, clock: Callable[[], float] = time.monotonic) -> None:
        self._layout = layout
        self._cache: TTLCache[tuple[str, str], CachedPage] = TTLCache(PAGE_CACHE_SIZE, PAGE_TTL_SECONDS, timer=clock)
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def read(self, site: StoreSite, identifier: str) -> DocumentVariants:
        """A page of a store, read once for concurrent requests. Raises ShopError."""
        key = (site.store.id, identifier)
        async with self._locks.setdefault(key, asyncio.Lock()):
            cached = self._cache.get(key)
            if cached and cached.snapshot is site.shown:
                return cached.resource
            snapshot = site.shown
            page = await site.shop.backend.page(identifier)
            html = represent(self._layout.html(site.store, snapshot.roadmap, page), HTML_TYPE, varies=True)
            canonical = f'<{site.store.url(f"/{identifier}")}>; rel="canonical"'
            text = self._layout.markdown(site.store, page)
            markdown = represent(text, MARKDOWN_TYPE, varies=True, link=canonical)
            resource = DocumentVariants({HTML_TYPE: html, MARKDOWN_TYPE: markdown})
            self._cache[key] = CachedPage(snapshot, resource)
            return resource


def page_routes(pages: ShopPages, identifiers: Iterable[str]) -> HTTPRouteHandler:
    """Routes for the pages that any store republishes, each also with `.md`."""
    paths = [f"/{identifier}{suffix}" for identifier in sorted(set(identifiers)) for suffix in ("", ".md")]

    @route(paths, http_method=READ_METHODS, include_in_schema=False)
    async def page(request: Request) -> Response[bytes]:  # type: ignore[type-arg]
        site = site_of(request)
        path = request.scope["path"].strip("/")
        identifier = path.removesuffix(".md")
        if identifier not in site.store.pages or not site.store.root_documents:
            raise NotFoundException(detail=f"{site.store.name} publishes no /{path}.")
        try:
            resource = await pages.read(site, identifier)
        except PageNotFound as error:
            raise NotFoundException(detail=str(error)) from None
        except ShopError as error:
            raise ServiceUnavailableException(detail=str(error), headers={"retry-after": "60"}) from None
        chosen = (
            resource.documents[MARKDOWN_TYPE]
            if path != identifier
            else resource.choose(header_field(request, "accept"))
        )
        return document_response(request, chosen)

    return page
