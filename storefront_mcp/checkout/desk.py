"""The agent's side: place an order, ask about it, give it up.

Implements `commerce.checkout.Checkouts`.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, NoReturn

from email_validator import EmailNotValidError, validate_email
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.checkout import showing
from storefront_mcp.checkout.leasing import leased
from storefront_mcp.checkout.record import Checkout, KeyTaken, Personal
from storefront_mcp.checkout.states import ENDED, PAID, moved
from storefront_mcp.checkout.steps import close
from storefront_mcp.checkout.trade import Trade, pay_key
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.checkout import CheckoutShown
from storefront_mcp.commerce.errors import (
    CartBeingOrdered,
    CheckoutNotFound,
    EmailRefused,
    KeyReused,
    NoWayToPay,
    PaymentDown,
    ShopError,
)
from storefront_mcp.commerce.guest_carts import CartRecord
from storefront_mcp.commerce.names import CartId
from storefront_mcp.commerce.order import OrderDraft, OrderProgress, PaymentMethod
from storefront_mcp.payments.port import ProviderDown, ProviderRefused

PEEK: Final = 3.0
"""Seconds that an answer may wait for news of the provider and the shop."""
REPLACED: Final = "It was replaced by another checkout of the same cart."
CART_CHANGED: Final = "The cart was changed afterwards."
GIVEN_UP: Final = "It was given up on the buyer's behalf."
Holds = Callable[[CartId], AbstractAsyncContextManager[CartRecord]]


class Ways(Struct, frozen=True, kw_only=True):
    """How a cart may be paid for."""

    online: bool
    offline: tuple[PaymentMethod, ...]
    free: str | None
    """The shop's code for a cart that costs nothing; None when it costs something."""


def new_id() -> str:
    """A checkout id: 128 random bits, so that nobody can ask about somebody else's."""
    return "chk_" + secrets.token_hex(16)


class Desk:
    """Raises what the shop raises, and what `Checkouts` names."""

    def __init__(
        self,
        trade: Trade,
        hold: Holds,
        hasten: Callable[[str], "asyncio.Task[None]"],
        *,
        id_: Callable[[], str] = new_id,
    ) -> None:
        """`hold` keeps a cart from changing in this process and tells what stands behind its handle.

        `hasten` advances a checkout in the background and answers the task.
        """
        self._trade = trade
        self._hold = hold
        self._hasten = hasten
        self._new_id = id_

    async def place(self, cart: CartId, draft: OrderDraft, *, key: str | None, dry_run: bool) -> CheckoutShown:
        """Check everything, freeze the order and say where the buyer pays."""
        trade = self._trade
        draft = replace(draft, email=_address(draft.email))
        wish = trade.wish(cart, draft)
        named = None if key is None or dry_run else trade.key(key)
        if named is not None and (replayed := await trade.records.of_key(trade.store.id, named)) is not None:
            return self._shown(replayed) if replayed.request == wish else _refuse_key()
        async with self._hold(cart) as record:
            known = None if dry_run else await self._known(cart, wish, record.upstream)
            if known is not None:
                return self._shown(known)
            priced = await trade.backend.priced(record.upstream, draft)
            ways = await self._ways(record.upstream, priced)
            if dry_run:
                return CheckoutShown(status="ready", next_step=showing.DRY, totals=priced.totals)
            wanted = self._frozen(cart, record.upstream, draft, priced, ways, wish)
            return self._shown(await self._opened(wanted, named))

    async def status(self, checkout: str) -> CheckoutShown:
        """Where it stands now."""
        found = await self._found(checkout)
        if found.live and (found.state != "open" or not found.session_over):
            await asyncio.wait({self._hasten(found.id)}, timeout=PEEK)
            found = await self._found(checkout)
        return self._shown(found, await self._progress(found))

    async def cancel(self, checkout: str) -> CheckoutShown:
        """Give it up; again is fine."""
        found = await self._found(checkout)
        return self._shown(found if found.state in ENDED else await self._given_up(found, GIVEN_UP))

    async def before_change(self, cart: CartId) -> str | None:
        """Make way for a change of the cart."""
        found = await self._trade.records.of_cart(self._trade.store.id, self._trade.cart(cart))
        if found is None or found.state in ENDED:
            return None
        await self._given_up(found, CART_CHANGED)
        return (
            f"Checkout {found.id} was for the cart as it was before, so it is closed and its payment page too. "
            "Call place_order again for the cart as it is now."
        )

    async def _known(self, cart: CartId, wish: str, upstream: CartId) -> Checkout | None:
        """The checkout that this wish already has; one that came to nothing does not stand in the way of another."""
        trade = self._trade
        newest = await trade.records.of_cart(trade.store.id, trade.cart(cart))
        if newest is None or newest.request != wish or newest.upstream != upstream:
            return None
        over = newest.state in {"failed", "expired", "canceled", "closing"}
        late = newest.state == "open" and trade.now() >= newest.expires_at
        return None if over or late else newest

    async def _ways(self, upstream: CartId, priced: Cart) -> Ways:
        trade = self._trade
        offered = await trade.backend.payment_methods(upstream)
        if not priced.totals.total:
            free = next((method.code for method in offered if method.free), None)
            return Ways(online=False, offline=(), free=_needed(free))
        online = trade.provider is not None and any(method.code == trade.terms.method for method in offered)
        offline = tuple(method for method in offered if method.code in trade.terms.offline)
        if not online and not offline:
            raise NoWayToPay
        return Ways(online=online, offline=offline, free=None)

    def _frozen(
        self, cart: CartId, upstream: CartId, draft: OrderDraft, priced: Cart, ways: Ways, wish: str
    ) -> Checkout:
        trade, id_, now = self._trade, self._new_id(), self._trade.now()
        return Checkout(
            id=id_,
            store=trade.store.id,
            cart=trade.cart(cart),
            upstream=upstream,
            pay_key=pay_key(trade.pay_token(id_)),
            request=wish,
            created_at=now,
            since=now,
            expires_at=now + trade.terms.lasts,
            due_at=now + trade.terms.lasts,
            lines=priced.lines,
            totals=priced.totals,
            method_title=priced.ships_by or draft.shipping_method,
            settle_by=ways.free or trade.terms.method,
            settles="free" if ways.free else "provider",
            offline=ways.offline,
            online=ways.online,
            personal=Personal(draft=draft),
        )

    async def _opened(self, wanted: Checkout, key: str | None) -> Checkout:
        """The one checkout of this cart: ours, or the one that somebody else has just made for the same wish."""
        standing = wanted
        for _ in range(3):
            try:
                standing = await self._trade.records.open(wanted, key=key)
            except KeyTaken:
                _refuse_key()
            if standing.id == wanted.id or (standing.request == wanted.request and standing.state != "closing"):
                return standing
            await self._given_up(standing, REPLACED)
        raise CartBeingOrdered(standing.id)

    async def _given_up(self, checkout: Checkout, reason: str) -> Checkout:
        """Close it for good before this returns. Raises CartBeingOrdered when the buyer was faster, and PaymentDown."""
        trade = self._trade
        async with leased(trade, checkout.id) as lease:
            held = lease.checkout
            if held.state == "open":
                held = await lease.write(moved(held, "closing", now=trade.now(), closing_to="canceled", reason=reason))
            if held.state == "closing":
                try:
                    held = await lease.write(await close(trade, held))
                except (ProviderDown, ProviderRefused) as error:
                    raise PaymentDown(internal=f"{checkout.id}: {error}") from error
        if held.state in PAID or held.state == "placed":
            raise CartBeingOrdered(checkout.id)
        if held.state == "closing":
            raise PaymentDown(internal=f"{checkout.id}: its payment page is neither closed nor paid yet")
        return held

    async def _found(self, id_: str) -> Checkout:
        found = await self._trade.records.find(self._trade.store.id, id_)
        if found is None:
            raise CheckoutNotFound
        return found

    async def _progress(self, checkout: Checkout) -> OrderProgress | None:
        """The order's progress, as far as the shop answers: the checkout's own state is what matters."""
        if checkout.state != "placed" or checkout.personal is None or checkout.personal.order is None:
            return None
        try:
            return await self._trade.backend.order_progress(checkout.personal.order)
        except ShopError:
            return None

    def _shown(self, checkout: Checkout, progress: OrderProgress | None = None) -> CheckoutShown:
        return showing.shown(self._trade, checkout, progress)


def _address(email: str) -> str:
    """An e-mail address in its one spelling, by its form alone (RFC 5321, RFC 6531). Raises EmailRefused."""
    try:
        return validate_email(email.strip(), check_deliverability=False).normalized
    except EmailNotValidError:
        raise EmailRefused from None


def _needed(free: str | None) -> str:
    if free is None:
        raise NoWayToPay
    return free


def _refuse_key() -> NoReturn:
    raise KeyReused
