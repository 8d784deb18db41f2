"""`MahoAccount`: one customer's orders, addresses and cart, by the token that the shop gave for them."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.maho import translation
from storefront_mcp.backends.maho.account_orders import customer_order, is_cancellable, postal_address
from storefront_mcp.backends.maho.account_shapes import AccountAddressShape, AccountOrderShape
from storefront_mcp.backends.maho.customer_cart import CustomerCart
from storefront_mcp.backends.maho.order_progress import shipped_parcel
from storefront_mcp.backends.maho.prices import PriceMapper, order_amount
from storefront_mcp.backends.maho.rest import RestClient, expect_success
from storefront_mcp.backends.maho.shapes import CollectionShape
from storefront_mcp.backends.salvaging import read_what_fits
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.backends.work_budget import WorkBudget
from storefront_mcp.commerce.account_errors import OrderNotCancellable, OrderNotFound
from storefront_mcp.commerce.accounts import CustomerOrder, CustomerOrders, SavedAddress
from storefront_mcp.commerce.cart import CartLine
from storefront_mcp.commerce.customers import SessionOver
from storefront_mcp.commerce.errors import ShopOutcomeUnknown
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderDraft, OrderSettlement

MAX_SEARCHED_PAGES: Final = 10
SEARCHED_PAGE_SIZE: Final = 100
MAX_ADDRESSES: Final = 50
CANCELED: Final = "canceled"
NUMBER_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


class MahoAccount:
    """A `CustomerAccount` over Maho's REST v2. Every 401 is the end of the session."""

    def __init__(
        self,
        rest: RestClient,
        cart: CustomerCart,
        price_mapper: PriceMapper,
        *,
        budget: WorkBudget,
        held_methods: frozenset[str] = frozenset(),
    ) -> None:
        """`rest` and `cart` carry the customer's token.

        `held_methods` are payment methods whose money a provider of ours holds: the shop does not know that it does.
        """
        self._rest = rest
        self._cart = cart
        self._price_mapper = price_mapper
        self._held_methods = held_methods
        self.orders: Final = budget.limit(self._orders)
        self.order: Final = budget.limit(self._one_order)
        self.addresses: Final = budget.limit(self._addresses)

    async def _orders(self, *, page: int, size: int) -> CustomerOrders:
        """As the port says."""
        found = await self._page(page, size)
        return CustomerOrders(orders=tuple(self._order(one) for one in found.member), total=found.totalItems)

    async def _one_order(self, number: str) -> CustomerOrder:
        """As the port says: found in the customer's own list, then read by its id."""
        return self._order(await self._whole(number))

    async def cancel(self, number: str, reason: str) -> CustomerOrder:
        """As the port says. Maho answers a refusal with a 500 without a reason, so the order is read again."""
        before = await self._whole(number)
        if before.state == CANCELED:
            return self._order(before)
        if not is_cancellable(before, self._held_methods):
            raise OrderNotCancellable(number, "it is paid, on its way, or closed")
        body = {"reason": reason} if reason else {}
        try:
            answer = self._let_in(await self._rest.send("POST", f"/orders/{before.id}/cancel", body))
            if answer.is_success:
                return self._order(read_what_fits(answer, AccountOrderShape))
        except ShopOutcomeUnknown as unclear:
            after = await self._whole(number)
            if after.state == CANCELED:
                return self._order(after)
            if not unclear.over:
                raise
        raise OrderNotCancellable(number, "the shop did not do it")

    async def _addresses(self) -> Sequence[SavedAddress]:
        """As the port says."""
        answer = expect_success(self._let_in(await self._rest.get("/customers/me/addresses")))
        found = read_what_fits(answer, CollectionShape[AccountAddressShape]).member[:MAX_ADDRESSES]
        return [
            SavedAddress(
                address=postal_address(one),
                default_shipping=one.is_default_shipping,
                default_billing=one.is_default_billing,
            )
            for one in found
        ]

    async def cart_lines(self) -> Sequence[CartLine]:
        """As the port says."""
        found = await self._cart.fetch()
        return translation.cart(found, self._price_mapper, CartId("")).lines

    async def place_order(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement, total: Money) -> Order:
        """As the port says."""
        return await self._cart.order(cart, draft, settlement, total)

    async def find_order(self, reference: str) -> Order | None:
        """As the port says: by the last word of the order's note."""
        found = await self._page(1, SEARCHED_PAGE_SIZE)
        ours = (one for one in found.member if (one.customer_note or "").split()[-1:] == [reference])
        return next(
            (Order(number=one.increment_id, total=order_amount(one.prices.grand_total, one.currency)) for one in ours),
            None,
        )

    async def _page(self, number: int, size: int) -> CollectionShape[AccountOrderShape]:
        """A page of the list; Maho repeats the last one for those past the end."""
        query = {"page": str(number), "pageSize": str(size)}
        answer = expect_success(self._let_in(await self._rest.get("/customers/me/orders", query)))
        found = read_what_fits(answer, CollectionShape[AccountOrderShape])
        past_end = (number - 1) * size >= found.totalItems
        return CollectionShape(found.totalItems, [] if past_end else found.member[:size])

    async def _whole(self, number: str) -> AccountOrderShape:
        """An order with its history and parcels. Raises OrderNotFound."""
        if NUMBER_PATTERN.fullmatch(number) is None:
            raise OrderNotFound(number)
        for page in range(1, MAX_SEARCHED_PAGES + 1):
            found = await self._page(page, SEARCHED_PAGE_SIZE)
            kept = next((one for one in found.member if one.increment_id == number), None)
            if kept is not None:
                answer = self._let_in(await self._rest.get(f"/orders/{kept.id}"))
                if answer.status == HTTPStatus.NOT_FOUND:
                    break
                return read_what_fits(expect_success(answer), AccountOrderShape)
            if not found.member or page * SEARCHED_PAGE_SIZE >= found.totalItems:
                break
        raise OrderNotFound(number)

    def _order(self, found: AccountOrderShape) -> CustomerOrder:
        parcels = tuple(shipped_parcel(one) for one in found.shipments or ())
        return customer_order(found, self._price_mapper, parcels=parcels, held_methods=self._held_methods)

    def _let_in(self, answer: UpstreamResponse) -> UpstreamResponse:
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise SessionOver(
                internal=f"{answer.where}: 401 {sanitizing.line(answer.body.decode(errors='replace'), 100)}"
            )
        return answer
