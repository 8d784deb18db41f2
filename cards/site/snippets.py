"""Snippets that connect to the MCP endpoint: one per client, and one for curl."""

import json
import shlex

from msgspec import Struct

from storefront_mcp.cards.clients import CLIENTS, ClientProfile, client_slug, client_snippet
from storefront_mcp.commerce.store import Store


class CodeSnippet(Struct, frozen=True):
    """Text to paste, and where it goes."""

    client: str
    place: str
    language: str
    text: str


def snippets(store: Store) -> tuple[CodeSnippet, ...]:
    """A snippet for each well-known client, with the store's own endpoint in it."""
    return (
        *(_client_snippet(client, client_slug(store.name), store.endpoint) for client in CLIENTS),
        CodeSnippet("curl", "terminal", "sh", curl_command(store, "tools/list", None)),
    )


def curl_command(store: Store, method: str, params: object) -> str:
    """A curl command that sends one JSON-RPC request."""
    request = {"jsonrpc": "2.0", "id": 1, "method": method} | ({} if params is None else {"params": params})
    return (
        f"curl -s {shlex.quote(store.endpoint)} \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        "  -H 'Accept: application/json, text/event-stream' \\\n"
        f"  -d {shlex.quote(json.dumps(request))}"
    )


def _client_snippet(client: ClientProfile, name: str, url: str) -> CodeSnippet:
    """The client's command where it has one, else the entry for its file."""
    if client.command is not None:
        return CodeSnippet(client.name, "terminal", "sh", client.command(name, url))
    return CodeSnippet(client.name, client.place, client.format, client_snippet(client, name, url))
