"""Speak MCP as a client does: the little of it that an examination needs, in every version we know."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any, Final, Protocol

import httpx
import msgspec

from storefront_mcp.backends.probing import Heard, unheard
from storefront_mcp.doctor.web import Web
from storefront_mcp.mcp.message import PREFIX
from storefront_mcp.mcp.versions import ProtocolVersion

NAMED: Final = ("name", "uri")
PAGES: Final = 10
"""Pages of a list that are read."""

Json = dict[str, Any]


class Misspoken(Exception):
    """An answer that is not what the protocol promises; the message completes "It …"."""


class Client(Protocol):
    """Somebody who has said hello."""

    async def ask(self, method: str, params: Mapping[str, Any]) -> Json:
        """A request's result. Raises Misspoken and Unheard."""


async def tools(client: Client) -> list[str]:
    """The names that are listed, of every page."""
    found: list[str] = []
    cursor: Mapping[str, str] = {}
    for _ in range(PAGES):
        result = await client.ask("tools/list", cursor)
        listed = result.get("tools")
        if not isinstance(listed, list):
            raise Misspoken("lists no tools")
        found += [str(tool.get("name")) for tool in listed if isinstance(tool, dict)]
        if not isinstance(result.get("nextCursor"), str):
            break
        cursor = {"cursor": result["nextCursor"]}
    return found


async def call(client: Client, tool: str, arguments: Mapping[str, Any]) -> Json:
    """A tool's answer as a value. Raises Misspoken when it refuses."""
    result = await client.ask("tools/call", {"name": tool, "arguments": arguments})
    text = _text(result)
    if result.get("isError"):
        message = f"refuses {tool}: {text[:300].rstrip('.')}"
        raise Misspoken(message)
    value = result.get("structuredContent")
    if value is None:
        value = _read(text.encode())
    if not isinstance(value, dict):
        message = f"answers {tool} with no value"
        raise Misspoken(message)
    return value


class Streamable:
    """A client over Streamable HTTP; `opened` says hello first where the version wants it."""

    def __init__(self, web: Web, url: str, version: ProtocolVersion) -> None:
        self._web = web
        self._url = url
        self._version = version
        self._ids = itertools.count(1)
        self._session: dict[str, str] = {}
        self.agreed = ""
        """The version that the server answered with."""

    async def open(self) -> None:
        """`initialize`, or `server/discover` where there is no handshake."""
        if not self._version.handshake:
            result = await self.ask("server/discover", {})
            supported = result.get("supportedVersions")
            self.agreed = self._version.id if isinstance(supported, list) and self._version.id in supported else ""
            return
        result = await self.ask("initialize", hello(self._version))
        self.agreed = str(result.get("protocolVersion", ""))
        await self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def ask(self, method: str, params: Mapping[str, Any]) -> Json:
        """Post it, and read one answer, be it JSON or a stream."""
        message: Json = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": dict(params)}
        if not self._version.handshake:
            about = {PREFIX + "protocolVersion": self._version.id, PREFIX + "clientCapabilities": {}}
            message["params"]["_meta"] = about
        heard = await self._post(message)
        if method == "initialize" and "mcp-session-id" in heard.headers:
            self._session = {"mcp-session-id": heard.headers["mcp-session-id"]}
        said = _last_event(heard.body) if heard.media_type == "text/event-stream" else heard.json
        if not isinstance(said, dict) or "jsonrpc" not in said:
            message_ = f"answers {method} with {heard.status} and {heard.media_type or 'nothing'} instead of JSON-RPC"
            raise Misspoken(message_)
        return result_of(said, method)

    async def _post(self, message: Json) -> Heard:
        headers = {"accept": "application/json, text/event-stream", **self._session}
        if not self._version.handshake:
            headers |= {"mcp-protocol-version": self._version.id, "mcp-method": message["method"]}
            for subject in NAMED:
                if isinstance(message.get("params", {}).get(subject), str):
                    headers["mcp-name"] = message["params"][subject]
        elif self.agreed:
            headers["mcp-protocol-version"] = self.agreed
        return await self._web.ask("POST", self._url, headers, json=message)


class OverSse:
    """A client over the older transport: it posts in one place and hears in another."""

    def __init__(self, web: Web, address: str, lines: AsyncIterator[str], version: ProtocolVersion) -> None:
        self._web = web
        self._address = address
        self._events = _events(lines)
        self._version = version
        self._ids = itertools.count(1)

    async def open(self) -> None:
        """`initialize`."""
        await self.ask("initialize", hello(self._version))
        await self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def ask(self, method: str, params: Mapping[str, Any]) -> Json:
        """Post it, and wait for its answer on the stream."""
        message: Json = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": dict(params)}
        await self._post(message)
        async for _, value in self._events:
            said = _read(value.encode())
            if isinstance(said, dict) and said.get("id") == message["id"]:
                return result_of(said, method)
        raise Misspoken("ends its stream before it has answered")

    async def _post(self, message: Json) -> None:
        heard = await self._web.ask("POST", self._address, json=message)
        if heard.status not in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
            refused = f"answers {heard.status} to a message that was posted where it said"
            raise Misspoken(refused)


@contextlib.asynccontextmanager
async def over_sse(web: Web, url: str, version: ProtocolVersion, *, patience: float) -> AsyncIterator[OverSse]:
    """An open stream whose first event has come. Raises Misspoken and Unheard."""
    try:
        async with web.stream(url) as response:
            kind = response.headers.get("content-type", "")
            if response.status_code != HTTPStatus.OK or not kind.startswith("text/event-stream"):
                refused = f"answers {response.status_code} and {kind or 'nothing'} instead of a stream"
                raise Misspoken(refused)
            lines = response.aiter_lines()
            try:
                async with asyncio.timeout(patience):
                    name, address = await anext(_events(lines))
            except (TimeoutError, StopAsyncIteration):
                raise Misspoken("opens a stream on which nothing comes") from None
            if name != "endpoint":
                raise Misspoken("does not say first where to post")
            yield OverSse(web, address, lines, version)
    except httpx.HTTPError as error:
        raise unheard(url, error) from error


def hello(version: ProtocolVersion) -> Json:
    """What a client says of itself."""
    return {
        "protocolVersion": version.id,
        "capabilities": {},
        "clientInfo": {"name": "storefront-mcp doctor", "version": "1"},
    }


def result_of(said: Json, method: str) -> Json:
    """A response's result. Raises Misspoken for errors."""
    result = said.get("result")
    if isinstance(result, dict):
        return result
    error = said.get("error")
    told = error.get("message") if isinstance(error, dict) else "no result"
    message = f"refuses {method}: {told}"
    raise Misspoken(message)


def _text(result: Json) -> str:
    blocks = result.get("content")
    found = [one.get("text", "") for one in blocks if isinstance(one, dict)] if isinstance(blocks, list) else []
    return str(found[0]) if found else ""


def _last_event(body: bytes) -> Any:  # noqa: ANN401 -- somebody else's JSON
    """The response in a stream that has ended: what came last."""
    found = [
        line.removeprefix("data:").strip()
        for line in body.decode("utf-8", "replace").splitlines()
        if line.startswith("data:")
    ]
    return _read(found[-1].encode()) if found else None


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, str]]:
    """Events with one line of text each, which is all that MCP sends."""
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
