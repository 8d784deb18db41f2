"""HTTPS client for token issuers and key directories: bounded in time and size, without redirects."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

import httpx
import msgspec
from msgspec import Struct

from storefront_mcp.access.credentials import Secret
from storefront_mcp.commerce.error_codes import error_name
from storefront_mcp.commerce.origins import is_loopback

MAX_RESPONSE_BYTES: Final = 256 * 1024
"""Longest response: a hundred times what key sets and metadata have."""
MAX_ERROR_BYTES: Final = 16 * 1024
OAUTH_ERRORS: Final = frozenset(
    {
        "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
        "invalid_scope", "invalid_target",
    }
)  # fmt: skip
STEP_TIMEOUT_SECONDS: Final = httpx.Timeout(4.0, connect=3.0)
TOTAL_TIMEOUT_SECONDS: Final = 8.0
"""Longest time for a request and its whole response."""


class IssuerUnavailable(Exception):
    """An issuer gave no usable response; `str(error)` is for the log and holds no secret."""

    def __init__(self, message: str, *, status: int | None = None, error: str = "") -> None:
        """`status` is that of an unsuccessful HTTP response, `error` its OAuth error code (RFC 6749 §5.2)."""
        super().__init__(message)
        self.status = status
        self.error = error


class JsonDocument(Struct, frozen=True):
    """A JSON object and its Cache-Control (RFC 9111 §5.2)."""

    content: dict[str, Any]
    cache_control: str


class IssuerClient:
    """Client of one issuer; connects on first use."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        total: float = TOTAL_TIMEOUT_SECONDS,
        may_ask: Callable[[str], bool] = lambda _url: True,
    ) -> None:
        """`may_ask` says of a trusted URL whether this issuer may have us ask it."""
        self._may_ask = may_ask
        self._transport = transport
        self._total = total
        self._client: httpx.AsyncClient | None = None

    async def get(self, url: str) -> dict[str, Any]:
        """GET a JSON object. Raises IssuerUnavailable."""
        return (await self._request("GET", url)).content

    async def get_document(self, url: str, media_type: str) -> JsonDocument:
        """GET a JSON object of this media type. Raises IssuerUnavailable."""
        return await self._request("GET", url, media_type, headers={"accept": media_type})

    async def post(
        self, url: str, form: Mapping[str, str], *, client_id: str = "", secret: Secret | None = None
    ) -> dict[str, Any]:
        """POST a form; a JSON object. Raises IssuerUnavailable.

        With a `secret` the client proves itself by HTTP Basic authentication (RFC 6749 §2.3.1).
        """
        auth = None if secret is None else httpx.BasicAuth(quote_plus(client_id), quote_plus(secret.reveal()))
        return (await self._request("POST", url, data=form, auth=auth)).content

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _request(self, method: str, url: str, media_type: str | None = None, **what: Any) -> JsonDocument:  # noqa: ANN401 -- httpx's own
        if not is_trusted_url(url):
            raise IssuerUnavailable(f"{_without_query(url)} is neither https nor on this machine")
        if not self._may_ask(url):
            raise IssuerUnavailable(f"{_without_query(url)} is neither the issuer's nor public")
        try:
            async with asyncio.timeout(self._total):
                body, headers = await self._body(method, url, **what)
            if media_type not in {None, headers.get("content-type", "").partition(";")[0].strip().lower()}:
                raise IssuerUnavailable(f"{_without_query(url)}: the answer is no {media_type}")
            return JsonDocument(msgspec.json.decode(body, type=dict[str, Any]), headers.get("cache-control", ""))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            # Texts of these may quote what was sent, so only their class is logged.
            raise IssuerUnavailable(f"{_without_query(url)}: {error_name(error)}") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise IssuerUnavailable(f"{_without_query(url)}: the answer is no JSON object") from None

    async def _body(self, method: str, url: str, **what: Any) -> tuple[bytes, httpx.Headers]:  # noqa: ANN401 -- as above
        client = self._client or self._open_client()
        body = bytearray()
        async with client.stream(method, url, **what) as response:
            if not response.is_success:
                raise IssuerUnavailable(
                    f"{_without_query(url)}: {response.status_code}",
                    status=response.status_code,
                    error=await _oauth_error(response) if method == "POST" else "",
                )
            if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
                raise IssuerUnavailable(f"{_without_query(url)}: compressed, which was not asked for")
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > MAX_RESPONSE_BYTES:
                    raise IssuerUnavailable(f"{_without_query(url)}: more than {MAX_RESPONSE_BYTES} bytes")
        return bytes(body), response.headers

    def _open_client(self) -> httpx.AsyncClient:
        self._client = httpx.AsyncClient(
            transport=self._transport,
            timeout=STEP_TIMEOUT_SECONDS,
            follow_redirects=False,
            headers={"accept": "application/json", "accept-encoding": "identity"},
            limits=httpx.Limits(max_connections=8, max_keepalive_connections=2),
        )
        return self._client


async def _oauth_error(response: httpx.Response) -> str:
    """The error code of an unsuccessful response; empty where it tells none that is defined."""
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > MAX_ERROR_BYTES:
            return ""
    try:
        said = msgspec.json.decode(bytes(body), type=dict[str, Any]).get("error")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return said if isinstance(said, str) and said in OAUTH_ERRORS else ""


def is_trusted_url(url: str) -> bool:
    """Whether a URL is https, or http on the loopback interface, without credentials."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))


def _without_query(url: str) -> str:
    """A URL without its query, which may hold secrets."""
    return url.partition("?")[0][:200]
