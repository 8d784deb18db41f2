"""Minimal MCP client; the official client cannot be used, as the checks must see raw protocol violations."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any, Final, Protocol

import httpx
import msgspec

from storefront_mcp.backends.probe import ProbeResponse
from storefront_mcp.backends.probe_failures import failure_of
from storefront_mcp.doctor.http_client import StoreHttpClient
from storefront_mcp.mcp.message import META_PREFIX
from storefront_mcp.mcp.versions import ProtocolVersion

NAME_MEMBERS: Final = ("name", "uri")
MAX_PAGES: Final = 10
"""Pages of `tools/list` that are read."""

Json = dict[str, Any]


class ProtocolViolation(Exception):
    """A response that violates MCP, or is an error; the message completes "It …"."""


class McpClient(Protocol):
    """An MCP client whose connection is initialized."""

    async def ask(self, method: str, params: Mapping[str, Any]) -> Json:
        """Send a request and return its result. Raises ProtocolViolation and ProbeFailed."""


async def list_tools(client: McpClient) -> list[str]:
    """Tool names of `tools/list`, up to MAX_PAGES pages. Raises ProtocolViolation and ProbeFailed."""
    found: list[str] = []
    cursor: Mapping[str, str] = {}
    for _ in range(MAX_PAGES):
        result = await client.ask("tools/list", cursor)
        listed = result.get("tools")
        if not isinstance(listed, list):
            raise ProtocolViolation("lists no tools")
        found += [str(tool.get("name")) for tool in listed if isinstance(tool, dict)]
        if not isinstance(result.get("nextCursor"), str):
            break
        cursor = {"cursor": result["nextCursor"]}
    return found


async def call_tool(client: McpClient, tool: str, arguments: Mapping[str, Any]) -> Json:
    """Structured content of a tool call. Raises ProtocolViolation for `isError` and for a result without an object."""
    result = await client.ask("tools/call", {"name": tool, "arguments": arguments})
    text = _text(result)
    if result.get("isError"):
        message = f"refuses {tool}: {text[:300].rstrip('.')}"
        raise ProtocolViolation(message)
    value = result.get("structuredContent")
    if value is None:
        value = _read(text.encode())
    if not isinstance(value, dict):
        message = f"answers {tool} with no value"
        raise ProtocolViolation(message)
    return value


class StreamableHttpClient:
    """Client over Streamable HTTP; `open` does the handshake where the version has one."""

    def __init__(self, web: StoreHttpClient, url: str, version: ProtocolVersion) -> None:
        self._web = web
        self._url = url
        self._version = version
        self._ids = itertools.count(1)
        self._session: dict[str, str] = {}
        self.agreed = ""
        """The negotiated protocol version; empty when there is none."""

    async def open(self) -> None:
        """Send `initialize`, or `server/discover` where the version has no handshake."""
        if not self._version.handshake:
            result = await self.ask("server/discover", {})
            supported = result.get("supportedVersions")
            self.agreed = self._version.id if isinstance(supported, list) and self._version.id in supported else ""
            return
        result = await self.ask("initialize", hello(self._version))
        self.agreed = str(result.get("protocolVersion", ""))
        await self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def ask(self, method: str, params: Mapping[str, Any]) -> Json:
        """POST a request and read one response, JSON or an event stream."""
        message: Json = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": dict(params)}
        if not self._version.handshake:
            about = {META_PREFIX + "protocolVersion": self._version.id, META_PREFIX + "clientCapabilities": {}}
            message["params"]["_meta"] = about
        response = await self._post(message)
        if method == "initialize" and "mcp-session-id" in response.headers:
            self._session = {"mcp-session-id": response.headers["mcp-session-id"]}
        said = _last_event(response.body) if response.media_type == "text/event-stream" else response.json
        if not isinstance(said, dict) or "jsonrpc" not in said:
            message_ = (
                f"answers {method} with {response.status} and {response.media_type or 'nothing'} instead of JSON-RPC"
            )
            raise ProtocolViolation(message_)
        return result_of(said, method)

    async def _post(self, message: Json) -> ProbeResponse:
        headers = {"accept": "application/json, text/event-stream", **self._session}
        if not self._version.handshake:
            headers |= {"mcp-protocol-version": self._version.id, "mcp-method": message["method"]}
            for subject in NAME_MEMBERS:
                if isinstance(message.get("params", {}).get(subject), str):
                    headers["mcp-name"] = message["params"][subject]
        elif self.agreed:
            headers["mcp-protocol-version"] = self.agreed
        return await self._web.ask("POST", self._url, headers, json=message)


class SseClient:
    """Client over HTTP+SSE: requests by POST, responses on the event stream."""

    def __init__(self, web: StoreHttpClient, address: str, lines: AsyncIterator[str], version: ProtocolVersion) -> None:
        self._web = web
        self._address = address
        self._events = _events(lines)
        self._version = version
        self._ids = itertools.count(1)

    async def open(self) -> None:
        """Send `initialize`."""
        await self.ask("initialize", hello(self._version))
        await self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def ask(self, method: str, params: Mapping[str, Any]) -> Json:
        """POST a request and wait for its response on the stream."""
        message: Json = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": dict(params)}
        await self._post(message)
        async for _, value in self._events:
            said = _read(value.encode())
            if isinstance(said, dict) and said.get("id") == message["id"]:
                return result_of(said, method)
        raise ProtocolViolation("ends its stream before it has answered")

    async def _post(self, message: Json) -> None:
        response = await self._web.ask("POST", self._address, json=message)
        if response.status not in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
            refused = f"answers {response.status} to a message that was posted where it said"
            raise ProtocolViolation(refused)


@contextlib.asynccontextmanager
async def over_sse(
    web: StoreHttpClient, url: str, version: ProtocolVersion, *, timeout_seconds: float
) -> AsyncIterator[SseClient]:
    """Open the event stream and wait for its `endpoint` event. Raises ProtocolViolation, ProbeFailed."""
    try:
        async with web.stream(url) as response:
            kind = response.headers.get("content-type", "")
            if response.status_code != HTTPStatus.OK or not kind.startswith("text/event-stream"):
                refused = f"answers {response.status_code} and {kind or 'nothing'} instead of a stream"
                raise ProtocolViolation(refused)
            lines = response.aiter_lines()
            try:
                async with asyncio.timeout(timeout_seconds):
                    name, address = await anext(_events(lines))
            except (TimeoutError, StopAsyncIteration):
                raise ProtocolViolation("opens a stream on which nothing comes") from None
            if name != "endpoint":
                raise ProtocolViolation("does not say first where to post")
            yield SseClient(web, address, lines, version)
    except httpx.HTTPError as error:
        raise await failure_of(url, error) from error


def hello(version: ProtocolVersion) -> Json:
    """Parameters of `initialize`."""
    return {
        "protocolVersion": version.id,
        "capabilities": {},
        "clientInfo": {"name": "storefront-mcp doctor", "version": "1"},
    }


def result_of(said: Json, method: str) -> Json:
    """The result of a JSON-RPC response. Raises ProtocolViolation for errors."""
    result = said.get("result")
    if isinstance(result, dict):
        return result
    error = said.get("error")
    reason = error.get("message") if isinstance(error, dict) else "no result"
    message = f"refuses {method}: {reason}"
    raise ProtocolViolation(message)


def _text(result: Json) -> str:
    blocks = result.get("content")
    found = [one.get("text", "") for one in blocks if isinstance(one, dict)] if isinstance(blocks, list) else []
    return str(found[0]) if found else ""


def _last_event(body: bytes) -> Any:  # noqa: ANN401 -- somebody else's JSON
    """The response of a finished event stream: its last event."""
    found = [
        line.removeprefix("data:").strip()
        for line in body.decode("utf-8", "replace").splitlines()
        if line.startswith("data:")
    ]
    return _read(found[-1].encode()) if found else None


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, str]]:
    """Parse server-sent events with one data line each, as MCP sends them."""
    kind = "message"
    async for line in lines:
        name, _, value = line.partition(":")
        if name == "event":
            kind = value.strip()
        elif name == "data":
            yield kind, value.strip()
            kind = "message"


def _read(text: bytes) -> Any:  # noqa: ANN401 -- somebody else's JSON
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
