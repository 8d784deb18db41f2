"""Ask an issuer over HTTPS: short, bounded, without redirects."""

import asyncio
import ipaddress
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

import httpx
import msgspec
from msgspec import Struct

from storefront_mcp.calls.credentials import Secret

MOST: Final = 256 * 1024
"""Bytes of an answer: a hundred times what key sets and metadata have."""
TIMEOUT: Final = httpx.Timeout(4.0, connect=3.0)
TOTAL: Final = 8.0
"""Seconds for a question in all, however slowly the answer drips."""


class NoAnswer(Exception):
    """An issuer said nothing usable; `str(error)` is for the log and holds no secret."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        """`status` is that of an HTTP answer that was no success."""
        super().__init__(message)
        self.status = status


class Published(Struct, frozen=True):
    """A JSON object, and for how long it may be kept (RFC 9111 §5.2)."""

    content: dict[str, Any]
    cache_control: str


class Questions:
    """Asks one issuer. Connections are opened when they are first needed."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None, *, total: float = TOTAL) -> None:
        self._transport = transport
        self._total = total
        self._client: httpx.AsyncClient | None = None

    async def get(self, url: str) -> dict[str, Any]:
        """A JSON object. Raises NoAnswer."""
        return (await self._asked("GET", url)).content

    async def published(self, url: str, media_type: str) -> Published:
        """A JSON object of this media type. Raises NoAnswer."""
        return await self._asked("GET", url, media_type, headers={"accept": media_type})

    async def post(self, url: str, form: Mapping[str, str], *, client_id: str, secret: Secret) -> dict[str, Any]:
        """A JSON object for a form, with the client's credentials (RFC 6749 §2.3.1). Raises NoAnswer."""
        who = httpx.BasicAuth(quote_plus(client_id), quote_plus(secret.reveal()))
        return (await self._asked("POST", url, data=form, auth=who)).content

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _asked(self, method: str, url: str, media_type: str | None = None, **what: Any) -> Published:  # noqa: ANN401 -- httpx's own
        if not trustworthy(url):
            raise NoAnswer(f"{_shown(url)} is neither https nor on this machine")
        try:
            async with asyncio.timeout(self._total):
                body, headers = await self._body(method, url, **what)
            if media_type not in {None, headers.get("content-type", "").partition(";")[0].strip().lower()}:
                raise NoAnswer(f"{_shown(url)}: the answer is no {media_type}")
            return Published(msgspec.json.decode(body, type=dict[str, Any]), headers.get("cache-control", ""))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            # Texts of these may quote what was sent; their kind is enough to act on.
            raise NoAnswer(f"{_shown(url)}: {type(error).__name__}") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise NoAnswer(f"{_shown(url)}: the answer is no JSON object") from None

    async def _body(self, method: str, url: str, **what: Any) -> tuple[bytes, httpx.Headers]:  # noqa: ANN401 -- as above
        client = self._client or self._opened()
        body = bytearray()
        async with client.stream(method, url, **what) as response:
            if not response.is_success:
                raise NoAnswer(f"{_shown(url)}: {response.status_code}", status=response.status_code)
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MOST:
                    raise NoAnswer(f"{_shown(url)}: more than {MOST} bytes")
        return bytes(body), response.headers

    def _opened(self) -> httpx.AsyncClient:
        self._client = httpx.AsyncClient(
            transport=self._transport,
            timeout=TIMEOUT,
            follow_redirects=False,
            headers={"accept": "application/json"},
            limits=httpx.Limits(max_connections=8, max_keepalive_connections=2),
        )
        return self._client


def trustworthy(url: str) -> bool:
    """Whether what comes from there may decide who somebody is: https, or this machine itself."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _loopback(host))


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(url: str) -> str:
    """An address without what may be secret in it."""
    return url.partition("?")[0][:200]
