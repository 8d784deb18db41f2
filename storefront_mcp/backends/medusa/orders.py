"""Medusa's completion of carts, which makes one order of a cart however often it is asked for.

What comes before it (reference, payment collection, payment session) can be repeated and makes no order.
"""

import asyncio
import logging
from decimal import Decimal
from http import HTTPStatus
from typing import Final

from storefront_mcp.backends.medusa.api import (
    MedusaClient,
    error_reason,
    expect_success,
    general_error,
    is_id,
    shown_reason,
)
from storefront_mcp.backends.medusa.carts import MedusaCarts, cart_path
from storefront_mcp.backends.medusa.order_progress import order_money, order_number, order_progress
from storefront_mcp.backends.medusa.prices import AmountMapper
from storefront_mcp.backends.medusa.quotes import CartQuotes
from storefront_mcp.backends.medusa.regions import FREE_METHOD
from storefront_mcp.backends.medusa.shapes import (
    CompletionBody,
    OrderBody,
    PaymentCollectionBody,
)
from storefront_mcp.backends.salvaging import read_what_fits
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.commerce.customers import SessionOver
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
from storefront_mcp.commerce.order import Order, OrderDraft, OrderProgress, OrderSettlement

logger: Final = logging.getLogger(__name__)

ORDERED: Final = "order"
"""`type` of a completion that made an order; it is 200 also where there is none."""
PREPARE_TIMEOUT_SECONDS: Final = 25.0
"""For what comes before the completion, so that placing an order has a bound."""
PROGRESS_FIELDS: Final = (
    "id,display_id,custom_display_id,status,payment_status,fulfillment_status,currency_code,*summary,*items,"
    "*items.detail,*fulfillments,*fulfillments.items,*fulfillments.labels"
)
REFERENCE_KEY: Final = "storefront_checkout"
PAYMENT_KEY: Final = "storefront_payment"
NOTE_KEY: Final = "note"
"""Keys of a cart's metadata, which becomes that of its order."""


class MedusaOrders:
    """Places, finds and follows orders of carts: of a guest, or of the customer whose token `api` carries."""

    def __init__(
        self,
        api: MedusaClient,
        carts: MedusaCarts,
        quotes: CartQuotes,
        amounts: AmountMapper,
        *,
        as_customer: bool = False,
    ) -> None:
        """With `as_customer`, a cart becomes the customer's own before it is ordered."""
        self._api = api
        self._carts = carts
        self._quotes = quotes
        self._amounts = amounts
        self._as_customer = as_customer

    async def place(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement) -> Order:
        """Complete the cart by one call, never repeated from in here. Raises as `ShopBackend.place_order`.

        OrderRefused too where the order would come to another total than the settlement's.
        """
        try:
            async with asyncio.timeout(PREPARE_TIMEOUT_SECONDS):
                await self._prepare(cart, draft, settlement)
        except TimeoutError as error:
            raise ShopDown(internal="what comes before an order could not be done in time") from error
        try:
            answer = await self._api.post_once(f"{cart_path(cart)}/complete", {})
        except ShopBusy as busy:
            raise ShopDown(internal=busy.internal) from busy
        if answer.is_success:
            return _order_of(answer)
        raise _completion_error(answer)

    async def find(self, cart: CartId, _reference: str) -> Order | None:
        """The order made of a cart; None while the cart is open. A completed cart answers with its order again."""
        try:
            if not (await self._carts.look(cart)).completed_at:
                return None
            answer = await self._api.send("POST", f"{cart_path(cart)}/complete", harmless=True)
            return _order_of(expect_success(answer))
        except (ShopBusy, ShopRefused, ShopOutcomeUnknown) as error:
            raise ShopDown(internal=error.internal) from error

    async def progress(self, order: Order) -> OrderProgress | None:
        """Where an order stands; None for one that is not known by its id."""
        if order.token is None or not is_id(order.token):
            return None
        answer = await self._api.get(f"/orders/{order.token}", {"fields": PROGRESS_FIELDS})
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        return order_progress(read_what_fits(expect_success(answer), OrderBody).order)

    async def _prepare(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement) -> None:
        """Who buys, our reference and how it is paid. Raises CartGone, OrderRefused, ShopDown and SessionOver."""
        told = {REFERENCE_KEY: settlement.reference, PAYMENT_KEY: settlement.payment, NOTE_KEY: draft.note.strip()}
        try:
            buyer = await self._quotes.buyer(await self._carts.fetch(cart), draft)
            if self._as_customer:
                await self._claim(cart)
            priced = await self._carts.change(
                cart, buyer | {"metadata": {key: value for key, value in told.items() if value}}
            )
            if settlement.total is not None:
                self._check_total(priced.total, settlement.total)
            if settlement.method == FREE_METHOD.code:
                return
            body = {"cart_id": cart}
            made = expect_success(await self._api.send("POST", "/payment-collections", body, harmless=True))
            collection = made.read(PaymentCollectionBody).payment_collection
            path = f"/payment-collections/{collection.id}/payment-sessions"
            opened = expect_success(
                await self._api.send("POST", path, {"provider_id": settlement.method}, harmless=True)
            )
            if settlement.total is not None:
                self._check_total(opened.read(PaymentCollectionBody).payment_collection.amount, settlement.total)
        except ShopBusy as busy:
            raise ShopDown(internal=busy.internal) from busy
        except (ShopDown, CartGone, OrderRefused):
            raise
        except ShopError as refused:
            raise OrderRefused(str(refused), internal=refused.internal) from refused

    async def _claim(self, cart: CartId) -> None:
        """Make an open cart the customer's, which works out its prices anew; harmless to repeat. Raises SessionOver.

        It takes the customer's e-mail address, so the buyer's is written after it.
        """
        answer = await self._api.send("POST", f"{cart_path(cart)}/customer", harmless=True)
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND}:
            raise SessionOver(internal=f"{answer.where}: {answer.status}")
        expect_success(answer)

    def _check_total(self, amount: Decimal | None, agreed: Money) -> None:
        """Raise OrderRefused where the shop would take something else than what the buyer agreed to."""
        total = self._amounts.money(amount)
        if total != agreed:
            raise OrderRefused(f"it would come to {total} now, and {agreed} was agreed")


def _order_of(answer: UpstreamResponse) -> Order:
    """The order in a 2xx answer. Raises OrderRefused where it says that there is none, else ShopOutcomeUnknown."""
    try:
        told = read_what_fits(answer, CompletionBody)
    except ShopDown as unread:
        raise ShopOutcomeUnknown(internal=unread.internal, over=True) from unread
    if told.type != ORDERED and told.error is not None:
        reason = shown_reason(told.error.message)
        raise OrderRefused(reason, internal=f"{answer.where}: {answer.status} {reason}")
    if told.type != ORDERED or told.order is None:
        logger.error("%s: %s without an order", answer.where, answer.status)
        raise ShopOutcomeUnknown(internal=f"{answer.where}: {answer.status} without an order", over=True)
    found = told.order
    return Order(number=order_number(found), total=order_money(found.total, found.currency_code), token=found.id)


def _completion_error(answer: UpstreamResponse) -> ShopError:
    reason = error_reason(answer)
    internal = f"{answer.where}: {answer.status} {reason}"
    if answer.status == HTTPStatus.NOT_FOUND:
        return CartGone()
    if answer.status == HTTPStatus.BAD_REQUEST:
        return OrderRefused(reason, internal=internal)
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return general_error(answer)
    # 409: the same cart is being completed by another call.
    return ShopOutcomeUnknown(internal=internal, over=answer.status not in {HTTPStatus.CONFLICT, 408})
