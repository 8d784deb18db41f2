"""Connect page: configuration snippets for MCP clients."""

from typing import Final

from litestar import Response

from storefront_mcp.cards.clients import CLIENTS, client_slug, client_snippet
from storefront_mcp.console.routing import ConsoleAction, ConsoleRequest, ConsoleTab

TAB: Final = ConsoleTab("/connect", "Connect")


def actions() -> list[ConsoleAction]:
    """The routes of this page."""
    return [ConsoleAction(at=TAB.at, run=show_connect)]


async def show_connect(request: ConsoleRequest) -> Response[bytes]:
    """Every known client with its snippet."""
    store = request.site.store
    name = client_slug(store.name)
    return request.page(
        "connect.html.j2",
        endpoint=store.endpoint,
        clients=[
            (
                client,
                client_snippet(client, name, store.endpoint),
                client.command and client.command(name, store.endpoint),
            )
            for client in CLIENTS
        ],
    )
