"""Any order of wishes, payments, changes of mind, failures and deaths: the books agree in the end."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from storefront_mcp.checkout.states import NEXT
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.names import CartId
from tests.checkout.world import DRAFT, HANDLE, Killed, World
from tests.often import often

KINDS = st.sampled_from(["fine", "down", "busy", "unclear", "half", "late", "killed before", "killed after", "frozen"])
TROUBLE = st.just([]) | st.builds(lambda well, kinds: ["fine"] * well + kinds, st.integers(0, 9), st.lists(KINDS))
"""`half` is one too many where the shop takes the money itself: see `test_the_whole_way`; there it is left out."""


class Checkouts(RuleBasedStateMachine):
    """A cart, an agent that may ask for anything at any time, a buyer who does, and a worker that may die."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        # A death shows up in background tasks as well, where nobody waits for it.
        self.loop.set_exception_handler(lambda _loop, _context: None)

    @initialize(captures=st.booleans())
    def begin(self, captures: bool) -> None:
        self.world = World(captures=captures)
        self.states: dict[str, str] = {}

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.trouble.coming = self.world.trouble.ordering = []
            self.world.start()
            self.loop.run_until_complete(self.world.settle())
            assert self.world.violations() == []
        self.loop.close()

    def possible(self, trouble: list[str]) -> list[str]:
        return [kind for kind in trouble if kind != "half" or not self.world.shop.captures_itself]

    def live(self, doing: Awaitable[Any], trouble: list[str]) -> Any:
        """Do something while things go wrong; a death is followed by a fresh start."""
        self.world.trouble.coming = self.possible(trouble)

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
            if self.world.trouble.dead:
                self.world.start()
            self.world.trouble.coming = []

    @rule(note=st.sampled_from(["", "Leave at door"]), key=st.sampled_from([None, "k1", "k2"]), trouble=TROUBLE)
    def the_agent_places_the_order(self, note: str, key: str | None, trouble: list[str]) -> None:
        self.live(self.world.desk.place(HANDLE, replace(DRAFT, note=note), key=key, dry_run=False), trouble)

    @rule(trouble=TROUBLE)
    def the_agent_gives_up(self, trouble: list[str]) -> None:
        for id_ in list(self.world.records.checkouts):
            self.live(self.world.desk.cancel(id_), trouble)

    @rule(quantity=st.integers(1, 3), trouble=TROUBLE)
    def the_agent_changes_the_cart(self, quantity: int, trouble: list[str]) -> None:
        async def change() -> None:
            await self.world.desk.before_change(HANDLE)
            self.world.shop.quantity = quantity

        self.live(change(), trouble)

    @rule(price=st.sampled_from([2750, 2750, 2800, 2751]))
    def the_shop_changes_a_price(self, price: int) -> None:
        """The provider does not take a total that does not end in 0."""
        self.world.shop.price = price

    @rule(refuses=st.booleans())
    def the_shop_has_reasons(self, refuses: bool) -> None:
        self.world.shop.refuses = refuses

    @rule(trouble=st.lists(KINDS, min_size=1, max_size=2))
    def the_shop_will_stumble_over_orders(self, trouble: list[str]) -> None:
        self.world.trouble.ordering = self.possible(trouble)

    @rule(shown=st.sampled_from([2750, 2751, 5500, 5600, 8250]), trouble=TROUBLE)
    def the_buyer_presses_pay(self, shown: int, trouble: list[str]) -> None:
        for id_ in list(self.world.records.checkouts):
            self.live(self.world.cashier.pay(self.world.token(id_), shown=shown), trouble)

    @rule(note=st.sampled_from(["", "Leave at door"]), trouble=TROUBLE)
    def somebody_buys(self, note: str, trouble: list[str]) -> None:
        """The short way to money: without it hardly any walk would get there."""
        placed = self.live(self.world.desk.place(HANDLE, replace(DRAFT, note=note), key=None, dry_run=False), [])
        if placed is None or placed.checkout_id is None:
            return
        token = self.world.token(placed.checkout_id)
        self.live(self.world.cashier.pay(token, shown=placed.totals.total.minor), [])
        session = self.world.records.checkouts[placed.checkout_id].session
        if session is not None:
            self.world.provider.pay(session)
            self.live(self.world.cashier.returned(token), trouble)

    @rule(data=st.data())
    def the_buyer_pays(self, data: st.DataObject) -> None:
        sessions = [id_ for id_, session in self.world.provider.sessions.items() if session.state == "open"]
        if sessions:
            self.world.provider.pay(data.draw(st.sampled_from(sessions)))

    @rule(trouble=TROUBLE)
    def the_buyer_comes_back(self, trouble: list[str]) -> None:
        for id_ in list(self.world.records.checkouts):
            self.live(self.world.cashier.returned(self.world.token(id_)), trouble)

    @rule(trouble=TROUBLE)
    def the_reconciler_comes_by(self, trouble: list[str]) -> None:
        self.live(self.world.reconciler.round(), trouble)

    @rule(seconds=st.sampled_from([1, 20, 130, 3600, 7 * 3600]))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.time += seconds

    @rule()
    def the_cart_starts_afresh_once_it_was_ordered(self) -> None:
        if self.world.carts[HANDLE] not in self.world.shop.open:
            fresh = CartId(f"secret-{len(self.world.shop.orders) + 1}")
            self.world.carts[HANDLE] = fresh
            self.world.shop.open.add(fresh)

    @invariant()
    def one_live_checkout_per_cart(self) -> None:
        if hasattr(self, "world"):
            assert sum(one.live for one in self.world.records.checkouts.values()) <= 1

    @invariant()
    def only_the_steps_of_the_table_are_taken(self) -> None:
        """Several may lie between two looks: what is reached must be reachable."""
        if not hasattr(self, "world"):
            return
        for one in self.world.records.checkouts.values():
            before = self.states.get(one.id, "open")
            assert one.state == before or one.state in reachable(before)
            self.states[one.id] = one.state


def reachable(state: str) -> set[str]:
    found: set[str] = set()
    edge = {state}
    while edge:
        edge = {after for one in edge for after in NEXT[one]} - found  # type: ignore[index]
        found |= edge
    return found


TestCheckouts = Checkouts.TestCase
TestCheckouts.settings = settings(max_examples=often(300), stateful_step_count=30, deadline=None)
