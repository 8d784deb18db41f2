"""Any order of updates, payments, cancellations and failures, by sessions and by our own tools: they agree."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from storefront_mcp.calls.errors import CallError
from storefront_mcp.checkout_sessions import SessionAddress, SessionRequest, SessionState, WantedLine
from storefront_mcp.commerce.errors import ShopDown, ShopError
from tests.often import often
from tests.unit.checkout_sessions.environment import BUYER, HOBART, LOST, SessionsEnvironment

SKUS = ("DILL", "BREAD", "NET-0")
WANTED = st.dictionaries(st.sampled_from(SKUS), st.integers(0, 3), max_size=3)
METHODS = ("add_line", "update_line", "remove_line", "cart", "shipping_methods", "quote_order")
FAULTS = st.lists(
    st.tuples(st.sampled_from(["before", "after"]), st.sampled_from(METHODS), st.sampled_from([ShopDown(), LOST])),
    max_size=2,
)
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "buyer": st.sampled_from([BUYER, replace(BUYER, email="nobody"), replace(BUYER, email="")]),
        "destination": st.sampled_from([HOBART, replace(HOBART, street=""), SessionAddress(country="NZ")]),
        "option": st.sampled_from(["van", "post", "drone", ""]),
        "codes": st.sampled_from([(), ("TEN",), ("OLD", "TEN"), ("OLD",)]),
    },
)
OVER = {"completed", "canceled", "expired"}


class Sessions(RuleBasedStateMachine):
    """One cart, agents of two protocols and of our own, two workers, and a buyer."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()

    @initialize()
    def begin(self) -> None:
        self.here = SessionsEnvironment()
        self.workers = [self.here, self.here.another_worker()]
        self.over: dict[str, str] = {}
        """Sessions that were told to be over, and how."""
        self.pages: dict[str, tuple[list[tuple[str, int]], int]] = {}
        """Payment pages as they were told: goods and total."""
        self.paid: list[tuple[list[tuple[str, int]], int]] = []
        cart = self.loop.run_until_complete(self.here.runner().run("create_cart"))
        self.cart = cart.cart_id
        self.sessions: list[str] = []
        self.begins(0, [])

    def teardown(self) -> None:
        self.loop.close()

    def live(self, doing: Awaitable[Any], faults: list[tuple[str, str, Exception]]) -> Any:
        for when, method, error in faults:
            # What was done cannot be told to be surely undone.
            told = LOST if when == "after" else error
            getattr(self.here.shelf, when).setdefault(method, []).append(told)

        async def run() -> Any:
            try:
                return await doing
            except (ShopError, CallError):
                return None

        try:
            return self.loop.run_until_complete(run())
        finally:
            self.here.shelf.before.clear()
            self.here.shelf.after.clear()

    def told(self, state: SessionState | None) -> None:
        """What an agent is told must fit what it was told before, and what is so."""
        if state is None:
            return
        if state.id not in self.sessions:
            self.sessions.append(state.id)
        before = self.over.setdefault(state.id, state.status) if state.status in OVER else self.over.get(state.id)
        if before == "expired" and state.id != self.sessions[-1]:
            before = "canceled"  # as one that was followed by another
        assert before in {None, state.status}, "what is over stays as it was"
        assert state.cart.cart_id == self.cart
        if state.status == "requires_escalation":
            assert state.continue_url is not None
            assert any(one.kind == "buyer_input" for one in state.problems)
        if state.status == "incomplete":
            assert any(one.kind != "warning" for one in state.problems), "it says what is missing"
        if state.status == "completed":
            assert len(self.here.shelf.orders) == 1
        if state.checkout is not None and state.status == "requires_escalation":
            goods = sorted((line.sku, line.quantity) for line in state.cart.lines)
            assert state.continue_url is not None
            self.pages[state.continue_url] = (goods, state.cart.totals.total.minor)
            assert all(one.kind == "warning" or one.code == "payment_required" for one in state.problems)

    @rule(worker=st.integers(0, 1), faults=FAULTS)
    def begins(self, worker: int, faults: list[tuple[str, str, Exception]]) -> None:
        here = self.workers[worker]
        request = SessionRequest(cart_id=self.cart)
        self.told(self.live(here.sessions.create(here.runner(), request, protocol="ucp"), faults))

    @rule(worker=st.integers(0, 1), which=st.integers(0, 9), wanted=st.none() | WANTED, parts=PARTS, faults=FAULTS)
    def updates(
        self,
        worker: int,
        which: int,
        wanted: dict[str, int] | None,
        parts: dict[str, Any],
        faults: list[tuple[str, str, Exception]],
    ) -> None:
        lines = None if wanted is None else tuple(WantedLine(sku=sku, quantity=n) for sku, n in wanted.items())
        here, request = self.workers[worker], SessionRequest(lines=lines, **parts)
        state = self.live(here.sessions.update(here.runner(), self.some(which), request), faults)
        self.told(state)
        if state is not None and not faults and wanted is not None and state.status not in {*OVER, "in_progress"}:
            have = {line.sku: line.quantity for line in state.cart.lines}
            assert have == {sku: n for sku, n in wanted.items() if n and sku != "NET-0"}, "replaced whole"

    @rule(which=st.integers(0, 9))
    def fills_in_everything(self, which: int) -> None:
        lines = (WantedLine(sku="DILL", quantity=2),)
        request = SessionRequest(lines=lines, buyer=BUYER, destination=HOBART, option="van", codes=())
        state = self.live(self.here.sessions.update(self.here.runner(), self.some(which), request), [])
        self.told(state)
        assert state is None or state.status in {*OVER, "in_progress", "requires_escalation"}

    @rule(which=st.integers(0, 9), how=st.sampled_from(["read", "complete", "cancel"]), faults=FAULTS)
    def asks(self, which: int, how: str, faults: list[tuple[str, str, Exception]]) -> None:
        ask = getattr(self.here.sessions, how)
        state = self.live(ask(self.here.runner(), self.some(which)), faults)
        self.told(state)
        if how == "cancel" and not faults and state is not None:
            assert state.status in {*OVER, "in_progress"}

    @rule(quantity=st.integers(1, 3))
    def our_own_agent_adds_something(self, quantity: int) -> None:
        runner = self.here.runner()
        self.live(runner.run("add_to_cart", cart_id=self.cart, sku="BREAD", quantity=quantity), [])

    @rule()
    def our_own_agent_orders(self) -> None:
        address = {"first_name": "Bob", "street": "2 Brine St", "city": "Hobart", "country": "AU"}
        order = {"email": "bob@example.com", "shipping_address": address, "shipping_method": "post"}
        self.live(self.here.runner().run("place_order", cart_id=self.cart, **order), [])

    @rule(which=st.integers(0, 9))
    def the_buyer_pays_on_a_page_that_they_were_given(self, which: int) -> None:
        if not self.pages:
            return
        url = list(self.pages)[which % len(self.pages)]
        goods, total = self.pages[url]
        pay = self.here.buyer.pay(url.rpartition("/")[2], total_shown=total, offline_method="banktransfer")
        view = self.live(pay, [])
        if view is not None and view.state in {"ordered", "ordering"}:
            self.paid.append((goods, total))

    @rule(hours=st.sampled_from([1, 7]))
    def time_passes(self, hours: int) -> None:
        self.here.pass_time(hours=hours)
        self.live(self.here.reconciler.run_once(), [])
        self.live(self.here.records.erase(now=self.here.seconds()), [])

    @invariant()
    def one_page_at_most_is_open_and_one_order_made(self) -> None:
        if not hasattr(self, "here"):
            return
        assert sum(one.live for one in self.here.checkouts.checkouts.values()) <= 1
        assert len(self.here.shelf.orders) <= 1
        for goods, total in self.paid:
            (placed,) = [one for one in self.here.checkouts.checkouts.values() if one.state == "placed"]
            assert sorted((line.sku, line.quantity) for line in placed.lines) == goods, "what was shown was ordered"
            assert placed.totals.total.minor == total

    def some(self, which: int) -> str:
        return self.sessions[which % len(self.sessions)]


TestSessions = Sessions.TestCase
TestSessions.settings = settings(max_examples=often(40), stateful_step_count=20, deadline=None)


def test_a_cart_that_is_begun_again_after_its_order_stays_ordered() -> None:
    machine = Sessions()
    machine.begin()
    machine.fills_in_everything(which=0)
    machine.our_own_agent_orders()
    machine.fills_in_everything(which=0)
    machine.the_buyer_pays_on_a_page_that_they_were_given(which=1)
    machine.fills_in_everything(which=0)
    machine.our_own_agent_adds_something(quantity=1)
    machine.begins(faults=[], worker=0)
    machine.fills_in_everything(which=0)
    assert list(machine.over.values()) == ["completed"]
    machine.teardown()
