"""`PublicExchange`: one request to a host that is named by its URL, at public addresses only."""

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import httpx

from storefront_mcp.commerce.origins import is_loopback
from storefront_mcp.public_http.addresses import (
    HTTPS_PORT,
    Resolver,
    is_loopback_address,
    is_public_address,
    resolve_host,
)

HTTP_PORT: Final = 80
CONNECTED: Final = "connection.connect_tcp.complete"
"""httpx's trace event (its extension "trace") that tells of a new connection."""


class DestinationRefused(Exception):
    """A URL to which nothing is sent; the text is for the log."""

    def __init__(self, message: str, *, host_failed: bool = False) -> None:
        """`host_failed`: nothing on that host can be reached, whatever the path."""
        super().__init__(message)
        self.host_failed = host_failed


class PublicExchange:
    """Sends requests; whoever sends one bounds its time, and what is read of the answer."""

    def __init__(
        self,
        *,
        loopback: bool = False,
        resolve: Resolver = resolve_host,
        may_connect: Callable[[str], bool] = is_public_address,
        transport: httpx.AsyncBaseTransport | None = None,
        trust: ssl.SSLContext | None = None,
        port: int = HTTPS_PORT,
    ) -> None:
        """`loopback` lets URLs of this machine through, http included: for a store that runs on this machine alone.

        From `resolve` on, all is for tests: what resolves, what is public, what connects, whom to trust, and where
        hosts listen.
        """
        self._loopback = loopback
        self._resolve = resolve
        self._may_connect = may_connect
        self._transport = transport
        self._trust = trust
        self._port = port

    @asynccontextmanager
    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], steps: httpx.Timeout, content: bytes = b""
    ) -> AsyncIterator[httpx.Response]:
        """The answer, of which nothing is read yet. Raises DestinationRefused, httpx.HTTPError, OSError, UnicodeError.

        The connection goes to the address that was looked at, so that a second answer of the name server counts for
        nothing. No redirect is followed, no cookie and no credential is sent. Everything before the answer is bounded
        by `steps` one by one, and by the caller as a whole.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        local = self._loopback and is_loopback(url)
        if parts.scheme != "https" and not local:
            raise DestinationRefused(f"{host}: no https")
        may_connect = is_loopback_address if local else self._may_connect
        addresses = await self._resolve(host)
        if not addresses or not all(map(may_connect, addresses)):
            raise DestinationRefused(f"{host} is not at a public address", host_failed=True)
        port = (parts.port or _port(parts)) if local else self._port
        literal = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
        authority = host if port == self._port else parts.netloc.rpartition("@")[2]
        connections = AsyncExitStack()

        async def trace(event: str, about: Mapping[str, Any]) -> None:
            if event == CONNECTED:
                # httpcore leaves it open when a TLS handshake is cancelled.
                connections.push_async_callback(about["return_value"].aclose)

        request = httpx.Request(
            method,
            httpx.URL(url).copy_with(host=literal, port=port),
            headers={"host": authority, **headers},
            content=content,
            # The certificate has to be the host's, not the address's.
            extensions={"sni_hostname": host, "timeout": steps.as_dict(), "trace": trace},
        )
        transport = self._transport or httpx.AsyncHTTPTransport(verify=self._trust or True, trust_env=False)
        async with connections, transport:
            response = await transport.handle_async_request(request)
            try:
                yield response
            finally:
                await response.aclose()


def _port(parts: SplitResult) -> int:
    return HTTPS_PORT if parts.scheme == "https" else HTTP_PORT
