"""Connect: what a client has to be told of this store's endpoint, to copy."""

from typing import Final

from litestar import Response

from cards.clients import CLIENTS, slug, snippet
from storefront_mcp.web.console.desk import Action, Tab, Visit

TAB: Final = Tab("/connect", "Connect")


def actions() -> list[Action]:
    """What can be asked for."""
    return [Action(at=TAB.at, run=show)]


async def show(visit: Visit) -> Response[bytes]:
    """Every client that we know, with its snippet."""
    store = visit.site.store
    name = slug(store.name)
    return visit.page(
        "connect.html.j2",
        endpoint=store.endpoint,
        clients=[
            (client, snippet(client, name, store.endpoint), client.command and client.command(name, store.endpoint))
            for client in CLIENTS
        ],
    )
