"""httpx's transport interface over aiohttp's connection pool: the default transport of `UpstreamClient`.

httpx's own transport walks every pooled connection for each request, which is the dearest part of a call; ADR 6 has the
figures. Requests and responses stay httpx's, so that tests can use scripted transports.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Final
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from yarl import URL

from storefront_mcp.commerce.error_codes import error_name

MAX_CONNECTIONS: Final = 100
"""Per shop; a request beyond it waits for a free one, up to the `pool` timeout."""
KEEPALIVE_SECONDS: Final = 15.0
"""Seconds that an idle connection is kept: shops' servers close theirs after 15 to 75."""


_ERROR_CLASSES: Final[tuple[tuple[type[Exception], type[httpx.TransportError]], ...]] = (
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
"""The first match counts. An error after which the shop may have the request must not map to a "not sent" error."""


class AiohttpTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 transport to one shop. Stores no cookies: one shopper's would be sent with another's requests."""

    def __init__(self, origin: str) -> None:
        """The scheme and host of `origin` decide on TLS and on the proxy from the environment."""
        url = httpx.URL(origin)
        # The same authorities as httpx's: certifi's, or those that SSL_CERT_FILE names. Reading them takes 150 ms.
        self._tls: ssl.SSLContext | bool = httpx.create_ssl_context() if url.scheme == "https" else True
        self._proxy = None if proxy_bypass(url.host) else getproxies().get(url.scheme)
        self._session: aiohttp.ClientSession | None = None
        self._timeouts: dict[tuple[float | None, ...], aiohttp.ClientTimeout] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and return once the response headers have arrived. Raises httpx.TransportError."""
        session = self._session or self._open_session()
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
            raise _translate(error, request) from error
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer, request), request=request)

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open_session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=KEEPALIVE_SECONDS, ssl=self._tls)
        session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False
        )
        # On a dead connection aiohttp would resend PUT and DELETE by itself; `UpstreamClient` decides on retries.
        session._retry_connection = False  # noqa: SLF001 -- there is no public way
        self._session = session
        return session

    def _timeout(self, wanted: Mapping[str, float | None]) -> aiohttp.ClientTimeout:
        key = (wanted.get("pool"), wanted.get("connect"), wanted.get("read"))
        if key not in self._timeouts:
            pool, connect, read = key
            self._timeouts[key] = aiohttp.ClientTimeout(connect=pool, sock_connect=connect, sock_read=read)
        return self._timeouts[key]


class _Body(httpx.AsyncByteStream):
    """A response body as a stream, not decompressed."""

    def __init__(self, answer: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._answer = answer
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._answer.content.iter_any():
                yield piece
        except aiohttp.ClientError as error:
            raise _translate(error, self._request) from error

    async def aclose(self) -> None:
        """Return the connection to the pool, or close it when the body was not read to its end."""
        self._answer.release()


def _translate(error: aiohttp.ClientError, request: httpx.Request) -> httpx.TransportError:
    word = next(word for kind, word in _ERROR_CLASSES if isinstance(error, kind))
    return word(str(error) or error_name(error), request=request)
