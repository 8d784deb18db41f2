"""Diagnostics of a shop's API: the `ShopProbe` protocol, raw responses, and one request."""

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol, cast

import httpx
import msgspec
from msgspec import Struct

from storefront_mcp.backends.probe_failures import ProbeFailed, failure_of
from storefront_mcp.backends.upstream_messages import BodyDecoder, BodyTooLong

__all__ = [
    "AccountAccess",
    "ProbeFailed",
    "ProbeRefused",
    "ProbeResponse",
    "ShopProbe",
    "SoftwareVersion",
    "probe",
    "response_of",
]

MAX_RESPONSE_BYTES: Final = 4 * 1024 * 1024
"""Longer bodies are cut."""


class ProbeResponse(Struct, frozen=True, kw_only=True):
    """One response, not interpreted."""

    url: str
    status: int
    media_type: str
    """In lower case, without parameters."""
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes
    seconds: float
    """From the request to the last byte."""

    @property
    def json(self) -> Any:  # noqa: ANN401 -- the shop's document
        """The body as JSON; None when it is none."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None

    @property
    def date(self) -> dt.datetime | None:
        """The `Date` header in UTC (RFC 9110 §6.6.1); None when absent or malformed."""
        try:
            return parsedate_to_datetime(self.headers["date"]).astimezone(dt.UTC)
        except (KeyError, ValueError):
            return None

    @property
    def redirects(self) -> bool:
        """Whether it is a redirect."""
        return self.status in {301, 302, 303, 307, 308} and "location" in self.headers


class ProbeRefused(Exception):
    """A response that says nothing about what was asked: a refusal, an error, or a page of somebody else."""

    def __init__(self, response: ProbeResponse) -> None:
        super().__init__(f"{response.url}: {response.status}")
        self.response = response


class SoftwareVersion(Struct, frozen=True, kw_only=True):
    """The detected version of a shop's software, and the features it lacks."""

    name: str
    lacks: tuple[str, ...] = ()
    """Each completes "It has no …"."""
    instead: str = ""
    """What is done without them."""


class AccountAccess(Struct, frozen=True, kw_only=True):
    """Whether a shop admits the service account, and its rights."""

    admitted: bool
    rights: tuple[str, ...] = ()
    """As the shop names them; empty when it does not list them."""
    lacks: tuple[str, ...] = ()
    """Rights that were tried and refused."""


class ShopProbe(Protocol):
    """The port of the doctor and the console to a shop: read-only checks.

    Async methods raise only ProbeFailed and ProbeRefused.
    """

    responses: list[ProbeResponse]
    """Every response so far."""

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

    @property
    def switched_off(self) -> tuple[str, str]:
        """What it means when `is_switched_off`, after "The shop …", and what an operator does about it."""

    @property
    def sign_ins_per_minute(self) -> int | None:
        """Attempts to sign in that the shop allows to all of our customers together; None where it counts none."""

    @property
    def account_advice(self) -> str:
        """How an operator makes our service account, a sentence with its rights and settings."""

    @property
    def account_rights(self) -> tuple[str, ...]:
        """The rights that it must have, and no others."""

    @property
    def applies_minimum(self) -> bool:
        """Whether the shop applies its own least order amount, if it has one."""

    async def hello(self) -> ProbeResponse:
        """The simplest question there is, for the shop's own choice of store and currency."""

    def speaks(self, response: ProbeResponse) -> bool:
        """Whether an answer is one of this interface."""

    def is_switched_off(self, response: ProbeResponse) -> bool:
        """Whether an answer says that the interface is there and not switched on."""

    async def knows_store(self) -> bool:
        """Whether it knows the store view that we ask for."""

    async def stores(self) -> tuple[str, ...]:
        """The codes of its store views."""

    async def knows_currency(self) -> bool:
        """Whether it answers in the currency that we ask for."""

    async def currencies(self) -> tuple[str, ...]:
        """The currencies in which it can answer."""

    async def version(self) -> SoftwareVersion:
        """Which version it seems to be."""

    async def takes_guests(self) -> bool:
        """Whether somebody without an account may order."""

    async def in_maintenance(self) -> bool:
        """Whether the shop's web pages are closed for maintenance, of which its API may say nothing."""

    async def sign_in_fix(self) -> str | None:
        """What an operator does so that customers can sign in; None where they can, or no read tells."""

    async def account(self) -> AccountAccess | None:
        """What our service account may do; None where we have none."""

    async def close(self) -> None:
        """Let go of the connections."""


async def probe(
    transport: httpx.AsyncBaseTransport,
    request: httpx.Request,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> ProbeResponse:
    """Send a request and read the response, whatever its status. Raises ProbeFailed."""
    began = clock()
    try:
        response = await transport.handle_async_request(request)
        try:
            decoder = BodyDecoder(response.headers, max_bytes=MAX_RESPONSE_BYTES)
            with contextlib.suppress(BodyTooLong):
                async for piece in cast("httpx.AsyncByteStream", response.stream):
                    decoder.feed(piece)
        finally:
            await response.aclose()
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise await failure_of(str(request.url), error) from error
    return response_of(response, decoder.start, str(request.url), clock() - began)


def response_of(response: httpx.Response, body: bytes, url: str, seconds: float) -> ProbeResponse:
    """A probe response from an httpx response and its body."""
    return ProbeResponse(
        url=url,
        status=response.status_code,
        media_type=response.headers.get("content-type", "").partition(";")[0].strip().lower(),
        headers={name.lower(): value for name, value in response.headers.items()},
        body=body,
        seconds=seconds,
    )
