"""What an order of a cart would cost, and whether the shop would take it: all of it looked at before anybody pays."""

import re
from http import HTTPStatus
from typing import Final

from msgspec.structs import replace

from storefront_mcp.backends.maho import translation
from storefront_mcp.backends.maho.carts import Carts, path
from storefront_mcp.backends.maho.delivery import Delivery
from storefront_mcp.backends.maho.prices import Till
from storefront_mcp.backends.maho.rest import Rest, accepted
from storefront_mcp.backends.maho.shapes import GuestCart, PayableCart, PayMethod, Prices, Rate
from storefront_mcp.backends.text import line
from storefront_mcp.backends.upstream import Answer
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.errors import CartEmpty, CartGone, EmailRefused, ShippingMethodRefused
from storefront_mcp.commerce.names import CartId
from storefront_mcp.commerce.order import OrderDraft, PaymentMethod

EMAIL: Final = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
FREE: Final = "free"
"""The shop's own way to order a cart that costs nothing."""
NO_SETTER: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})


class Pricing:
    """Prices orders of guest carts."""

    def __init__(self, rest: Rest, carts: Carts, delivery: Delivery, till: Till) -> None:
        self._rest = rest
        self._carts = carts
        self._delivery = delivery
        self._till = till
        self._has_setters = True

    async def priced(self, cart: CartId, draft: OrderDraft) -> Cart:
        """The cart with the totals that an order of it would have.

        Today's shops take addresses and shipping method onto the cart and add up themselves: these totals are exact.
        26.7 and the older fork have no such calls. There the total is the cart's own, as the shop adds it up for the
        address just quoted, and the price of the quoted method as quoted. A shop of that age that taxes shipping on top
        of the quoted price, or reduces it by a rule, charges another total, which the order then tells.
        """
        found = await self._carts.look(cart)
        if not found.items:
            raise CartEmpty
        if EMAIL.fullmatch(draft.email) is None:
            raise EmailRefused
        written = await self.written(draft)
        rates = await self._carts.rates(cart, written["shippingAddress"])
        offered = translation.shipping_methods(rates, self._till)
        chosen = next((rate for rate in rates if rate.code == draft.shipping_method and rate.price is not None), None)
        if chosen is None:
            raise ShippingMethodRefused(draft.shipping_method, offered)
        await self._carts.check_stock(found)
        settled = await self._settled(cart, written, chosen)
        if settled is None:
            settled = self._with_shipping(await self._carts.look(cart), chosen)
        title = next(one.title for one in offered if one.code == line(chosen.code, translation.CODE))
        return replace(translation.cart(settled, self._till, cart), ships_by=title)

    async def written(self, draft: OrderDraft) -> dict[str, dict[str, object]]:
        """Both addresses as the shop takes them. A bill may go where no parcel does."""
        return {
            "shippingAddress": await self._delivery.postal(draft.shipping_address, served=True),
            "billingAddress": await self._delivery.postal(draft.billing_address, served=False),
        }

    async def payment_methods(self, cart: CartId) -> tuple[PaymentMethod, ...]:
        """How the shop lets this cart be paid."""
        answer = await self._rest.get(f"{path(cart)}/payment-methods")
        if answer.status == HTTPStatus.NOT_FOUND:
            raise CartGone
        told = accepted(answer)
        # The older fork answers with the whole cart.
        offered = told.read(list[PayMethod]) if told.is_list else told.read(PayableCart).available_payment_methods
        return tuple(
            PaymentMethod(
                code=line(one.code, translation.CODE),
                title=line(one.title) or line(one.code, translation.CODE),
                offline=bool(one.is_offline) and one.code != FREE,
                free=one.code == FREE,
            )
            for one in offered
            if one.code
        )

    async def _settled(self, cart: CartId, written: dict[str, dict[str, object]], rate: Rate) -> GuestCart | None:
        """The cart after everything was put onto it; None where the shop has no calls for that."""
        if not self._has_setters or not (rate.carrier_code and rate.method_code):
            return None
        method = {"carrierCode": rate.carrier_code, "methodCode": rate.method_code}
        steps = (
            ("shipping-address", written["shippingAddress"]),
            ("billing-address", written["billingAddress"]),
            ("shipping-method", method),
        )
        answer: Answer | None = None
        for step, body in steps:
            answer = await self._rest.send("PUT", f"{path(cart)}/{step}", body, harmless=True)
            if answer.status in NO_SETTER:
                await self._carts.look(cart)  # a cart that is gone has no setters either
                self._has_setters = False
                return None
            accepted(answer)
        settled = await self._carts.look(cart) if answer is None or answer.empty else answer.read(GuestCart)
        prices = settled.prices if isinstance(settled.prices, Prices) else Prices()
        # Free shipping is written as null; any other null means that the method was not taken.
        return self._with_shipping(settled, rate) if prices.shipping_amount is None else settled

    def _with_shipping(self, found: GuestCart, rate: Rate) -> GuestCart:
        """A cart whose totals hold this way to send it, in place of any chosen before."""
        prices = found.prices if isinstance(found.prices, Prices) else Prices()
        before = prices.shipping_amount if prices.shipping_amount_incl_tax is None else prices.shipping_amount_incl_tax
        price = self._till.money(rate.price)
        total = self._till.money(prices.grand_total) - self._till.money(before) + price
        changed = replace(
            prices,
            shipping_amount=price.major(),
            shipping_amount_incl_tax=price.major(),
            grand_total=total.major(),
        )
        return replace(found, prices=changed)
