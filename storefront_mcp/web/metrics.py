"""`/metrics` on a store's own origin: Prometheus metrics, for callers with the scope `read:analytics`."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response

from storefront_mcp.access.scopes import has_scope
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.web.authentication import BearerAuthenticator, HttpRejection, rejection_response
from storefront_mcp.web.host_router import site_of

METRICS_PATH: Final = "/metrics"
REQUIRED_SCOPE: Final = "read:analytics"
NO_STORE: Final = {"cache-control": "no-store"}


def metrics_route(
    authenticators: Mapping[StoreId, BearerAuthenticator], text: Callable[[str], bytes], media_type: str
) -> HTTPRouteHandler:
    """GET `/metrics`; `text` renders the metrics of a store and may block."""

    @get(METRICS_PATH, exception_handlers={HttpRejection: rejection_response}, include_in_schema=False)
    async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        site = site_of(request)
        authenticator, scope = authenticators[site.store.id], request.scope
        caller = await authenticator.authenticate_unsigned(
            list(scope["headers"]), scope["query_string"], scope["client"]
        )
        if not has_scope(caller, REQUIRED_SCOPE):
            raise authenticator.insufficient_scope(REQUIRED_SCOPE, caller)
        body = await asyncio.to_thread(text, site.store.id)
        return Response(body, media_type=media_type, headers=NO_STORE)

    return metrics
