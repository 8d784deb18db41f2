"""Gift cards of Maho's guest carts, whose codes are worth money: they go to the shop and into no text of ours."""

import re
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.maho.carts import MahoCarts, cart_path
from storefront_mcp.backends.maho.rest import RestClient, error_reason, expect_success
from storefront_mcp.backends.maho.shapes import AppliedGiftCardShape
from storefront_mcp.backends.maho.storable import unstorable_characters
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.commerce.cart import Cart, masked_code
from storefront_mcp.commerce.errors import CartGone, GiftCardRejected
from storefront_mcp.commerce.ids import CartId

GIFT_CARD_PATHS: Final = ("giftcards", "giftcard")
"""Below a cart: 26.7 and later have the first, the older fork the second, and 404 for the other."""
REFUSAL_STATUSES: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
UNKNOWN_REASON: Final = "The shop does not take this gift card"
NOT_APPLIED_REASON: Final = "This gift card is not on the cart, which has {shown}"


class MahoGiftCards:
    """Applies and removes gift cards. Several can pay for one cart."""

    def __init__(self, rest: RestClient, carts: MahoCarts) -> None:
        self._rest = rest
        self._carts = carts
        self._path = GIFT_CARD_PATHS[0]

    async def apply(self, cart: CartId, code: str) -> Cart:
        """Apply a gift card; one that is applied already stays. Raises GiftCardRejected, ShopBusy, CartGone."""
        if unstorable_characters(code):
            raise GiftCardRejected(UNKNOWN_REASON)
        answer = await self._send("POST", cart, body={"giftcardCode": code})
        if answer.status not in REFUSAL_STATUSES:
            return await self._carts.after_change(answer, cart)
        if any(_is_same(one, code) for one in (await self._carts.fetch(cart)).applied_giftcards):
            return await self._carts.read(cart)
        raise GiftCardRejected(_reason(answer, code), internal=f"{answer.where}: {answer.status}")

    async def remove(self, cart: CartId, code: str) -> Cart:
        """Remove a gift card, by its code or as the cart shows it. Raises GiftCardRejected, CartGone."""
        applied = (await self._carts.fetch(cart)).applied_giftcards
        if not applied:
            return await self._carts.read(cart)
        known = [one for one in applied if _is_same(one, code)] or [one for one in applied if _masked(one) == code]
        if len(known) != 1:
            raise GiftCardRejected(NOT_APPLIED_REASON.format(shown=", ".join(map(_masked, applied))))
        answer = await self._send("DELETE", cart, f"/{quote(known[0].code, safe='')}")
        if answer.status not in REFUSAL_STATUSES:  # it was taken off meanwhile
            if answer.status == HTTPStatus.NOT_FOUND:
                raise CartGone
            expect_success(answer)
        return await self._carts.read(cart)

    async def _send(self, method: str, cart: CartId, rest: str = "", *, body: object = None) -> UpstreamResponse:
        """A call below the cart's gift cards, on the path that this shop has."""
        answer = await self._rest.send(method, f"{cart_path(cart)}/{self._path}{rest}", body)
        if answer.status == HTTPStatus.NOT_FOUND:
            other = next(path for path in GIFT_CARD_PATHS if path != self._path)
            again = await self._rest.send(method, f"{cart_path(cart)}/{other}{rest}", body)
            if again.status != HTTPStatus.NOT_FOUND:
                self._path, answer = other, again
        return answer


def _is_same(card: AppliedGiftCardShape, code: str) -> bool:
    return card.code.casefold() == code.casefold()


def _masked(card: AppliedGiftCardShape) -> str:
    """As `translation.cart` shows it."""
    return masked_code(sanitizing.line(card.code, 100))


def _reason(answer: UpstreamResponse, code: str) -> str:
    """The shop's own sentence without the code."""
    said = re.sub(re.escape(code), lambda found: masked_code(found[0]), error_reason(answer), flags=re.IGNORECASE)
    return f"{UNKNOWN_REASON}: {said.removesuffix('.')}"
