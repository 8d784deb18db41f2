"""`CustomerCart`: the one cart that a Maho customer has, and the order of a guest cart's lines by way of it.

Everything that the customer does in the shop shares this cart, so it is touched only while it is empty, and only for
the moment of an order.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from storefront_mcp.backends.maho import translation
from storefront_mcp.backends.maho.carts import CUSTOMER_CART_PREFIX, MahoCarts
from storefront_mcp.backends.maho.orders import MahoOrders
from storefront_mcp.backends.maho.prices import PriceMapper
from storefront_mcp.backends.maho.rest import RestClient, expect_success
from storefront_mcp.backends.maho.shapes import CartItem, GuestCart
from storefront_mcp.commerce.account_errors import CustomerCartInUse
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.customers import SessionOver
from storefront_mcp.commerce.errors import OrderRefused, ShopDown, ShopError
from storefront_mcp.commerce.ids import CartId, LineId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderDraft, OrderSettlement

COPY_SECONDS: Final = 25.0
"""For everything before place-order, so that an order in a customer's name has a bound."""
log: Final = logging.getLogger(__name__)


class CustomerCart:
    """The cart of one customer, by their token."""

    def __init__(
        self,
        rest: RestClient,
        own: MahoCarts,
        guests: MahoCarts,
        orders: Callable[[str], MahoOrders],
        price_mapper: PriceMapper,
    ) -> None:
        """`rest` and `own` carry the token, `guests` does not; `orders` places an order under an idempotency key."""
        self._rest = rest
        self._own = own
        self._guests = guests
        self._orders = orders
        self._price_mapper = price_mapper

    async def fetch(self) -> GuestCart:
        """The cart in Maho's form, made if there is none; harmless to repeat. Raises SessionOver."""
        answer = await self._rest.send("POST", "/carts", harmless=True)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise SessionOver(internal=f"{answer.where}: 401")
        return expect_success(answer).read(GuestCart)

    async def order(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement, total: Money) -> Order:
        """Order the lines of a guest cart. As `CustomerAccount.place_order`."""
        try:
            async with asyncio.timeout(COPY_SECONDS):
                own = await self._fill(cart, total)
        except TimeoutError as error:
            raise ShopDown(internal="the customer's cart could not be filled in time") from error
        try:
            return await self._orders(settlement.reference).place(own, draft, settlement)
        except OrderRefused:
            await self._empty(own)
            raise

    async def _fill(self, cart: CartId, total: Money) -> CartId:
        """The customer's cart with what the guest's has, and nothing else. Raises as `order`."""
        guest = await self._guests.fetch(cart)
        if guest.applied_giftcards:
            raise OrderRefused("gift cards of a guest's cart cannot pay an order in the buyer's name")
        found = await self.fetch()
        if found.id is None:
            raise ShopDown(internal="the customer's cart has no id")
        own = CartId(f"{CUSTOMER_CART_PREFIX}{found.id}")
        if found.items:
            waiting = translation.cart(found, self._price_mapper, own)
            if _goods(waiting) == _goods(translation.cart(guest, self._price_mapper, cart)):
                # A copy of before, whose order was never made.
                self._check(guest, waiting, cart, total)
                return own
            raise CustomerCartInUse(waiting.lines)
        try:
            copied = await self._copy(guest, own)
            self._check(guest, copied, cart, total)
        except BaseException:
            await self._empty(own)
            raise
        return own

    async def _copy(self, guest: GuestCart, own: CartId) -> Cart:
        """The customer's cart with the guest's lines and coupon. Raises OrderRefused where the shop takes one not."""
        copied = None
        try:
            for item in guest.items:
                copied = await self._own.add(own, Sku(item.sku), _pieces(item), _custom_options(item))
            coupon = translation.coupon(guest)
            if coupon is not None:
                copied = await self._own.apply_coupon(own, coupon)
        except ShopDown:
            raise
        except ShopError as refused:
            raise OrderRefused(f"the cart could not be copied: {refused}", internal=refused.internal) from refused
        if copied is None:
            raise OrderRefused("the cart is empty")
        return copied

    def _check(self, guest: GuestCart, copied: Cart, cart: CartId, total: Money) -> None:
        before = translation.cart(guest, self._price_mapper, cart)
        if _goods(before) != _goods(copied):
            raise OrderRefused("the lines cost something else in the buyer's account")
        if copied.totals.discount != before.totals.discount or total.currency != copied.totals.total.currency:
            raise OrderRefused("the discount is another one in the buyer's account")

    async def _empty(self, own: CartId) -> None:
        """Take out what was put in; a failure is logged only, as the order goes on without this cart."""
        with suppress(SessionOver):
            try:
                for item in (await self.fetch()).items:
                    await self._own.remove(own, LineId(str(item.id)))
            except ShopError as error:
                log.warning("a customer's cart could not be emptied again: %s", error.internal)


def _goods(cart: Cart) -> list[tuple[str, int, Money]]:
    return [(one.sku, one.quantity, one.total) for one in cart.lines]


def _pieces(item: CartItem) -> int:
    return translation.pieces(item.qty) or 1


def _custom_options(item: CartItem) -> dict[str, str]:
    """What was chosen for a line; what makes the variant is among it, and is ignored where its SKU says it."""
    return translation.line_options(item)
