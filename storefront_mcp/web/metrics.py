"""`/metrics` on a store's own address: its numbers, for whoever may read its figures."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response

from storefront_mcp.calls.scopes import holds
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.web import problem
from storefront_mcp.web.door import Door, TurnedAway
from storefront_mcp.web.front import SITE
from storefront_mcp.web.site import Site

PATH: Final = "/metrics"
NEEDED: Final = "read:analytics"
NO_STORE: Final = {"cache-control": "no-store"}


def metrics_route(doors: Mapping[StoreId, Door], text: Callable[[str], bytes], media_type: str) -> HTTPRouteHandler:
    """GET `/metrics`; `text` is what there is to tell of a store, and may take a moment."""

    @get(PATH, include_in_schema=False)
    async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        site: Site = request.scope[SITE]  # type: ignore[typeddict-item]
        door, scope = doors[site.store.id], request.scope
        try:
            caller = await door.uncounted(list(scope["headers"]), scope["query_string"], scope["client"])
            if not holds(caller, NEEDED):
                raise door.needs(NEEDED, caller)
        except TurnedAway as away:
            headers = {name.decode(): value.decode("latin-1") for name, value in away.headers}
            body = problem.problem_bytes(away.status, str(away))
            return Response(body, status_code=away.status, media_type=problem.MEDIA_TYPE, headers=NO_STORE | headers)
        body = await asyncio.to_thread(text, site.store.id)
        return Response(body, media_type=media_type, headers=NO_STORE)

    return metrics
