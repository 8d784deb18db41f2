"""How we speak HTTP with a shop: limits, one retry of reads, the circuit, and every failure said in the shop's words.

Requests and answers are httpx's, and they go straight to a transport: `wire`, unless the caller hands one in (an ASGI
application for the embedded shop, a scripted one in tests). httpx's client is left out, because what it adds, cookies,
redirects and authentication flows, is what a shop's interface must not have, and costs more than the transport.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlencode

import httpx
import msgspec
from msgspec import Struct

from storefront_mcp.backends.circuit import Circuit
from storefront_mcp.backends.wire import Wire
from storefront_mcp.commerce.errors import ShopBusy, ShopDown, ShopError, ShopMisconfigured, ShopRefused, ShopUnclear

T = TypeVar("T")

logger = logging.getLogger(__name__)

SECRET: Final = re.compile(r"[0-9a-fA-F]{32,}")
"""Masked cart ids and order tokens: whoever knows one owns the cart."""

UNSENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""Failures after which the shop surely has not seen the call."""

TORN: Final = (httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
"""Connection failures, which one more try of a read may cure. A timeout is not: the shop is slow enough already."""

PAUSE: Final = 60
"""Seconds to wait when a shop counts requests and does not say how long."""


class Limits(Struct, frozen=True, kw_only=True):
    """How patient we are with a shop; times in seconds."""

    connect: float = 3.0
    read: float = 10.0
    """Between two pieces of an answer."""
    total: float = 15.0
    """For a whole call, a second try included."""
    max_bytes: int = 4 * 1024 * 1024
    """Of an answer's body, unpacked."""
    failures: int = 5
    """In a row, before the circuit opens."""
    cool_down: float = 10.0
    """Before an open circuit lets one call probe."""


def redacted(text: str) -> str:
    """A text without secrets, for a log.

    >>> redacted("GET /guest-carts/e3fb5edf10227d4b7cc2b3951703a469/items")
    'GET /guest-carts/[cart]/items'
    """
    return SECRET.sub("[cart]", text)


@cache
def _decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    """Lax about "2" for 2, which PHP writes now and then; amounts keep every digit in a field typed Decimal."""
    return msgspec.json.Decoder(kind, strict=False)


class _Call(Struct, frozen=True, kw_only=True):
    """A request, and what its failure means."""

    request: httpx.Request
    reads: bool
    harmless: bool

    @property
    def where(self) -> str:
        """Method and path for the log, without query and secrets."""
        return f"{self.request.method} {redacted(self.request.url.path)}"

    def lost(self, why: str, *, sent: bool = True) -> ShopDown:
        """The error for an answer that is missing or unusable."""
        internal = f"{self.where}: {redacted(why)}"
        return ShopDown(internal=internal) if self.harmless or not sent else ShopUnclear(internal=internal)


class Answer(Struct, frozen=True, kw_only=True):
    """What the shop said: a success or a refusal, JSON or nothing."""

    status: int
    body: bytes
    call: _Call

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def empty(self) -> bool:
        """Whether nothing was said."""
        return not self.body.strip()

    @property
    def is_list(self) -> bool:
        """Whether the body is a bare list."""
        return self.body.lstrip().startswith(b"[")

    @property
    def where(self) -> str:
        """Method and path for the log, without secrets."""
        return self.call.where

    def read(self, kind: type[T]) -> T:
        """The body as a `kind`. A body that is none raises ShopDown, or ShopUnclear after a write."""
        try:
            read: T = _decoder(cast("Hashable", kind)).decode(self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            lost = self.call.lost(f"{self.status} cannot be read: {error}")
            logger.warning("%s", lost.internal)
            raise lost from error
        return read


class Upstream:
    """One shop's HTTP interface. Raises only ShopDown and its kin, and ShopBusy; refusals (4xx) are answers.

    What cannot be written into a request at all is ShopRefused.

    * A read is tried once more after a connection failure; a write never.
    * A write whose answer is lost is ShopUnclear, unless it surely was not sent, or is `harmless` to repeat.
    * Redirects are not followed: the shop's address is wrong, and an operator must know.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        *,
        url: str,
        headers: Mapping[str, str],
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self._transport = transport
        self._url = url.rstrip("/")
        self._headers = httpx.Headers({"accept-encoding": "gzip, deflate", **headers})
        self._sending = httpx.Headers({**self._headers, "content-type": "application/json"})
        timeout = httpx.Timeout(limits.read, connect=limits.connect, pool=limits.connect)
        self._extensions = {"timeout": timeout.as_dict()}
        self._limits = limits
        self._circuit = Circuit(failures=limits.failures, cool_down=limits.cool_down, clock=clock)

    @classmethod
    def at(
        cls,
        url: str,
        *,
        headers: Mapping[str, str],
        limits: Limits | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> "Upstream":
        """A shop's interface below `url`, sending `headers` with every call."""
        return cls(transport or Wire(url), url=url, headers=headers, limits=limits or Limits(), clock=clock)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def read(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """GET."""
        return await self._ask(_Call(request=self._built("GET", path, query=query), reads=True, harmless=True))

    async def write(self, method: str, path: str, body: object = None, *, harmless: bool = False) -> Answer:
        """Change something. POST and PUT always carry JSON, `{}` when there is nothing to say.

        `harmless` says that doing it twice, or not knowing, costs nobody anything: a lost answer is plain ShopDown.
        """
        request = self._built(method, path, body=None if method == "DELETE" else body or {})
        return await self._ask(_Call(request=request, reads=False, harmless=harmless))

    def _built(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: object = None
    ) -> httpx.Request:
        try:
            url = httpx.URL(f"{self._url}{path}?{urlencode(query)}" if query else self._url + path)
            if body is None:
                return httpx.Request(method, url, headers=self._headers, extensions=self._extensions)
            content = msgspec.json.encode(body)
            return httpx.Request(method, url, headers=self._sending, content=content, extensions=self._extensions)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise ShopRefused("this is too long, or no text that can be sent.") from error

    async def _ask(self, call: _Call) -> Answer:
        if not self._circuit.admits():
            raise ShopDown(internal=f"{call.where}: not asked, the circuit is open")
        alive: bool | None = None
        try:
            response, body = await self._in_time(call)
            # A write that breaks the shop says something about that write; it must not lock out other shoppers.
            breaks = response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR and not call.reads
            alive = None if breaks else True
            return _judged(call, response, body)
        except ShopError as error:
            # Two statuses prove that somebody is at home: a pause asked for, and a wrong address.
            if alive is not None and not isinstance(error, ShopBusy | ShopMisconfigured):
                alive = False
            logger.warning("%s", error.internal)
            raise
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            alive = False
            lost = call.lost(f"{type(error).__name__}: {error}", sent=not isinstance(error, UNSENT))
            logger.warning("%s", lost.internal)
            raise lost from error
        finally:
            self._circuit.record(alive=alive)

    async def _in_time(self, call: _Call) -> tuple[httpx.Response, bytes]:
        async with asyncio.timeout(self._limits.total):
            try:
                return await self._exchange(call)
            except TORN:
                if not call.reads:
                    raise
            return await self._exchange(call)

    async def _exchange(self, call: _Call) -> tuple[httpx.Response, bytes]:
        response = await self._transport.handle_async_request(call.request)
        try:
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > self._limits.max_bytes:
                    raise call.lost(f"{response.status_code} with more than {self._limits.max_bytes} bytes")
            return response, bytes(body)
        finally:
            await response.aclose()


def _judged(call: _Call, response: httpx.Response, body: bytes) -> Answer:
    """The answer, when it is one a shop's interface gives on purpose; else the error."""
    status = response.status_code
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if response.has_redirect_location:
        raise ShopMisconfigured(f"{call.where}: {status} redirects to {redacted(response.headers['location'])[:200]}")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        asked = response.headers.get("retry-after", "")
        pause = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) <= len("86400") else PAUSE
        raise ShopBusy(retry_after=pause or 1, internal=f"{call.where}: 429")
    if not (response.is_success or response.is_client_error):
        raise call.lost(f"{status} {kind}")
    if body.strip() and not (kind == "application/json" or kind.endswith("+json")):
        if status == HTTPStatus.NOT_FOUND:
            raise ShopMisconfigured(f"{call.where}: 404 {kind}, so there is no shop interface at this address")
        if response.is_client_error:
            raise call.lost(f"{status} {kind} instead of JSON", sent=False)
        raise call.lost(f"{status} {kind} instead of JSON")
    return Answer(status=status, body=body, call=call)
