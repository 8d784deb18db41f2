"""Place-order: validates a guest cart, takes stock and payment, and records one order."""

import asyncio
import re
from typing import Final

import msgspec

from storefront_mcp.demo.api_errors import ApiError, Json, bad_request, check_storable, internal_error, not_found
from storefront_mcp.demo.cart_shapes import order_shape
from storefront_mcp.demo.countries import COUNTRIES, DemoAddress, read_address
from storefront_mcp.demo.currencies import AUD
from storefront_mcp.demo.models import DemoCart, DemoOrder, PaymentRefused
from storefront_mcp.demo.state import DemoState

INTERNAL_ERROR: Final = 500
MAX_NOTE_BYTES: Final = 65_535
EMAIL_PATTERN: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class OrderPlacement:
    """Places orders of guest carts. A body is that of `POST /guest-carts/{maskedId}/place-order`."""

    def __init__(self, state: DemoState) -> None:
        """Place orders in `state`."""
        self.state = state
        self.delivery_countries: frozenset[str] | None = frozenset(state.rules.delivery_countries)
        """None: any."""
        self.locks: dict[str, asyncio.Lock] = {}
        """Of the carts being ordered, by masked id."""

    async def place(self, masked_id: str, body: Json, currency: str) -> tuple[DemoOrder, str]:
        """Place an order; returns it and the token for one read of it.

        Calls on one cart are serialized by a lock, so that parallel calls make one order.

        Raises:
            ApiError: 404 without an open cart, 400 for what is missing or refused, 422 for what is sold out, 500 when
                a payment module fails, or after the commit, when the note cannot be stored.
        """
        lock = self.locks.setdefault(masked_id, asyncio.Lock())
        try:
            async with lock:
                return await self.pay_and_record(self.ready_cart(masked_id, body, currency), body, currency)
        finally:
            cart = self.state.carts.get(masked_id)
            if cart is None or not cart.active:
                self.locks.pop(masked_id, None)

    def ready_cart(self, masked_id: str, body: Json, currency: str) -> DemoCart:
        """The cart with what the body adds, checked. A 400 stores nothing; an error without a reason stores that."""
        cart = self.state.carts.get(masked_id)
        if cart is None or not cart.active:
            raise not_found("Cart not found")
        changes: Json = self.addresses(body)
        for key, name in (("shippingMethod", "shipping_method"), ("paymentMethod", "payment_method")):
            if body.get(key):
                changes[name] = str(body[key])
        cart = msgspec.structs.replace(cart, **changes)
        if cart.shipping_method and not cart.virtual:
            self.state.check_shipping(cart, cart.shipping_method)
        if cart.payment_method:
            self.state.check_payment(cart, cart.payment_method, currency)
        try:
            self.check_complete(cart, _email(body))
        except ApiError as error:
            if error.status == INTERNAL_ERROR:
                self.state.update_cart(cart)
            raise
        return cart

    def addresses(self, body: Json) -> Json:
        """The addresses in a body, by field of the cart; fields that are not in the body keep their value."""
        return {
            name: read_address(body[key], lists_become_array=False)
            for key, name in (("shippingAddress", "shipping_address"), ("billingAddress", "billing_address"))
            if isinstance(body.get(key), dict)
        }

    def check_complete(self, cart: DemoCart, email: str) -> None:
        """Raise 400 for what is missing, 422 for what is sold out."""
        self.check_email(email)
        if not cart.lines:
            raise bad_request("The cart is empty")
        self.check_addresses(cart)
        if not cart.shipping_method and not cart.virtual:
            raise bad_request("A shipping method is required")
        if not cart.payment_method:
            raise internal_error()
        for sku in {line.sku for line in cart.lines}:
            if not self.state.covers(sku, sum(line.qty for line in cart.lines if line.sku == sku)):
                raise ApiError(422, "unprocessable_entity", f'The requested quantity for "{sku}" is not available.')

    def check_email(self, email: str) -> None:
        """400 for an invalid e-mail address."""
        if not EMAIL_PATTERN.fullmatch(email):
            raise bad_request("A valid e-mail address is required")

    def check_addresses(self, cart: DemoCart) -> None:
        """400 for addresses that are missing, incomplete, or in a country without delivery."""
        if not cart.virtual:
            self._check_address(cart.shipping_address, "Shipping", self.delivery_countries)
        self._check_address(cart.billing_address, "Billing", None)

    def _check_address(self, address: DemoAddress | None, what: str, countries: frozenset[str] | None) -> None:
        rules = self.state.rules
        if address is None:
            raise bad_request(f"{what} address is required")
        missing = address.missing(postcode_optional=rules.postcode_optional)
        if missing:
            raise bad_request(f"Missing required address fields: {', '.join(missing)}")
        if countries is not None and address.country not in countries:
            raise bad_request(f"We do not deliver to country '{address.country}'")
        needs_region = address.country in rules.region_required
        if needs_region and COUNTRIES[address.country].regions and address.region_id is None:
            raise bad_request(f"{what} address needs a region of its country")

    async def pay_and_record(self, cart: DemoCart, body: Json, currency: str) -> tuple[DemoOrder, str]:
        """Reduce the stock, take the payment, and record the order; the stock is restored on failure."""
        payment = body["paymentData"] if isinstance(body.get("paymentData"), dict) else {}
        computations = 2 + len(self.addresses(body))
        for line in cart.lines:
            self.state.take_stock(line.sku, line.qty)
        try:
            await self._take_money(cart, payment, currency, computations)
        except BaseException:
            for line in cart.lines:
                self.state.take_stock(line.sku, -line.qty)
            raise
        return self.record(cart, body, payment, currency, computations)

    async def _take_money(self, cart: DemoCart, payment: Json, currency: str, computations: int) -> None:
        module = self.state.payment_modules.get(cart.payment_method or "")
        if module is None:
            return
        grand = self.state.totals(cart, currency, computations=computations).grand
        try:
            await module.take(amount=grand, currency=currency, data=payment)
        except PaymentRefused as refusal:
            raise bad_request(str(refusal)) from refusal
        except Exception as error:
            raise internal_error() from error

    def record(
        self, cart: DemoCart, body: Json, payment: Json, currency: str, computations: int
    ) -> tuple[DemoOrder, str]:
        """The order of a complete cart that is paid for, and the token for one read of it."""
        state, email = self.state, _email(body)
        number = state.next_number("order")
        answer = order_shape(state, cart, currency, number=number, email=email, computations=computations)
        order = DemoOrder(
            id=number,
            increment_id=answer["incrementId"],
            masked_id=cart.masked_id,
            email=email,
            note="",
            total=state.totals(cart, currency, computations=computations).grand,
            currency=currency,
            method=cart.payment_method or "",
            payment=payment,
            placed=state.clock(),
            body=answer,
            customer=cart.customer,
        )
        token = state.token() + state.token()
        state.orders[order.increment_id] = order
        state.order_tokens[order.increment_id] = token
        for code, paid in state.totals(cart, AUD.code, computations=computations).gift_cards.items():
            state.balances[code] -= paid
        # The order is committed. What fails from here on ends in a 500, and leaves the cart open.
        cart = state.update_cart(cart, order_number=order.increment_id)
        order = self.save_note(order, str(body.get("orderNote") or ""))
        state.update_cart(cart, active=False)
        return order, token

    def save_note(self, order: DemoOrder, note: str) -> DemoOrder:
        """The order with its note, which is stored after the commit; 500 for a note that cannot be stored."""
        check_storable(note)
        if len(note.encode()) > MAX_NOTE_BYTES:
            raise internal_error()
        if note:
            order.body["customerNote"] = note
        order = msgspec.structs.replace(order, note=note)
        self.state.orders[order.increment_id] = order
        return order


def _email(body: Json) -> str:
    return str(body.get("email") or body.get("guestEmail") or "").strip()
