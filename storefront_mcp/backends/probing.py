"""What can be found out about a shop without selling anything: raw exchanges, and why there was none."""

import datetime as dt
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal, Protocol

import httpx
import msgspec
from msgspec import Struct

Why = Literal["nobody listens", "unknown host", "certificate", "silence", "torn"]

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of an answer that are looked at."""


class Unheard(Exception):
    """There was no answer to look at; `why` says what kept it, `detail` quotes the error for people."""

    def __init__(self, url: str, why: Why, detail: str) -> None:
        super().__init__(f"{url}: {why} ({detail})")
        self.url = url
        self.why = why
        self.detail = detail


class Heard(Struct, frozen=True, kw_only=True):
    """One answer, as it came."""

    url: str
    status: int
    media_type: str
    """In small letters, without parameters."""
    headers: Mapping[str, str]
    """By name in small letters."""
    body: bytes
    seconds: float
    """From the request to the last byte."""

    @property
    def json(self) -> Any:  # noqa: ANN401 -- somebody else's document
        """The body as JSON; None when it is none."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None

    @property
    def date(self) -> dt.datetime | None:
        """What the other side's clock shows (RFC 9110 §6.6.1); None when it does not say."""
        try:
            return parsedate_to_datetime(self.headers["date"]).astimezone(dt.UTC)
        except (KeyError, ValueError):
            return None

    @property
    def redirects(self) -> bool:
        """Whether it only sends elsewhere."""
        return self.status in {301, 302, 303, 307, 308} and "location" in self.headers


class Flavour(Struct, frozen=True, kw_only=True):
    """Which of its versions a shop's software seems to be, and what we miss in it."""

    name: str
    lacks: tuple[str, ...] = ()
    """Each completes "It has no …"."""


class Account(Struct, frozen=True, kw_only=True):
    """What the shop says to our service account."""

    admitted: bool
    rights: tuple[str, ...] = ()
    """As the shop names them; empty where it does not say."""
    lacks: tuple[str, ...] = ()
    """Rights that were tried and refused."""


class ShopProbe(Protocol):
    """Asks a shop harmless things. Every method but `address` raises only Unheard."""

    heard: list[Heard]
    """Every answer so far."""

    @property
    def software(self) -> str:
        """What it should be: a name for people."""

    @property
    def since(self) -> str:
        """The oldest version that has all we need."""

    @property
    def interface(self) -> str:
        """What it should speak: a name for people."""

    @property
    def address(self) -> str:
        """Where it is, as an operator writes it."""

    @property
    def coupons_per_minute(self) -> int:
        """Tries that the shop allows to all of our shoppers together."""

    async def hello(self) -> Heard:
        """The simplest question there is, for the shop's own choice of store and currency."""

    def speaks(self, heard: Heard) -> bool:
        """Whether an answer is one of this interface."""

    def switched_off(self, heard: Heard) -> bool:
        """Whether an answer says that the interface is there and not switched on."""

    async def knows_store(self) -> bool:
        """Whether it knows the store view that we ask for."""

    async def stores(self) -> tuple[str, ...]:
        """The codes of its store views."""

    async def knows_currency(self) -> bool:
        """Whether it answers in the currency that we ask for."""

    async def currencies(self) -> tuple[str, ...]:
        """The currencies in which it can answer."""

    async def flavour(self) -> Flavour:
        """Which version it seems to be."""

    async def takes_guests(self) -> bool:
        """Whether somebody without an account may order."""

    async def account(self) -> Account | None:
        """What our service account may do; None where we have none."""

    async def close(self) -> None:
        """Let go of the connections."""


async def ask(
    transport: httpx.AsyncBaseTransport,
    request: httpx.Request,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Heard:
    """Send a request as it is and read the answer, whatever it says. Raises Unheard."""
    began = clock()
    try:
        response = await transport.handle_async_request(request)
        try:
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > LARGEST:
                    break
        finally:
            await response.aclose()
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise unheard(str(request.url), error) from error
    return heard(response, bytes(body[:LARGEST]), str(request.url), clock() - began)


def heard(response: httpx.Response, body: bytes, url: str, seconds: float) -> Heard:
    """An answer of which everything has been read."""
    return Heard(
        url=url,
        status=response.status_code,
        media_type=response.headers.get("content-type", "").partition(";")[0].strip().lower(),
        headers={name.lower(): value for name, value in response.headers.items()},
        body=body,
        seconds=seconds,
    )


def unheard(url: str, error: Exception) -> Unheard:
    """Why there was no answer, by the errors behind the error."""
    behind = list(_behind(error))
    detail = str(error) or type(error).__name__
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in behind):
        return Unheard(url, "certificate", detail)
    if any(isinstance(one, socket.gaierror) for one in behind):
        return Unheard(url, "unknown host", detail)
    if isinstance(error, httpx.TimeoutException):
        return Unheard(url, "silence", detail)
    if isinstance(error, httpx.ConnectError | httpx.UnsupportedProtocol | httpx.InvalidURL):
        return Unheard(url, "nobody listens", detail)
    return Unheard(url, "torn", detail)


def _behind(error: BaseException) -> Iterator[BaseException]:
    """An error and whatever caused it, also where a library keeps the cause in an attribute of its own."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        causes = (one.__cause__, one.__context__, *(getattr(one, name, None) for name in _KEPT))
        waiting += [cause for cause in causes if isinstance(cause, BaseException)]


_KEPT: Final = ("os_error", "certificate_error")
