"""Dress a value for the version that asked: bare for the handshake era, with envelope and cache hints since."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from storefront_mcp.commerce.store import Store
from storefront_mcp.mcp.versions import ProtocolVersion
from storefront_mcp.roadmap.tool import Tool

_ENCODER: Final = msgspec.json.Encoder()
LIST_TTL_MS: Final = 60_000
"""How long a client may keep a list: phases flip seldom, and a stale list only costs a clear refusal."""


def server_names(store: Store) -> dict[str, Any]:
    """Implementation: what the server calls itself, the same as in both cards."""
    return {"name": store.speaker.name, "title": store.title, "version": store.version or store.speaker.version}


def dressed(result: Mapping[str, Any], version: ProtocolVersion, store: Store, *, ttl_ms: int | None = None) -> bytes:
    """Encode a result; `ttl_ms` marks those that may be cached (specification, caching)."""
    if not version.dresses_results:
        return _ENCODER.encode(result)
    cache = {} if ttl_ms is None else {"ttlMs": ttl_ms, "cacheScope": "public"}
    return _ENCODER.encode({"resultType": "complete", **result, **cache, "_meta": _meta(store)})


def tool_result(value: Any, version: ProtocolVersion, store: Store) -> bytes:  # noqa: ANN401 -- any shop value
    """A tool's value: as JSON text, and as structured content where the version has it. Encoded once."""
    body = _ENCODER.encode(value)
    content = b'"content":[{"type":"text","text":' + _ENCODER.encode(body.decode()) + b"}]"
    structured = b',"structuredContent":' + body if version.structures_results else b""
    return _opened(version) + content + structured + b',"isError":false' + _closed(version, store)


def tool_error(message: str, detail: object, version: ProtocolVersion, store: Store) -> bytes:
    """A refusal that the model should read: a sentence, and what there is to choose from."""
    text = message if detail is None else f"{message}\n{_ENCODER.encode(detail).decode()}"
    content = b'"content":[{"type":"text","text":' + _ENCODER.encode(text) + b"}]"
    return _opened(version) + content + b',"isError":true' + _closed(version, store)


def tool_entries(tools: Sequence[Tool], version: ProtocolVersion) -> list[dict[str, Any]]:
    """Tool definitions in the words of a version."""
    return [_entry(tool, version) for tool in tools]


def _entry(tool: Tool, version: ProtocolVersion) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
    if version.structures_results:
        entry["title"] = tool.title
        entry["outputSchema"] = tool.output_schema
    if version.annotates_tools:
        entry["annotations"] = {
            "title": tool.title,
            "readOnlyHint": not tool.writes,
            "destructiveHint": tool.destroys,
            "idempotentHint": tool.repeats,
            "openWorldHint": False,
        }
    return entry


def _opened(version: ProtocolVersion) -> bytes:
    return b'{"resultType":"complete",' if version.dresses_results else b"{"


def _closed(version: ProtocolVersion, store: Store) -> bytes:
    return b',"_meta":' + _ENCODER.encode(_meta(store)) + b"}" if version.dresses_results else b"}"


def _meta(store: Store) -> dict[str, Any]:
    return {"io.modelcontextprotocol/serverInfo": server_names(store)}
