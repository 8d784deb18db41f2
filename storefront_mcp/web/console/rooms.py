"""Every page of the console, in the order of the navigation, as routes."""

from collections.abc import Mapping
from typing import Final

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from storefront_mcp.commerce.names import StoreId
from storefront_mcp.web.console import audit, cards, checkouts, connect, health, keys, roadmap, traffic
from storefront_mcp.web.console.books import Books
from storefront_mcp.web.console.desk import Action, Desk, Place, Visit
from storefront_mcp.web.console.dress import Dress, see
from storefront_mcp.web.console.entering import Entrance

ROOMS: Final = (roadmap, checkouts, keys, audit, cards, connect, health, traffic)
"""Each has a `TAB` and `actions`."""


def console_routes(places: Mapping[StoreId, Place], books: Books, dress: Dress) -> list[HTTPRouteHandler]:
    """The routes of the console, for the stores that have one."""
    desk = Desk(places, books, dress, [room.TAB for room in ROOMS])
    entrance = Entrance(desk)
    actions = [Action(at="", run=_first), entrance.action, *(action for room in ROOMS for action in room.actions())]
    return [*entrance.routes({place.path for place in places.values()}), *desk.routes(actions)]


async def _first(visit: Visit) -> Response[bytes]:
    """The console's own address leads to the first page that somebody may see."""
    return see(visit.address(visit.desk.first(visit.seat)))
