"""The environment of one store's checkouts: a shop, a provider, a clock, and faults."""

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn, cast

from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.checkout.agent import AgentCheckout
from storefront_mcp.checkout.buyer import BuyerCheckout
from storefront_mcp.checkout.context import CheckoutContext, CheckoutPolicy
from storefront_mcp.checkout.reconciler import Reconciler
from storefront_mcp.checkout.record import Checkout
from storefront_mcp.checkout.token_payment import TokenCheckout
from storefront_mcp.commerce.address import PostalAddress
from storefront_mcp.commerce.backend import CacheStats, ShopBackend
from storefront_mcp.commerce.cart import Cart, CartLine, CartTotals
from storefront_mcp.commerce.errors import CartGone, OrderRefused, ShopBusy, ShopDown, ShopOutcomeUnknown
from storefront_mcp.commerce.guest_carts import CartRecord
from storefront_mcp.commerce.ids import CartId, LineId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderDraft, OrderPreview, OrderProgress, OrderSettlement, PaymentMethod
from storefront_mcp.commerce.store import Store
from storefront_mcp.payments.provider import (
    EventRefused,
    Payment,
    PaymentSession,
    PaymentSessionRequest,
    ProviderDown,
    ProviderEvent,
    ProviderRefused,
)
from storefront_mcp.payments.tokens import TokenHandler, TokenRefused
from tests.fakes.memory_backend import STORE
from tests.unit.checkout.memory import MemoryRecords

START = 1_800_000_000.0
HANDLE = CartId("cart_1")
LATE = 80.0
"""Seconds that a shop may be late with an order: fewer than the terms settle for."""
ADDRESS = PostalAddress(
    first_name="Ada",
    last_name="Lovelace",
    street="1 Brine St",
    city="Hobart",
    region="TAS",
    postcode="7000",
    country="AU",
    phone="+61 3 5550 0000",
)
DRAFT = OrderDraft(
    email="ada@example.com", shipping_address=ADDRESS, billing_address=ADDRESS, shipping_method="post_parcel"
)


class Killed(BaseException):
    """The process died here."""


class Trouble:
    """What goes wrong at the next calls to the outside: each entry is used up by one call."""

    def __init__(self) -> None:
        self.coming: list[str] = []
        self.ordering: list[str] = []
        """The same for the calls that ask the shop for an order: they come first there, and only there."""
        self.dead = False
        """Whether the process was killed: it can write nothing more."""
        self.elsewhere: Callable[[], Awaitable[None]]
        """What happens in other processes while this one is frozen."""

    def take(self, *, ordering: bool = False) -> str:
        self.alive()
        if ordering and self.ordering:
            return self.ordering.pop(0)
        return self.coming.pop(0) if self.coming else "fine"

    def alive(self) -> None:
        if self.dead:
            raise Killed

    async def freeze(self) -> None:
        """The answer is here, and nobody reads it for longer than a lease."""
        coming, self.coming = self.coming, []
        await self.elsewhere()
        self.coming = coming

    def kill(self) -> NoReturn:
        self.dead = True
        raise Killed


class Clock:
    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> float:
        return self.time


class PretendProvider:
    """Holds money, and checks that keys are used as keys."""

    name = "pretend"
    is_test = False

    def __init__(self, clock: Clock, trouble: Trouble) -> None:
        self.clock = clock
        self.trouble = trouble
        self.sessions: dict[str, PaymentSession] = {}
        self.wanted: dict[str, PaymentSessionRequest] = {}
        self.payments: dict[str, Payment] = {}
        self.keys: dict[str, tuple[Any, Any]] = {}
        self.captures: Counter[str] = Counter()
        self.misused: list[str] = []
        self._numbers = itertools.count(1)

    def check_amount(self, amount: Money) -> None:
        if amount.minor < 50:
            raise ProviderRefused("it takes at least AUD 0.50", cause="too_small")

    async def open_session(self, request: PaymentSessionRequest, *, key: str) -> PaymentSession:
        def act() -> PaymentSession:
            if request.amount.minor % 10:
                raise ProviderRefused("the last digit must be 0", cause="step")
            if request.expires_at < self.clock() + 30 * 60:
                raise ProviderRefused("expires_at is too soon", cause="expiry")
            session = PaymentSession(id=f"s{next(self._numbers)}", state="open", url="https://pay.example/s")
            self.sessions[session.id] = session
            self.wanted[session.id] = request
            return session

        return cast("PaymentSession", await self._do(act, key, request))

    async def session(self, session: str) -> PaymentSession:
        return cast("PaymentSession", await self._do(lambda: self._now(session)))

    async def expire_session(self, session: str, *, key: str) -> PaymentSession:
        def act() -> PaymentSession:
            now = self._now(session)
            if now.state == "open":
                self.sessions[session] = replace(now, state="expired", url=None)
            return self.sessions[session]

        return cast("PaymentSession", await self._do(act, key, session))

    async def payment(self, payment: str) -> Payment:
        return cast("Payment", await self._do(lambda: self.payments[payment]))

    async def capture(self, payment: str, *, key: str, amount: Money | None = None) -> Payment:
        return cast("Payment", await self._do(lambda: self.captured(payment, amount), key, (payment, amount)))

    async def release(self, payment: str, *, key: str) -> Payment:
        def act() -> Payment:
            if self.payments[payment].state in {"waiting", "authorized"}:
                self.payments[payment] = replace(self.payments[payment], state="released")
            return self.payments[payment]

        return cast("Payment", await self._do(act, key, payment))

    # Payment by tokens, which are named after what becomes of them.

    handler = TokenHandler(id="pretend.token", provider="pretend", credential="token", merchant="shop_1")

    async def check_token(self, token: Secret, amount: Money, *, now: float) -> None:
        await self._do(lambda: self._check(token))

    async def prepare_payment(self, checkout: str, amount: Money, *, key: str) -> Payment:
        def act() -> Payment:
            if amount.minor % 10:
                raise ProviderRefused("the last digit must be 0", cause="step")
            payment = Payment(id=f"t{next(self._numbers)}", state="waiting", amount=amount)
            self.payments[payment.id] = payment
            return payment

        return cast("Payment", await self._do(act, key, (checkout, amount)))

    async def confirm_payment(self, payment: str, token: Secret, *, key: str) -> Payment:
        def act() -> Payment:
            found = self.payments[payment]
            if found.state != "waiting":
                raise TokenRefused("declined")
            self._check(token)
            if token.reveal() == "declined":
                raise TokenRefused("declined")
            if token.reveal() != "challenged":
                self.payments[payment] = replace(found, state="authorized")
            return self.payments[payment]

        return cast("Payment", await self._do(act, key, (payment, token.reveal())))

    @staticmethod
    def _check(token: Secret) -> None:
        if token.reveal() == "small":
            raise TokenRefused("too_small")

    def event(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        raise EventRefused

    async def close(self) -> None:
        pass

    # What the buyer and the shop do there.

    def pay(self, session: str) -> bool:
        now = self._now(session)
        if now.state != "open":
            return False
        payment = Payment(id=f"p-{session}", state="authorized", amount=self.wanted[session].amount)
        self.payments[payment.id] = payment
        self.sessions[session] = replace(now, state="complete", url=None, payment=payment.id)
        return True

    def captured(self, payment: str, amount: Money | None = None) -> Payment:
        if self.payments[payment].state == "authorized":
            self.captures[payment] += 1
            self.payments[payment] = replace(
                self.payments[payment], state="captured", amount=amount or self.payments[payment].amount
            )
        return self.payments[payment]

    def _now(self, session: str) -> PaymentSession:
        found = self.sessions[session]
        if found.state == "open" and self.clock() >= self.wanted[session].expires_at:
            found = self.sessions[session] = replace(found, state="expired", url=None)
        return found

    async def _do(self, act: Any, key: str | None = None, asked: Any = None) -> Any:
        kind = self.trouble.take()
        if kind == "down":
            raise ProviderDown("down before acting")
        if kind == "killed before":
            self.trouble.kill()
        if key is not None and key in self.keys:
            before, result = self.keys[key]
            if before != asked:
                self.misused.append(key)
                raise ProviderRefused("the key was used for something else")
        else:
            result = act()
            if key is not None:
                self.keys[key] = (asked, result)
        if kind == "unclear":
            raise ProviderDown("down after acting")
        if kind == "killed after":
            self.trouble.kill()
        if kind == "frozen":
            await self.trouble.freeze()
        return result


class PretendShop:
    """One cart at a time, behind the methods of `ShopBackend` that checkouts use."""

    def __init__(self, provider: PretendProvider, trouble: Trouble, *, captures: bool) -> None:
        self.provider = provider
        self.trouble = trouble
        self.captures_itself = captures
        self.refuses = False
        self.price = 2750
        self.quantity = 2
        self.orders: list[tuple[str, Money, OrderSettlement]] = []
        self.open: set[CartId] = {CartId("secret-1")}
        self.offers_free = True
        self.paid: dict[str, str] = {}
        """The payments of orders, by our references."""
        self.refuses_payment = False
        self.late: list[tuple[float, CartId, OrderSettlement]] = []
        """Orders that nobody waits for any more, and when they will be made."""

    def cart(self, cart: CartId) -> Cart:
        if cart not in self.open:
            raise CartGone
        total = Money(self.price * self.quantity, "AUD")
        line = CartLine(
            line_id=LineId("1"),
            sku=Sku("DILL"),
            name="Dill",
            quantity=self.quantity,
            price=Money(self.price, "AUD"),
            total=total,
        )
        return Cart(cart_id=cart, lines=(line,), totals=CartTotals(subtotal=total, total=total), ships_by="Parcel post")

    async def quote_order(self, cart: CartId, draft: OrderDraft) -> Cart:
        kind = self._asked()
        if kind == "busy":
            raise ShopBusy(retry_after=1)
        if kind not in {"fine", "frozen"}:
            raise ShopDown(internal="not now")
        found = self.cart(cart)
        if kind == "frozen":
            await self.trouble.freeze()
        return found

    async def preview_order(self, cart: CartId, draft: OrderDraft) -> OrderPreview:
        return OrderPreview(cart=await self.quote_order(cart, draft), methods=tuple(await self.payment_methods(cart)))

    async def payment_methods(self, cart: CartId) -> Sequence[PaymentMethod]:
        methods = [PaymentMethod(code="card", title="Card"), PaymentMethod(code="bank", title="Bank", offline=True)]
        return [*methods, PaymentMethod(code="free", title="Free", free=True)] if self.offers_free else methods

    @property
    def capturing_methods(self) -> frozenset[str]:
        return frozenset({"card"} if self.captures_itself else ())

    @property
    def circuit_open(self) -> bool:
        return False

    @property
    def cache_stats(self) -> CacheStats:
        return CacheStats(kept=0, hits=0, misses=0)

    async def place_order(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement) -> Order:
        kind = self._asked(ordering=True)
        if kind in {"down", "busy"}:
            raise ShopDown(internal="never sent")
        total = self.cart(cart).totals.total
        if self.refuses:
            raise OrderRefused("we are closed")
        if kind == "late":
            self.late.append((self.provider.clock() + LATE, cart, settlement))
            raise ShopOutcomeUnknown(over=False)
        if kind == "half":
            # The money was taken, and the order was not written.
            if settlement.payment is not None and self.captures_itself:
                self.provider.captured(settlement.payment)
            raise ShopOutcomeUnknown(over=True)
        if not self._made(cart, total, settlement):
            raise ShopOutcomeUnknown(over=True)
        if kind == "unclear":
            raise ShopOutcomeUnknown(over=False)
        if kind == "killed after":
            self.trouble.kill()
        if kind == "frozen":
            await self.trouble.freeze()
        return Order(number=f"1000{len(self.orders)}", total=total, token="secret-token")

    async def find_order(self, cart: CartId, reference: str) -> Order | None:
        if self._asked() != "fine":
            raise ShopDown(internal="not now")
        if cart in self.open:
            return None
        return next((Order(number="10001", total=total) for ref, total, _ in self.orders if ref == reference), Order())

    async def mark_paid(self, order: Order, settlement: OrderSettlement) -> None:
        if self.refuses_payment:
            raise OrderRefused("the order was cancelled")
        if self._asked() != "fine":
            raise ShopDown(internal="not now")
        assert settlement.payment is not None
        assert self.provider.payments[settlement.payment].state == "captured", "it is said once the money was taken"
        self.paid[settlement.reference] = settlement.payment

    async def order_progress(self, order: Order) -> OrderProgress | None:
        return OrderProgress(number=order.number or "", status="pending")

    def _made(self, cart: CartId, total: Money, settlement: OrderSettlement) -> bool:
        """Take the money where that is the shop's to do, and write the order."""
        if settlement.payment is not None and settlement.method in self.capturing_methods:
            held = self.provider.payments[settlement.payment]
            if held.amount != total or held.state == "released":
                return False
            self.provider.captured(settlement.payment)
        self.open.discard(cart)
        self.orders.append((settlement.reference, total, settlement))
        return True

    def catch_up(self) -> None:
        """Make the orders whose time has come; as in real shops, without a look at what happened meanwhile."""
        due = [one for one in self.late if one[0] <= self.provider.clock()]
        self.late = [one for one in self.late if one not in due]
        for _, cart, settlement in due:
            total = self.provider.payments[settlement.payment].amount if settlement.payment else Money(0, "AUD")
            self._made(cart, total, settlement)

    def _asked(self, *, ordering: bool = False) -> str:
        self.catch_up()
        kind = self.trouble.take(ordering=ordering)
        if kind == "killed before":
            self.trouble.kill()
        return kind


class CheckoutEnvironment:
    """One store with its shop, provider, records and clock."""

    def __init__(
        self,
        *,
        captures: bool = True,
        online: bool = True,
        offline: tuple[str, ...] = (),
        store: Store = STORE,
        **policy: Any,
    ) -> None:
        self.clock = Clock()
        self.trouble = Trouble()
        self.provider = PretendProvider(self.clock, self.trouble)
        self.shop = PretendShop(self.provider, self.trouble, captures=captures)
        self.records = MemoryRecords(self.trouble.alive)
        self.carts = {HANDLE: CartId("secret-1")}
        self.coupon: str | None = None
        """What the cart's record says of a coupon."""
        self.context = CheckoutContext(
            store=store,
            backend=cast("ShopBackend", self.shop),
            provider=self.provider if online else None,
            records=self.records,
            policy=CheckoutPolicy(method="card", offline=offline, lease_wait_seconds=0.0, **policy),
            secret=b"s" * 32,
            now=self.clock,
        )
        self.trouble.elsewhere = self._elsewhere
        self.start()

    async def _elsewhere(self) -> None:
        """A lease goes by, and another process looks after what is due."""
        self.clock.time += self.context.policy.lease_seconds + 1
        await Reconciler({STORE.id: self.context}, self.records, now=self.clock).run_once()

    def start(self) -> None:
        """A fresh process: what was in memory is gone."""
        self.trouble.dead = False
        self.reconciler = Reconciler({STORE.id: self.context}, self.records, now=self.clock)
        self.agent = AgentCheckout(self.context, self.lock_cart, self.reconciler.start_advancing)
        self.buyer = BuyerCheckout(self.context, self.reconciler.start_advancing)
        self.tokens = TokenCheckout(self.context, self.provider, self.reconciler.start_advancing)

    @asynccontextmanager
    async def lock_cart(self, handle: CartId) -> AsyncIterator[CartRecord]:
        yield CartRecord(
            store=STORE.id,
            handle=handle,
            upstream=self.carts[handle],
            coupon=self.coupon,
            expires_at=int(self.clock() + 86_400),
        )

    @property
    def checkout(self) -> Checkout:
        """The one there is."""
        (only,) = self.records.checkouts.values()
        return only

    def token(self, id_: str) -> str:
        return self.context.pay_token(id_, self.context.handle_secret(id_, HANDLE))

    async def settle(self, *, rounds: int = 400) -> None:
        """Let time pass and the reconciler work until nothing is due any more, nor the shop late with anything."""
        for _ in range(rounds):
            due = [one.due_at for one in self.records.checkouts.values() if one.due_at is not None]
            if not due:
                self.clock.time += LATE
                self.shop.catch_up()
                return
            held = [one.lease_until for one in self.records.checkouts.values() if one.due_at is not None]
            self.clock.time = max(self.clock.time, min(max(d, h) for d, h in zip(due, held, strict=True)))
            try:
                await self.reconciler.run_once()
            except Killed:
                self.start()

    def violations(self) -> list[str]:
        """What no run may leave behind, by name."""
        found: list[str] = []
        references = Counter(reference for reference, _, _ in self.shop.orders)
        by_payment = {settlement.payment: total for _, total, settlement in self.shop.orders if settlement.payment}
        for payment in self.provider.payments.values():
            if payment.state == "captured" and by_payment.get(payment.id) != payment.amount:
                found.append(f"captured without an order of the same amount: {payment}")
            if payment.state == "authorized":
                found.append(f"an authorisation is left: {payment}")
        for reference, total, settlement in self.shop.orders:
            paid = settlement.payment and self.provider.payments[settlement.payment].state == "captured"
            if not paid and total and settlement.method != "bank":
                found.append(f"an order that nobody paid: {reference}")
        found += [f"ordered twice: {reference}" for reference, count in references.items() if count > 1]
        found += [f"captured twice: {payment}" for payment, count in self.provider.captures.items() if count > 1]
        found += [f"key used for two things: {key}" for key in self.provider.misused]
        found += [f"stuck: {one.id} {one.state}" for one in self.records.checkouts.values() if one.live]
        placed = {one.id for one in self.records.checkouts.values() if one.state == "placed"}
        found += [f"shop and records differ about {id_}" for id_ in placed.symmetric_difference(references)]
        return found
