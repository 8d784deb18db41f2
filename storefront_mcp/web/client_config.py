"""`/mcp/config?client=NAME`: the published snippet for one client; without a client, the list of them."""

from typing import Final

from litestar import Request, Response
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, route

from storefront_mcp.web.discovery import READ_METHODS, document_response
from storefront_mcp.web.host_router import site_of

CONFIG: Final = "/mcp/config"


def config_route() -> HTTPRouteHandler:
    """The route. Snippets are also documents of their own, below this path."""

    @route(CONFIG, http_method=READ_METHODS, sync_to_thread=False, include_in_schema=False)
    def choose(request: Request) -> Response[bytes]:  # type: ignore[type-arg]
        site = site_of(request)
        resources = site.shown.resources
        client: str | None = request.query_params.get("client")
        resource = resources.get(CONFIG if client is None else f"{CONFIG}/{client}")
        if resource is None:
            known = [path.removeprefix(f"{CONFIG}/") for path in resources if path.startswith(f"{CONFIG}/")]
            wanted = repr((client or "")[:100])
            raise NotFoundException(detail=f"There is no configuration for {wanted}. Known are: {', '.join(known)}.")
        return document_response(request, resource.choose(request.headers.get("accept")))

    return choose
