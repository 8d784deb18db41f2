"""Maho's guest carts: reading and changing them, and what the shop's refusals mean."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from msgspec.structs import replace

from storefront_mcp.backends.maho import refusals, translation
from storefront_mcp.backends.maho.catalogue import Catalogue
from storefront_mcp.backends.maho.delivery import Delivery
from storefront_mcp.backends.maho.prices import Till
from storefront_mcp.backends.maho.rest import Rest, accepted, is_id, refusal
from storefront_mcp.backends.maho.shapes import CartItem, GuestCart, QuotedCart, Rate
from storefront_mcp.backends.memory import Remembered
from storefront_mcp.backends.upstream import Answer
from storefront_mcp.commerce import options as custom
from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.backend import Options
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.errors import CartGone, CouponRejected, LineNotFound, OutOfStock, ShopDown
from storefront_mcp.commerce.names import CartId, LineId, Sku
from storefront_mcp.commerce.shipping import ShippingMethod

COUPON_VERBS: Final = ("PUT", "POST")
"""26.7 and later take a guest's coupon by PUT, the older fork by POST; the other verb is 405."""
CARTS: Final = 10_000
KEPT: Final = 86_400.0
"""Seconds that a cart's own number is remembered."""


class Carts:
    """The guest carts of a store. What the shop does not check, we check before asking it."""

    def __init__(
        self, rest: Rest, catalogue: Catalogue, delivery: Delivery, till: Till, *, clock: Callable[[], float]
    ) -> None:
        self._rest = rest
        self._catalogue = catalogue
        self._delivery = delivery
        self._till = till
        self._coupon_verb = COUPON_VERBS[0]
        self._numbers: Remembered[CartId, int] = Remembered(size=CARTS, seconds=KEPT, clock=clock)
        self.remembered: Final = (self._numbers,)

    async def create(self) -> Cart:
        """A new, empty cart. One made twice is nobody's loss."""
        answer = accepted(await self._rest.send("POST", "/guest-carts", harmless=True))
        found = answer.read(GuestCart)
        if not found.masked_id:
            raise ShopDown(internal=f"{answer.where}: a new cart without a masked id")
        return self._cart(found, CartId(found.masked_id))

    async def read(self, cart: CartId) -> Cart:
        """The cart as it stands."""
        return self._cart(await self.look(cart), cart)

    async def add(self, cart: CartId, sku: Sku, quantity: int, options: Options) -> Cart:
        """Put pieces in. A cart the shop has lost comes back as another, under another id."""
        found = await self._catalogue.find(sku)
        product = None
        wanted: Mapping[str, str | Sequence[str]] = options
        if found is not None:
            product = translation.product(found, self._till, site="")
            if all(variant.sku != sku for variant in product.variants):
                sku = product.sku  # it may have been asked for by url key, or in another case
            wanted = refusals.check_choice(sku, options, found, product)
        body = {"sku": sku, "qty": quantity} | ({"options": _sent(wanted)} if wanted else {})
        answer = await self._rest.send("POST", f"{path(cart)}/items", body)
        if not answer.ok:
            raise refusals.of_line(answer, sku, product)
        after = await self._after(answer, cart)
        offered = () if product is None else product.custom_options
        lines = [line for line in after.lines if line.sku == sku]
        gone = min((custom.lost(offered, wanted, line.options) for line in lines), key=len, default=[])
        if not gone:
            return after
        return replace(
            after, notice=f"The shop did not keep what was chosen for {' and '.join(gone)}: look at the line."
        )

    async def update(self, cart: CartId, line: LineId, quantity: int) -> Cart:
        """Set a line's quantity, after a look at the stock: the shop would take any number."""
        before = await self.look(cart)
        item = next((one for one in before.items if str(one.id) == line), None)
        if item is None:
            raise LineNotFound(line)
        product = None if item.product_id is None else await self._catalogue.read(item.product_id)
        if product is not None:
            others = sum(
                translation.pieces(one.qty) or 0 for one in before.items if one.sku == item.sku and one is not item
            )
            refusals.check_stock(product, Sku(item.sku), quantity, also=others)
        answer = await self._rest.send("PUT", f"{path(cart)}/items/{item.id}", {"qty": quantity})
        return await self._changed(answer, cart, line, item)

    async def remove(self, cart: CartId, line: LineId) -> Cart:
        """Take a line out."""
        if not is_id(line):
            await self.look(cart)
            raise LineNotFound(line)
        return await self._changed(await self._rest.send("DELETE", f"{path(cart)}/items/{line}"), cart, line, None)

    async def apply_coupon(self, cart: CartId, code: str) -> Cart:
        """Use a code; when it is refused, look whether the shop took an earlier one off."""
        before = translation.coupon(await self.look(cart))
        answer = await self._coupon(cart, code)
        if answer.ok:
            after = await self._after(answer, cart)
            if after.coupon is not None:
                return after
        elif answer.status == HTTPStatus.NOT_FOUND:
            raise CartGone
        elif answer.status not in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}:
            accepted(answer)
        kept = None if before is None else translation.coupon(await self.look(cart))
        raise CouponRejected(code, dropped=before if kept is None else None)

    async def remove_coupon(self, cart: CartId) -> Cart:
        """Use no code."""
        return await self._after(await self._rest.send("DELETE", f"{path(cart)}/coupon"), cart)

    async def shipping_methods(self, cart: CartId, address: Address) -> tuple[ShippingMethod, ...]:
        """What sending the cart there costs. Asking writes the address onto the cart, as often as you like."""
        rates = await self.rates(cart, await self._delivery.address(address))
        return translation.shipping_methods(rates, self._till)

    async def rates(self, cart: CartId, written: dict[str, object]) -> list[Rate]:
        """The shop's own offers for an address in its own form."""
        answer = await self._rest.send("POST", f"{path(cart)}/shipping-methods", {"address": written}, harmless=True)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise CartGone
        quoted = accepted(answer)
        # The older fork answers with the whole cart.
        return quoted.read(list[Rate]) if quoted.is_list else quoted.read(QuotedCart).available_shipping_methods

    async def check_stock(self, found: GuestCart) -> None:
        """Whether every line can be had, as far as the shop tells. Raises what `refusals.check_stock` does."""
        wanted: dict[str, int] = {}
        for item in found.items:
            wanted[item.sku] = wanted.get(item.sku, 0) + (translation.pieces(item.qty) or 0)
        numbers = {item.sku: item.product_id for item in found.items if item.product_id is not None}
        for sku, number in numbers.items():
            product = await self._catalogue.read(number)
            if product is None:
                raise OutOfStock(sku)
            refusals.check_stock(product, Sku(sku), wanted[sku])

    async def _coupon(self, cart: CartId, code: str) -> Answer:
        body = {"couponCode": code}
        answer = await self._rest.send(self._coupon_verb, f"{path(cart)}/coupon", body)
        if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
            self._coupon_verb = next(verb for verb in COUPON_VERBS if verb != self._coupon_verb)
            answer = await self._rest.send(self._coupon_verb, f"{path(cart)}/coupon", body)
        return answer

    async def _changed(self, answer: Answer, cart: CartId, line: LineId, item: CartItem | None) -> Cart:
        if answer.status == HTTPStatus.NOT_FOUND:
            if "item" not in refusal(answer).message.casefold():
                await self.look(cart)
            raise LineNotFound(line)
        if not answer.ok and item is not None:
            raise refusals.of_line(answer, Sku(item.sku), None)
        return await self._after(answer, cart)

    async def _after(self, answer: Answer, cart: CartId) -> Cart:
        """The cart after a change; the older fork says nothing, and some calls never do."""
        if answer.status == HTTPStatus.NOT_FOUND:
            raise CartGone
        if accepted(answer).empty:
            return await self.read(cart)
        return self._cart(answer.read(GuestCart), cart)

    async def look(self, cart: CartId) -> GuestCart:
        """The cart in the shop's own form. Raises CartGone."""
        answer = await self._rest.get(path(cart))
        if answer.status == HTTPStatus.NOT_FOUND:
            raise CartGone
        found = accepted(answer).read(GuestCart)
        if found.id is not None:
            self._numbers.keep(cart, found.id)
        return found

    def number(self, cart: CartId) -> int | None:
        """What the shop's own people call a cart, once we have read it."""
        return self._numbers.find(cart)

    def _cart(self, found: GuestCart, asked: CartId) -> Cart:
        return translation.cart(found, self._till, asked)


def path(cart: CartId) -> str:
    """Where a guest's cart is."""
    return f"/guest-carts/{quote(cart, safe='')}"


def _sent(wanted: Mapping[str, str | Sequence[str]]) -> dict[str, object]:
    """Options as the shop takes them: texts as they are, values by their number."""
    return {option: answer if isinstance(answer, str) else list(answer) for option, answer in wanted.items()}
