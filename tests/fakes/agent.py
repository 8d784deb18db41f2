"""A buyer agent for tests: the same journey over every protocol version; only the envelope differs."""

import itertools
import json
from collections.abc import Mapping
from typing import Any, Self

import httpx

HANDSHAKE = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN = ("2026-07-28",)
VERSIONS = (*HANDSHAKE, *MODERN)
META = "io.modelcontextprotocol/"

Json = dict[str, Any]


class Agent:
    """One client of one server, in the words of one version."""

    def __init__(self, origin: str, version: str, *, client: httpx.AsyncClient | None = None) -> None:
        self.version = version
        self.modern = version in MODERN
        self._url = f"{origin}/mcp"
        self._client = client or httpx.AsyncClient(timeout=120, verify=False)
        self._ids = itertools.count(1)
        self.bytes_read = 0

    async def __aenter__(self) -> Self:
        if not self.modern:
            hello = await self.ask(
                "initialize",
                protocolVersion=self.version,
                capabilities={},
                clientInfo={"name": "agent of the tests", "version": "1"},
            )
            assert hello["result"]["protocolVersion"] == self.version
            accepted = await self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
            assert accepted.status_code == 202
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def post(self, message: Json, headers: Mapping[str, str] = {}) -> httpx.Response:
        """Send a message as this version would."""
        sent = {"accept": "application/json, text/event-stream", **self._headers(message), **headers}
        return await self._client.post(self._url, json=message, headers=sent)

    async def ask(self, method: str, **params: Any) -> Json:
        """Send a request and read its answer."""
        message: Json = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        if self.modern:
            about = {META + "protocolVersion": self.version, META + "clientCapabilities": {}}
            message["params"] = {**params, "_meta": about}
        response = await self.post(message)
        assert response.status_code < 500, response.text
        answer: Json = response.json()
        assert answer["id"] == message["id"]
        return answer

    async def tools(self) -> list[str]:
        """Names of the tools that are listed now."""
        return [tool["name"] for tool in (await self.ask("tools/list"))["result"]["tools"]]

    async def call(self, tool: str, **arguments: Any) -> Json:
        """Call a tool; the result as the version dresses it."""
        answer = await self.ask("tools/call", name=tool, arguments=arguments)
        assert "result" in answer, answer
        result: Json = answer["result"]
        self.bytes_read += len(result["content"][0]["text"].encode())
        if self.modern:
            assert result["resultType"] == "complete"
        return result

    def _headers(self, message: Json) -> dict[str, str]:
        if self.modern:
            headers = {"mcp-protocol-version": self.version, "mcp-method": message["method"]}
            for subject in ("name", "uri"):
                if subject in message.get("params", {}):
                    headers["mcp-name"] = message["params"][subject]
            return headers
        named = self.version >= "2025-06-18" and message["method"] != "initialize"
        return {"mcp-protocol-version": self.version} if named else {}


def value(result: Json) -> Json:
    """What a tool returned; the text is the same JSON as the structured content."""
    assert not result["isError"], result["content"][0]["text"]
    told: Json = json.loads(result["content"][0]["text"])
    if "structuredContent" in result:
        assert result["structuredContent"] == told
    return told


def refusal(result: Json) -> str:
    """What a tool said instead of doing it."""
    assert result["isError"], result
    assert set(result.get("structuredContent", {"error": {}})) == {"error"}
    text: str = result["content"][0]["text"]
    return text


def adds_up(totals: Json) -> bool:
    """The promise of a cart's totals, to the minor unit."""

    def minor(name: str) -> int:
        return int(totals.get(name, {"minor": 0})["minor"])

    tax = 0 if totals.get("tax_included") else minor("tax")
    parts = minor("subtotal") - minor("discount") + minor("shipping") + tax - minor("gift_cards") + minor("other")
    return parts == minor("total")
