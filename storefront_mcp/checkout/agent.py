"""The agent's use cases: place an order, read its status, cancel it.

Implements `commerce.checkout.CheckoutPort`.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from email_validator import EmailNotValidError, validate_email
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.checkout import views
from storefront_mcp.checkout.context import CheckoutContext, pay_key
from storefront_mcp.checkout.payment_steps import REFUSAL_REASONS
from storefront_mcp.checkout.record import Checkout, KeyConflict, PersonalDetails
from storefront_mcp.checkout.states import TERMINAL_STATES
from storefront_mcp.checkout.withdrawal import check_not_ordered, withdraw
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.checkout import CheckoutView
from storefront_mcp.commerce.error_details import ShippingOffers
from storefront_mcp.commerce.errors import (
    CartBeingOrdered,
    CheckoutNotFound,
    EmailRefused,
    KeyReused,
    NoWayToPay,
    PaymentDown,
    ShippingMethodRefused,
    ShopBusy,
    ShopError,
    TotalRefused,
)
from storefront_mcp.commerce.guest_carts import CartLock, CartRecord
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.order import OrderDraft, OrderProgress, PaymentMethod
from storefront_mcp.commerce.shipping import with_delivery_times
from storefront_mcp.payments.provider import ProviderRefused

PROVIDER_POLL_TIMEOUT_SECONDS: Final = 3.0
"""How long `status` waits for the provider and the shop."""
REPLACED_REASON: Final = "It was replaced by another checkout of the same cart."
CANCELED_REASON: Final = "It was given up on the buyer's behalf."
CROWDED_REASON: Final = "Too many others were prepared after it and none of them was paid."


class PaymentOptions(Struct, frozen=True, kw_only=True):
    """How a cart may be paid for."""

    online: bool
    offline: tuple[PaymentMethod, ...]
    free: str | None
    """The shop's code for a cart that costs nothing; None when it costs something."""


def new_id() -> str:
    """A checkout id: 128 random bits, so that it cannot be guessed."""
    return "chk_" + secrets.token_hex(16)


class AgentCheckout:
    """Checkouts of one store, for agents. Raises the errors of the shop and those that `CheckoutPort` lists."""

    def __init__(
        self,
        context: CheckoutContext,
        lock_cart: CartLock,
        start_advancing: Callable[[str], "asyncio.Task[None]"],
        *,
        id_: Callable[[], str] = new_id,
    ) -> None:
        """`lock_cart` holds a cart's lock in this process and yields its record.

        `start_advancing` advances a checkout in a background task and returns the task.
        """
        self._context = context
        self._lock_cart = lock_cart
        self._start_advancing = start_advancing
        self._new_id = id_
        self._owner = ""

    def for_customer(self, subject: str, lock_cart: CartLock) -> "AgentCheckout":
        """The checkouts as a signed-in customer has them."""
        twin = AgentCheckout(self._context, lock_cart, self._start_advancing, id_=self._new_id)
        twin._owner = subject
        return twin

    @property
    def is_test(self) -> bool:
        """Whether the provider is a sandbox, or in its test mode."""
        return self._context.provider is not None and self._context.provider.is_test

    def ways_to_pay(self, offered: Sequence[PaymentMethod]) -> tuple[str, ...]:
        """Titles of the provider's method and of the offline methods of the policy."""
        policy = self._context.policy
        used = {*policy.offline, *((policy.method,) if self._context.provider is not None else ())}
        return tuple(method.title for method in offered if method.code in used)

    async def place(
        self, cart: CartId, draft: OrderDraft, *, key: str | None, dry_run: bool, grant: str = ""
    ) -> CheckoutView:
        """Validate the order, freeze it and return where the buyer pays."""
        try:
            return await self._place(cart, draft, key=key, dry_run=dry_run, grant=grant)
        except ShippingMethodRefused as refused:
            # The shop's adapter knows the methods, the store how long they take.
            if isinstance(offers := refused.detail, ShippingOffers):
                times = self._context.store.delivery_times
                refused.detail = replace(offers, methods=with_delivery_times(offers.methods, times))
            raise

    async def _place(
        self, cart: CartId, draft: OrderDraft, *, key: str | None, dry_run: bool, grant: str
    ) -> CheckoutView:
        context = self._context
        draft = replace(draft, email=_normalise_email(draft.email))
        request = context.request_digest(cart, draft, self._owner if grant else "")
        digest = None if key is None or dry_run else context.key_digest(key)
        if digest is not None:
            known = await context.records.find_by_key(context.store.id, context.cart_digest(cart), digest)
            if known is not None:
                return self._keyed_again(known, cart) if known.request == request else _reject_key()
        async with self._lock_cart(cart) as record:
            newest = await context.records.find_by_cart(context.store.id, context.cart_digest(cart))
            if newest is not None and not dry_run and self._answers(newest, request, record.upstream):
                return self._same_again(newest, cart)
            check_not_ordered(context, newest)
            if dry_run:
                preview = await context.backend.preview_order(record.upstream, draft)
                self._payment_options(preview.methods, preview.cart)
                return CheckoutView(
                    status="ready",
                    next_step=views.DRY_RUN_TEXT,
                    totals=preview.cart.totals,
                    notice=_coupon_notice(record, preview.cart),
                )
            priced = await context.backend.quote_order(record.upstream, draft)
            if priced.ships_nothing:
                draft = replace(draft, shipping_address=None, shipping_method="")
            options = self._payment_options(await context.backend.payment_methods(record.upstream), priced)
            checkout = self._freeze(cart, record.upstream, draft, priced, options, request)
            checkout = replace(checkout, owner=self._owner, grant=grant)
            opened = self._view(await self._open(checkout, digest), cart)
            return opened if opened.notice else replace(opened, notice=_coupon_notice(record, priced))

    async def status(self, checkout: str) -> CheckoutView:
        """The status now, after the checkout was advanced as far as it goes in PROVIDER_POLL_TIMEOUT_SECONDS."""
        id_, secret = _split(checkout)
        found = await self._find(id_)
        if found.live and (found.state != "open" or not found.session_over):
            await asyncio.wait({self._start_advancing(id_)}, timeout=PROVIDER_POLL_TIMEOUT_SECONDS)
            found = await self._find(id_)
        progress = await self._progress(found)
        shown = views.agent_view(self._context, found, secret, progress)
        if progress is None and shown.notice is None:
            return replace(shown, notice=views.parcel_notice(self._context, found))
        return shown

    async def cancel(self, checkout: str) -> CheckoutView:
        """Cancel it; a checkout that has ended without an order is returned as it is."""
        id_, secret = _split(checkout)
        found = await self._find(id_)
        check_not_ordered(self._context, found)
        if found.state not in TERMINAL_STATES:
            found = await withdraw(self._context, found, CANCELED_REASON)
        return views.agent_view(self._context, found, secret)

    def _same_again(self, checkout: Checkout, cart: CartId) -> CheckoutView:
        """The checkout of a request that was sent again."""
        shown = self._view(checkout, cart)
        return replace(shown, next_step=f"{shown.next_step} {views.REPEATED_TEXT}") if shown.order else shown

    def _keyed_again(self, checkout: Checkout, cart: CartId) -> CheckoutView:
        """The checkout of an idempotency key that was sent again."""
        shown = self._same_again(checkout, cart)
        if checkout.live or checkout.state == "placed" or views.is_charged_in_vain(checkout):
            return shown
        return replace(shown, next_step=shown.next_step + views.SPENT_KEY_TEXT)

    def _answers(self, newest: Checkout, request: str, upstream: CartId) -> bool:
        """Whether it is the checkout of the same request, and still open or led to an order."""
        if newest.request != request or newest.upstream != upstream:
            return False
        over = newest.state in {"failed", "expired", "canceled", "closing"}
        late = newest.state == "open" and self._context.now() >= newest.expires_at
        return not over and not late

    def _payment_options(self, offered: Sequence[PaymentMethod], priced: Cart) -> PaymentOptions:
        context = self._context
        if not priced.totals.total:
            free = next((method.code for method in offered if method.free), None)
            return PaymentOptions(online=False, offline=(), free=_require_free_method(free))
        refused: ProviderRefused | None = None
        online = context.provider is not None and any(method.code == context.policy.method for method in offered)
        if context.provider is not None and online:
            try:
                context.provider.check_amount(priced.totals.total)
            except ProviderRefused as error:
                online, refused = False, error
        offline = tuple(method for method in offered if method.code in context.policy.offline)
        if not online and not offline:
            raise NoWayToPay if refused is None else TotalRefused(REFUSAL_REASONS[refused.cause], str(refused))
        return PaymentOptions(online=online, offline=offline, free=None)

    def _freeze(
        self, cart: CartId, upstream: CartId, draft: OrderDraft, priced: Cart, options: PaymentOptions, request: str
    ) -> Checkout:
        context, id_, now = self._context, self._new_id(), self._context.now()
        return Checkout(
            id=id_,
            store=context.store.id,
            cart=context.cart_digest(cart),
            upstream=upstream,
            pay_key=pay_key(context.pay_token(id_, context.handle_secret(id_, cart))),
            request=request,
            created_at=now,
            since=now,
            expires_at=now + context.policy.lifetime_seconds,
            due_at=now + context.policy.lifetime_seconds,
            lines=priced.lines,
            totals=priced.totals,
            method_title=priced.ships_by or draft.shipping_method,
            settle_by=options.free or context.policy.method,
            settles="free" if options.free else "provider",
            offline=options.offline,
            online=options.online,
            confirms_by_mail=context.policy.sends_mail,
            personal=PersonalDetails(draft=draft),
        )

    async def _open(self, checkout: Checkout, key: str | None) -> Checkout:
        """The one live checkout of this cart: this one, or one that was opened meanwhile for the same request."""
        live = checkout
        for _ in range(3):
            try:
                live = await self._context.records.open(checkout, key=key)
            except KeyConflict:
                _reject_key()
            if live.id == checkout.id:
                await self._make_room()
                return live
            if live.request == checkout.request and live.state != "closing":
                return live
            await withdraw(self._context, live, REPLACED_REASON)
        raise CartBeingOrdered(live.id, staff=self._context.store.staff)

    async def _make_room(self) -> None:
        """Withdraw open checkouts that are too many, unless they are being paid."""
        records, store = self._context.records, self._context.store.id
        for id_ in await records.crowding(store):
            found = await records.find(store, id_)
            if found is not None:
                with contextlib.suppress(CartBeingOrdered, PaymentDown, ShopBusy):
                    await withdraw(self._context, found, CROWDED_REASON)

    async def _find(self, id_: str) -> Checkout:
        found = await self._context.records.find(self._context.store.id, id_)
        if found is None or (found.owner and found.owner != self._owner):
            raise CheckoutNotFound(staff=self._context.store.staff)
        return found

    async def _progress(self, checkout: Checkout) -> OrderProgress | None:
        """The order's progress; None when there is no order or the shop does not answer."""
        if checkout.order_number is None or checkout.personal is None or checkout.personal.order is None:
            return None
        try:
            return await self._context.backend.order_progress(checkout.personal.order)
        except ShopError:
            return None

    def _view(self, checkout: Checkout, cart: CartId) -> CheckoutView:
        return views.agent_view(self._context, checkout, self._context.handle_secret(checkout.id, cart))


def _split(handle: str) -> tuple[str, str]:
    """The id and the secret part of an agent's checkout id; the secret is empty where only the id was sent."""
    id_, _, secret = handle.partition(".")
    return id_, secret


def _normalise_email(email: str) -> str:
    """The normalised e-mail address, checked by its syntax only (RFC 5321, RFC 6531). Raises EmailRefused."""
    try:
        return validate_email(email.strip(), check_deliverability=False).normalized
    except EmailNotValidError:
        raise EmailRefused from None


def _coupon_notice(record: CartRecord, priced: Cart) -> str | None:
    """What the buyer should hear before they pay, where no coupon counts although one was wanted."""
    return views.NO_COUPON_TEXT if record.coupon is not None and priced.coupon is None else None


def _require_free_method(free: str | None) -> str:
    if free is None:
        raise NoWayToPay
    return free


def _reject_key() -> NoReturn:
    raise KeyReused
