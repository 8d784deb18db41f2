"""Quotes of orders: addresses and shipping rates are written on the shop's cart, whose totals are then the order's."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from msgspec.structs import replace

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.postal.emails import has_email_form
from storefront_mcp.backends.woocommerce import translation
from storefront_mcp.backends.woocommerce.addresses import WooAddresses, Written
from storefront_mcp.backends.woocommerce.carts import WooCarts, check_cart
from storefront_mcp.backends.woocommerce.prices import WooPrices
from storefront_mcp.backends.woocommerce.shapes import WooCartShape, WooRateShape
from storefront_mcp.backends.woocommerce.store_api import StoreApiClient, expect_success
from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.errors import (
    AddressRefused,
    CartEmpty,
    CountryNotServed,
    EmailRefused,
    ShippingMethodRefused,
)
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.order import OrderDraft, OrderPreview, PaymentMethod
from storefront_mcp.commerce.page import StoreFacts
from storefront_mcp.commerce.shipping import ShippingMethod

FREE_METHOD: Final = "free"
"""Our code for a cart that costs nothing, of which the shop wants no method; no gateway has it."""
OFFLINE_TITLES: Final = {"bacs": "Direct bank transfer", "cheque": "Check payment", "cod": "Cash on delivery"}
"""WooCommerce's own methods that are settled after the order; its interface tells codes alone."""
PLACE_FIELDS: Final = ("address_1", "address_2", "city", "state", "postcode", "country")
"""Of an address without the person."""


class WooQuotes:
    """Quotes, shipping and payment methods of guest carts."""

    def __init__(self, rest: StoreApiClient, carts: WooCarts, addresses: WooAddresses, prices: WooPrices) -> None:
        self._rest = rest
        self._carts = carts
        self._addresses = addresses
        self._prices = prices

    async def shipping_methods(self, cart: CartId, address: Address) -> Sequence[ShippingMethod] | None:
        """The ways to send a cart there, which the shop keeps on the cart; None where nothing is sent."""

        async def place() -> dict[str, Written]:
            written = await self._addresses.quote_body(address)
            return {"shipping_address": {key: written[key] for key in PLACE_FIELDS}}

        found = await self._write(cart, place)
        if translation.ships_nothing(found):
            return None
        return translation.shipping_methods(found, self._prices)

    async def quote(self, cart: CartId, draft: OrderDraft) -> Cart:
        """The cart with the totals that its order would have. Raises as the port says."""
        before = await self._carts.fetch(cart)
        if not before.items:
            raise CartEmpty
        if not has_email_form(draft.email):
            raise EmailRefused
        check_cart(before)
        if translation.ships_nothing(before):
            draft = replace(draft, shipping_address=None, shipping_method="")
        elif draft.shipping_address is None:
            raise AddressRefused("shipping_address is missing: the whole address that the goods go to.")
        found = await self._write(cart, lambda: self.bodies(draft))
        if draft.shipping_address is not None:
            found = await self._choose_rates(cart, found, draft)
        check_cart(found)
        return translation.cart(found, self._prices, cart)

    async def _write(self, cart: CartId, bodies: Callable[[], Awaitable[dict[str, Written]]]) -> WooCartShape:
        """The cart with addresses, whose states a refusal may teach. Raises CountryNotServed, AddressRefused."""
        written = await bodies()
        answer = await self._rest.cart_post(cart, "/cart/update-customer", written, harmless=True)
        if not answer.is_success and self._addresses.learn(answer, *written.values()):
            written = await bodies()
            answer = await self._rest.cart_post(cart, "/cart/update-customer", written, harmless=True)
        if not answer.is_success:
            refused = self._addresses.refusal(answer, *written.values())
            if refused is not None:
                raise refused
        return expect_success(answer).read(WooCartShape)

    async def bodies(self, draft: OrderDraft, *, suspicious: bool = True) -> dict[str, Written]:
        """Both addresses as `WooAddresses.postal` has them; what goes nowhere is sent where the bill goes.

        Of one that is both, what it lacks is said of `shipping_address`, as it was given.
        """
        postal = partial(self._addresses.postal, suspicious=suspicious)
        shipping = None
        if draft.shipping_address is not None:
            shipping = await postal(draft.shipping_address, what="shipping_address")
        billing = await postal(draft.billing_address, what="billing_address")
        return {"billing_address": {**billing, "email": draft.email}, "shipping_address": dict(shipping or billing)}

    async def _choose_rates(self, cart: CartId, found: WooCartShape, draft: OrderDraft) -> WooCartShape:
        """The cart with the rates of a shipping method chosen.

        An unknown rate is answered with the earlier choice, so what is chosen is looked at. Raises CountryNotServed,
        ShippingMethodRefused.
        """
        choices = translation.shipping_choices(found)
        if not choices and draft.shipping_address is not None:
            raise CountryNotServed(draft.shipping_address.country, await self._addresses.countries.delivery_countries())
        rates = choices.get(draft.shipping_method)
        if rates is None:
            raise ShippingMethodRefused(draft.shipping_method, translation.shipping_methods(found, self._prices))
        for at, rate in enumerate(rates):
            if _is_chosen(found, at, rate):
                continue
            body = {"package_id": found.shipping_rates[at].package_id, "rate_id": rate.rate_id}
            answer = await self._rest.cart_post(cart, "/cart/select-shipping-rate", body, harmless=True)
            found = expect_success(answer).read(WooCartShape)
        if not all(_is_chosen(found, at, rate) for at, rate in enumerate(rates)):
            raise ShippingMethodRefused(draft.shipping_method, translation.shipping_methods(found, self._prices))
        return found

    async def preview(self, cart: CartId, draft: OrderDraft) -> OrderPreview:
        """Quote and payment methods of a twin, a new cart with the same lines and coupons, which is left to expire."""
        found = await self._carts.fetch(cart)
        if not found.items:
            raise CartEmpty
        if not has_email_form(draft.email):
            raise EmailRefused
        twin = (await self._carts.create()).cart_id
        for item in found.items:
            chosen = [{"attribute": one.attribute, "value": one.value} for one in item.variation]
            body: dict[str, object] = {"id": item.id, "quantity": item.quantity}
            if chosen:
                body["variation"] = chosen
            expect_success(await self._rest.cart_post(twin, "/cart/add-item", body))
        for one in found.coupons:
            expect_success(await self._rest.cart_post(twin, "/cart/apply-coupon", {"code": one.code}))
        quoted = await self.quote(twin, draft)
        return OrderPreview(cart=replace(quoted, cart_id=cart), methods=await self.payment_methods(twin))

    async def payment_methods(self, cart: CartId) -> tuple[PaymentMethod, ...]:
        """The payment methods of a cart; `FREE_METHOD` alone where it costs nothing. Raises CartGone."""
        found = await self._carts.fetch(cart)
        if found.items and not found.needs_payment:
            return (PaymentMethod(code=FREE_METHOD, title="Nothing to pay", free=True),)
        return _methods(found)

    async def store_facts(self) -> StoreFacts:
        """Where it delivers, as far as that is known, and the payment methods of a cart that nobody uses."""
        methods = await self.payment_methods((await self._carts.create()).cart_id)
        return StoreFacts(countries=await self._addresses.countries.delivery_countries(), payment_methods=methods)


def _methods(found: WooCartShape) -> tuple[PaymentMethod, ...]:
    codes = (sanitizing.line(code, translation.MAX_LABEL_CHARS) for code in found.payment_methods)
    return tuple(
        PaymentMethod(code=code, title=OFFLINE_TITLES.get(code, code), offline=code in OFFLINE_TITLES)
        for code in codes
        if code and code != FREE_METHOD
    )


def _is_chosen(found: WooCartShape, package: int, rate: WooRateShape) -> bool:
    if package >= len(found.shipping_rates):
        return False
    return any(one.selected and one.rate_id == rate.rate_id for one in found.shipping_rates[package].shipping_rates)
