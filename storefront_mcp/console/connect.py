"""Connect page: configuration snippets for MCP clients."""

from typing import Final

from litestar import Response

from storefront_mcp.agent_protocols.a2a import CARD_PATH
from storefront_mcp.agent_protocols.ucp import PROFILE_PATH
from storefront_mcp.cards.clients import CLIENTS, client_slug, client_snippet
from storefront_mcp.console.routing import ConsoleAction, ConsoleRequest, ConsoleTab

OTHER_PROTOCOLS: Final = (
    ("ucp", "Shopping agents of platforms (UCP)", PROFILE_PATH),
    ("a2a", "Other agents (A2A)", CARD_PATH),
)
"""Protocols besides MCP, and the document that says all that their clients have to know."""

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
        others=[(name, store.url(path)) for protocol, name, path in OTHER_PROTOCOLS if protocol in store.protocols],
        clients=[
            (
                client,
                client_snippet(client, name, store.endpoint),
                client.command and client.command(name, store.endpoint),
            )
            for client in CLIENTS
        ],
    )
