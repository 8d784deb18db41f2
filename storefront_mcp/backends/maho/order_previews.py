"""Quotes of orders that leave a cart as it was: made on a twin of it, or by putting back what it had.

A quote stores addresses and shipping method on a cart, and Maho has no call that takes a shipping method off again.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Final

from msgspec import Meta, Struct
from msgspec.structs import replace

from storefront_mcp.backends.maho import translation
from storefront_mcp.backends.maho.carts import MahoCarts, cart_path
from storefront_mcp.backends.maho.order_quotes import NO_SETTER_STATUSES, OrderQuotes
from storefront_mcp.backends.maho.prices import PriceMapper
from storefront_mcp.backends.maho.rest import RestClient, expect_success
from storefront_mcp.backends.maho.shapes import CartItem, GuestCart, Label, Nothing, SelectedShipping
from storefront_mcp.backends.postal.countries import CODE_CHARS, country_code
from storefront_mcp.commerce.errors import CartEmpty, CartGone, ShopError
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.order import OrderDraft, OrderPreview

logger: Final = logging.getLogger(__name__)

MAX_TWIN_LINES: Final = 8
"""A larger cart costs too many requests to copy."""
MAX_FREE_TWINS: Final = 20
"""Empty twins kept for later previews."""
NOBODY: Final = dict.fromkeys(("firstName", "lastName", "street", "city", "postcode", "telephone"), "-")
"""In place of a buyer on a twin, whose addresses cannot be emptied."""


class CartAddressShape(Struct, frozen=True):
    """An address as carts show it: empty texts where there is none."""

    firstname: Label | None = None
    lastname: Label | None = None
    company: Label | None = None
    street: Annotated[list[Label], Meta(max_length=10)] = []
    city: Label | None = None
    region: Label | None = None
    postcode: Label | None = None
    countryId: Label | None = None  # noqa: N815 - Maho's spelling
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
            "countryId": self.countryId or "",
            "telephone": self.telephone or "",
        }


NO_ADDRESS: Final = CartAddressShape()


class AddressedCart(GuestCart, frozen=True, rename="camel", kw_only=True):
    """A cart with its addresses."""

    shipping_address: CartAddressShape | Nothing | None = None
    billing_address: CartAddressShape | Nothing | None = None


class OrderPreviews:
    """Previews of orders of guest carts."""

    def __init__(self, rest: RestClient, carts: MahoCarts, quotes: OrderQuotes, price_mapper: PriceMapper) -> None:
        self._rest = rest
        self._price_mapper = price_mapper
        self._carts = carts
        self._quotes = quotes
        self._free: list[CartId] = []
        self._can_clear: bool | None = None
        """Whether a twin's addresses can be overwritten; None until that was tried on an empty one."""

    async def preview(self, cart: CartId, draft: OrderDraft) -> OrderPreview:
        """The totals and payment methods of an order. Raises as `OrderQuotes.quote`."""
        before = await self._read(cart)
        if not before.items:
            raise CartEmpty
        if not translation.ships_nothing(before):
            await self._quotes.address_bodies(draft)
        twin = await self._twin(before)
        if twin is not None:
            try:
                preview = await self._quote(twin, draft)
                return replace(preview, cart=replace(preview.cart, cart_id=cart))
            except CartGone:
                logger.info("the shop lost the twin of a cart: the cart itself is quoted")
            finally:
                await self._undo(self._clear, twin, draft)
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

    async def _twin(self, before: AddressedCart) -> CartId | None:
        """A cart of nobody's with the same lines at the same prices; None where that cannot be had.

        Not for carts with a coupon or gift cards, whose tries the shop counts for all shoppers together.
        """
        items = before.items
        plain = translation.coupon(before) is None and not before.applied_giftcards
        if not (plain and self._can_clear is not False and 0 < len(items) <= MAX_TWIN_LINES):
            return None
        # A twin that was used before has a shipping method, which goods that are not sent must not have.
        again = bool(self._free) and not translation.ships_nothing(before)
        twin = self._free.pop() if again else (await self._carts.create()).cart_id
        if not await self._is_clearable(twin):
            return None
        copied: GuestCart | None = None
        for item in items:
            body = {"sku": item.sku, "qty": str(item.qty)}
            # Nobody ever orders this cart, so a lost response does no harm.
            answer = await self._rest.send("POST", f"{cart_path(twin)}/items", body, harmless=True)
            if not answer.is_success:
                await self._undo(self._empty, twin)
                return None
            copied = answer.read(GuestCart)
            twin = CartId(copied.masked_id or twin)
        if copied is not None and [*map(self._comparable, copied.items)] == [*map(self._comparable, items)]:
            return twin
        await self._undo(self._empty, twin)
        return None

    async def _is_clearable(self, twin: CartId) -> bool:
        """Try it once: what a quote stores on a twin has to come off again."""
        if self._can_clear is None:
            tried = await self._rest.send("PUT", f"{cart_path(twin)}/billing-address", NOBODY, harmless=True)
            self._can_clear = tried.status not in NO_SETTER_STATUSES
        return self._can_clear

    async def _clear(self, twin: CartId, draft: OrderDraft) -> None:
        """Take buyer and lines off a twin."""
        given = draft.billing_address.country
        nobody = {**NOBODY, "countryId": country_code(given) or given.strip().upper()[:CODE_CHARS]}
        await self._rest.send("PUT", f"{cart_path(twin)}/shipping-address", nobody, harmless=True)
        await self._rest.send("PUT", f"{cart_path(twin)}/billing-address", nobody, harmless=True)
        await self._empty(twin)

    async def _empty(self, twin: CartId) -> None:
        for item in (await self._carts.fetch(twin)).items:
            expect_success(await self._rest.send("DELETE", f"{cart_path(twin)}/items/{item.id}", harmless=True))
        if len(self._free) < MAX_FREE_TWINS:
            self._free.append(twin)

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


def _address(found: CartAddressShape | Nothing | None) -> CartAddressShape:
    return found if isinstance(found, CartAddressShape) else NO_ADDRESS
