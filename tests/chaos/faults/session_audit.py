"""Whether checkout sessions and tasks told the truth of their orders."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from random import Random

from storefront_mcp.checkout.context import pay_key
from storefront_mcp.checkout.record import Checkout
from tests.chaos.faults.a2a_people import Conversation, ShownTask
from tests.chaos.faults.environment import World
from tests.chaos.faults.session_agents import Shown, session_agent
from tests.chaos.faults.shopper import Shopper
from tests.chaos.faults.tally import OVER, Ended, Refused, SessionHistory, Tally
from tests.fakes.stripe.control import FakeStripe

AT_ONCE = 8
Sessions = Mapping[tuple[str, str], SessionHistory]


class LastLook:
    """Every session and task as it is told once everything works again, by any protocol that is told of it."""

    def __init__(self, here: World, stripe: FakeStripe, tally: Tally, seed: int) -> None:
        self.shown: dict[tuple[str, str], Shown] = {}
        self.tasks: dict[tuple[str, str], ShownTask] = {}
        self.unread: list[str] = []
        """Those that cannot be read any more, and why."""
        self._new = lambda: Shopper(here, stripe, random, tally)
        self._tally = tally
        random = self._random = Random(f"{seed} looks")

    async def all(self) -> None:
        """Look at each."""
        waiting = [
            *((self._look_at_session, place) for place in self._tally.sessions),
            *((self._look_at_task, place) for place in self._tally.tasks),
        ]

        async def look() -> None:
            while waiting:
                at, place = waiting.pop()
                await at(*place)

        await asyncio.gather(*(look() for _ in range(AT_ONCE)))

    async def _look_at_session(self, store: str, session: str) -> None:
        shopper = self._new()
        shopper.store, shopper.name = store, self._tally.owner(session.partition(".")[0])
        by_acp = self._tally.sessions[store, session].by_acp
        agent = session_agent("acp" if by_acp else self._random.choice(("ucp rest", "ucp mcp", "acp")), shopper)
        try:
            self.shown[store, session] = await agent.operate("read", id_=session)
        except Refused as refused:
            self.unread.append(f"{session}: {refused}")

    async def _look_at_task(self, store: str, task: str) -> None:
        shopper = self._new()
        path = next(iter(self._tally.tasks[store, task]))
        shopper.store, shopper.name = store, self._tally.owner(self._tally.pages[path])
        talk = Conversation(shopper)
        talk.task = task
        try:
            self.tasks[store, task] = await talk.look()
        except Refused as refused:
            self.unread.append(f"{task}: {refused}")


def untrue_tasks(
    tasks: Mapping[tuple[str, str], set[str]],
    last: Mapping[tuple[str, str], ShownTask],
    checkouts: Sequence[Checkout],
) -> Iterator[str]:
    """What tasks told that is not so; `tasks` are the payment pages that each led to."""
    by_page = {one.pay_key: one for one in checkouts}
    orders = {one.cart: one for one in checkouts if one.state == "placed"}
    for place, shown in last.items():
        mine = [by_page[_key(path)] for path in tasks[place] if _key(path) in by_page]
        order = next((orders[one.cart] for one in mine if one.cart in orders), None)
        if shown.state == "completed":
            if order is None or shown.order not in {None, order.order_number}:
                made = None if order is None else order.order_number
                yield f"{place[1]}: completed with order {shown.order}, and the cart has {made}"
        elif any(one.state == "placed" for one in mine):
            yield f"{place[1]}: {shown.state}, and the cart was ordered"


def untrue(
    sessions: Sessions, last: Mapping[tuple[str, str], Shown], pages: Mapping[str, str], checkouts: Sequence[Checkout]
) -> Iterator[str]:
    """What sessions told that is not so. `pages`: carts by the paths of payment pages that anybody was led to."""
    by_page = {one.pay_key: one for one in checkouts}
    found = {path: by_page.get(_key(path)) for path in pages}
    digests = {pages[path]: one.cart for path, one in found.items() if one is not None}
    placed: dict[str, list[Checkout]] = defaultdict(list)
    for one in checkouts:
        if one.state == "placed":
            placed[one.cart].append(one)
    for place, history in sessions.items():
        shown = last.get(place)
        if shown is None:
            continue
        mine = {by_page[_key(path)].id for path in history.pages if _key(path) in by_page}
        orders = placed.get(digests.get(shown.cart, ""), [])
        yield from (f"{shown.id}: {why}" for why in _untrue(shown, history, orders, mine))


def not_agreed(sessions: Sessions, confirmed: Mapping[str, set[int]], checkouts: Sequence[Checkout]) -> Iterator[str]:
    """Orders of another amount than the buyer `confirmed` on the payment page, or than a session told the agent.

    Where the shop changed its price the page shows the new one, and that it has changed.
    """
    by_page = {one.pay_key: one for one in checkouts if one.state == "placed"}
    for path, amounts in confirmed.items():
        one = by_page.get(_key(path))
        if one is not None and _amount(one)[0] not in amounts:
            yield f"{one.id}: confirmed {amounts}, ordered {_amount(one)}"
    for (_, id_), history in sessions.items():
        for path, told in history.pages.items():
            one = by_page.get(_key(path))
            if one is not None and one.before is None and told != {_amount(one)}:
                yield f"{id_}: told {told}, ordered {_amount(one)}"


def _untrue(shown: Shown, history: SessionHistory, orders: Sequence[Checkout], mine: set[str]) -> Iterator[str]:
    """`orders` are of its cart, `mine` the checkouts that it led to."""
    if shown.status == "completed":
        if [one.order_number for one in orders] != [shown.order]:
            yield f"completed with order {shown.order}, and the cart has {[one.order_number for one in orders]}"
        elif _amount(orders[0]) != (shown.total, shown.currency):
            yield f"completed with {(shown.total, shown.currency)}, ordered {_amount(orders[0])}"
    elif orders and (shown.status not in OVER or orders[0].id in mine):
        yield f"{shown.status}, and the cart was ordered by {orders[0].id}"
    elif shown.status == "in_progress":
        yield "in progress, and nothing is"
    now = Ended(shown.status, shown.order, shown.total, shown.currency)
    for told in history.ended:
        # A shop may tell the number of an order later than the order; a cart without one may change.
        same = told._replace(order=told.order or now.order) == now if told.status == "completed" else told[0] == now[0]
        if not same:
            yield f"was told as {told}, and is {now}"


def _amount(checkout: Checkout) -> tuple[int, str]:
    total = checkout.order_total or checkout.totals.total
    return total.minor, total.currency


def _key(path: str) -> str:
    return pay_key(path.rpartition("/")[2])
