"""`MedusaAccount`: one customer's orders and addresses, by the token that the shop gave for them."""

import re
from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from typing import Final

from msgspec.structs import replace

from storefront_mcp.backends.medusa.account_orders import customer_order, postal_address
from storefront_mcp.backends.medusa.api import MedusaClient, error_body, expect_success
from storefront_mcp.backends.medusa.customer_shapes import (
    AccountOrderBody,
    AccountOrders,
    AddressList,
    CustomerOrderShape,
)
from storefront_mcp.backends.medusa.order_progress import order_money, order_number
from storefront_mcp.backends.medusa.orders import REFERENCE_KEY, MedusaOrders
from storefront_mcp.backends.salvaging import read_what_fits
from storefront_mcp.backends.upstream_messages import UpstreamResponse, redacted
from storefront_mcp.backends.work_budget import WorkBudget
from storefront_mcp.commerce.account_errors import OrderNotCancellable, OrderNotFound
from storefront_mcp.commerce.accounts import CustomerOrder, CustomerOrders, SavedAddress
from storefront_mcp.commerce.cart import CartLine
from storefront_mcp.commerce.customers import SessionOver
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderDraft, OrderSettlement

PAGE_SIZE: Final = 20
"""Of one read: the lines of an order come with it, asked for or not, each with some kilobytes."""
MAX_SEARCHED: Final = 1000
MAX_SEARCHED_FOR_REFERENCE: Final = 100
MAX_ADDRESSES: Final = 50
NUMBER_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
NUMBER_FIELDS: Final = "id,display_id,custom_display_id"
FOUND_FIELDS: Final = f"{NUMBER_FIELDS},total,currency_code,metadata"
LISTED_FIELDS: Final = f"{NUMBER_FIELDS},status,fulfillment_status,created_at,currency_code,total,*items"
WHOLE_FIELDS: Final = (
    f"{NUMBER_FIELDS},status,fulfillment_status,created_at,currency_code,total,item_subtotal,original_item_total,"
    "shipping_subtotal,original_shipping_total,discount_subtotal,discount_total,tax_total,*summary,*items,"
    "*fulfillments,*fulfillments.items,*fulfillments.labels,*shipping_methods,*shipping_address,*billing_address,"
    "*payment_collections,*payment_collections.payments"
)


class MedusaAccount:
    """A `CustomerAccount` over Medusa's Store API. Every 401 is the end of the session."""

    def __init__(self, api: MedusaClient, orders: MedusaOrders, *, budget: WorkBudget) -> None:
        """`api` and `orders` carry the customer's token."""
        self._api = api
        self._placing = orders
        self.orders: Final = budget.limit(self._orders)
        self.order: Final = budget.limit(self._one_order)
        self.addresses: Final = budget.limit(self._addresses)

    async def _orders(self, *, page: int, size: int) -> CustomerOrders:
        """As the port says."""
        first, orders = (page - 1) * size, list[CustomerOrderShape]()
        while True:
            found = await self._read(first + len(orders), min(PAGE_SIZE, size - len(orders)), LISTED_FIELDS)
            orders += found.orders
            if len(orders) >= size or not found.orders or first + len(orders) >= found.count:
                return CustomerOrders(orders=tuple(map(customer_order, orders)), total=found.count)

    async def _one_order(self, number: str) -> CustomerOrder:
        """As the port says: found in the customer's own list, as the shop shows an order to whoever has its id."""
        kept = await self._find(number)
        answer = self._let_in(await self._api.get(f"/orders/{kept.id}", {"fields": WHOLE_FIELDS}))
        if answer.status == HTTPStatus.NOT_FOUND:
            raise OrderNotFound(number)
        return customer_order(read_what_fits(expect_success(answer), AccountOrderBody).order)

    async def cancel(self, number: str, reason: str) -> CustomerOrder:  # noqa: ARG002 -- the port's form
        """Medusa's customers cancel nothing. Raises OrderNotFound and OrderNotCancellable."""
        await self._find(number)
        raise OrderNotCancellable(number, "this shop lets its customers cancel none by themselves")

    async def _addresses(self) -> Sequence[SavedAddress]:
        """As the port says."""
        query = {"limit": str(MAX_ADDRESSES)}
        answer = expect_success(self._let_in(await self._api.get("/customers/me/addresses", query)))
        return [
            SavedAddress(
                address=postal_address(one),
                default_shipping=bool(one.is_default_shipping),
                default_billing=bool(one.is_default_billing),
            )
            for one in read_what_fits(answer, AddressList).addresses[:MAX_ADDRESSES]
        ]

    async def cart_lines(self) -> Sequence[CartLine]:
        """None: a customer has as many carts as they begin, and shares none with what is done elsewhere."""
        return ()

    async def place_order(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement, total: Money) -> Order:
        """As the port says: the guest's cart becomes the customer's own."""
        return await self._placing.place(cart, draft, replace(settlement, total=total))

    async def find_order(self, reference: str) -> Order | None:
        """As the port says: by what the order's metadata has, which its customer sees in lists."""
        async for one in self._newest(FOUND_FIELDS, MAX_SEARCHED_FOR_REFERENCE):
            if (one.metadata or {}).get(REFERENCE_KEY) == reference:
                return Order(number=order_number(one), total=order_money(one.total, one.currency_code), token=one.id)
        return None

    async def _find(self, number: str) -> CustomerOrderShape:
        """The order of this customer that people call so. Raises OrderNotFound."""
        if NUMBER_PATTERN.fullmatch(number) is not None:
            async for one in self._newest(NUMBER_FIELDS, MAX_SEARCHED):
                if order_number(one) == number:
                    return one
        raise OrderNotFound(number)

    async def _newest(self, fields: str, most: int) -> AsyncIterator[CustomerOrderShape]:
        """The customer's orders, newest first, at most about so many."""
        for first in range(0, most, PAGE_SIZE):
            found = await self._read(first, PAGE_SIZE, fields)
            for one in found.orders:
                yield one
            if first + PAGE_SIZE >= found.count:
                return

    async def _read(self, first: int, size: int, fields: str) -> AccountOrders:
        query = {"limit": str(size), "offset": str(first), "order": "-created_at", "fields": fields}
        answer = expect_success(self._let_in(await self._api.get("/orders", query)))
        return read_what_fits(answer, AccountOrders)

    def _let_in(self, answer: UpstreamResponse) -> UpstreamResponse:
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise SessionOver(internal=f"{answer.where}: 401 {redacted(error_body(answer).message[:100])}")
        return answer
