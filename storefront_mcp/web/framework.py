"""The framework's part: documents, pages, health, and every other path as a true 404."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from litestar import Litestar, Request, Response, asgi
from litestar.exceptions import HTTPException, NotFoundException
from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from storefront_mcp.calls.watching import request_id
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.web import problem
from storefront_mcp.web.config import CONFIG, config
from storefront_mcp.web.discovery import discovery
from storefront_mcp.web.front import SITE
from storefront_mcp.web.health import alive, alive_head
from storefront_mcp.web.pages import Pages, page_routes
from storefront_mcp.web.security import told_in_logs
from storefront_mcp.web.site import Site

log: Final = logging.getLogger("storefront_mcp.web")
Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]
SERVER_ERROR: Final = 500


def pages_app(
    *,
    paths: Iterable[str],
    pages: Pages,
    identifiers: Iterable[str],
    media: Mapping[StoreId, ASGIApp],
    lifespan: Lifespan,
    more: Sequence[HTTPRouteHandler] = (),
) -> Litestar:
    """Everything but the MCP endpoint.

    `media` answers under `/media` and `/demo` for the stores that have it; `more` are routes of some set-ups only.
    """
    named = set(identifiers)
    return Litestar(
        route_handlers=[
            discovery(set(paths) - {CONFIG}),
            config(),
            *([page_routes(pages, named)] if named else []),
            alive,
            alive_head,
            *([_media(media)] if media else []),
            *more,
        ],
        exception_handlers={HTTPException: told, Exception: broken},
        lifespan=[lifespan],
        openapi_config=None,
        logging_config=None,
    )


def told(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """A refusal as a problem document."""
    detail = error.detail
    if error.status_code == 404 and detail in {"", "Not Found"}:  # noqa: PLR2004 -- HTTP
        detail = f"There is nothing at {request.scope['path'][:200]}."
    headers = {"cache-control": "no-store", "access-control-allow-origin": "*", **(error.headers or {})}
    body = problem.problem_bytes(error.status_code, detail)
    return Response(body, status_code=error.status_code, media_type=problem.MEDIA_TYPE, headers=headers)


def broken(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """A fault of ours: logged whole, told without a word about it."""
    log.error("%s %s failed", request.method, told_in_logs(request.scope["path"]), exc_info=error)
    body = problem.problem_bytes(SERVER_ERROR, "This failed on our side.")
    headers = {"cache-control": "no-store", "x-request-id": request_id()}
    return Response(body, status_code=SERVER_ERROR, media_type=problem.MEDIA_TYPE, headers=headers)


def _media(apps: Mapping[StoreId, ASGIApp]) -> ASGIRouteHandler:
    @asgi(["/media", "/demo"], is_mount=True, copy_scope=True)
    async def media(scope: Scope, receive: Receive, send: Send) -> None:
        site: Site | None = scope.get(SITE)  # type: ignore[assignment]
        app = apps.get(site.store.id) if site else None
        if app is None:
            raise NotFoundException
        await app(scope, receive, send)

    return media
