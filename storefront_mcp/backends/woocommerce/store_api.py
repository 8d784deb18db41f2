"""Client of WooCommerce's REST interface: Store API v1 for guests, `wc/v3` with the merchant's key.

A guest's cart is named by its `Cart-Token`, a JWT in a header, and so is worth the cart: it stands in no path and in no
log. With it no nonce is needed.
"""

import base64
import binascii
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.http_client import UpstreamClient
from storefront_mcp.backends.upstream_messages import UpstreamResponse, redacted
from storefront_mcp.backends.woocommerce.shapes import WooErrorBody, WooErrorData, WooListPage
from storefront_mcp.commerce.errors import CartGone, ShopError, ShopMisconfigured, ShopRefused
from storefront_mcp.commerce.ids import CartId

T = TypeVar("T")

ROOT: Final = "/wp-json"
STORE: Final = "/wc/store/v1"
MERCHANT: Final = "/wc/v3"
PAGES: Final = "/wp/v2/pages"
PAGE_SIZE: Final = 100
"""The shop's maximum; more is refused."""
MAX_PAGES: Final = 10
"""Bound of the pages read of one list."""
MAX_TOKEN_CHARS: Final = 2_000
RENEWAL_SECONDS: Final = 12 * 3600.0
"""A token lives for two days; one that would outlive the cart's by so much takes its place."""
NO_ROUTE: Final = "rest_no_route"
"""Code of a 404 for a path that the shop does not serve: an old version, or the plugin is off."""
NONCE_CODES: Final = frozenset({"woocommerce_rest_missing_nonce", "woocommerce_rest_invalid_nonce"})
"""Codes of a 401 or 403 for a token that does not verify: it is none of this shop's, or its life is over."""
WORDS: Final = frozenset(
    # One string reads better than thirty.
    "wc store v1 v3 wp v2 pages products categories collection-data cart add-item update-item remove-item "
    "apply-coupon remove-coupon update-customer select-shipping-rate checkout order orders notes customers".split()
)
"""Segments of paths that are no ids."""
WRONG_SHOP_STATUSES: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
"""Statuses that point to a wrong configuration; callers handle those with another meaning first."""


class MerchantKey(Struct, frozen=True, kw_only=True):
    """A key of WooCommerce's REST API (Settings, Advanced, REST API), with read and write access."""

    consumer_key: str
    consumer_secret: str

    @property
    def headers(self) -> Mapping[str, str]:
        """The header that proves it (RFC 7617)."""
        pair = f"{self.consumer_key}:{self.consumer_secret}".encode()
        return {"authorization": f"Basic {base64.b64encode(pair).decode()}"}


class StoreApiClient(UpstreamClient):
    """Calls below `/wp-json`."""

    def operation(self, method: str, path: str) -> str:
        """Method and path template, for metrics: what is no word of the interface is an id."""
        parts = (part if part in WORDS or not part else "{id}" for part in path.split("/"))
        return f"{method} {'/'.join(parts)}"

    def check(self, answer: UpstreamResponse) -> UpstreamResponse:
        """A 4xx response. Raises ShopMisconfigured where the shop has no such interface."""
        if answer.status == HTTPStatus.NOT_FOUND and error_body(answer).code == NO_ROUTE:
            raise ShopMisconfigured(f"{answer.where}: 404, so the shop does not serve this interface")
        return answer

    async def page(
        self, kind: type[T], path: str, query: Mapping[str, str], *, number: int, size: int
    ) -> WooListPage[T]:
        """One page of a list, counted from 1, of at most `size` members; empty past the end."""
        answer = expect_success(await self.get(path, {**query, "page": str(number), "per_page": str(size)}))
        members = answer.read(list[kind])[:size]  # type: ignore[valid-type]
        return WooListPage(members, list_total(answer, (number - 1) * size + len(members)))

    async def all(self, kind: type[T], path: str, query: Mapping[str, str]) -> list[T]:
        """The members of a list, at most `MAX_PAGES` pages."""
        members: list[T] = []
        for number in range(1, MAX_PAGES + 1):
            found = await self.page(kind, path, query, number=number, size=PAGE_SIZE)
            members += found.members
            if not found.members or len(members) >= found.total:
                break
        return members

    async def cart_get(self, cart: CartId, path: str = "/cart") -> UpstreamResponse:
        """GET with a cart's token. Raises CartGone for one of which the shop answers another cart.

        To a token that does not verify, or is none, the shop answers a new cart.
        """
        return _of_cart(await self.get(STORE + path, headers={"cart-token": cart}), cart)

    async def cart_post(
        self, cart: CartId, path: str, body: Mapping[str, object], *, harmless: bool = False
    ) -> UpstreamResponse:
        """POST with a cart's token. Raises CartGone for one that does not verify."""
        headers = {"cart-token": cart}
        return _of_cart(await self.send("POST", STORE + path, body, headers=headers, harmless=harmless), cart)


def list_total(answer: UpstreamResponse, otherwise: int) -> int:
    """How many members a list has, which a header tells; `otherwise` where it does not."""
    told = answer.headers.get("x-wp-total", "")
    return int(told) if told.isascii() and told.isdecimal() and len(told) <= len("999999999") else otherwise


class _TokenClaims(Struct, frozen=True):
    """What is read of a token."""

    user_id: str = ""
    exp: float = 0.0


def token_claims(token: str) -> _TokenClaims:
    """The claims of a cart's token, not verified: that is the shop's matter. Empty for what is no JWT."""
    try:
        payload = token.split(".")[1]
        return msgspec.json.decode(
            base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_TokenClaims, strict=False
        )
    except (IndexError, ValueError, binascii.Error, msgspec.MsgspecError):
        return _TokenClaims()


def new_token(answer: UpstreamResponse) -> CartId | None:
    """The token in a response; None without a usable one."""
    token = answer.headers.get("cart-token", "")
    usable = 0 < len(token) <= MAX_TOKEN_CHARS and token.isascii() and token.isprintable() and " " not in token
    return CartId(token) if usable else None


def renewed_id(answer: UpstreamResponse, cart: CartId) -> CartId:
    """The cart's id from now on: its token, or the fresh one in a response once that lives much longer."""
    told = new_token(answer)
    if told is None:
        return cart
    return told if token_claims(told).exp - token_claims(cart).exp >= RENEWAL_SECONDS else cart


def _of_cart(answer: UpstreamResponse, cart: CartId) -> UpstreamResponse:
    """The response, if it is about this cart. Raises CartGone."""
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} and error_body(answer).code in NONCE_CODES:
        raise CartGone
    told = new_token(answer)
    if told is not None and told != cart and token_claims(told).user_id != token_claims(cart).user_id:
        raise CartGone
    return answer


def error_body(answer: UpstreamResponse) -> WooErrorBody:
    """The error body of a 4xx; empty if it is not WordPress's."""
    try:
        return answer.read(WooErrorBody)
    except ShopError:
        return WooErrorBody()


def error_data(answer: UpstreamResponse) -> WooErrorData:
    """What explains a refusal; empty without."""
    data = error_body(answer).data
    return data if isinstance(data, WooErrorData) else WooErrorData()


def error_reason(answer: UpstreamResponse) -> str:
    """The shop's error message, safe to show: sanitized, short, without addresses and secrets."""
    data = error_data(answer)
    causes = list(data.params.values()) if isinstance(data.params, dict) else []
    said = error_body(answer).message if not causes else " ".join(dict.fromkeys(causes))
    return redacted(sanitizing.line(said)) or "no reason given"


def expect_success(answer: UpstreamResponse) -> UpstreamResponse:
    """The response, if it is 2xx. Raises `general_error` otherwise."""
    if not answer.is_success:
        raise general_error(answer)
    return answer


def general_error(answer: UpstreamResponse) -> ShopError:
    """The error for a 4xx that the caller does not map itself: ShopMisconfigured or ShopRefused."""
    said = error_body(answer)
    internal = f"{answer.where}: {answer.status} {said.code[:60]} {redacted(said.message[:400])[:200]}"
    if answer.status in WRONG_SHOP_STATUSES:
        return ShopMisconfigured(internal)
    return ShopRefused(error_reason(answer), internal=internal)


def is_id(key: str) -> bool:
    """Whether a text is a decimal number of at most 18 digits and so is safe in a path."""
    return key.isascii() and key.isdecimal() and len(key) <= len("999999999999999999")
