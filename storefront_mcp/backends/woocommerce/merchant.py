"""Orders as the merchant's key reads and changes them: found by our reference, marked as paid, and their progress."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.salvaging import read_what_fits
from storefront_mcp.backends.woocommerce.merchant_api import (
    NO_ORDER,
    ORDERS,
    MerchantApi,
    is_unpaid,
    order_number,
    refunded_amount,
)
from storefront_mcp.backends.woocommerce.prices import WooPrices
from storefront_mcp.backends.woocommerce.shapes import WooMerchantOrderShape
from storefront_mcp.backends.woocommerce.store_api import expect_success, is_id
from storefront_mcp.commerce.errors import OrderRefused, ShopDown
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderProgress, OrderSettlement

logger = logging.getLogger(__name__)

ORDER_PAGE_SIZE: Final = 100
MAX_ORDER_PAGES: Final = 10
"""Pages of the newest orders that are searched for a reference."""
FIELDS: Final = "id,number,status,currency,total,customer_note,order_key,transaction_id,date_paid_gmt,refunds"
PAYABLE: Final = frozenset({"pending", "failed"})
"""States in which the shop itself completes a payment that it is told of; others are given the next state."""
WAITING: Final = "on-hold"


class MerchantOrders:
    """Orders of a store, read and changed by a key with read and write access. Raises ShopDown and its subclasses."""

    def __init__(self, api: MerchantApi, prices: WooPrices) -> None:
        self._api = api
        self._prices = prices

    async def find(self, reference: str) -> Order | None:
        """The order whose note ends with the reference, among the newest; None when there is surely none.

        Raises ShopDown when there are too many orders to be sure.
        """
        for page in range(1, MAX_ORDER_PAGES + 1):
            query = {"page": str(page), "per_page": str(ORDER_PAGE_SIZE), "orderby": "date", "order": "desc"}
            answer = expect_success(await self._api.get(ORDERS, {**query, "_fields": FIELDS}))
            found = read_what_fits(answer, list[WooMerchantOrderShape])
            ours = next((one for one in found if _refers(one, reference) and one.status not in NO_ORDER), None)
            if ours is not None:
                return self._order(ours)
            if len(found) < ORDER_PAGE_SIZE:
                return None
        raise ShopDown(
            internal=f"no order among the newest {ORDER_PAGE_SIZE * MAX_ORDER_PAGES} has a reference of ours"
        )

    async def mark_paid(self, order: Order, settlement: OrderSettlement) -> None:
        """Record the payment of an order, once: one that has it already is left alone.

        Raises OrderRefused for an order that is not ours, was given up, or was paid by another payment.
        """
        known = await self._read(order)
        if known is None or not _refers(known, settlement.reference):
            raise OrderRefused("the shop has no such order of ours to mark as paid.")
        if settlement.payment is None or known.transaction_id == settlement.payment:
            return
        if known.transaction_id:
            raise OrderRefused(f"order {known.number} has another payment: {known.transaction_id[:60]}.")
        body: Mapping[str, object] = {"transaction_id": settlement.payment}
        if known.status in NO_ORDER - PAYABLE:
            raise OrderRefused(f"order {known.number} is {known.status[:30]}, and its payment was taken.")
        if known.status in PAYABLE:
            body = {**body, "set_paid": True}
        elif known.status == WAITING:
            body = {**body, "status": "processing"}
        expect_success(await self._api.put(f"{ORDERS}/{known.id}", body))

    async def progress(self, order: Order) -> OrderProgress | None:
        """Status, refunds and what the shop wrote for the buyer; None for an order that it does not have."""
        known = await self._read(order)
        if known is None:
            return None
        notes = await self._api.buyer_notes(known.id)
        refunded = refunded_amount(known)
        total = self._total(known)
        return OrderProgress(
            number=order_number(known),
            status=sanitizing.line(known.status, 60) or "unknown",
            comments=notes,
            refunded=Money.of(refunded, self._prices.currency) if refunded else None,
            due=total if is_unpaid(known) else None,
        )

    async def _read(self, order: Order) -> WooMerchantOrderShape | None:
        number = order.id or order.number or ""
        if not is_id(number):
            return None
        answer = await self._api.get(f"{ORDERS}/{number}", {"_fields": FIELDS})
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        return read_what_fits(expect_success(answer), WooMerchantOrderShape)

    def _order(self, found: WooMerchantOrderShape) -> Order:
        return Order(
            id=str(found.id),
            number=order_number(found),
            total=self._total(found),
            token=found.order_key,
        )

    def _total(self, found: WooMerchantOrderShape) -> Money | None:
        if found.total is None or found.currency != self._prices.currency:
            return None
        try:
            return Money.of(found.total, self._prices.currency)
        except ValueError:
            return None


def _refers(order: WooMerchantOrderShape, reference: str) -> bool:
    """Whether the last word of its note is the reference; the buyer's text comes before it."""
    return (order.customer_note or "").split()[-1:] == [reference]
