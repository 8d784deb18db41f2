"""Requests to a shop's API and its responses, with bounded bodies, as the HTTP client sends and reads them."""

import logging
import re
import zlib
from collections.abc import Hashable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlencode

import httpx
import msgspec
from msgspec import Struct

from storefront_mcp.commerce.errors import ShopDown, ShopOutcomeUnknown, ShopRefused

T = TypeVar("T")

logger = logging.getLogger(__name__)

ACCEPTED_CODING: Final = "gzip"
"""What requests should accept (RFC 9110 §12.5.3)."""
GZIP_WINDOW_BITS: Final = zlib.MAX_WBITS | 16
"""zlib's sign for a gzip header (RFC 1952)."""

SECRET_PATTERN: Final = re.compile(r"[0-9a-fA-F]{32,}")
"""Masked cart ids and order tokens, which are bearer secrets: never logged."""

PREFIXED_ID_PATTERN: Final = re.compile(r"\b([a-z][a-z_]{1,19})_[0-9A-HJKMNP-TV-Z]{26}\b")
"""Prefixed ULIDs, as `cart_01M7…`: where a shop names carts and orders so, they are secrets, too."""

GIFT_CARD_PATTERN: Final = re.compile(r"(/gift-?cards?/)[^\s]+")
"""A gift card's code at the end of a path, which is worth money: never logged either."""

MAX_DEFINITE_STATUS: Final = 500
"""Highest status that ends a call. Above it a gateway answers, and the shop may still be processing the request."""

GATEWAY_TIMEOUT_STATUSES: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, 499})
"""4xx statuses with which a gateway reports a timeout: it may have forwarded the request."""

PLAIN_PATH: Final = re.compile(r"(?:/[A-Za-z0-9_~-]+)+", re.ASCII)
"""A path that needs no quoting or normalization (no dot segments)."""
MAX_CACHED_URL_CHARS: Final = 4_096
"""Maximum characters of path and query that bypass httpx's parser; it rejects overlong ones."""


def redacted(text: str) -> str:
    """A text for the log, with secrets masked.

    >>> redacted("GET /guest-carts/e3fb5edf10227d4b7cc2b3951703a469/items")
    'GET /guest-carts/[cart]/items'
    """
    told = PREFIXED_ID_PATTERN.sub(r"[\1]", SECRET_PATTERN.sub("[cart]", text))
    return GIFT_CARD_PATTERN.sub(r"\1[code]", told)


@cache
def _decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    """JSON decoder of a type: lax, as PHP may write "2" for 2; fields typed Decimal keep every digit."""
    return msgspec.json.Decoder(kind, strict=False)


class PendingRequest(Struct, frozen=True, kw_only=True):
    """A request with its retry rules and timeout."""

    request: httpx.Request
    reads: bool
    harmless: bool
    timeout_seconds: float
    """Of the whole call, its retry included."""
    final: bool = False
    """A `post_once` call: a success counts though its body is cut off; failures after sending spare the circuit."""
    heads: list[int] = []
    """Status of each response whose headers arrived."""

    @property
    def where(self) -> str:
        """Method and path for the log, without query and secrets."""
        return f"{self.request.method} {redacted(self.request.url.path)}"

    def failure(self, why: str, *, sent: bool = True) -> ShopDown:
        """The error for a missing or unusable response: ShopOutcomeUnknown for a sent write that is not `harmless`."""
        internal = f"{self.where}: {redacted(why)}"
        if self.harmless or not sent:
            return ShopDown(internal=internal)
        return ShopOutcomeUnknown(
            internal=internal,
            over=any(status <= MAX_DEFINITE_STATUS and status not in GATEWAY_TIMEOUT_STATUSES for status in self.heads),
        )


class BodyTooLong(httpx.DecodingError):
    """More than the bound; the decoder holds as much as the bound allows."""


class BodyDecoder:
    """Decodes one body piece by piece. Raises httpx.DecodingError for a coding other than gzip, and for several."""

    def __init__(self, headers: httpx.Headers, *, max_bytes: int) -> None:
        """`max_bytes` bounds the body as it is received, and as it is decoded."""
        coding = headers.get("content-encoding", "").strip().lower()
        if coding not in {"", "identity", ACCEPTED_CODING, f"x-{ACCEPTED_CODING}"}:
            raise httpx.DecodingError(f"a body in the content coding {coding[:60]!r}; gzip alone is read")
        self._inflater = zlib.decompressobj(GZIP_WINDOW_BITS) if coding.endswith(ACCEPTED_CODING) else None
        self._max_bytes = max_bytes
        self._received = 0
        self._decoded = bytearray()

    @property
    def start(self) -> bytes:
        """What was decoded so far, as far as the bound."""
        return bytes(self._decoded)

    def feed(self, piece: bytes) -> int:
        """Decode one piece; the bytes that it gave. Raises BodyTooLong, httpx.DecodingError."""
        before = len(self._decoded)
        self._received += len(piece)
        if self._inflater is None:
            self._decoded += piece
        elif not self._inflater.eof:
            try:
                # One byte beyond the bound tells that there is more.
                self._decoded += self._inflater.decompress(piece, self._max_bytes + 1 - before)
            except zlib.error as error:
                raise httpx.DecodingError(f"a body that is no gzip: {error}") from error
        if max(self._received, len(self._decoded)) > self._max_bytes:
            del self._decoded[self._max_bytes :]
            raise BodyTooLong(f"a body of more than {self._max_bytes} bytes")
        return len(self._decoded) - before

    def end(self) -> bytes:
        """The whole body. Raises httpx.DecodingError if it has ended before its coding has."""
        if self._inflater is not None and self._received and not self._inflater.eof:
            raise httpx.DecodingError("a gzip body that breaks off")
        return bytes(self._decoded)


class UpstreamResponse(Struct, frozen=True, kw_only=True):
    """A shop's 2xx or 4xx response with a JSON body or none."""

    status: int
    is_success: bool
    """Whether the status is 2xx."""
    body: bytes
    call: PendingRequest
    date: str = ""
    """The `Date` header: when the shop answered, by its clock."""
    etag: str = ""
    """Entity tag (RFC 9110 §8.8.3); empty without one."""
    headers: Mapping[str, str] = {}
    """Case-insensitive."""

    @property
    def is_list(self) -> bool:
        """Whether the body is a JSON array."""
        return self.body.lstrip().startswith(b"[")

    @property
    def where(self) -> str:
        """Method and path for the log, without secrets."""
        return self.call.where

    def read(self, kind: type[T]) -> T:
        """Decode the body. Raises ShopDown, or ShopOutcomeUnknown after a write, when it is no `kind`."""
        try:
            read: T = _decoder(cast("Hashable", kind)).decode(self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            lost = self.call.failure(f"{self.status} cannot be read: {error}")
            logger.warning("%s", lost.internal)
            raise lost from error
        return read


class RequestBuilder:
    """Builds requests below one base URL, which is parsed once: that saves most of httpx's URL parsing."""

    def __init__(self, url: str, headers: Mapping[str, str], *, read: float, connect: float) -> None:
        """`headers` are sent with every request; timeouts in seconds. Raises httpx.InvalidURL."""
        self._url = url.rstrip("/")
        self._base = httpx.URL(self._url)._uri_reference  # noqa: SLF001 -- httpx cannot join parsed URLs
        self._headers = httpx.Headers({"accept-encoding": ACCEPTED_CODING, **headers})
        self._json_headers = httpx.Headers({**self._headers, "content-type": "application/json"})
        self._timeout = httpx.Timeout(read, connect=connect, pool=connect).as_dict()

    def with_headers(self, headers: Mapping[str, str]) -> "RequestBuilder":
        """The same with further headers in every request."""
        timeout = self._timeout
        return RequestBuilder(
            self._url, {**self._headers, **headers}, read=timeout["read"] or 0.0, connect=timeout["connect"] or 0.0
        )

    def build(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        bearer: str | None = None,
        headers: Mapping[str, str] | None = None,
        read: float | None = None,
    ) -> httpx.Request:
        """A request, with JSON where it has a body; `read` replaces the read timeout. Raises ShopRefused."""
        extensions = {"timeout": self._timeout if read is None else {**self._timeout, "read": read}}
        try:
            encoded = urlencode(query) if query else None
            if len(path) + len(encoded or "") > MAX_CACHED_URL_CHARS or not PLAIN_PATH.fullmatch(path):
                url = httpx.URL(self._url + path if encoded is None else f"{self._url}{path}?{encoded}")
            else:
                url = httpx.URL.__new__(httpx.URL)
                below = self._base.path.rstrip("/") + path
                url._uri_reference = self._base._replace(path=below, query=encoded)  # noqa: SLF001 -- as above
            sent = self._headers if body is None else self._json_headers
            if bearer is not None or headers:
                proof = {} if bearer is None else {"authorization": f"Bearer {bearer}"}
                sent = httpx.Headers({**sent, **(headers or {}), **proof})
            content = None if body is None else msgspec.json.encode(body)
            return httpx.Request(method, url, headers=sent, content=content, extensions=extensions)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise ShopRefused("this is too long, or no text that can be sent.") from error
