"""`/mcp/config?client=NAME`: the published snippet for one client; without a client, the list of them."""

from typing import Final

from litestar import Request, Response
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, route

from storefront_mcp.web.discovery import READS, answer
from storefront_mcp.web.front import SITE
from storefront_mcp.web.site import Site

CONFIG: Final = "/mcp/config"


def config() -> HTTPRouteHandler:
    """The route. Snippets are documents of their own beneath it; here the query only chooses among them."""

    @route(CONFIG, http_method=READS, sync_to_thread=False, include_in_schema=False)
    def choose(request: Request) -> Response[bytes]:  # type: ignore[type-arg]
        site: Site = request.scope[SITE]  # type: ignore[typeddict-item]
        resources = site.shown.resources
        client: str | None = request.query_params.get("client")
        resource = resources.get(CONFIG if client is None else f"{CONFIG}/{client}")
        if resource is None:
            known = [path.removeprefix(f"{CONFIG}/") for path in resources if path.startswith(f"{CONFIG}/")]
            named = repr((client or "")[:100])
            raise NotFoundException(detail=f"There is no configuration for {named}. Known are: {', '.join(known)}.")
        return answer(request, resource.chosen(request.headers.get("accept")))

    return choose
