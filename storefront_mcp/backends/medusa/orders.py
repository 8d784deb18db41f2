"""Medusa's completion of carts, which makes one order of a cart however often it is asked for.

What comes before it (reference, payment collection, payment session) can be repeated and makes no order.
"""

import asyncio
import logging
from decimal import Decimal
from http import HTTPStatus
from typing import Final

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.medusa.api import (
    MedusaClient,
    error_reason,
    expect_success,
    general_error,
    is_id,
    shown_reason,
)
from storefront_mcp.backends.medusa.carts import MedusaCarts, cart_path
from storefront_mcp.backends.medusa.quotes import CartQuotes
from storefront_mcp.backends.medusa.regions import FREE_METHOD
from storefront_mcp.backends.medusa.shapes import (
    CompletedOrder,
    CompletionBody,
    FulfillmentShape,
    OrderBody,
    OrderedItem,
    OrderShape,
    PaymentCollectionBody,
)
from storefront_mcp.backends.salvaging import read_what_fits
from storefront_mcp.backends.sanitizing import shop_money
from storefront_mcp.backends.upstream_messages import UpstreamResponse
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
from storefront_mcp.commerce.order import (
    Order,
    OrderDraft,
    OrderProgress,
    OrderSettlement,
    ParcelTrack,
    ShippedItem,
    ShippedParcel,
)

logger: Final = logging.getLogger(__name__)

ORDERED: Final = "order"
"""`type` of a completion that made an order; it is 200 also where there is none."""
PREPARE_TIMEOUT_SECONDS: Final = 25.0
"""For what comes before the completion, so that placing an order has a bound."""
MAX_NUMBER_CHARS: Final = 60
CURRENCY_CHARS: Final = 3
PROGRESS_FIELDS: Final = (
    "id,display_id,custom_display_id,status,payment_status,fulfillment_status,currency_code,*summary,*items,"
    "*items.detail,*fulfillments,*fulfillments.items,*fulfillments.labels"
)
REFERENCE_KEY: Final = "storefront_checkout"
PAYMENT_KEY: Final = "storefront_payment"
NOTE_KEY: Final = "note"
"""Keys of a cart's metadata, which becomes that of its order."""


class MedusaOrders:
    """Places, finds and follows orders of guest carts."""

    def __init__(self, api: MedusaClient, carts: MedusaCarts, quotes: CartQuotes) -> None:
        self._api = api
        self._carts = carts
        self._quotes = quotes

    async def place(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement) -> Order:
        """Complete the cart by one call, never repeated from in here. Raises as `ShopBackend.place_order`."""
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
        return _progress(read_what_fits(expect_success(answer), OrderBody).order)

    async def _prepare(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement) -> None:
        """Who buys, our reference and how it is paid. Raises CartGone, OrderRefused and ShopDown."""
        told = {REFERENCE_KEY: settlement.reference, PAYMENT_KEY: settlement.payment, NOTE_KEY: draft.note.strip()}
        try:
            buyer = await self._quotes.buyer(await self._carts.fetch(cart), draft)
            await self._carts.change(cart, buyer | {"metadata": {key: value for key, value in told.items() if value}})
            if settlement.method == FREE_METHOD.code:
                return
            body = {"cart_id": cart}
            made = expect_success(await self._api.send("POST", "/payment-collections", body, harmless=True))
            collection = made.read(PaymentCollectionBody).payment_collection
            path = f"/payment-collections/{collection.id}/payment-sessions"
            expect_success(await self._api.send("POST", path, {"provider_id": settlement.method}, harmless=True))
        except ShopBusy as busy:
            raise ShopDown(internal=busy.internal) from busy
        except (ShopDown, CartGone, OrderRefused):
            raise
        except ShopError as refused:
            raise OrderRefused(str(refused), internal=refused.internal) from refused


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
    return Order(number=_number(found), total=_order_money(found.total, found.currency_code), token=found.id)


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


def _number(order: CompletedOrder | OrderShape) -> str | None:
    """What people call an order."""
    told = order.custom_display_id or ("" if order.display_id is None else str(order.display_id))
    return sanitizing.line(told, MAX_NUMBER_CHARS) or None


def _order_money(amount: Decimal | None, currency: str | None) -> Money | None:
    """An amount in the order's currency; None where the shop did not tell a usable one."""
    code = (currency or "").upper()
    if amount is None or len(code) != CURRENCY_CHARS or not code.isalpha():
        return None
    try:
        return shop_money(amount, code)
    except ShopDown:
        return None


def _progress(order: OrderShape) -> OrderProgress:
    parcels = tuple(_parcel(one) for one in order.fulfillments or () if one.shipped_at and not one.canceled_at)
    summary = order.summary
    refunded = None if summary is None else _order_money(summary.refunded_total, order.currency_code)
    words = dict.fromkeys((order.status, order.fulfillment_status))
    return OrderProgress(
        number=_number(order) or "",
        status=", ".join(shown.replace("_", " ") for one in words if (shown := sanitizing.line(one, MAX_NUMBER_CHARS))),
        parcels=parcels,
        unsent=tuple(_unsent(order.items or ())) if parcels else (),
        refunded=refunded or None,
    )


def _unsent(items: list[OrderedItem] | tuple[OrderedItem, ...]) -> list[ShippedItem]:
    """What is still to be sent."""
    left = []
    for one in items:
        sent = None if one.detail is None else one.detail.shipped_quantity
        rest = int((one.quantity or Decimal(0)) - (sent or Decimal(0)))
        if rest > 0:
            left.append(ShippedItem(name=sanitizing.line(one.product_title or one.title), quantity=rest))
    return left


def _parcel(found: FulfillmentShape) -> ShippedParcel:
    return ShippedParcel(
        sent_at=sanitizing.line(found.shipped_at, MAX_NUMBER_CHARS),
        items=tuple(
            ShippedItem(name=sanitizing.line(one.title), quantity=int(one.quantity or 0)) for one in found.items or ()
        ),
        tracks=tuple(
            ParcelTrack(number=sanitizing.line(one.tracking_number), url=sanitizing.web_url(one.tracking_url))
            for one in found.labels or ()
        ),
    )
