"""What is asked: one request per method and protocol version, as each version's clients send it."""

from typing import Any, Final

import msgspec
from msgspec import Struct

HANDSHAKE: Final = "2025-11-25"
MODERN: Final = "2026-07-28"
META: Final = "io.modelcontextprotocol/"
ARGUMENTS: Final = {"query": "paddle", "page_size": 10}


class Ask(Struct, frozen=True):
    """One request to `/mcp`."""

    name: str
    """For tables and file names: `call-2025-11-25`."""
    version: str
    method: str
    headers: dict[str, str]
    body: bytes


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
ASKS: Final = (CALL, CALL_MODERN, LIST, LIST_MODERN)
