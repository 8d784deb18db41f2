"""How a reader of a page is told of the MCP endpoint: one snippet per client, and one for no client at all."""

import json
import shlex

from msgspec import Struct

from cards.clients import CLIENTS, Client, slug, snippet
from storefront_mcp.commerce.store import Store


class Snippet(Struct, frozen=True):
    """Text to paste, and where it goes."""

    client: str
    place: str
    language: str
    text: str


def snippets(store: Store) -> tuple[Snippet, ...]:
    """A snippet for each well-known client, with the store's own endpoint in it."""
    return (
        *(_shown(client, slug(store.name), store.endpoint) for client in CLIENTS),
        Snippet("curl", "terminal", "sh", curl(store, "tools/list", None)),
    )


def curl(store: Store, method: str, params: object) -> str:
    """One JSON-RPC request with nothing but curl."""
    request = {"jsonrpc": "2.0", "id": 1, "method": method} | ({} if params is None else {"params": params})
    return (
        f"curl -s {shlex.quote(store.endpoint)} \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        "  -H 'Accept: application/json, text/event-stream' \\\n"
        f"  -d {shlex.quote(json.dumps(request))}"
    )


def _shown(client: Client, name: str, url: str) -> Snippet:
    """A command is shorter than a file, where the client has one."""
    if client.command is not None:
        return Snippet(client.name, "terminal", "sh", client.command(name, url))
    return Snippet(client.name, client.place, client.format, snippet(client, name, url))
