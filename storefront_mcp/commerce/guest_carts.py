"""Carts under handles of our own: opaque, bound to a store, with a bounded life."""

import asyncio
import datetime as dt
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol
from weakref import WeakValueDictionary

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.backend import Backend, Options
from storefront_mcp.commerce.cart import Cart, LostLine
from storefront_mcp.commerce.errors import CartGone, CartNotFound
from storefront_mcp.commerce.names import CartId, LineId, Sku, StoreId
from storefront_mcp.commerce.shipping import ShippingMethod

LIFETIME: Final = dt.timedelta(days=7)
"""How long a handle lives after the last change of its cart."""

RESTARTED: Final = "The shop had lost this cart, so it was started afresh."
LINES_LOST: Final = f"{RESTARTED} The lines listed in lost_lines are gone."


class CartRecord(Struct, frozen=True, kw_only=True):
    """What stands behind a handle."""

    store: StoreId
    handle: CartId
    upstream: CartId
    """The backend's own id: a secret."""
    lines: tuple[LostLine, ...] = ()
    """What was in the cart when we last saw it, to name what is lost when the shop drops it."""
    expires_at: int
    """Unix seconds."""


class Handles(Protocol):
    """Where handles are kept, shared by every worker of the machine."""

    async def find(self, store: StoreId, handle: CartId) -> CartRecord | None:
        """The record of a handle of this store; None when there is none."""

    async def keep(self, record: CartRecord) -> None:
        """Write a record, new or changed."""


MakeWay = Callable[[CartId], Awaitable[str | None]]
"""Asked before a cart is changed: makes way for the change and says what that cost, or raises ShopError."""


async def always(_handle: CartId) -> str | None:
    """Nothing stands in the way of a change."""
    return None


def new_handle() -> CartId:
    """A handle nobody can guess: 160 random bits."""
    return CartId("cart_" + secrets.token_hex(20))


class GuestCarts:
    """The carts of one store, addressed by handles. Raises what the backend raises, and CartNotFound."""

    def __init__(
        self,
        store: StoreId,
        backend: Backend,
        handles: Handles,
        *,
        now: Callable[[], dt.datetime],
        handle: Callable[[], CartId] = new_handle,
    ) -> None:
        self.make_way: MakeWay = always
        """Checkouts take this place: the cart of a checkout must not change under it."""
        self._store = store
        self._backend = backend
        self._handles = handles
        self._now = now
        self._new_handle = handle
        self._locks: WeakValueDictionary[CartId, asyncio.Lock] = WeakValueDictionary()

    async def create(self) -> Cart:
        """A new, empty cart and the handle for it."""
        cart = await self._backend.create_cart()
        kept = await self._kept(self._new_handle(), cart)
        until = (self._now() + LIFETIME).astimezone(dt.UTC)
        return replace(kept, expires_at=until.strftime("%Y-%m-%dT%H:%MZ"))

    async def view(self, handle: CartId) -> Cart:
        """The cart as it stands. Looking does not lengthen its life."""
        record = await self._record(handle)
        try:
            cart = await self._backend.cart(record.upstream)
        except CartGone:
            raise CartGone(record.lines) from None
        return replace(cart, cart_id=handle)

    async def add_line(self, handle: CartId, sku: Sku, quantity: int, options: Options) -> Cart:
        """Put pieces in; a cart that the shop has lost starts afresh under the same handle, and the answer says so."""
        async with self._lock(handle):
            record = await self._record(handle)
            told = await self.make_way(handle)
            try:
                cart = await self._backend.add_line(record.upstream, sku, quantity, options)
            except CartGone:
                fresh = await self._backend.create_cart()
                cart = await self._backend.add_line(fresh.cart_id, sku, quantity, options)
            if cart.cart_id == record.upstream:
                return await self._kept(handle, _telling(cart, told))
            notice = LINES_LOST if record.lines else RESTARTED
            return await self._kept(handle, replace(_telling(cart, notice), lost_lines=record.lines))

    async def update_line(self, handle: CartId, line: LineId, quantity: int) -> Cart:
        """Set a line's quantity."""
        return await self._change(handle, lambda cart: self._backend.update_line(cart, line, quantity))

    async def remove_line(self, handle: CartId, line: LineId) -> Cart:
        """Take a line out."""
        return await self._change(handle, lambda cart: self._backend.remove_line(cart, line))

    async def apply_coupon(self, handle: CartId, code: str) -> Cart:
        """Use a code."""
        return await self._change(handle, lambda cart: self._backend.apply_coupon(cart, code))

    async def remove_coupon(self, handle: CartId) -> Cart:
        """Use no code."""
        return await self._change(handle, self._backend.remove_coupon)

    async def shipping_methods(self, handle: CartId, address: Address) -> Sequence[ShippingMethod]:
        """What sending this cart somewhere costs."""
        async with self._lock(handle):
            record = await self._record(handle)
            try:
                return await self._backend.shipping_methods(record.upstream, address)
            except CartGone:
                raise CartGone(record.lines) from None

    @asynccontextmanager
    async def held(self, handle: CartId) -> AsyncIterator[CartRecord]:
        """What stands behind a handle, while no other call of this process can change that cart.

        Raises CartNotFound; a CartGone from within the block says what was lost.
        """
        async with self._lock(handle):
            record = await self._record(handle)
            try:
                yield record
            except CartGone:
                raise CartGone(record.lines) from None

    async def _change(self, handle: CartId, ask: Callable[[CartId], Awaitable[Cart]]) -> Cart:
        async with self._lock(handle):
            record = await self._record(handle)
            told = await self.make_way(handle)
            try:
                cart = await ask(record.upstream)
            except CartGone:
                raise CartGone(record.lines) from None
            return await self._kept(handle, _telling(cart, told))

    async def _record(self, handle: CartId) -> CartRecord:
        record = await self._handles.find(self._store, handle)
        if record is None or record.expires_at <= self._now().timestamp():
            raise CartNotFound
        return record

    async def _kept(self, handle: CartId, cart: Cart) -> Cart:
        """Write down what the handle stands for now, and answer with the handle in the backend's id's place."""
        await self._handles.keep(
            CartRecord(
                store=self._store,
                handle=handle,
                upstream=cart.cart_id,
                lines=tuple(LostLine(line.sku, line.quantity, line.options) for line in cart.lines),
                expires_at=int((self._now() + LIFETIME).timestamp()),
            )
        )
        return replace(cart, cart_id=handle)

    def _lock(self, handle: CartId) -> asyncio.Lock:
        """One writer per cart in this process: shops mix up concurrent changes."""
        return self._locks.setdefault(handle, asyncio.Lock())


def _telling(cart: Cart, notice: str | None) -> Cart:
    """A cart that also says this."""
    if notice is None:
        return cart
    return replace(cart, notice=notice if cart.notice is None else f"{notice} {cart.notice}")
