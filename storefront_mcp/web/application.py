"""The Litestar application: documents, pages, health checks, and problem documents for errors."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from litestar import Litestar, Request, Response, asgi
from litestar.exceptions import HTTPException, NotFoundException
from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from storefront_mcp.commerce.error_codes import INTERNAL_ERROR
from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.instrumentation import request_id
from storefront_mcp.web.client_config import CONFIG, config_route
from storefront_mcp.web.discovery import discovery_routes
from storefront_mcp.web.health import alive, alive_head
from storefront_mcp.web.host_router import SITE_SCOPE_KEY, AsgiWrapper, StorefrontApp
from storefront_mcp.web.problem import problem_response
from storefront_mcp.web.security import masked_path
from storefront_mcp.web.shop_pages import ShopPages, page_routes
from storefront_mcp.web.site import StoreSite

log: Final = logging.getLogger("storefront_mcp.web")
Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]
SERVER_ERROR: Final = 500
BUSY: Final = 503


def pages_app(
    *,
    paths: Iterable[str],
    pages: ShopPages,
    identifiers: Iterable[str],
    media: Mapping[StoreId, ASGIApp],
    lifespan: Lifespan,
    more: Sequence[HTTPRouteHandler] = (),
    entrance: AsgiWrapper = lambda framework: framework,
    **options: Any,  # noqa: ANN401 -- the framework's own
) -> StorefrontApp:
    """The application; `paths` are those of published documents, `identifiers` those of shop pages.

    `media` are applications for `/media` and `/demo` by store; `more` are routes of some set-ups only.
    """
    identifiers = set(identifiers)
    return StorefrontApp(
        entrance=entrance,
        route_handlers=[
            discovery_routes(set(paths) - {CONFIG}),
            config_route(),
            *([page_routes(pages, identifiers)] if identifiers else []),
            alive,
            alive_head,
            *([_media(media)] if media else []),
            *more,
        ],
        exception_handlers={HTTPException: http_error, ShopBusy: busy, Exception: server_error},
        lifespan=[lifespan],
        openapi_config=None,
        logging_config=None,
        **options,
    )


def http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Litestar's exception handler for HTTP errors: a problem document."""
    detail = error.detail
    if error.status_code == 404 and detail in {"", "Not Found"}:  # noqa: PLR2004 -- HTTP
        detail = f"There is nothing at {request.scope['path'][:200]}."
    headers = {"access-control-allow-origin": "*", **(error.headers or {})}
    return problem_response(error.status_code, detail, headers)


def busy(request: Request[Any, Any, Any], error: ShopBusy) -> Response[bytes]:
    """503 with `retry-after`: the shop, or our database, takes nothing now, and nothing was changed."""
    log.warning("%s %s: %s", request.method, masked_path(request.scope["path"]), error.internal or error)
    return problem_response(BUSY, str(error), {"retry-after": str(error.retry_after)}, code=error.code)


def server_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """500: logs the traceback, answers a generic problem document with `x-request-id`."""
    log.error("%s %s failed", request.method, masked_path(request.scope["path"]), exc_info=error)
    headers = {"x-request-id": request_id()}
    return problem_response(SERVER_ERROR, "This failed on our side.", headers, code=INTERNAL_ERROR)


def _media(apps: Mapping[StoreId, ASGIApp]) -> ASGIRouteHandler:
    @asgi(["/media", "/demo"], is_mount=True, copy_scope=True)
    async def media(scope: Scope, receive: Receive, send: Send) -> None:
        site: StoreSite | None = scope.get(SITE_SCOPE_KEY)  # type: ignore[assignment]
        app = apps.get(site.store.id) if site else None
        if app is None:
            raise NotFoundException
        await app(scope, receive, send)

    return media
