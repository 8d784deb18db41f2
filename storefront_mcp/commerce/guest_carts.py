"""Guest carts by handle: opaque, bound to a store, with a limited lifetime; and the port that stores handles."""

import asyncio
import base64
import copy
import datetime as dt
import secrets
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol
from weakref import WeakValueDictionary

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.backend import Options, ShopBackend
from storefront_mcp.commerce.cart import Cart, LostLine, with_exclusions
from storefront_mcp.commerce.cart_precheck import CartPrecheck, Precheck, tell_nothing
from storefront_mcp.commerce.errors import (
    CartEmpty,
    CartGone,
    CartNotFound,
    CouponRejected,
    NotEnoughStock,
    OutOfStock,
    ShopError,
)
from storefront_mcp.commerce.ids import CartId, LineId, Sku, StoreId
from storefront_mcp.commerce.shipping import ShippingMethod

HANDLE_LIFETIME: Final = dt.timedelta(days=7)
"""After the last change of the cart."""

RESTARTED_TEXT: Final = "The shop had lost this cart, so it was started afresh."
COUPON_LOST_TEXT: Final = "The coupon {} does not apply to the cart as it is now, and is off it. Tell the buyer."
LINES_LOST_TEXT: Final = f"{RESTARTED_TEXT} The lines listed in lost_lines are gone."


class CartRecord(Struct, frozen=True, kw_only=True):
    """A stored handle."""

    store: StoreId
    handle: CartId
    upstream: CartId
    """The backend's cart id: a secret."""
    owner: str = ""
    """Subject of the signed-in customer whose cart it is; empty for whoever has the handle."""
    lines: tuple[LostLine, ...] = ()
    """The last known lines, to report what is lost when the shop drops the cart."""
    coupon: str | None = None
    """The code that it had last; empty where the last one does not apply, None where the buyer wants none."""
    expires_at: int
    """Unix seconds."""


class CartHandleRepository(Protocol):
    """Storage of handles, shared by every worker."""

    async def find(self, store: StoreId, handle: CartId) -> CartRecord | None:
        """The record of a handle of this store; None when there is none."""

    async def put(self, record: CartRecord) -> None:
        """Insert or update a record."""


CartLock = Callable[[CartId], AbstractAsyncContextManager[CartRecord]]
"""Holds a cart's lock in this process and yields its record."""


class OpenCheckout(Struct, frozen=True, kw_only=True):
    """The open checkout of a cart that a change was asked of."""

    withdraw: Callable[[], Awaitable[str]]
    """Closes it, so that the cart may change; returns what the agent hears. Raises ShopError to prevent the change."""
    kept: str
    """What the agent hears where the cart stays as it is."""


BeforeChange = Callable[[CartId], Awaitable[OpenCheckout | None]]
"""Called before a cart is changed: its checkout that has to be closed first. Raises ShopError to prevent the change."""


RefuseOrdered = Callable[[CartId], Awaitable[None]]
"""Raises ShopError for a cart that has become an order, or is about to."""


async def order_nothing(_handle: CartId) -> None:
    """The `RefuseOrdered` hook of a store without checkouts."""


async def leave_as_is(_handle: CartId) -> OpenCheckout | None:
    """The `BeforeChange` hook of a store without checkouts."""
    return None


class CartObserver(Struct, frozen=True, kw_only=True):
    """Who hears what carts tell of the catalogue: that something is sold out, or costs something else."""

    seen: Callable[[Cart], object]
    """Called with each cart after a line was added: of C, as it is on the way of every call."""
    refused: Callable[[Sku], object]
    """Called with a SKU of which there are not as many as were wanted."""


NO_OBSERVER: Final = CartObserver(seen=deque[Cart](maxlen=0).append, refused=deque[Sku](maxlen=0).append)


def new_handle() -> CartId:
    """A random handle of 128 bits, in base32 (RFC 4648 §6): every call repeats it, and every letter is paid for."""
    return CartId("cart_" + base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower())


class GuestCarts:
    """The carts of one store, addressed by handles. Raises what the backend raises, and CartNotFound."""

    def __init__(  # noqa: PLR0913 -- all but four have a value that does nothing
        self,
        store: StoreId,
        backend: ShopBackend,
        handles: CartHandleRepository,
        *,
        now: Callable[[], dt.datetime],
        handle: Callable[[], CartId] = new_handle,
        before_change: BeforeChange = leave_as_is,
        refuse_ordered: RefuseOrdered = order_nothing,
        observer: CartObserver = NO_OBSERVER,
    ) -> None:
        """`before_change` is awaited before each change: the cart of an open checkout must not change.

        What is sure to be refused, or to change nothing, leaves the checkout open.

        `refuse_ordered` before each quote, which stores its address on the shop's cart, and wherever a cart turns out
        to be gone: another worker may have ordered it since the change was allowed.
        """
        self._observer = observer
        self._refuse_ordered = refuse_ordered
        self._before_change = before_change
        self._owner = ""
        self._store = store
        self._backend = backend
        self._handles = handles
        self._now = now
        self._new_handle = handle
        self._precheck = CartPrecheck(backend)
        self._locks: WeakValueDictionary[CartId, asyncio.Lock] = WeakValueDictionary()

    def owned_by(self, owner: str) -> "GuestCarts":
        """The carts as a signed-in customer has them: their own, besides those of nobody, and new ones are theirs."""
        twin = copy.copy(self)
        twin._owner = owner  # noqa: SLF001 -- its own copy
        return twin

    async def claim(self, handle: CartId) -> None:
        """Make a cart of nobody the customer's, so that its handle is of no use to anybody else."""
        async with self.lock(handle) as record:
            if record.owner != self._owner:
                await self._handles.put(replace(record, owner=self._owner))

    async def discard(self, handle: CartId) -> None:
        """Forget a handle: from then on there is no such cart. What is in the shop's cart stays there."""
        async with self.lock(handle) as record:
            if (checkout := await self._before_change(handle)) is not None:
                await checkout.withdraw()
            await self._handles.put(replace(record, lines=(), expires_at=int(self._now().timestamp())))

    async def create(self) -> Cart:
        """Create an empty cart and its handle."""
        cart = await self._backend.create_cart()
        handle = self._new_handle()
        record = CartRecord(store=self._store, handle=handle, upstream=cart.cart_id, owner=self._owner, expires_at=0)
        created = await self._save(record, cart)
        until = (self._now() + HANDLE_LIFETIME).astimezone(dt.UTC)
        return replace(created, expires_at=until.strftime("%Y-%m-%dT%H:%MZ"))

    async def view(self, handle: CartId) -> Cart:
        """The current cart. Does not extend the handle's lifetime."""
        record = await self._record(handle)
        try:
            cart = await self._backend.cart(record.upstream)
        except CartGone:
            await self._refuse_ordered(handle)
            raise CartGone(record.lines) from None
        if record.lines and not cart.lines:
            # Some shops keep the cart of an order, or of a session that has ended, and show it empty.
            await self._refuse_ordered(handle)
            return replace(cart, cart_id=handle, lost_lines=record.lines, notice=LINES_LOST_TEXT)
        return with_exclusions(replace(cart, cart_id=handle))

    async def add_line(self, handle: CartId, sku: Sku, quantity: int, options: Options) -> Cart:
        """Add a product; a cart that the shop has lost is created anew under the same handle, with a notice."""
        async with self.lock(handle) as record:
            notice: str | None = None
            if (checkout := await self._before_change(handle)) is not None:
                try:
                    _, notice = await self._clear(checkout, record, self._precheck.check_add(sku, quantity, options))
                except (OutOfStock, NotEnoughStock):
                    self._observer.refused(sku)
                    raise
            try:
                cart = await self._backend.add_line(record.upstream, sku, quantity, options)
            except CartGone:
                await self._refuse_ordered(handle)
                fresh = await self._backend.create_cart()
                cart = await self._backend.add_line(fresh.cart_id, sku, quantity, options)
            except ShopError as error:
                if isinstance(error, OutOfStock | NotEnoughStock):
                    self._observer.refused(sku)
                _tell_closed(error, notice)
                raise
            self._observer.seen(cart)
            if not _is_another(record, cart, quantity):
                return await self._save(record, cart, notice)
            await self._refuse_ordered(handle)
            lost = LINES_LOST_TEXT if record.lines else RESTARTED_TEXT
            return await self._save(record, replace(cart, lost_lines=record.lines), lost)

    async def update_line(self, handle: CartId, line: LineId, quantity: int) -> Cart:
        """Set a line's quantity."""
        return await self._change(
            handle,
            lambda cart: self._backend.update_line(cart, line, quantity),
            self._precheck.check_update(line, quantity),
        )

    async def remove_line(self, handle: CartId, line: LineId) -> Cart:
        """Remove a line."""
        return await self._change(
            handle, lambda cart: self._backend.remove_line(cart, line), self._precheck.check_removal(line)
        )

    async def apply_coupon(self, handle: CartId, code: str) -> Cart:
        """Apply a coupon; that it was refused is kept, as what the buyer pays is not what they hoped for."""
        try:
            return await self._change(
                handle, lambda cart: self._backend.apply_coupon(cart, code), self._precheck.check_coupon(code)
            )
        except CouponRejected as refused:
            async with self.lock(handle) as record:
                if record.coupon is None or refused.dropped is not None:
                    await self._handles.put(replace(record, coupon=""))
            raise

    async def remove_coupon(self, handle: CartId) -> Cart:
        """Remove the coupon."""
        return await self._change(handle, self._backend.remove_coupon, self._precheck.has_no_coupon, keeps_coupon=False)

    async def apply_gift_card(self, handle: CartId, code: str) -> Cart:
        """Apply a gift card."""
        return await self._change(
            handle, lambda cart: self._backend.apply_gift_card(cart, code), self._precheck.check_gift_card(code)
        )

    async def remove_gift_card(self, handle: CartId, code: str) -> Cart:
        """Remove a gift card."""
        return await self._change(
            handle, lambda cart: self._backend.remove_gift_card(cart, code), self._precheck.has_no_gift_card
        )

    async def shipping_methods(self, handle: CartId, address: Address) -> Sequence[ShippingMethod] | None:
        """Shipping methods for an address; None where nothing is sent. Raises CartEmpty, which no shop does."""
        async with self.lock(handle) as record:
            await self._refuse_ordered(handle)
            if not record.lines:
                raise CartEmpty
            return await self._backend.shipping_methods(record.upstream, address)

    async def quote_gaps(self, address: Address) -> Sequence[str]:
        """Names of what an address lacks and shipping prices may depend on, such as `postcode`."""
        return await self._backend.quote_gaps(address)

    @asynccontextmanager
    async def lock(self, handle: CartId) -> AsyncIterator[CartRecord]:
        """The record of a handle, with the cart locked against other calls of this process.

        Raises CartNotFound; a CartGone from within the block gets the lost lines, or tells of the order it became.
        """
        # Shops do not serialise concurrent changes.
        async with self._locks.setdefault(handle, asyncio.Lock()):
            record = await self._record(handle)
            try:
                yield record
            except CartGone:
                await self._refuse_ordered(handle)
                raise CartGone(record.lines) from None

    async def _change(
        self,
        handle: CartId,
        change: Callable[[CartId], Awaitable[Cart]],
        precheck: Precheck = tell_nothing,
        *,
        keeps_coupon: bool = True,
    ) -> Cart:
        async with self.lock(handle) as found:
            record = found if keeps_coupon else replace(found, coupon=None)
            notice: str | None = None
            if (checkout := await self._before_change(handle)) is not None:
                same, notice = await self._clear(checkout, record, precheck)
                if same is not None:
                    if record != found:
                        await self._handles.put(record)
                    return with_exclusions(replace(same, cart_id=handle, notice=notice))
            try:
                changed = await change(record.upstream)
            except ShopError as error:
                _tell_closed(error, notice)
                raise
            return await self._save(record, changed, notice)

    async def _clear(self, checkout: OpenCheckout, record: CartRecord, precheck: Precheck) -> tuple[Cart | None, str]:
        """Close the checkout of a cart that may change, and leave it open where the cart surely does not.

        Returns the cart where the change would leave it as it is, else None; and what the agent hears.
        """
        try:
            same = await self._precheck.changes_nothing(record.upstream, precheck)
        except ShopError as error:
            error.add_notice(checkout.kept)
            raise
        return (None, await checkout.withdraw()) if same is None else (same, checkout.kept)

    async def _record(self, handle: CartId) -> CartRecord:
        record = await self._handles.find(self._store, handle)
        if record is None or record.expires_at <= self._now().timestamp():
            raise CartNotFound
        if record.owner and record.owner != self._owner:
            raise CartNotFound
        return record

    async def _save(self, record: CartRecord, cart: Cart, notice: str | None = None) -> Cart:
        """Store the handle's record anew.

        Returns the cart with the handle in place of the backend's id, and a notice put before its own.
        """
        lost = record.coupon if cart.coupon is None else None
        await self._handles.put(
            replace(
                record,
                upstream=cart.cart_id,
                lines=tuple(LostLine(line.sku, line.quantity, line.options) for line in cart.lines),
                coupon=cart.coupon if lost is None else "",
                expires_at=int((self._now() + HANDLE_LIFETIME).timestamp()),
            )
        )
        off = COUPON_LOST_TEXT.format(lost) if lost else None
        notices = [text for text in (notice, off, cart.notice) if text is not None]
        return with_exclusions(replace(cart, cart_id=record.handle, notice=" ".join(notices) or None))


def _tell_closed(error: ShopError, notice: str | None) -> None:
    """Say of a refused change, too, what was closed before the shop was asked."""
    if notice is not None:
        error.add_notice(notice)


def _is_another(record: CartRecord, cart: Cart, added: int) -> bool:
    """Whether a cart to which pieces were added is not the one on record, whatever its id: what was in that is gone.

    A shop may rename a cart whose name is getting old, and may show one empty whose session has ended.
    """
    if not record.lines:
        return cart.cart_id != record.upstream
    if cart.cart_id != record.upstream:
        return sum(line.quantity for line in cart.lines) < sum(line.quantity for line in record.lines) + added
    return {line.sku for line in cart.lines}.isdisjoint(line.sku for line in record.lines)
