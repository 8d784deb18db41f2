"""`WooAccount`: one customer's orders and addresses, as the merchant's key reads them of everybody.

The key opens all orders, so that each is looked at again: what is not this customer's is not there.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from typing import Final

from storefront_mcp.backends.salvaging import read_what_fits
from storefront_mcp.backends.woocommerce.account_orders import customer_order, postal_address
from storefront_mcp.backends.woocommerce.customer_shapes import WooCustomerOrderShape, WooCustomerShape
from storefront_mcp.backends.woocommerce.merchant_api import CUSTOMERS, ORDERS, UNMADE, MerchantApi, order_number
from storefront_mcp.backends.woocommerce.shapes import WooListPage
from storefront_mcp.backends.woocommerce.store_api import expect_success, is_id, list_total
from storefront_mcp.backends.work_budget import WorkBudget
from storefront_mcp.commerce.account_errors import OrderNotCancellable, OrderNotFound
from storefront_mcp.commerce.accounts import CustomerOrder, CustomerOrders, SavedAddress
from storefront_mcp.commerce.cart import CartLine
from storefront_mcp.commerce.customers import SessionOver
from storefront_mcp.commerce.errors import OrderRefused
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderDraft, OrderSettlement

logger = logging.getLogger(__name__)

PAGE_SIZE: Final = 50
"""Of one read: an order comes with its lines, each with a kilobyte."""
MAX_SEARCHED: Final = 1000
MAX_SECONDS: Final = 30.0
"""Of one question with all of its requests, each of which has timeouts of its own."""
NUMBER_FIELDS: Final = "id,number,status,customer_id"
LISTED_FIELDS: Final = (
    f"{NUMBER_FIELDS},currency,total,date_created_gmt,date_paid_gmt,prices_include_tax,refunds,line_items"
)
WHOLE_FIELDS: Final = (
    f"{LISTED_FIELDS},discount_total,discount_tax,shipping_total,shipping_tax,total_tax,shipping_lines,"
    "payment_method_title,billing,shipping"
)
ADDRESS_FIELDS: Final = "id,billing,shipping"


class WooAccount:
    """A `CustomerAccount` over `wc/v3`. Nobody orders in a customer's name there, nor cancels."""

    def __init__(self, api: MerchantApi, customer: str, *, budget: WorkBudget) -> None:
        """`customer` is the shop's id. Raises SessionOver for what is none."""
        if not is_id(customer) or not int(customer):
            raise SessionOver(internal="the session is of no customer")
        self._api = api
        self._customer = int(customer)
        self.orders: Final = budget.limit(self._orders, within=MAX_SECONDS)
        self.order: Final = budget.limit(self._one_order, within=MAX_SECONDS)
        self.addresses: Final = budget.limit(self._addresses, within=MAX_SECONDS)

    async def _orders(self, *, page: int, size: int) -> CustomerOrders:
        """As the port says, of the newest `MAX_SEARCHED`: drafts of orders are listed among them, so pages are ours."""
        wanted = page * size
        theirs: list[WooCustomerOrderShape] = []
        left_out = total = 0
        async for found in self._pages(LISTED_FIELDS, min(wanted, PAGE_SIZE)):
            kept = self._theirs(found.members)
            theirs += kept
            left_out += len(found.members) - len(kept)
            total = found.total - left_out
            if len(theirs) >= wanted:
                break
        shown = theirs[wanted - size : wanted]
        return CustomerOrders(orders=tuple(map(customer_order, shown)), total=total)

    async def _one_order(self, number: str) -> CustomerOrder:
        """As the port says. Extensions number orders otherwise than by their id, and so both are understood."""
        found = await self._by_id(number) if is_id(number) else None
        if found is None or order_number(found) != number:
            named = await self._by_number(number)
            found = found if named is None else await self._by_id(str(named.id))
        if found is None:
            raise OrderNotFound(number)
        return customer_order(found, comments=await self._api.buyer_notes(found.id), whole=True)

    async def cancel(self, number: str, reason: str) -> CustomerOrder:  # noqa: ARG002 -- the port's form
        """WooCommerce's customers cancel nothing here. Raises OrderNotFound and OrderNotCancellable."""
        await self.order(number)
        raise OrderNotCancellable(number, "this shop lets its customers cancel none by themselves")

    async def _addresses(self) -> Sequence[SavedAddress]:
        """The billing and the shipping address that the shop keeps, as far as there are any."""
        answer = await self._api.get(f"{CUSTOMERS}/{self._customer}", {"_fields": ADDRESS_FIELDS})
        if answer.status == HTTPStatus.NOT_FOUND:
            raise SessionOver(internal=f"{answer.where}: 404, so the customer has gone")
        who = read_what_fits(expect_success(answer), WooCustomerShape)
        shipping, billing = postal_address(who.shipping), postal_address(who.billing)
        saved = [] if shipping is None else [SavedAddress(address=shipping, default_shipping=True)]
        return saved if billing is None else [*saved, SavedAddress(address=billing, default_billing=True)]

    async def cart_lines(self) -> Sequence[CartLine]:
        """None: the cart of a customer's browser is not shared with what is done here."""
        return ()

    async def place_order(
        self,
        cart: CartId,  # noqa: ARG002 -- the port's form
        draft: OrderDraft,  # noqa: ARG002 -- as above
        settlement: OrderSettlement,  # noqa: ARG002 -- as above
        total: Money,  # noqa: ARG002 -- as above
    ) -> Order:
        """Raises OrderRefused: the Store API knows guests alone."""
        raise OrderRefused("this shop takes orders of guests only.")

    async def find_order(self, reference: str) -> Order | None:  # noqa: ARG002 -- the port's form
        """None: no order is made in a customer's name."""
        return None

    async def _by_number(self, number: str) -> WooCustomerOrderShape | None:
        """The customer's order that people call so."""
        async for found in self._pages(NUMBER_FIELDS, 2 * PAGE_SIZE):
            for one in self._theirs(found.members):
                if order_number(one) == number:
                    return one
        return None

    async def _pages(self, fields: str, size: int) -> AsyncIterator[WooListPage[WooCustomerOrderShape]]:
        """Pages of the customer's orders, newest first, until `MAX_SEARCHED` were read."""
        query = {"customer": str(self._customer), "status": "any", "orderby": "date", "order": "desc"}
        for number in range(1, -(-MAX_SEARCHED // size) + 1):
            answer = expect_success(
                await self._api.get(ORDERS, {**query, "page": str(number), "per_page": str(size), "_fields": fields})
            )
            members = read_what_fits(answer, list[WooCustomerOrderShape])[:size]
            total = list_total(answer, (number - 1) * size + len(members))
            yield WooListPage(members, total)
            if number * size >= total:
                return

    async def _by_id(self, key: str) -> WooCustomerOrderShape | None:
        """The order with this id, if it is this customer's."""
        answer = await self._api.get(f"{ORDERS}/{key}", {"_fields": WHOLE_FIELDS})
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        found = self._theirs([read_what_fits(expect_success(answer), WooCustomerOrderShape)])
        return found[0] if found else None

    def _theirs(self, found: Sequence[WooCustomerOrderShape]) -> list[WooCustomerOrderShape]:
        """Those that are orders, and this customer's."""
        return [one for one in found if one.customer_id == self._customer and one.status not in UNMADE]
