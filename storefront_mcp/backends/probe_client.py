"""The client of a shop's probe: raw responses, each of them kept, and what probes read of their bodies."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import httpx
import msgspec

from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.probe import ProbeRefused, ProbeResponse, probe


class ProbeClient:
    """Asks one shop, below one address."""

    def __init__(self, address: str, limits: ClientLimits, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """`transport` replaces the network."""
        self.responses: Final[list[ProbeResponse]] = []
        """Every response so far."""
        self._address = address
        self._transport = transport or _network(address)
        self._timeout = httpx.Timeout(limits.read, connect=limits.connect, pool=limits.connect).as_dict()

    async def send(self, method: str, path: str, headers: Mapping[str, str] = {}, body: object = None) -> ProbeResponse:
        """Send a request, with a body in JSON, and keep the response. Raises ProbeFailed."""
        answer = await self._exchange(method, path, {"accept": "application/json", **headers}, body)
        self.responses.append(answer)
        return answer

    async def status_of(self, path: str, media_type: str) -> int:
        """The status of a page of the shop, which is not kept. Raises ProbeFailed."""
        return (await self._exchange("GET", path, {"accept": media_type}, None)).status

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def _exchange(self, method: str, path: str, headers: Mapping[str, str], body: object) -> ProbeResponse:
        sent, content = {"user-agent": "storefront-mcp doctor", **headers}, b""
        if body is not None:
            sent["content-type"], content = "application/json", msgspec.json.encode(body)
        extensions = {"timeout": self._timeout}
        request = httpx.Request(method, self._address + path, headers=sent, content=content, extensions=extensions)
        return await probe(self._transport, request)


def body_object(response: ProbeResponse) -> Mapping[str, Any]:
    """The object of a JSON body; empty where it is none."""
    said = response.json
    return said if isinstance(said, dict) else {}


def require_success(response: ProbeResponse) -> ProbeResponse:
    """A response that is a success in JSON. Raises ProbeRefused for others."""
    if response.status != HTTPStatus.OK or response.json is None:
        raise ProbeRefused(response)
    return response


def _network(url: str) -> httpx.AsyncBaseTransport:
    # Imported late, as in `http_client`: aiohttp sets up TLS on import.
    from storefront_mcp.backends.aiohttp_transport import AiohttpTransport  # noqa: PLC0415

    return AiohttpTransport(url)
