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

import httpx
import msgspec
from msgspec import Struct

from storefront_mcp.backends.address import Address
from storefront_mcp.backends.circuit import Circuit
from storefront_mcp.calls.watching import Watcher, looked_at, request_id
from storefront_mcp.commerce.errors import ShopBusy, ShopDown, ShopError, ShopMisconfigured, ShopRefused, ShopUnclear

T = TypeVar("T")

logger = logging.getLogger(__name__)

SECRET: Final = re.compile(r"[0-9a-fA-F]{32,}")
"""Masked cart ids and order tokens: whoever knows one owns the cart."""

UNSENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""Failures after which the shop surely has not seen the call."""

TORN: Final = (httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
"""Connection failures, which one more try of a read may cure. A timeout is not: the shop is slow enough already."""

LAST_WORD: Final = 500
"""The highest status by which a shop ends a call. Above it a gateway speaks, and the shop may still be at it."""

GIVEN_UP: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, 499})
"""Client errors that a gateway says of a call which it may have passed on."""

PAUSE: Final = 60
"""Seconds to wait when a shop counts requests and does not say how long."""


class Limits(Struct, frozen=True, kw_only=True):
    """How patient we are with a shop; times in seconds."""

    connect: float = 3.0
    read: float = 10.0
    """Between two pieces of an answer."""
    total: float = 15.0
    """For a whole call, a second try included."""
    order: float = 30.0
    """For the one call that makes an order, which may wait for a bank; never less than `total`."""
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
    patience: float
    final: bool = False
    """Whether a success stays one whatever its body is, and failures say nothing of the shop to other shoppers."""
    heads: list[int] = []
    """The status, once it is there."""

    @property
    def where(self) -> str:
        """Method and path for the log, without query and secrets."""
        return f"{self.request.method} {redacted(self.request.url.path)}"

    def lost(self, why: str, *, sent: bool = True) -> ShopDown:
        """The error for an answer that is missing or unusable."""
        internal = f"{self.where}: {redacted(why)}"
        if self.harmless or not sent:
            return ShopDown(internal=internal)
        return ShopUnclear(
            internal=internal, over=any(status <= LAST_WORD and status not in GIVEN_UP for status in self.heads)
        )


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
        watcher: Watcher | None = None,
    ) -> None:
        self._transport = transport
        self._address = Address(url)
        self._root = len(httpx.URL(url).raw_path.rstrip(b"/"))
        self._watcher = watcher
        self._headers = httpx.Headers({"accept-encoding": "gzip, deflate", **headers})
        self._sending = httpx.Headers({**self._headers, "content-type": "application/json"})
        timeout = httpx.Timeout(limits.read, connect=limits.connect, pool=limits.connect)
        self._timeout = timeout.as_dict()
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
        watcher: Watcher | None = None,
    ) -> "Upstream":
        """A shop's interface below `url`, sending `headers` and the request's id with every call."""
        return cls(
            transport or _wire(url), url=url, headers=headers, limits=limits or Limits(), clock=clock, watcher=watcher
        )

    @property
    def resting(self) -> bool:
        """Whether the shop was down the last times, so that it is only probed now and then."""
        return self._circuit.open

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def read(self, path: str, query: Mapping[str, str] | None = None, *, bearer: str | None = None) -> Answer:
        """GET, with a bearer token where there is one."""
        headers = self._headers
        if bearer is not None:
            headers = httpx.Headers({**headers, "authorization": f"Bearer {bearer}"})
        request = self._built("GET", path, query=query, headers=headers)
        return await self._ask(_Call(request=request, reads=True, harmless=True, patience=self._limits.total))

    async def write(self, method: str, path: str, body: object = None, *, harmless: bool = False) -> Answer:
        """Change something. POST and PUT always carry JSON, `{}` when there is nothing to say.

        `harmless` says that doing it twice, or not knowing, costs nobody anything: a lost answer is plain ShopDown.
        """
        request = self._built(method, path, body=None if method == "DELETE" else body or {})
        return await self._ask(_Call(request=request, reads=False, harmless=harmless, patience=self._limits.total))

    async def settle(self, path: str, body: object) -> Answer:
        """POST what cannot be taken back, with all the patience there is.

        Once a success has begun to come it is answered as one, also when its body is cut off. Its failures, unless the
        shop cannot even be reached, do not open the circuit: they say something of this call only.
        """
        patience = max(self._limits.order, self._limits.total)
        request = self._built("POST", path, body=body, read=patience)
        return await self._ask(_Call(request=request, reads=False, harmless=False, patience=patience, final=True))

    def _built(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        headers: httpx.Headers | None = None,
        read: float | None = None,
    ) -> httpx.Request:
        extensions = {"timeout": self._timeout if read is None else {**self._timeout, "read": read}}
        try:
            url = self._address.below(path, query)
            if body is None:
                return httpx.Request(method, url, headers=headers or self._headers, extensions=extensions)
            content = msgspec.json.encode(body)
            return httpx.Request(method, url, headers=self._sending, content=content, extensions=extensions)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise ShopRefused("this is too long, or no text that can be sent.") from error

    async def _ask(self, call: _Call) -> Answer:
        if named := request_id():
            call.request.headers["x-request-id"] = named
        watcher = self._watcher
        if watcher is None:
            return await self._asked(call)
        path = call.request.url.raw_path.partition(b"?")[0].decode("ascii")
        look = watcher.asks_shop(operation(call.request.method, path[self._root :]))
        try:
            if look.headers:
                call.request.headers.update(look.headers)
            answer = await looked_at(self._asked(call), look)
            if not answer.ok:
                look.became(str(answer.status))
            return answer
        finally:
            look.ended()
            watcher.circuit(opened=self._circuit.open)

    async def _asked(self, call: _Call) -> Answer:
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
                alive = None if call.final else False
            logger.warning("%s", error.internal)
            raise
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            sent = not isinstance(error, UNSENT)
            alive = None if call.final and sent else False
            lost = call.lost(f"{type(error).__name__}: {error}", sent=sent)
            logger.warning("%s", lost.internal)
            raise lost from error
        finally:
            self._circuit.record(alive=alive)

    async def _in_time(self, call: _Call) -> tuple[httpx.Response, bytes]:
        async with asyncio.timeout(call.patience):
            try:
                return await self._exchange(call)
            except TORN:
                if not call.reads:
                    raise
            return await self._exchange(call)

    async def _exchange(self, call: _Call) -> tuple[httpx.Response, bytes]:
        response = await self._transport.handle_async_request(call.request)
        call.heads.append(response.status_code)
        settled = call.final and response.is_success
        body = bytearray()
        # What is not packed needs no unpacking, and the way through httpx's decoders is longer than all of this.
        packed = "content-encoding" in response.headers
        pieces = response.aiter_bytes() if packed else cast("httpx.AsyncByteStream", response.stream)
        try:
            async for piece in pieces:
                body += piece
                if len(body) > self._limits.max_bytes:
                    if settled:
                        break
                    raise call.lost(f"{response.status_code} with more than {self._limits.max_bytes} bytes")
        except httpx.HTTPError:
            if not settled:
                raise
            logger.warning("%s: %s, and then the answer broke off", call.where, response.status_code)
        finally:
            await response.aclose()
        return response, bytes(body)


def operation(method: str, path: str) -> str:
    """What is asked of a shop, without whom or what it is about: names and ids take turns in a path.

    >>> operation("PUT", "/guest-carts/e3fb5edf10227d4b7cc2b3951703a469/items/7")
    'PUT /guest-carts/{id}/items/{id}'
    """
    parts = path.split("/")
    return f"{method} {'/'.join('{id}' if at and at % 2 == 0 else part for at, part in enumerate(parts))}"


def _wire(url: str) -> httpx.AsyncBaseTransport:
    # aiohttp sets up TLS as it is imported, which a server whose shop is embedded need not wait for.
    from storefront_mcp.backends.wire import Wire  # noqa: PLC0415

    return Wire(url)


def _judged(call: _Call, response: httpx.Response, body: bytes) -> Answer:
    """The answer, when it is one a shop's interface gives on purpose; else the error."""
    status = response.status_code
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if call.final and status == HTTPStatus.CREATED:
        return Answer(status=status, body=body, call=call)
    if response.has_redirect_location:
        if call.final:
            raise call.lost(f"{status} redirects")
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
            raise call.lost(f"{status} {kind} instead of JSON", sent=status in GIVEN_UP)
        raise call.lost(f"{status} {kind} instead of JSON")
    return Answer(status=status, body=body, call=call)
