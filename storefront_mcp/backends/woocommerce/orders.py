"""WooCommerce's checkout, which is not idempotent: sent once, and the order looked up if the response is lost.

Parallel checkouts of one cart make several orders there. That no second call is sent is the caller's promise; the order
carries our reference in its note, by which the merchant's key finds it again.
"""

import asyncio
import logging
import re
from http import HTTPStatus
from typing import Final
from weakref import WeakValueDictionary

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.backends.woocommerce.addresses import WooAddresses
from storefront_mcp.backends.woocommerce.carts import WooCarts
from storefront_mcp.backends.woocommerce.merchant import MerchantOrders
from storefront_mcp.backends.woocommerce.order_quotes import FREE_METHOD, WooQuotes
from storefront_mcp.backends.woocommerce.prices import WooPrices
from storefront_mcp.backends.woocommerce.shapes import WooGuestOrderShape, WooPlacedOrderShape
from storefront_mcp.backends.woocommerce.store_api import (
    NONCE_CODES,
    STORE,
    StoreApiClient,
    error_body,
    error_reason,
    expect_success,
    general_error,
)
from storefront_mcp.commerce.errors import (
    CartGone,
    OrderRefused,
    ShopBusy,
    ShopDown,
    ShopError,
    ShopOutcomeUnknown,
    ShopRefused,
)
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderDraft, OrderSettlement

logger = logging.getLogger(__name__)

EMPTY_CART: Final = "woocommerce_rest_cart_empty"
PAYMENT_FAILED: Final = frozenset({"failure", "error"})
"""What the shop says of a payment that its method did not take: there is an order all the same."""
REJECTION_STATUSES: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY})
AUTH_STATUSES: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED})
"""Statuses with which WordPress rejects a request before its handler reads it."""
PAYMENT_ERROR: Final = "payment"
"""In the code of a 4xx that comes after the order was made."""
REFUSED_BEFORE: Final = frozenset(
    {
        "woocommerce_rest_checkout_missing_payment_method",
        "woocommerce_rest_checkout_payment_method_disabled",
        "rest_invalid_param",
        "rest_missing_callback_param",
    }
)
"""Codes of refusals before there is an order, though they may name the payment."""
EMAIL_LIKE_PATTERN: Final = re.compile(r"(?<!\S)\S+@\S+")
MAX_NUMBER_CHARS: Final = 60


class WooOrders:
    """Places and finds orders of guest carts."""

    def __init__(
        self,
        rest: StoreApiClient,
        carts: WooCarts,
        quotes: WooQuotes,
        addresses: WooAddresses,
        prices: WooPrices,
        merchant: MerchantOrders | None,
    ) -> None:
        self._rest = rest
        self._carts = carts
        self._quotes = quotes
        self._addresses = addresses
        self._prices = prices
        self._merchant = merchant
        self._locks: WeakValueDictionary[CartId, asyncio.Lock] = WeakValueDictionary()
        """The shop makes an order for each of several calls that are under way together."""

    async def place(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement) -> Order:
        """Place the order by one POST, never repeated; then its total is read, if it can be.

        Raises OrderRefused and CartGone when there is none, ShopOutcomeUnknown when only `find` can tell, another
        ShopDown when nothing was placed.
        """
        async with self._locks.setdefault(cart, asyncio.Lock()):
            return await self._place(cart, draft, settlement)

    async def _place(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement) -> Order:
        if self._carts.is_ordered(cart):
            raise CartGone
        try:
            # What was quoted is ordered as it is: a refusal by then may have had another reason.
            bodies = await self._quotes.bodies(draft, suspicious=False)
        except (ShopBusy, ShopRefused) as error:
            raise ShopDown(internal=error.internal) from error
        except ShopDown:
            raise
        except ShopError as error:
            raise OrderRefused(str(error)) from error
        body: dict[str, object] = {
            **bodies,
            "customer_note": f"{draft.note.strip()}\n{settlement.reference}".strip(),
            "payment_data": [],
        }
        if settlement.method != FREE_METHOD:
            body["payment_method"] = settlement.method
        try:
            answer = await self._rest.post_once(f"{STORE}/checkout", body, headers={"cart-token": cart})
        except ShopBusy as busy:
            raise ShopDown(internal=busy.internal) from busy
        if not answer.is_success:
            self._addresses.refusal(answer, *bodies.values())  # what it missed is asked for the next time
            raise _order_error(answer)
        order = await self._read_order(answer, draft.email)
        self._carts.note_order(cart)
        return order

    async def _read_order(self, answer: UpstreamResponse, email: str) -> Order:
        """The order in a success. Raises ShopOutcomeUnknown if it cannot be read, or its payment failed."""
        try:
            told = answer.read(WooPlacedOrderShape)
        except ShopDown as error:
            raise ShopOutcomeUnknown(internal=error.internal, over=True) from error
        result = told.payment_result
        if result is not None and result.payment_status in PAYMENT_FAILED:
            raise ShopOutcomeUnknown(internal=f"{answer.where}: its payment method failed", over=True)
        return Order(
            id=str(told.order_id),
            number=sanitizing.line(told.order_number, MAX_NUMBER_CHARS) or str(told.order_id),
            total=await self._total(told, email),
            token=told.order_key,
        )

    async def _total(self, told: WooPlacedOrderShape, email: str) -> Money | None:
        """The order's total, which the answer to the checkout leaves out; None where it cannot be read now."""
        if not told.order_key:
            return None
        query = {"key": told.order_key, "billing_email": email}
        try:
            answer = await self._rest.get(f"{STORE}/order/{told.order_id}", query)
            totals = expect_success(answer).read(WooGuestOrderShape).totals
            if totals.currency_code != self._prices.currency:
                return None
            return self._prices.money(totals.total_price, totals.currency_minor_unit)
        except ShopError as error:
            logger.warning("the total of an order that was just made is not known: %s", error.internal)
            return None

    async def find(self, cart: CartId, reference: str) -> Order | None:
        """The order placed from a cart; None while the cart still holds its goods.

        With a merchant's key the order is looked for by `reference`, the last word of its note; without one an empty
        cart has become an order, whose number nobody tells. Raises CartGone if there is none, and ShopDown.
        """
        try:
            if self._merchant is not None:
                ours = await self._merchant.find(reference)
                if ours is not None:
                    self._carts.note_order(cart)
                    return ours
            found = await self._carts.look(cart)
        except (ShopBusy, ShopRefused) as error:
            raise ShopDown(internal=error.internal) from error
        if found.items:
            return None
        if self._merchant is not None:
            raise CartGone
        return Order()


def _order_error(answer: UpstreamResponse) -> ShopError:
    said = error_body(answer).code
    reason = EMAIL_LIKE_PATTERN.sub("[e-mail]", error_reason(answer))
    internal = f"{answer.where}: {answer.status} {said[:60]} {reason}"
    if said in NONCE_CODES or said == EMPTY_CART:
        return CartGone()
    late = PAYMENT_ERROR in said and said not in REFUSED_BEFORE
    if answer.status in REJECTION_STATUSES and not late:
        return OrderRefused(reason, internal=internal)
    if answer.status in AUTH_STATUSES:
        return general_error(answer)
    return ShopOutcomeUnknown(internal=internal, over=answer.status != HTTPStatus.REQUEST_TIMEOUT)
