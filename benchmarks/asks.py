"""What is asked: one request per method and protocol version, as each version's clients send it."""

import os
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.access.secret_format import new_public_id, secret_text
from storefront_mcp.oauth.tokens import ACCESS_PREFIX

HANDSHAKE: Final = "2025-11-25"
MODERN: Final = "2026-07-28"
META: Final = "io.modelcontextprotocol/"
ARGUMENTS: Final = {"query": "paddle", "page_size": 10}


class Ask(Struct, frozen=True):
    """One request."""

    name: str
    """For tables and file names: `call-2025-11-25`."""
    version: str
    method: str
    headers: dict[str, str]
    body: bytes
    path: str = "/mcp"


def _ask(name: str, method: str, version: str, params: dict[str, Any], subject: str | None = None) -> Ask:
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": version,
    }
    if version == MODERN:
        headers["Mcp-Method"] = method
        if subject is not None:
            headers["Mcp-Name"] = subject
        claims = {"protocolVersion": version, "clientInfo": {"name": "bench", "version": "1"}, "clientCapabilities": {}}
        params = params | {"_meta": {META + key: value for key, value in claims.items()}}
    message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    return Ask(f"{name}-{version}", version, method, headers, msgspec.json.encode(message))


TOOL: Final = {"name": "search_products", "arguments": ARGUMENTS}
CALL: Final = _ask("call", "tools/call", HANDSHAKE, TOOL, "search_products")
CALL_MODERN: Final = _ask("call", "tools/call", MODERN, TOOL, "search_products")
LIST: Final = _ask("list", "tools/list", HANDSHAKE, {})
LIST_MODERN: Final = _ask("list", "tools/list", MODERN, {})
A2A: Final = "A2A 1.0"
ACTION: Final = {"action": TOOL["name"], **ARGUMENTS}
A2A_SEND: Final = Ask(
    "send-a2a-1.0",
    A2A,
    "SendMessage",
    {"Content-Type": "application/json", "A2A-Version": "1.0"},
    msgspec.json.encode(
        {
            "jsonrpc": "2.0",
            "id": 7,
            "method": "SendMessage",
            "params": {"message": {"messageId": "m-7", "role": "ROLE_USER", "parts": [{"data": ACTION}]}},
        }
    ),
    "/a2a",
)
"""The same search of the store's own agent, whose answer has the products once as data and once in words."""
PROFILE: Final = "https://platform.example/profile.json"
CATALOG: Final = {"query": ARGUMENTS["query"], "pagination": {"limit": ARGUMENTS["page_size"]}}
UCP_CALL: Final = Ask(
    "search-ucp-mcp",
    "UCP over MCP",
    "tools/call",
    {"Content-Type": "application/json", "Accept": "application/json"},
    msgspec.json.encode(
        {
            "jsonrpc": "2.0",
            "id": 7,
            "method": "tools/call",
            "params": {
                "name": "search_catalog",
                "arguments": {"meta": {"ucp-agent": {"profile": PROFILE}}, "catalog": CATALOG},
            },
        }
    ),
    "/ucp/mcp",
)
UCP_POST: Final = Ask(
    "search-ucp-rest",
    "UCP over REST",
    "POST",
    {"Content-Type": "application/json", "UCP-Agent": f'profile="{PROFILE}"'},
    msgspec.json.encode(CATALOG),
    "/ucp/catalog/search",
)
"""The same search in the words of UCP, whose answer has each product with its variants."""
AS_CUSTOMER: Final = f"{HANDSHAKE}, signed in"
CUSTOMER_TOKEN: Final = os.environ.get("BENCH_TOKEN") or secret_text(ACCESS_PREFIX, new_public_id())
"""An access token of this run, which the server that signs people in has on record."""
CUSTOMER_CALL: Final = replace(
    CALL,
    name=f"call-{HANDSHAKE}-customer",
    version=AS_CUSTOMER,
    headers=CALL.headers | {"Authorization": f"Bearer {CUSTOMER_TOKEN}"},
)
"""The same search by the agent of a customer who has signed in."""
OTHER_PROTOCOLS: Final = (UCP_CALL, UCP_POST, A2A_SEND)
"""What we alone are asked: the cost of our other agent protocols beside that of `/mcp`."""
ASKS: Final = (CALL, CALL_MODERN, LIST, LIST_MODERN, CUSTOMER_CALL, *OTHER_PROTOCOLS)
