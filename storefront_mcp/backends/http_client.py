"""HTTP client of a shop's API: limits, one retry of reads, a circuit breaker, and failures mapped to ShopError.

Requests and responses are httpx's and go straight to a transport: `AiohttpTransport`, or one that the caller passes
(ASGI for the embedded shop, scripted in tests). httpx's client is left out: the cookies, redirects and authentication
flows that it adds must not happen here, and it costs more than the transport.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final, Self, TypeVar, cast

import httpx
from msgspec import Struct

from storefront_mcp.backends.upstream_messages import (
    GATEWAY_TIMEOUT_STATUSES,
    BodyDecoder,
    BodyTooLong,
    PendingRequest,
    RequestBuilder,
    UpstreamResponse,
    redacted,
)
from storefront_mcp.commerce.error_codes import error_code, error_name
from storefront_mcp.commerce.errors import (
    ShopBusy,
    ShopDown,
    ShopError,
    ShopMisconfigured,
)
from storefront_mcp.instrumentation import Instrumentation, request_id

T = TypeVar("T")

logger = logging.getLogger(__name__)

NOT_SENT_ERRORS: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""Errors after which the request certainly did not reach the shop."""

RETRYABLE_ERRORS: Final = (httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
"""Connection errors after which a read is retried once. Not timeouts: a retry would add load to a slow shop."""

IF_NONE_MATCH: Final = "if-none-match"
MAX_ETAG_CHARS: Final = 200
"""A longer entity tag is not sent back."""
DEFAULT_RETRY_AFTER_SECONDS: Final = 60
"""For a 429 without a usable `Retry-After`."""


class ClientLimits(Struct, frozen=True, kw_only=True):
    """Timeouts (seconds), response size and circuit thresholds of one shop's client."""

    connect: float = 3.0
    read: float = 20.0
    """Between two chunks of a response; a shop with empty caches takes up to 10 s for its first one."""
    total: float = 30.0
    """For a whole call, its retry included."""
    order: float = 30.0
    """For place-order, which may wait for a bank; `total` if that is more."""
    max_bytes: int = 4 * 1024 * 1024
    """Of a response body, as received and decompressed."""
    max_held_bytes: int = 32 * 1024 * 1024
    """Of all response bodies that are being received at a time."""
    failures: int = 5
    """Consecutive failures that open the circuit."""
    cool_down: float = 10.0
    """Seconds before an open circuit admits one probe."""


class CircuitBreaker:
    """Stops requests to a shop that is down and probes whether it is back.

    Open after `failures` failed calls in a row; after `cool_down` seconds one call may probe; a success closes it.
    Calls that were under way together and fail together are one failure: a shop that is slow once is not down.
    Libraries (purgatory, aiobreaker, pybreaker) bring a clock, event system or storage of their own for what is one
    counter and one instant here, and none lets a cancelled probe count as neither success nor failure.

    >>> now = 0.0
    >>> circuit = CircuitBreaker(failures=1, cool_down=10, clock=lambda: now)
    >>> circuit.record(alive=False)
    True
    >>> circuit.allows()
    False
    >>> now = 10.0
    >>> circuit.allows(), circuit.allows()
    (True, False)
    >>> circuit.record(alive=True)
    True
    >>> circuit.allows()
    True
    """

    def __init__(self, *, failures: int, cool_down: float, clock: Callable[[], float]) -> None:
        self._limit = failures
        self._cool_down = cool_down
        self._clock = clock
        self._failed = 0
        self._failed_at: float | None = None
        self._open_until: float | None = None
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether calls are refused, apart from a probe."""
        return self._open_until is not None

    def allows(self) -> bool:
        """Whether a call may be made now. After True the caller must `record` its outcome."""
        if self._open_until is None:
            return True
        if self._probing or self._clock() < self._open_until:
            return False
        self._probing = True
        return True

    def record(self, *, alive: bool | None, began: float | None = None) -> bool:
        """Record the outcome of an admitted call; whether that opened or closed the circuit.

        None counts neither way, such as for a cancelled call. `began` is when it was sent; None for one that failed at
        once.
        """
        self._probing = False
        if alive is None:
            return False
        before = self._open_until
        if alive:
            self._failed, self._open_until = 0, None
            return before is not None
        if began is not None and self._failed_at is not None and began < self._failed_at and before is None:
            return False
        self._failed += 1
        self._failed_at = self._clock()
        if self._failed >= self._limit:
            self._open_until = self._failed_at + self._cool_down
        return before is None and self._open_until is not None


class UpstreamClient:
    """HTTP client of one shop. Raises ShopDown and its subclasses, and ShopBusy (429); other JSON 4xx are returned.

    A path, query or body that cannot be encoded raises ShopRefused.

    * A read is retried once after a connection error; a write never.
    * A write whose response is lost raises ShopOutcomeUnknown, unless it was not sent or is `harmless` to repeat.
    * A redirect raises ShopMisconfigured, as the shop's address is wrong; ShopOutcomeUnknown after `post_once`.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        *,
        url: str,
        headers: Mapping[str, str],
        limits: ClientLimits,
        clock: Callable[[], float],
        instrumentation: Instrumentation | None = None,
    ) -> None:
        self._transport = transport
        self._requests = RequestBuilder(url, headers, read=limits.read, connect=limits.connect)
        self._root = len(httpx.URL(url).raw_path.rstrip(b"/"))
        self._instrumentation = instrumentation
        self._limits = limits
        self._held_bytes = 0
        self._clock = clock
        self._circuit = CircuitBreaker(failures=limits.failures, cool_down=limits.cool_down, clock=clock)

    @classmethod
    def at(
        cls,
        url: str,
        *,
        headers: Mapping[str, str],
        limits: ClientLimits | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        instrumentation: Instrumentation | None = None,
    ) -> Self:
        """A client of the API below `url`, which sends `headers` and the request id with every call."""
        return cls(
            transport or _transport(url),
            url=url,
            headers=headers,
            limits=limits or ClientLimits(),
            clock=clock,
            instrumentation=instrumentation,
        )

    @property
    def circuit_open(self) -> bool:
        """Whether the circuit breaker is open: calls are refused, apart from probes."""
        return self._circuit.open

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        bearer: str | None = None,
        headers: Mapping[str, str] | None = None,
        known: UpstreamResponse | None = None,
    ) -> UpstreamResponse:
        """Send GET, with a bearer token and further headers if given.

        `known` is an earlier response to the same request: it is returned again where the shop answers that it holds
        (304 to its entity tag, RFC 9110 §13.1.2). A 304 that nobody asked for is a lost response.
        """
        request = self._requests.build("GET", path, query=query, bearer=bearer, headers=headers)
        if known is not None and known.etag:
            request.headers[IF_NONE_MATCH] = known.etag
        answer = await self._ask(
            PendingRequest(request=request, reads=True, harmless=True, timeout_seconds=self._limits.total)
        )
        if known is not None and answer.status == HTTPStatus.NOT_MODIFIED:
            return known
        return answer if answer.is_success else self.check(answer)

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        harmless: bool = False,
        bearer: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> UpstreamResponse:
        """Send a POST, PUT or DELETE, with a bearer token and further headers if given.

        POST and PUT carry JSON, `{}` without a `body`; DELETE only a `body` that is given. `harmless`: safe to repeat
        or to leave unknown, so a lost response raises plain ShopDown.
        """
        sent = body or (None if method == "DELETE" else {})
        request = self._requests.build(method, path, body=sent, bearer=bearer, headers=headers)
        answer = await self._ask(
            PendingRequest(request=request, reads=False, harmless=harmless, timeout_seconds=self._limits.total)
        )
        return answer if answer.is_success else self.check(answer)

    async def post_once(self, path: str, body: object, *, headers: Mapping[str, str] | None = None) -> UpstreamResponse:
        """Send a POST that must not be repeated, with the longer of the `order` and `total` timeouts.

        Once the headers of a success have arrived it is returned as one, also when its body is cut off. Failures after
        sending do not count for the circuit: they may concern this call only.
        """
        seconds = max(self._limits.order, self._limits.total)
        request = self._requests.build("POST", path, body=body, read=seconds, headers=headers)
        answer = await self._ask(
            PendingRequest(request=request, reads=False, harmless=False, timeout_seconds=seconds, final=True)
        )
        return answer if answer.is_success else self.check(answer)

    def check(self, answer: UpstreamResponse) -> UpstreamResponse:
        """A 4xx response. A client of one software's interface raises for what means the same after any request."""
        return answer

    def operation(self, method: str, path: str) -> str:
        """Method and path template, for metrics: every second path segment is an id and is replaced.

        `PUT /guest-carts/e3fb5edf10227d4b7cc2b3951703a469/items/7` is `PUT /guest-carts/{id}/items/{id}`.
        """
        parts = path.split("/")
        return f"{method} {'/'.join('{id}' if at and at % 2 == 0 else part for at, part in enumerate(parts))}"

    async def _ask(self, call: PendingRequest) -> UpstreamResponse:
        if named := request_id():
            call.request.headers["x-request-id"] = named
        instrumentation = self._instrumentation
        if instrumentation is None:
            return await self._guarded_exchange(call)
        path = call.request.url.raw_path.partition(b"?")[0].decode("ascii")
        observation = instrumentation.observe_upstream_call(self.operation(call.request.method, path[self._root :]))
        try:
            if observation.headers:
                call.request.headers.update(observation.headers)
            answer = await self._guarded_exchange(call)
        except BaseException as error:
            observation.record_outcome(error_code(error))
            raise
        else:
            if not answer.is_success:
                observation.record_outcome(str(answer.status))
            return answer
        finally:
            observation.end()

    async def _guarded_exchange(self, call: PendingRequest) -> UpstreamResponse:
        if not self._circuit.allows():
            raise ShopDown(internal=f"{call.where}: not asked, the circuit is open")
        alive, began = None, self._clock()
        try:
            async with asyncio.timeout(call.timeout_seconds):
                try:
                    response, body = await self._exchange(call)
                except RETRYABLE_ERRORS:
                    if not call.reads:
                        raise
                    response, body = await self._exchange(call)
            # A 500 to a write may concern that write only, so it must not open the circuit for other shoppers.
            breaks = response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR and not call.reads
            alive = None if breaks else True
            return _classify(call, response, body)
        except ShopError as error:
            # 429 and redirects or 404s of a wrong address show that a server responds.
            if alive is not None and not isinstance(error, ShopBusy | ShopMisconfigured):
                alive = None if call.final else False
            logger.warning("%s", error.internal)
            raise
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            sent = not isinstance(error, NOT_SENT_ERRORS)
            alive = None if call.final and sent else False
            lost = call.failure(f"{error_name(error)}: {error}", sent=sent)
            logger.warning("%s", lost.internal)
            raise lost from error
        finally:
            if self._circuit.record(alive=alive, began=began) and self._instrumentation is not None:
                self._instrumentation.set_circuit_state(opened=self._circuit.open)

    async def _exchange(self, call: PendingRequest) -> tuple[httpx.Response, bytes]:
        response = await self._transport.handle_async_request(call.request)
        call.heads.append(response.status_code)
        body, held, decoder = b"", 0, None
        try:
            decoder = BodyDecoder(response.headers, max_bytes=self._limits.max_bytes)
            async for piece in cast("httpx.AsyncByteStream", response.stream):
                grown = decoder.feed(piece)
                held, self._held_bytes = held + grown, self._held_bytes + grown
                if self._held_bytes > self._limits.max_held_bytes:
                    raise BodyTooLong(f"more than {self._limits.max_held_bytes} bytes in all answers under way")
            body = decoder.end()
        except httpx.HTTPError as error:
            if not (call.final and response.is_success):
                raise
            logger.warning("%s: %s, and then %s", call.where, response.status_code, error_name(error))
            body = b"" if decoder is None else decoder.start
        finally:
            self._held_bytes -= held
            await response.aclose()
        return response, body


def _transport(url: str) -> httpx.AsyncBaseTransport:
    # Imported late: aiohttp sets up TLS on import, which a server with an embedded shop does not need.
    from storefront_mcp.backends.aiohttp_transport import AiohttpTransport  # noqa: PLC0415

    return AiohttpTransport(url)


def _classify(call: PendingRequest, response: httpx.Response, body: bytes) -> UpstreamResponse:
    """The response, if it is a 2xx or 4xx of a shop's JSON API. Raises ShopError otherwise."""
    status = response.status_code
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if call.final and status == HTTPStatus.CREATED:
        return UpstreamResponse(
            status=status, is_success=response.is_success, body=body, call=call, headers=response.headers
        )
    if response.has_redirect_location:
        if call.final:
            raise call.failure(f"{status} redirects")
        raise ShopMisconfigured(f"{call.where}: {status} redirects to {redacted(response.headers['location'])[:200]}")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        asked = response.headers.get("retry-after", "")
        pause = (
            int(asked)
            if asked.isascii() and asked.isdecimal() and len(asked) <= len("86400")
            else DEFAULT_RETRY_AFTER_SECONDS
        )
        raise ShopBusy(retry_after=pause or 1, internal=f"{call.where}: 429")
    if status == HTTPStatus.NOT_MODIFIED and IF_NONE_MATCH in call.request.headers:
        return UpstreamResponse(status=status, is_success=True, body=b"", call=call)
    if not (response.is_success or response.is_client_error):
        raise call.failure(f"{status} {kind}")
    if body.strip() and not (kind == "application/json" or kind.endswith("+json")):
        if status == HTTPStatus.NOT_FOUND:
            raise ShopMisconfigured(f"{call.where}: 404 {kind}, so there is no shop interface at this address")
        if response.is_client_error:
            raise call.failure(f"{status} {kind} instead of JSON", sent=status in GATEWAY_TIMEOUT_STATUSES)
        raise call.failure(f"{status} {kind} instead of JSON")
    date, etag = response.headers.get("date", ""), response.headers.get("etag", "")
    return UpstreamResponse(
        status=status,
        is_success=response.is_success,
        body=body,
        call=call,
        date=date,
        etag=etag if len(etag) <= MAX_ETAG_CHARS else "",
        headers=response.headers,
    )
