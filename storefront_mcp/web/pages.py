"""The shop's own pages (shipping, returns, privacy), republished as HTML and markdown."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from litestar import Request, Response
from litestar.exceptions import NotFoundException, ServiceUnavailableException
from litestar.handlers import HTTPRouteHandler, route
from msgspec import Struct

from storefront_mcp.commerce.errors import PageNotFound, ShopError
from storefront_mcp.commerce.page import Page
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.web.discovery import READS, answer, field
from storefront_mcp.web.document import document
from storefront_mcp.web.front import SITE
from storefront_mcp.web.site import Resource, Shown, Site

FRESH: Final = 300.0
"""Seconds for which a page is not asked for again."""
HTML: Final = "text/html; charset=utf-8"
MARKDOWN: Final = "text/markdown; charset=utf-8"


class Layout(Protocol):
    """How a shop's page is dressed."""

    def html(self, store: Store, roadmap: Roadmap, page: Page) -> bytes:
        """A whole HTML document around a page."""

    def markdown(self, store: Store, page: Page) -> bytes:
        """A whole markdown document around a page."""


class Kept(Struct, frozen=True):
    """A page as it was last read and dressed."""

    until: float
    shown: Shown
    resource: Resource


class Pages:
    """Pages of all stores, read again now and then and after each flip."""

    def __init__(self, layout: Layout, clock: Callable[[], float] = time.monotonic) -> None:
        self._layout = layout
        self._clock = clock
        self._kept: dict[tuple[str, str], Kept] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def read(self, site: Site, identifier: str) -> Resource:
        """A page of a store, asked for once for all who wait. Raises ShopError."""
        key = (site.store.id, identifier)
        async with self._locks.setdefault(key, asyncio.Lock()):
            kept = self._kept.get(key)
            if kept and kept.until > self._clock() and kept.shown is site.shown:
                return kept.resource
            shown = site.shown
            page = await site.shop.backend.page(identifier)
            html = document(self._layout.html(site.store, shown.roadmap, page), HTML, varies=True)
            markdown = document(self._layout.markdown(site.store, page), MARKDOWN, varies=True)
            resource = Resource({HTML: html, MARKDOWN: markdown})
            self._kept[key] = Kept(self._clock() + FRESH, shown, resource)
            return resource


def page_routes(pages: Pages, identifiers: Iterable[str]) -> HTTPRouteHandler:
    """Routes for every page that any store republishes, each also with `.md`."""
    paths = [f"/{identifier}{suffix}" for identifier in sorted(set(identifiers)) for suffix in ("", ".md")]

    @route(paths, http_method=READS, include_in_schema=False)
    async def page(request: Request) -> Response[bytes]:  # type: ignore[type-arg]
        site: Site = request.scope[SITE]  # type: ignore[typeddict-item]
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
        chosen = resource.documents[MARKDOWN] if path != identifier else resource.chosen(field(request, "accept"))
        return answer(request, chosen)

    return page
