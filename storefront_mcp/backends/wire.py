"""httpx's transport interface over aiohttp's connections: what stands under `upstream` when nothing is handed in.

httpx's own transport walks every connection of its pool for every request and is the dearest part of a call; the ADR
"What stands under httpx" has the figures. Requests and answers stay httpx's, so tests go on scripting them.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Final
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from yarl import URL

CONNECTIONS: Final = 100
"""To one shop at a time; who comes later waits as long as for a connection."""
KEPT: Final = 15.0
"""Seconds that an idle connection is kept: shops' servers close theirs after 15 to 75."""


_WORDS: Final[tuple[tuple[type[Exception], type[httpx.TransportError]], ...]] = (
    (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.ClientOSError, httpx.ReadError),
    (aiohttp.ClientPayloadError, httpx.ReadError),
    (aiohttp.ClientError, httpx.RemoteProtocolError),
)
"""The first that fits. What may have reached the shop must never become a word for "not sent"."""


class Wire(httpx.AsyncBaseTransport):
    """HTTP/1.1 to one shop. It keeps no cookies: they would be one shopper's, shown by the next."""

    def __init__(self, origin: str) -> None:
        """`origin` says whether TLS is needed and which of the environment's proxies is meant."""
        url = httpx.URL(origin)
        # The same authorities as httpx's: certifi's, or those that SSL_CERT_FILE names. Reading them takes 150 ms.
        self._tls: ssl.SSLContext | bool = httpx.create_ssl_context() if url.scheme == "https" else True
        self._proxy = None if proxy_bypass(url.host) else getproxies().get(url.scheme)
        self._session: aiohttp.ClientSession | None = None
        self._patience: dict[tuple[float | None, ...], aiohttp.ClientTimeout] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and answer as soon as the head is there. Raises httpx.TransportError."""
        session = self._session or self._opened()
        try:
            answer = await session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=request.content or None,
                allow_redirects=False,
                timeout=self._timeout(request.extensions.get("timeout", {})),
                proxy=self._proxy,
            )
        except aiohttp.ClientError as error:
            raise _said(error, request) from error
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer, request), request=request)

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEPT, ssl=self._tls)
        session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False
        )
        # On a connection that proves dead, aiohttp sends PUT and DELETE once more by itself; whether a call may be
        # repeated is for `upstream` to say.
        session._retry_connection = False  # noqa: SLF001 -- there is no public way
        self._session = session
        return session

    def _timeout(self, wanted: Mapping[str, float | None]) -> aiohttp.ClientTimeout:
        key = (wanted.get("pool"), wanted.get("connect"), wanted.get("read"))
        if key not in self._patience:
            pool, connect, read = key
            self._patience[key] = aiohttp.ClientTimeout(connect=pool, sock_connect=connect, sock_read=read)
        return self._patience[key]


class _Body(httpx.AsyncByteStream):
    """An answer's body as it comes in, still packed if it came packed."""

    def __init__(self, answer: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._answer = answer
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._answer.content.iter_any():
                yield piece
        except aiohttp.ClientError as error:
            raise _said(error, self._request) from error

    async def aclose(self) -> None:
        """Give the connection back, or close it when the body was not read to its end."""
        self._answer.release()


def _said(error: aiohttp.ClientError, request: httpx.Request) -> httpx.TransportError:
    word = next(word for kind, word in _WORDS if isinstance(error, kind))
    return word(str(error) or type(error).__name__, request=request)
