"""Client of Medusa's Store API, and its error mapping."""

import copy
from http import HTTPStatus
from typing import Final

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.http_client import UpstreamClient
from storefront_mcp.backends.medusa.shapes import ErrorShape
from storefront_mcp.backends.upstream_messages import UpstreamResponse, redacted
from storefront_mcp.commerce.errors import ShopError, ShopMisconfigured, ShopRefused

PREFIX: Final = "/store"
KEY_HEADER: Final = "x-publishable-api-key"
"""Without a key that the shop knows every call is refused."""
INSUFFICIENT: Final = "insufficient_inventory"
"""Code of an error: fewer pieces are there than were asked for."""

WRONG_SHOP_STATUSES: Final = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
)
"""Statuses that point to a wrong configuration; callers handle a 404 with another meaning first."""
MAX_ID_CHARS: Final = 200


class MedusaClient(UpstreamClient):
    """Calls below `/store`. Unknown parameters and fields are refused by the shop, so nothing is tried."""

    def as_customer(self, token: str) -> "MedusaClient":
        """The same client, connections and circuit, with a customer's token in every request."""
        twin = copy.copy(self)
        twin._requests = self._requests.with_headers({"authorization": f"Bearer {token}"})  # noqa: SLF001 -- its own copy
        return twin

    def check(self, answer: UpstreamResponse) -> UpstreamResponse:
        """A 4xx response. Raises ShopMisconfigured for a publishable key that is missing or not known."""
        said = error_body(answer)
        if said.type == "not_allowed" and "publishable" in said.message.casefold():
            raise ShopMisconfigured(f"{answer.where}: {answer.status} {said.message[:200]}")
        return answer


def error_body(answer: UpstreamResponse) -> ErrorShape:
    """The error body of a 4xx; empty if it is not Medusa's."""
    try:
        return answer.read(ErrorShape)
    except ShopError:
        return ErrorShape()


def error_reason(answer: UpstreamResponse) -> str:
    """The shop's error message, safe to show: sanitized, short, without URLs and secrets."""
    return shown_reason(error_body(answer).message)


def shown_reason(message: str) -> str:
    """A message of the shop, safe to show."""
    if "://" in message:
        return "no reason given"
    return redacted(sanitizing.line(message)) or "no reason given"


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
    """Whether a text may be an id of Medusa's and so is safe in a path.

    >>> is_id("pcat_01M7W7GKERC1KZ5RBFDKC50KX1"), is_id("../products"), is_id("")
    (True, False, False)
    """
    return key.isascii() and key.replace("_", "").isalnum() and len(key) <= MAX_ID_CHARS
