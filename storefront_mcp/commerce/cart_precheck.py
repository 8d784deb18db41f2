"""What a change of a cart would come to, as far as that can be told without changing it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from storefront_mcp.commerce.backend import Options, ShopBackend
from storefront_mcp.commerce.cart import Cart, CartLine
from storefront_mcp.commerce.error_details import UNKNOWN_COUPON
from storefront_mcp.commerce.errors import (
    CartGone,
    CouponRejected,
    GiftCardRejected,
    LineNotFound,
    NotEnoughStock,
    OptionsNeeded,
    OutOfStock,
    ProductNotFound,
    QuantityRefused,
    ShopBusy,
    ShopDown,
    ShopError,
    ShopOutcomeUnknown,
    VariantNeeded,
)
from storefront_mcp.commerce.ids import CartId, LineId, Sku

STOCK_REFUSALS: Final = (OutOfStock, NotEnoughStock, QuantityRefused)
ADD_REFUSALS: Final = (*STOCK_REFUSALS, ProductNotFound, VariantNeeded, OptionsNeeded)
"""Refusals that depend on the product alone, so that every cart would get them."""

Precheck = Callable[[Cart], Awaitable[bool]]
"""Whether a change would surely leave this cart as it is. Raises what the shop would surely refuse the change for."""


async def tell_nothing(_before: Cart) -> bool:
    """The precheck of what only the shop can tell."""
    return False


class CartPrecheck:
    """Prechecks of one shop. What it alone can tell is tried in a cart that nobody orders, which is used again."""

    def __init__(self, backend: ShopBackend) -> None:
        self._backend = backend
        self._trial: CartId | None = None
        self._alone = asyncio.Lock()

    async def changes_nothing(self, cart: CartId, precheck: Precheck) -> Cart | None:
        """The cart where a change of it would leave it as it is; None where it would not, or nobody can tell.

        Raises what the shop would surely refuse the change for, and ShopDown and ShopBusy as the shop now answers.
        """
        try:
            before = await self._backend.cart(cart)
            return before if await precheck(before) else None
        except (CartGone, ShopOutcomeUnknown):
            return None

    def check_add(self, sku: Sku, quantity: int, options: Options) -> Precheck:
        """Whether a product can be added."""

        async def precheck(before: Cart) -> bool:
            mine = () if options else (line for line in before.lines if _is_same(line.sku, sku))
            await self._try_add(sku, quantity + sum(line.quantity for line in mine), options)
            return False

        return precheck

    def check_update(self, line: LineId, quantity: int) -> Precheck:
        """Whether a line can have this quantity, and has another."""

        async def precheck(before: Cart) -> bool:
            found = _line(before, line)
            if found is None or quantity <= found.quantity:
                return found is not None and quantity == found.quantity
            try:
                await self._try_add(found.sku, quantity, found.options)
            except STOCK_REFUSALS:
                raise
            except ADD_REFUSALS:
                return False  # a line does not always tell all that it was added with
            return False

        return precheck

    def check_removal(self, line: LineId) -> Precheck:
        """Whether there is such a line."""

        async def precheck(before: Cart) -> bool:
            _line(before, line)
            return False

        return precheck

    def check_coupon(self, code: str) -> Precheck:
        """Whether the shop knows a code, and it is not applied yet. Whether it fits a cart is seen on that alone."""

        async def precheck(before: Cart) -> bool:
            if before.coupon is not None and _is_same(before.coupon, code):
                return True
            await self._try_coupon(code)
            return False

        return precheck

    def check_gift_card(self, code: str) -> Precheck:
        """Whether the shop takes a gift card, which does not depend on the cart that it would pay for."""

        async def precheck(before: Cart) -> bool:
            if before.lines:
                await self._try_gift_card(before.lines[0], code)
            return False

        return precheck

    async def has_no_coupon(self, before: Cart) -> bool:
        """Whether there is no coupon to remove."""
        return before.coupon is None

    async def has_no_gift_card(self, before: Cart) -> bool:
        """Whether there is no gift card to remove."""
        return not before.gift_cards

    async def _try_add(self, sku: Sku, quantity: int, options: Options) -> None:
        """Raises what the shop refuses a product for; what else goes wrong says nothing of the product."""
        async with self._alone:
            cart = await self._take()
            try:
                filled = await self._backend.add_line(cart, sku, quantity, options)
            except ADD_REFUSALS:
                self._trial = cart
                raise
            self._trial = await self._empty(filled)

    async def _try_coupon(self, code: str) -> None:
        """Raises CouponRejected for a code that the shop does not know."""
        async with self._alone:
            cart = await self._take()
            try:
                await self._backend.apply_coupon(cart, code)
            except CouponRejected as refused:
                self._trial = cart
                if refused.why == UNKNOWN_COUPON:
                    raise

    async def _try_gift_card(self, line: CartLine, code: str) -> None:
        """Raises GiftCardRejected; tried with a piece of a line, as a shop may refuse any card for an empty cart."""
        async with self._alone:
            try:
                filled = await self._backend.add_line(await self._take(), line.sku, 1, line.options)
            except (ShopDown, ShopBusy):
                raise
            except ShopError:
                return
            try:
                await self._backend.apply_gift_card(filled.cart_id, code)
            except GiftCardRejected:
                self._trial = await self._empty(filled)
                raise
            with contextlib.suppress(ShopError):
                self._trial = await self._empty(await self._backend.remove_gift_card(filled.cart_id, code))

    async def _take(self) -> CartId:
        """The trial cart, taken until it is known to be empty again."""
        cart, self._trial = self._trial, None
        if cart is not None:
            try:
                await self._backend.cart(cart)
            except CartGone:
                cart = None
        return (await self._backend.create_cart()).cart_id if cart is None else cart

    async def _empty(self, cart: Cart) -> CartId | None:
        """The trial cart without what was added; None where the shop keeps it."""
        try:
            for line in cart.lines:
                cart = await self._backend.remove_line(cart.cart_id, line.line_id)
        except ShopError:
            return None
        return cart.cart_id


def _line(cart: Cart, line: LineId) -> CartLine | None:
    """The line of this id; None where it is not plain which is meant. Raises LineNotFound."""
    by_id = [one for one in cart.lines if one.line_id == line]
    meant = by_id or [one for one in cart.lines if _is_same(one.sku, line)]
    if not meant:
        raise LineNotFound(line)
    return meant[0] if len(meant) == 1 else None


def _is_same(first: str, second: str) -> bool:
    return first.strip().casefold() == second.strip().casefold()
