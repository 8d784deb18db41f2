"""Any order of requests, payments, cancellations, failures and crashes: the records agree in the end."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.checkout.states import TRANSITIONS
from storefront_mcp.checkout.withdrawal import before_cart_change
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.ids import CartId
from tests.often import often
from tests.unit.checkout.environment import DRAFT, HANDLE, CheckoutEnvironment, Killed

KINDS = st.sampled_from(["fine", "down", "busy", "unclear", "half", "late", "killed before", "killed after", "frozen"])
TOKENS = ("good", "other", "small", "declined", "challenged")
TROUBLE = st.just([]) | st.builds(lambda well, kinds: ["fine"] * well + kinds, st.integers(0, 9), st.lists(KINDS))
"""`half` is one too many where the shop takes the money itself: see `test_checkout_flow`; there it is left out."""


class Checkouts(RuleBasedStateMachine):
    """A cart, an agent that may ask for anything at any time, a buyer who does, and a worker that may die."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        # A death shows up in background tasks as well, where nobody waits for it.
        self.loop.set_exception_handler(lambda _loop, _context: None)

    @initialize(captures=st.booleans())
    def begin(self, captures: bool) -> None:
        self.environment = CheckoutEnvironment(captures=captures)
        self.states: dict[str, str] = {}

    def teardown(self) -> None:
        if hasattr(self, "environment"):
            self.environment.trouble.coming = self.environment.trouble.ordering = []
            self.environment.start()
            self.loop.run_until_complete(self.environment.settle())
            assert self.environment.violations() == []
        self.loop.close()

    def possible(self, trouble: list[str]) -> list[str]:
        return [kind for kind in trouble if kind != "half" or not self.environment.shop.captures_itself]

    def live(self, doing: Awaitable[Any], trouble: list[str]) -> Any:
        """Do something while things go wrong; a death is followed by a fresh start."""
        self.environment.trouble.coming = self.possible(trouble)

        async def run() -> Any:
            try:
                return await doing
            except ShopError:
                return None
            finally:
                others = asyncio.all_tasks() - {asyncio.current_task()}
                await asyncio.gather(*others, return_exceptions=True)

        try:
            return self.loop.run_until_complete(run())
        except Killed:
            return None
        finally:
            if self.environment.trouble.dead:
                self.environment.start()
            self.environment.trouble.coming = []

    @rule(note=st.sampled_from(["", "Leave at door"]), key=st.sampled_from([None, "k1", "k2"]), trouble=TROUBLE)
    def the_agent_places_the_order(self, note: str, key: str | None, trouble: list[str]) -> None:
        self.live(self.environment.agent.place(HANDLE, replace(DRAFT, note=note), key=key, dry_run=False), trouble)

    @rule(trouble=TROUBLE)
    def the_agent_gives_up(self, trouble: list[str]) -> None:
        for id_ in list(self.environment.records.checkouts):
            self.live(self.environment.agent.cancel(id_), trouble)

    @rule(quantity=st.integers(1, 3), trouble=TROUBLE)
    def the_agent_changes_the_cart(self, quantity: int, trouble: list[str]) -> None:
        async def change() -> None:
            await before_cart_change(self.environment.context, HANDLE)
            self.environment.shop.quantity = quantity

        self.live(change(), trouble)

    @rule(price=st.sampled_from([2750, 2750, 2800, 2751]))
    def the_shop_changes_a_price(self, price: int) -> None:
        """The provider does not take a total that does not end in 0."""
        self.environment.shop.price = price

    @rule(refuses=st.booleans())
    def the_shop_has_reasons(self, refuses: bool) -> None:
        self.environment.shop.refuses = refuses

    @rule(trouble=st.lists(KINDS, min_size=1, max_size=2))
    def the_shop_will_stumble_over_orders(self, trouble: list[str]) -> None:
        self.environment.trouble.ordering = self.possible(trouble)

    @rule(shown=st.sampled_from([2750, 2751, 5500, 5600, 8250]), trouble=TROUBLE)
    def the_buyer_presses_pay(self, shown: int, trouble: list[str]) -> None:
        for id_ in list(self.environment.records.checkouts):
            self.live(self.environment.buyer.pay(self.environment.token(id_), total_shown=shown), trouble)

    @rule(note=st.sampled_from(["", "Leave at door"]), trouble=TROUBLE)
    def somebody_buys(self, note: str, trouble: list[str]) -> None:
        """The short way to money: without it hardly any walk would get there."""
        placed = self.live(self.environment.agent.place(HANDLE, replace(DRAFT, note=note), key=None, dry_run=False), [])
        if placed is None or placed.checkout_id is None:
            return
        id_ = placed.checkout_id.partition(".")[0]
        token = self.environment.token(id_)
        self.live(self.environment.buyer.pay(token, total_shown=placed.totals.total.minor), [])
        session = self.environment.records.checkouts[id_].session
        if session is not None:
            self.environment.provider.pay(session)
            self.live(self.environment.buyer.return_from_payment(token), trouble)

    @rule(token=st.sampled_from(TOKENS), trouble=TROUBLE)
    def the_agent_pays_by_a_token(self, token: str, trouble: list[str]) -> None:
        for id_, one in list(self.environment.records.checkouts.items()):
            self.live(self.environment.tokens.pay(id_, Secret(token), total=one.totals.total), trouble)

    @rule(token=st.sampled_from(TOKENS), trouble=TROUBLE)
    def an_agent_buys(self, token: str, trouble: list[str]) -> None:
        """The short way to money without a page."""
        placed = self.live(self.environment.agent.place(HANDLE, DRAFT, key=None, dry_run=False), [])
        if placed is not None and placed.checkout_id is not None:
            total = placed.totals.total
            self.live(self.environment.tokens.pay(placed.checkout_id, Secret(token), total=total), trouble)

    @rule(data=st.data())
    def the_buyer_pays(self, data: st.DataObject) -> None:
        sessions = [id_ for id_, session in self.environment.provider.sessions.items() if session.state == "open"]
        if sessions:
            self.environment.provider.pay(data.draw(st.sampled_from(sessions)))

    @rule(trouble=TROUBLE)
    def the_buyer_comes_back(self, trouble: list[str]) -> None:
        for id_ in list(self.environment.records.checkouts):
            self.live(self.environment.buyer.return_from_payment(self.environment.token(id_)), trouble)

    @rule(trouble=TROUBLE)
    def the_reconciler_comes_by(self, trouble: list[str]) -> None:
        self.live(self.environment.reconciler.run_once(), trouble)

    @rule(seconds=st.sampled_from([1, 20, 130, 3600, 7 * 3600]))
    def time_passes(self, seconds: int) -> None:
        self.environment.clock.time += seconds

    @rule()
    def the_cart_starts_afresh_once_it_was_ordered(self) -> None:
        if self.environment.carts[HANDLE] not in self.environment.shop.open:
            fresh = CartId(f"secret-{len(self.environment.shop.orders) + 1}")
            self.environment.carts[HANDLE] = fresh
            self.environment.shop.open.add(fresh)

    @invariant()
    def one_live_checkout_per_cart(self) -> None:
        if hasattr(self, "environment"):
            assert sum(one.live for one in self.environment.records.checkouts.values()) <= 1

    @invariant()
    def only_the_steps_of_the_table_are_taken(self) -> None:
        """Several may lie between two looks: what is reached must be reachable."""
        if not hasattr(self, "environment"):
            return
        for one in self.environment.records.checkouts.values():
            before = self.states.get(one.id, "open")
            assert one.state == before or one.state in reachable(before)
            self.states[one.id] = one.state


def reachable(state: str) -> set[str]:
    found: set[str] = set()
    edge = {state}
    while edge:
        edge = {after for one in edge for after in TRANSITIONS[one]} - found  # type: ignore[index]
        found |= edge
    return found


TestCheckouts = Checkouts.TestCase
TestCheckouts.settings = settings(max_examples=often(300), stateful_step_count=30, deadline=None)
