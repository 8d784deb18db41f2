"""All console pages in the order of the navigation, as Litestar routes."""

from collections.abc import Mapping
from typing import Final

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.console import (
    audit,
    cards,
    checkouts,
    connect,
    customers,
    emergency_stops,
    health,
    keys,
    roadmap,
    stores,
    usage,
)
from storefront_mcp.console.dependencies import ConsoleDependencies
from storefront_mcp.console.login import LoginRoutes
from storefront_mcp.console.rendering import ConsoleRenderer
from storefront_mcp.console.routing import ConsoleAction, ConsoleLocation, ConsoleRequest, ConsoleRouter
from storefront_mcp.web.responses import see_other

PAGES: Final = (roadmap, checkouts, keys, customers, audit, cards, connect, health, usage)
"""Each has a `TAB` and `actions`."""


def console_routes(
    locations: Mapping[StoreId, ConsoleLocation], dependencies: ConsoleDependencies, renderer: ConsoleRenderer
) -> list[HTTPRouteHandler]:
    """The routes of the console, for the stores that have one."""
    router = ConsoleRouter(locations, dependencies, renderer, [page.TAB for page in PAGES])
    login = LoginRoutes(router)
    actions = [
        ConsoleAction(at="", run=_redirect_to_first_tab),
        login.action,
        *emergency_stops.actions(),
        *stores.actions(),
        *(action for page in PAGES for action in page.actions()),
    ]
    return [*login.routes(), *router.routes(actions)]


async def _redirect_to_first_tab(request: ConsoleRequest) -> Response[bytes]:
    """The console's own address redirects to the first tab that the session may open."""
    return see_other(request.address(request.router.first_tab(request.session)))
