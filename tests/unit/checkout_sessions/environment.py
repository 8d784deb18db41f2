"""One store with its sessions: a shelf of products, real carts and checkouts, a clock, and faults."""

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec.structs import replace

from storefront_mcp.access.caller import GUEST, Caller
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.checkout.agent import AgentCheckout
from storefront_mcp.checkout.buyer import BuyerCheckout
from storefront_mcp.checkout.context import CheckoutContext, CheckoutPolicy
from storefront_mcp.checkout.reconciler import Reconciler
from storefront_mcp.checkout.withdrawal import before_cart_change, refuse_ordered
from storefront_mcp.checkout_sessions import CheckoutSessions, SessionAddress, SessionBuyer, SessionState
from storefront_mcp.checkout_sessions.record import CheckoutSessionRepository
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.errors import ShopOutcomeUnknown
from storefront_mcp.commerce.guest_carts import GuestCarts
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.order import OrderDraft
from storefront_mcp.commerce.product import Product
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.commerce.store import Store
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.roadmap.roadmap import Roadmap
from tests.fakes.memory_backend import (
    PRODUCTS,
    STORE,
    Clock,
    MemoryBackend,
    MemoryCartHandles,
    aud,
    roadmap,
)
from tests.fakes.memory_sessions import MemorySessions
from tests.unit.checkout.memory import MemoryRecords

ALL_OPEN = roadmap("p1_browse", "p2_cart", "p3_checkout")
BUYER = SessionBuyer(email="ada@example.com", first_name="Ada", last_name="Lovelace", phone="+61 3 5550 0000")
HOBART = SessionAddress(street="1 Brine St", city="Hobart", region="TAS", postcode="7000", country="AU")
DILL = Product(sku="DILL", name="Dill pickles", price=aud(1000), stock=20, url_key="dill")
BREAD = Product(sku="BREAD", name="Rye bread", price=aud(700), url_key="bread")
VOUCHER = Product(sku="VOUCHER", name="Voucher", price=aud(5000), url_key="voucher")
JAR = "https://pickle.example/named-jar.html"


class FaultyShelf(MemoryBackend):
    """The shelf, whose next calls of a method can fail: before anything is done, or after."""

    def __init__(self) -> None:
        named = [replace(one, url=JAR) if one.sku == "JAR-1" else one for one in PRODUCTS]
        super().__init__((*named, DILL, BREAD, VOUCHER))
        self.before: dict[str, list[Exception]] = {}
        """What the next calls of a method raise instead of doing anything."""
        self.after: dict[str, list[Exception]] = {}
        """What they raise when they have done it: its answer is lost."""
        self.meanwhile: dict[str, list[Callable[[], Any]]] = {}
        """What is done before the next calls of a method, by somebody else."""

    async def add_line(self, *args: Any, **more: Any) -> Cart:
        return await self._with_faults("add_line", *args, **more)

    async def update_line(self, *args: Any, **more: Any) -> Cart:
        return await self._with_faults("update_line", *args, **more)

    async def remove_line(self, *args: Any, **more: Any) -> Cart:
        return await self._with_faults("remove_line", *args, **more)

    async def apply_coupon(self, *args: Any, **more: Any) -> Cart:
        return await self._with_faults("apply_coupon", *args, **more)

    async def remove_coupon(self, *args: Any, **more: Any) -> Cart:
        return await self._with_faults("remove_coupon", *args, **more)

    async def cart(self, *args: Any, **more: Any) -> Cart:
        return await self._with_faults("cart", *args, **more)

    async def create_cart(self, *args: Any, **more: Any) -> Cart:
        return await self._with_faults("create_cart", *args, **more)

    async def shipping_methods(self, *args: Any, **more: Any) -> Any:
        return await self._with_faults("shipping_methods", *args, **more)

    async def quote_order(self, cart: CartId, draft: OrderDraft) -> Cart:
        if self._found(cart).ships_nothing and self._found(cart).lines:
            return self._found(cart)
        found: Cart = await self._with_faults("quote_order", cart, draft)
        return found

    async def _with_faults(self, method: str, *args: Any, **more: Any) -> Any:
        for meanwhile in self.meanwhile.pop(method, [])[:1]:
            meanwhile()
        if self.before.get(method):
            raise self.before[method].pop(0)
        answer = await getattr(super(), method)(*args, **more)
        if self.after.get(method):
            raise self.after[method].pop(0)
        return answer

    def _kept(self, cart: Cart) -> Cart:
        kept = super()._kept(cart)
        nothing = bool(kept.lines) and all(line.sku == "VOUCHER" for line in kept.lines)
        self.carts[cart.cart_id] = replace(kept, ships_nothing=nothing)
        return self.carts[cart.cart_id]


class SessionsEnvironment:
    """Everything of one worker; `another_worker` shares its database and its shop."""

    def __init__(self, records: CheckoutSessionRepository | None = None, store: Store = STORE) -> None:
        self.store = store
        self.clock = Clock()
        self.shelf = FaultyShelf()
        self.handles = MemoryCartHandles()
        self.checkouts = MemoryRecords()
        self.records = records or MemorySessions()
        self.start()

    def start(self) -> None:
        context = CheckoutContext(
            store=self.store,
            backend=self.shelf,
            provider=None,
            records=self.checkouts,
            policy=CheckoutPolicy(offline=("banktransfer",), lease_wait_seconds=0.0),
            secret=b"s" * 32,
            now=self.seconds,
        )
        self.carts = GuestCarts(
            self.store.id,
            self.shelf,
            self.handles,
            now=self.clock,
            before_change=partial(before_cart_change, context),
            refuse_ordered=partial(refuse_ordered, context),
        )
        self.reconciler = Reconciler({self.store.id: context}, self.checkouts, now=self.seconds)
        self.agent = AgentCheckout(context, self.carts.lock, self.reconciler.start_advancing)
        self.buyer = BuyerCheckout(context, self.reconciler.start_advancing)
        self.shop = Shop(self.store, self.shelf, self.carts, self.agent)
        self.sessions = CheckoutSessions(self.store.id, self.records, now=self.seconds, cart_page=page_of)

    def another_worker(self) -> "SessionsEnvironment":
        other = SessionsEnvironment(self.records, self.store)
        other.clock, other.shelf, other.handles, other.checkouts = self.clock, self.shelf, self.handles, self.checkouts
        other.start()
        return other

    def seconds(self) -> float:
        return self.clock().timestamp()

    def pass_time(self, **more: float) -> None:
        self.clock.now += dt.timedelta(**more)

    def runner(self, under: Roadmap = ALL_OPEN, caller: Caller = GUEST) -> ToolRunner:
        return ToolRunner(
            roadmap=under, shop=self.shop, caller=caller, origin=RequestOrigin(source="ucp"), protocol="ucp 2026-08-25"
        )

    async def pay(self, state: SessionState) -> None:
        """The buyer chooses bank transfer on the payment page, and the order is made."""
        assert state.continue_url is not None
        assert state.checkout is not None
        token = state.continue_url.rpartition("/")[2]
        total = state.checkout.totals.total.minor
        await self.buyer.pay(token, total_shown=total, offline_method="banktransfer")

    async def shelf_cart(self, handle: str) -> Cart:
        """The cart as the shop has it."""
        return self.shelf.carts[self.handles.records[STORE.id, CartId(handle)].upstream]


def page_of(_runner: ToolRunner, cart: CartId) -> str:
    return f"https://pickle.example/cart/{cart}"


def codes_of(state: SessionState) -> list[tuple[str, str]]:
    """Codes and fields of a state's problems."""
    return [(one.code, one.field) for one in state.problems]


LOST = ShopOutcomeUnknown(internal="the answer was lost", over=True)
