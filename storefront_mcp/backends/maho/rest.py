"""Client of Maho's REST v2: paging of lists, and error mapping."""

import copy
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import urlencode

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.http_client import UpstreamClient
from storefront_mcp.backends.maho.shapes import CollectionShape, ErrorBody
from storefront_mcp.backends.upstream_messages import UpstreamResponse, redacted
from storefront_mcp.commerce.errors import ShopError, ShopMisconfigured, ShopRefused

T = TypeVar("T")

PREFIX: Final = "/api/rest/v2"
PAGE_SIZE: Final = 100
"""Maho's maximum; a larger `pageSize` is cut without notice."""
MAX_PAGES: Final = 10
"""Bound of the pages read of one list."""

MAX_KNOWN_BYTES: Final = 256 * 1024
"""Of a response that is kept to be asked for by its entity tag."""

ACCEPT_HEADER: Final = "application/ld+json"
"""JSON-LD, the only format with a total in lists."""

WRONG_SHOP_STATUSES: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    }
)
"""Statuses that point to a wrong configuration; callers handle a 404 with another meaning first."""


class RestClient(UpstreamClient):
    """Calls below the API root."""

    def as_customer(self, token: str, *, idempotency_key: str | None = None) -> "RestClient":
        """The same client, connections and circuit, with a customer's token in every request.

        With a key, what it sends a second time is answered with the first answer: for one call only.
        """
        twin = copy.copy(self)
        key = {} if idempotency_key is None else {"x-idempotency-key": idempotency_key}
        twin._requests = self._requests.with_headers({"authorization": f"Bearer {token}", **key})  # noqa: SLF001 -- its own copy
        return twin

    async def get_again(
        self, known: TtlCache[str, UpstreamResponse], path: str, query: Mapping[str, str]
    ) -> UpstreamResponse:
        """GET of what seldom changes: a success is kept in `known`, and asked for by its entity tag the next time."""
        key = f"{path}?{urlencode(query)}"
        answer = await self.get(path, query, known=known.find(key))
        if answer.is_success and answer.etag and len(answer.body) <= MAX_KNOWN_BYTES:
            known[key] = answer
        return answer

    def check(self, answer: UpstreamResponse) -> UpstreamResponse:
        """A 4xx response. Raises ShopMisconfigured for a disabled API, unknown store view or currency."""
        said = error_body(answer)
        closed = said.error == "protocol_disabled"
        elsewhere = answer.status == HTTPStatus.BAD_REQUEST and said.message.startswith(
            ("Unknown store", "Currency not available")
        )
        if closed or elsewhere:
            raise ShopMisconfigured(f"{answer.where}: {answer.status} {redacted(said.message[:400])[:200]}")
        return answer

    async def page(
        self,
        kind: type[CollectionShape[T]],
        path: str,
        query: Mapping[str, str],
        *,
        number: int,
        size: int,
        known: TtlCache[str, UpstreamResponse] | None = None,
    ) -> CollectionShape[T]:
        """One page of a list, counted from 1, of at most `size` members; empty past the end. `known` as `get_again`."""
        asked = {**query, "page": str(number), "pageSize": str(size)}
        answer = await (self.get(path, asked) if known is None else self.get_again(known, path, asked))
        found = expect_success(answer).read(kind)
        past_end = (number - 1) * size >= found.totalItems
        return CollectionShape(found.totalItems, [] if past_end else found.member[:size])

    async def all(
        self,
        kind: type[CollectionShape[T]],
        path: str,
        query: Mapping[str, str],
        known: TtlCache[str, UpstreamResponse] | None = None,
    ) -> list[T]:
        """The members of a list, at most `MAX_PAGES` pages; `known` as `get_again`."""
        members: list[T] = []
        for number in range(1, MAX_PAGES + 1):
            found = await self.page(kind, path, query, number=number, size=PAGE_SIZE, known=known)
            members += found.member
            if not found.member or number * PAGE_SIZE >= found.totalItems:
                break
        return members


def error_body(answer: UpstreamResponse) -> ErrorBody:
    """The error body of a 4xx; empty if it is not Maho's."""
    try:
        return answer.read(ErrorBody)
    except ShopError:
        return ErrorBody()


def error_reason(answer: UpstreamResponse) -> str:
    """The shop's error message, safe to show: sanitized, short, without URLs and secrets."""
    said = error_body(answer)
    if "://" in said.message:
        return "no reason given"
    text = sanitizing.line(said.message).removeprefix("Failed to add product: ")
    return redacted(text) or "no reason given"


def expect_success(answer: UpstreamResponse) -> UpstreamResponse:
    """The response, if it is 2xx. Raises `general_error` otherwise."""
    if not answer.is_success:
        raise general_error(answer)
    return answer


def general_error(answer: UpstreamResponse) -> ShopError:
    """The error for a 4xx that the caller does not map itself: ShopMisconfigured or ShopRefused."""
    internal = f"{answer.where}: {answer.status} {redacted(error_body(answer).message[:400])[:200]}"
    if answer.status in WRONG_SHOP_STATUSES:
        return ShopMisconfigured(internal)
    return ShopRefused(error_reason(answer), internal=internal)


def is_id(key: str) -> bool:
    """Whether a text is a decimal number of at most 19 digits and so is safe in a path."""
    return key.isascii() and key.isdecimal() and len(key) <= len("9223372036854775807")
