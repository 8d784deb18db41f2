"""Quotes of orders that leave a cart as it was: made on a twin of it, or by putting back what it had.

A quote stores addresses and shipping method on a cart, and Maho has no call that takes a shipping method off again.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Final

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from storefront_mcp.backends.maho import translation
from storefront_mcp.backends.maho.carts import cart_path
from storefront_mcp.backends.maho.order_quotes import OrderQuotes
from storefront_mcp.backends.maho.prices import PriceMapper
from storefront_mcp.backends.maho.rest import RestClient, expect_success
from storefront_mcp.backends.maho.shapes import CartItem, CartPlaceShape, GuestCart, Label, Nothing, SelectedShipping
from storefront_mcp.backends.maho.twin_carts import NOBODY, TwinCarts
from storefront_mcp.backends.postal.countries import CODE_CHARS, country_code
from storefront_mcp.commerce.errors import CartEmpty, CartGone, ShopError
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.order import OrderDraft, OrderPreview

logger: Final = logging.getLogger(__name__)

MAX_TWIN_LINES: Final = 8
"""A larger cart costs too many requests to copy."""


class CartAddressShape(CartPlaceShape, frozen=True, rename="camel"):
    """An address as carts show it: empty texts where there is none."""

    firstname: Label | None = None
    lastname: Label | None = None
    company: Label | None = None
    street: Annotated[list[Label], Meta(max_length=10)] = field(default_factory=list)
    city: Label | None = None
    region: Label | None = None
    postcode: Label | None = None
    telephone: Label | None = None

    @property
    def body(self) -> dict[str, str]:
        """In the form of a request, the street as one text: Maho stores a list as the word "Array"."""
        return {
            "firstName": self.firstname or "",
            "lastName": self.lastname or "",
            "company": self.company or "",
            "street": "\n".join(self.street),
            "city": self.city or "",
            "region": self.region or "",
            "postcode": self.postcode or "",
            "countryId": self.country_id or "",
            "telephone": self.telephone or "",
        }


NO_ADDRESS: Final = CartAddressShape()


class AddressedCart(GuestCart, frozen=True, rename="camel", kw_only=True):
    """A cart with its addresses."""

    shipping_address: CartAddressShape | Nothing | None = None
    billing_address: CartAddressShape | Nothing | None = None


class CartTwin(Struct, frozen=True):
    """A twin, and whether it is on record."""

    cart: CartId
    noted: bool


class OrderPreviews:
    """Previews of orders of guest carts."""

    def __init__(self, rest: RestClient, twins: TwinCarts, quotes: OrderQuotes, price_mapper: PriceMapper) -> None:
        self._rest = rest
        self._price_mapper = price_mapper
        self._twins = twins
        self._quotes = quotes

    async def preview(self, cart: CartId, draft: OrderDraft) -> OrderPreview:
        """The totals and payment methods of an order. Raises as `OrderQuotes.quote`."""
        before = await self._read(cart)
        if not before.items:
            raise CartEmpty
        if not translation.ships_nothing(before):
            await self._quotes.address_bodies(draft)
        twin = await self._twin(before, _country(draft))
        if twin is not None:
            try:
                preview = await self._quote(twin.cart, draft)
                return replace(preview, cart=replace(preview.cart, cart_id=cart))
            except CartGone:
                logger.info("the shop lost the twin of a cart: the cart itself is quoted")
            finally:
                await self._twins.clear(twin.cart, _country(draft), noted=twin.noted)
        try:
            return await self._quote(cart, draft)
        finally:
            await self._undo(self._put_back, cart, before)

    async def _quote(self, cart: CartId, draft: OrderDraft) -> OrderPreview:
        priced = await self._quotes.quote(cart, draft)
        return OrderPreview(cart=priced, methods=tuple(await self._quotes.payment_methods(cart)))

    async def _read(self, cart: CartId) -> AddressedCart:
        answer = await self._rest.get(cart_path(cart))
        if answer.status == HTTPStatus.NOT_FOUND:
            raise CartGone
        return expect_success(answer).read(AddressedCart)

    async def _twin(self, before: AddressedCart, country: str) -> CartTwin | None:
        """A cart of nobody's with the same lines at the same prices; None where that cannot be had.

        Not for carts with a coupon or gift cards, whose tries the shop counts for all shoppers together.
        """
        items = before.items
        plain = translation.coupon(before) is None and not before.applied_giftcards
        if not (plain and 0 < len(items) <= MAX_TWIN_LINES):
            return None
        # A twin that was used before has a shipping method, which goods that are not sent must not have.
        twin = await self._twins.take(fresh=translation.ships_nothing(before))
        if twin is None:
            return None
        noted = await self._twins.note(twin, country)
        copied: GuestCart | None = None
        for item in items:
            body = {"sku": item.sku, "qty": str(item.qty)}
            # Nobody ever orders this cart, so a lost response does no harm.
            answer = await self._rest.send("POST", f"{cart_path(twin)}/items", body, harmless=True)
            if not answer.is_success:
                await self._twins.clear(twin, country, noted=noted)
                return None
            copied = answer.read(GuestCart)
            if copied.masked_id and copied.masked_id != twin:
                twin = CartId(copied.masked_id)
                noted = await self._twins.note(twin, country)
        if copied is not None and [*map(self._comparable, copied.items)] == [*map(self._comparable, items)]:
            return CartTwin(twin, noted)
        await self._twins.clear(twin, country, noted=noted)
        return None

    async def _put_back(self, cart: CartId, before: AddressedCart) -> None:
        """Give a cart the addresses and the shipping method that it had.

        A method that it did not have stays, and without an address it costs nothing. So an address that came of an
        estimate is not put back where a method would now be charged for it.
        """
        self._quotes.forget(cart)
        method = before.selected_shipping_method
        has_method = isinstance(method, SelectedShipping)
        shipping, billing = _address(before.shipping_address), _address(before.billing_address)
        back = shipping.body if has_method else NO_ADDRESS.body
        await self._rest.send("POST", f"{cart_path(cart)}/shipping-methods", {"address": back}, harmless=True)
        if not self._quotes.has_setters:
            return
        whole = all(billing.body[key] for key in NOBODY)
        bill: Mapping[str, object] = billing.body if whole else {"sameAsShipping": True}
        await self._rest.send("PUT", f"{cart_path(cart)}/billing-address", bill, harmless=True)
        if isinstance(method, SelectedShipping):
            chosen = {"carrierCode": method.carrier_code, "methodCode": method.method_code}
            await self._rest.send("PUT", f"{cart_path(cart)}/shipping-method", chosen, harmless=True)

    def _comparable(self, item: CartItem) -> tuple[object, ...]:
        """What a line has in common with its twin, whatever tax their addresses bring: prices are as they are shown."""
        options = [(one.label, str(one.value)) for one in item.options]
        return item.sku, item.qty, self._price_mapper.line(item), options

    async def _undo(self, step: Callable[..., Awaitable[None]], cart: CartId, *more: object) -> None:
        """Take one of these steps; what fails is left as it is, and the preview stands."""
        try:
            await step(cart, *more)
        except ShopError as error:
            logger.info("a preview left something on a cart: %s", error.internal)


def _country(draft: OrderDraft) -> str:
    """That of the bill, as a code."""
    given = draft.billing_address.country
    return country_code(given) or given.strip().upper()[:CODE_CHARS]


def _address(found: CartAddressShape | Nothing | None) -> CartAddressShape:
    return found if isinstance(found, CartAddressShape) else NO_ADDRESS
