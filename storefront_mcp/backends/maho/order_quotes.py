"""Quotes an order before payment: checks address, shipping method and stock, and computes the totals."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.maho import translation
from storefront_mcp.backends.maho.addresses import AddressMapper
from storefront_mcp.backends.maho.carts import MahoCarts, cart_path
from storefront_mcp.backends.maho.prices import PriceMapper
from storefront_mcp.backends.maho.rest import RestClient, expect_success
from storefront_mcp.backends.maho.shapes import (
    CartPrices,
    GuestCart,
    PayableCart,
    PaymentMethodShape,
    SelectedPayment,
    SelectedShipping,
    ShippingRateShape,
)
from storefront_mcp.backends.maho.storable import check_note, is_email
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.cart import Cart, CartTotals
from storefront_mcp.commerce.errors import (
    AddressRefused,
    CartEmpty,
    CartGone,
    EmailRefused,
    NoWayToPay,
    OrderRefused,
    ShippingMethodRefused,
    ShopDown,
    ShopOutcomeUnknown,
)
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import OrderDraft, PaymentMethod
from storefront_mcp.commerce.page import StoreFacts
from storefront_mcp.commerce.shipping import ShippingMethod

logger = logging.getLogger(__name__)

FREE_METHOD: Final = "free"
"""Maho's payment method for a cart with total 0."""
MAX_METHODS: Final = 100
"""Payment methods of one cart."""
NO_SETTER_STATUSES: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
MAX_WRITTEN_CARTS: Final = 1_000
"""Quoted carts of which is remembered what is stored on them."""
WRITTEN_TTL_SECONDS: Final = 120.0
METHODS_TTL_SECONDS: Final = 3600.0


class _WrittenOrder(Struct, frozen=True):
    """What a quote has stored on a cart."""

    addresses: dict[str, dict[str, object]]
    """The billing address alone where nothing is sent."""
    shipping_method: str
    has_method: bool
    """Whether the shipping method is stored, too."""


class OrderQuotes:
    """Quotes and payment methods of guest carts.

    Maho rounds percent discounts and carries the rest on, within a request also into its next computation of the
    totals. So a total is the order's if both requests computed it equally often: a change of the cart does three times,
    place-order twice and once more for each address in its body. Quotes read the response to a change, and place-order
    is sent with one address.
    """

    def __init__(
        self,
        rest: RestClient,
        carts: MahoCarts,
        delivery: AddressMapper,
        price_mapper: PriceMapper,
        *,
        minimum: Money | None,
        clock: Callable[[], float],
    ) -> None:
        self._rest = rest
        self._carts = carts
        self._delivery = delivery
        self._price_mapper = price_mapper
        self._minimum = minimum
        self._has_setters = True
        self._dry_run_fails = True
        """Whether a place-order without a payment method fails, as it must."""
        self._methods: TtlCache[None, tuple[PaymentMethod, ...]] = TtlCache(
            size=1, seconds=METHODS_TTL_SECONDS, clock=clock
        )
        self.caches: Final = (self._methods,)
        self._written: TtlCache[CartId, _WrittenOrder] = TtlCache(
            size=MAX_WRITTEN_CARTS, seconds=WRITTEN_TTL_SECONDS, clock=clock
        )

    async def quote(self, cart: CartId, draft: OrderDraft) -> Cart:
        """The cart with the totals that its order would have.

        Addresses and shipping method are stored on the cart: by setters in shops later than 26.7, by `_dry_run` in
        26.7. In the older fork, and where a payment method keeps `_dry_run` from being used, it is the cart's total
        plus the quoted shipping price, and the order differs if the shop taxes or discounts that. Raises CartEmpty,
        CartGone, EmailRefused, ShippingMethodRefused, and as `AddressMapper.postal` and `MahoCarts.check_stock`.
        """
        self._written.pop(cart, None)
        found = await self._carts.fetch(cart)
        draft = _complete_draft(found, draft)
        await self._delivery.check_guests()
        written = await self.address_bodies(draft)
        # Rates change the cart, products are only read: the one need not wait for the others. Rates are asked for a
        # virtual cart, too: the form of the answer tells the older fork.
        rates, products = await asyncio.gather(
            self._carts.rates(cart, written.get("shippingAddress") or written["billingAddress"]),
            self._carts.products_of(found),
        )
        chosen = None if draft.shipping_address is None else self._choose_rate(rates, draft.shipping_method)
        await self._carts.check_stock(found, products)
        settled = await self._apply_to_cart(cart, written, chosen)
        if settled is None and self._carts.is_older_fork:
            settled = await self._carts.fetch(cart)
        elif settled is None:
            await self._dry_run(cart, draft, written)
            settled = await self._carts.recompute(cart, found)
        if self._price_mapper.tax.is_unknown(settled.items):
            await self._carts.learn_tax(settled)
        has_method = chosen is None or _has_method(settled, chosen)
        if not self._carts.is_older_fork:
            self._written[cart] = _WrittenOrder(written, draft.shipping_method, has_method)
        if chosen is not None and not has_method:
            settled = self._with_shipping(settled, chosen)
            if not self._total(found) and self._total(settled):
                raise NoWayToPay  # `free` would be offered and taken, and shipping would stay due
        [*titles] = translation.shipping_methods([] if chosen is None else [chosen], self._price_mapper)
        priced = translation.cart(settled, self._price_mapper, cart)
        priced = replace(priced, ships_by=titles[0].title if titles else None)
        self._check_minimum(priced.totals)
        return priced

    def _choose_rate(self, rates: Sequence[ShippingRateShape], code: str) -> ShippingRateShape:
        """The rate with this code. Raises ShippingMethodRefused with those there are."""
        chosen = next((rate for rate in rates if rate.code == code and rate.price is not None), None)
        if chosen is None:
            raise ShippingMethodRefused(code, translation.shipping_methods(rates, self._price_mapper))
        return chosen

    def _check_minimum(self, totals: CartTotals) -> None:
        """Raise OrderRefused below the shop's least order, of which Maho's REST neither tells nor knows."""
        least = self._minimum
        goods = totals.subtotal if totals.discount is None else totals.subtotal - totals.discount
        if least is not None and goods.minor < least.minor:
            raise OrderRefused(f"the goods come to {goods}, and it takes orders from {least} on. Add some.")

    @property
    def has_setters(self) -> bool:
        """Whether the shop has calls that set addresses and methods, as far as is known."""
        return self._has_setters

    def forget(self, cart: CartId) -> None:
        """Expect nothing of an earlier quote to be stored on a cart."""
        self._written.pop(cart, None)

    async def shipping_methods(self, cart: CartId, address: Address) -> Sequence[ShippingMethod] | None:
        """Shipping methods and prices for an address, which the shop stores on the cart."""
        self._written.pop(cart, None)
        return await self._carts.shipping_methods(cart, address)

    async def order_body(self, cart: CartId, draft: OrderDraft) -> dict[str, object]:
        """Addresses and shipping method in place-order's form; those that a quote has just stored are left out."""
        # What was quoted is ordered as it is: a refusal by then may have had another reason.
        addresses = await self.address_bodies(draft, suspicious=False)
        written = self._written.find(cart)
        self._written.pop(cart, None)
        method = {"shippingMethod": draft.shipping_method} if draft.shipping_method else {}
        if written is None or (written.addresses, written.shipping_method) != (addresses, draft.shipping_method):
            return {**addresses, **method}
        body: dict[str, object] = {"billingAddress": addresses["billingAddress"]}
        return body if written.has_method else body | method

    def suspect_addresses(self, draft: OrderDraft) -> None:
        """As `AddressMapper.suspect`, for the addresses of an order that the shop refused without a reason."""
        for address in (draft.shipping_address, draft.billing_address):
            if address is not None:
                self._delivery.suspect(address)

    async def address_bodies(self, draft: OrderDraft, *, suspicious: bool = True) -> dict[str, dict[str, object]]:
        """The addresses in Maho's form; `suspicious` as for `AddressMapper.postal`."""
        postal = partial(self._delivery.postal, suspicious=suspicious)
        bodies = {}
        if draft.shipping_address is not None:
            shipping = await postal(draft.shipping_address, what="shipping_address", served=True)
            bodies["shippingAddress"] = shipping
        billing = await postal(draft.billing_address, what="billing_address", served=False)
        return bodies | {"billingAddress": billing}

    async def store_facts(self) -> StoreFacts:
        """Countries, guests, and the payment methods of a cart that nobody uses, which are asked for once an hour."""
        methods = self._methods.find(None)
        if methods is None:
            methods = await self.payment_methods((await self._carts.create()).cart_id)
            self._methods[None] = methods
        return StoreFacts(
            countries=await self._delivery.served_countries(),
            payment_methods=methods,
            guest_orders=await self._delivery.takes_guests(),
        )

    async def payment_methods(self, cart: CartId) -> tuple[PaymentMethod, ...]:
        """The payment methods of a cart. Raises CartGone."""
        answer = await self._rest.get(f"{cart_path(cart)}/payment-methods")
        if answer.status == HTTPStatus.NOT_FOUND:
            raise CartGone
        answer = expect_success(answer)
        # The older fork returns the whole cart.
        offered = (
            answer.read(list[PaymentMethodShape])[:MAX_METHODS]
            if answer.is_list
            else answer.read(PayableCart).available_payment_methods
        )
        return tuple(
            PaymentMethod(
                code=sanitizing.line(one.code, translation.MAX_LABEL_CHARS),
                title=sanitizing.line(one.title) or sanitizing.line(one.code, translation.MAX_LABEL_CHARS),
                offline=bool(one.is_offline) and one.code != FREE_METHOD,
                free=one.code == FREE_METHOD,
            )
            for one in offered
            if one.code
        )

    async def _apply_to_cart(
        self, cart: CartId, written: dict[str, dict[str, object]], rate: ShippingRateShape | None
    ) -> GuestCart | None:
        """The cart with addresses and shipping method set; None if the shop lacks these calls.

        Raises AddressRefused for what the shop misses in an address.
        """
        if not self._has_setters or (rate is not None and not (rate.carrier_code and rate.method_code)):
            return None
        steps: list[tuple[str, Mapping[str, object]]] = [("billing-address", written["billingAddress"])]
        if rate is not None:
            method = {"carrierCode": rate.carrier_code, "methodCode": rate.method_code}
            steps = [("shipping-address", written["shippingAddress"]), *steps, ("shipping-method", method)]
        answer: UpstreamResponse | None = None
        for step, body in steps:
            answer = await self._rest.send("PUT", f"{cart_path(cart)}/{step}", body, harmless=True)
            if answer.status in NO_SETTER_STATUSES:
                await self._carts.fetch(cart)  # raises CartGone, for which the setters answer 404 too
                self._has_setters = False
                return None
            if (refused := self._delivery.refusal(answer)) is not None:
                raise refused
            expect_success(answer)
        return await self._carts.fetch(cart) if answer is None or not answer.body.strip() else answer.read(GuestCart)

    async def _dry_run(self, cart: CartId, draft: OrderDraft, written: dict[str, dict[str, object]]) -> None:
        """Store addresses and shipping method by a place-order without a payment method, which fails after that.

        The only way in 26.7. Not for a cart that has a payment method, of which it would make an order, nor for one
        that costs nothing, whose payment method may go without saying. Raises ShopDown when that is not how it ended.
        """
        found = await self._carts.fetch(cart)
        prices = found.prices if isinstance(found.prices, CartPrices) else CartPrices()
        has_payment = isinstance(found.selected_payment_method, SelectedPayment)
        if not self._dry_run_fails or has_payment or not self._price_mapper.money(prices.grand_total):
            return
        method = {"shippingMethod": draft.shipping_method} if draft.shipping_method else {}
        body = {"email": draft.email, **written, **method}
        try:
            answer = await self._rest.post_once(f"{cart_path(cart)}/place-order", body)
        except ShopOutcomeUnknown as failed:
            if failed.over:
                return
            raise ShopDown(internal=failed.internal) from failed
        if answer.status == HTTPStatus.NOT_FOUND:
            raise CartGone
        if answer.is_success:
            self._dry_run_fails = False
            logger.error("%s: the shop made an order without a payment method: cancel it there", answer.where)
            raise ShopDown(internal=f"{answer.where}: an order without a payment method")
        expect_success(answer)

    def _total(self, found: GuestCart) -> Money:
        return self._price_mapper.money(found.prices.grand_total if isinstance(found.prices, CartPrices) else None)

    def _with_shipping(self, found: GuestCart, rate: ShippingRateShape) -> GuestCart:
        """The cart with its totals recomputed for this rate, of which gift cards pay what they can."""
        prices = found.prices if isinstance(found.prices, CartPrices) else CartPrices()
        before = prices.shipping_amount if prices.shipping_amount_incl_tax is None else prices.shipping_amount_incl_tax
        price = self._price_mapper.money(rate.price)
        total = self._price_mapper.money(prices.grand_total) - self._price_mapper.money(before) + price
        money = self._price_mapper.money
        left = sum(money(one.balance).minor - money(one.applied_amount).minor for one in found.applied_giftcards)
        by_card = Money(max(0, min(left, total.minor)), total.currency)
        total -= by_card
        changed = replace(
            prices,
            shipping_amount=price.major(),
            shipping_amount_incl_tax=price.major(),
            grand_total=total.major(),
            giftcard_amount=(money(prices.giftcard_amount) + by_card).major() if by_card else prices.giftcard_amount,
        )
        return replace(found, prices=changed)


def _complete_draft(found: GuestCart, draft: OrderDraft) -> OrderDraft:
    """What of a draft this cart's order has. Raises CartEmpty, EmailRefused, AddressRefused, OrderRefused."""
    if not found.items:
        raise CartEmpty
    if not is_email(draft.email):
        raise EmailRefused
    check_note(draft.note)
    if translation.ships_nothing(found):
        return replace(draft, shipping_address=None, shipping_method="")
    if draft.shipping_address is None:
        raise AddressRefused("shipping_address is missing: the whole address that the goods go to.")
    return draft


def _has_method(found: GuestCart, rate: ShippingRateShape) -> bool:
    """Whether the cart's totals are with this shipping rate."""
    selected = found.selected_shipping_method
    if isinstance(selected, SelectedShipping):
        return (selected.carrier_code, selected.method_code) == (rate.carrier_code, rate.method_code)
    return isinstance(found.prices, CartPrices) and found.prices.shipping_amount is not None
