"""Agents and buyers of a fault run: they order, repeat themselves, change their minds, pay, decline and walk away."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Awaitable
from random import Random
from typing import Any

import aiohttp
import httpx
import msgspec

from tests.chaos.faults.environment import CURRENCIES, LASTS, WORKERS, World
from tests.fakes.stripe.control import FakeStripe

GOODS = ("PAD-J4", "PAD-J1", "PAD-W4")
ADDRESS = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "street": "1 Brine St",
    "city": "Hobart",
    "region": "TAS",
    "postcode": "7000",
    "country": "AU",
    "phone": "0355500000",
}
STORIES = {
    "pay": 50,
    "double click": 12,
    "decline": 8,
    "3-D Secure": 8,
    "walk away": 5,
    "pay at the last moment": 2,
    "cancel": 5,
    "cancel while paying": 8,
    "change": 5,
    "change while paying": 8,
}
"""How a purchase goes, and how often among a hundred or so."""
SHOWN = re.compile(r'name="shown" value="(\d+)"')
NUMBERS = re.compile(r"chk_[0-9a-f]+|[0-9]+")
TRIES = 40


class Refused(Exception):
    """The tool said no; the sentence is the argument."""


class Tally:
    """What happened, as the people saw it."""

    def __init__(self) -> None:
        self.stories: Counter[str] = Counter()
        self.currencies: Counter[str] = Counter()
        self.checkouts: set[str] = set()
        self.several: list[frozenset[tuple[str, str | None]]] = []
        """One wish that was given several checkouts or addresses."""
        self.faults: list[str] = []
        """Answers that were a fault of ours."""


class Person:
    """One agent with one buyer: one cart, one story, drawn from a seed."""

    def __init__(self, world: World, stripe: FakeStripe, random: Random, tally: Tally) -> None:
        self.world = world
        self.stripe = stripe
        self.random = random
        self.tally = tally
        self.store = random.choice(list(CURRENCIES))

    async def live(self) -> None:
        """The whole story. What the server refuses with a sentence ends it; what breaks is tried again."""
        try:
            await self._order()
        except Refused as refused:
            self._saw(f"refused: {NUMBERS.sub('…', str(refused))[:60]}")

    async def _order(self) -> None:
        cart = (await self.call("create_cart"))["cart_id"]
        await self.call("add_to_cart", cart_id=cart, sku=self.random.choice(GOODS), quantity=self.random.randint(1, 3))
        # Of three decimals the provider wants the last to be 0, which a percentage does not care for.
        if self.store != "kwd" and self.random.random() < 0.5:
            await self.call("apply_coupon", cart_id=cart, code="SAVE10")
            self._saw("with a coupon")
        wish: dict[str, Any] = {
            "cart_id": cart,
            "email": "ada@example.com",
            "shipping_address": ADDRESS,
            "shipping_method": "auspost_parcel",
        }
        if self.random.random() < 0.5:
            wish["idempotency_key"] = f"k{self.random.getrandbits(64):x}"
        if self.random.random() < 0.1:
            await self._note_what_cannot_be_stored(wish)
        checkout, path = await self._placed(wish)
        (story,) = self.random.choices(list(STORIES), list(STORIES.values()))
        self._saw(story)
        match story:
            case "walk away":
                await self.to_payment(path)
            case "pay at the last moment":
                await self._pay_late(path)
            case "cancel":
                await self.call("cancel_checkout", checkout_id=checkout)
            case "cancel while paying":
                await self._race(story, path, self.call("cancel_checkout", checkout_id=checkout))
            case "change":
                await self.call("add_to_cart", cart_id=cart, sku=GOODS[0], quantity=1)
                again = {**wish, "idempotency_key": f"k{self.random.getrandbits(64):x}"}
                checkout, path = await self._placed(again)
                await self.pay(path)
            case "change while paying":
                await self._race(story, path, self.call("add_to_cart", cart_id=cart, sku=GOODS[0], quantity=1))
            case "double click":
                await asyncio.gather(self.pay(path), self.pay(path))
            case _:
                await self.pay(path, declines=story == "decline", challenged=story == "3-D Secure")
        await self.call("get_order_status", checkout_id=checkout)

    async def _note_what_cannot_be_stored(self, wish: dict[str, Any]) -> None:
        try:
            await self.call("place_order", **{**wish, "note": "Ring twice 🎾", "idempotency_key": ""})
        except Refused as refused:
            self._saw("refused for its note" if "cannot store" in str(refused) else "refused")
        else:
            self.tally.faults.append("place_order: a note that the shop cannot store was accepted")

    async def _placed(self, wish: dict[str, Any]) -> tuple[str, str]:
        """The checkout and its page, of a wish that is sent once, or at once to all workers by an impatient runtime."""
        times = self.random.choice((1, 1, 2, 3))
        workers = [(self.random.randrange(WORKERS) + turn) % WORKERS for turn in range(times)]
        placed = await asyncio.gather(*(self.call("place_order", worker, **wish) for worker in workers))
        if len(set(workers)) > 1:
            self._saw("placed at several workers at once")
        found = frozenset((one["checkout_id"].partition(".")[0], one.get("continue_url")) for one in placed)
        if len(found) > 1:
            self.tally.several.append(found)
        checkout, url = next(iter(found))
        self.tally.checkouts.add(checkout)
        self.tally.currencies[CURRENCIES[self.store]] += 1
        if url is None:
            raise Refused("it was over before it could be paid")
        return checkout, "/" + url.split("/", 3)[3]

    async def _race(self, story: str, path: str, against: Awaitable[Any]) -> None:
        """Buyer and agent at the same time; the tally says who was heard."""

        async def agent() -> bool:
            await asyncio.sleep(self.random.uniform(0, 0.2))
            try:
                await against
            except Refused:
                return False
            return True

        paid, heard = await asyncio.gather(self.pay(path), agent())
        self._saw(f"{story}: {'the agent' if heard else 'only the buyer' if paid else 'nobody'} was heard")

    async def pay(self, path: str, *, declines: bool = False, challenged: bool = False) -> bool:
        """Go to the provider, pay there, and come back, or not. Whether the provider took it."""
        session = await self.to_payment(path)
        if session is None:
            return False
        if declines and await self.at_provider(self.stripe.decline(session)):
            self._saw("declined")
            if self.random.random() < 0.3:
                return False
        if challenged and await self.at_provider(self.stripe.challenge(session)):
            self._saw("challenged")
            if self.random.random() < 0.2:
                await self.at_provider(self.stripe.fail(session))
        paid = await self.at_provider(self.stripe.pay(session))
        if paid and self.random.random() < 0.7:
            await self.page("GET", f"{path}?done=1")
        return paid

    async def _pay_late(self, path: str) -> None:
        """On the provider's page until our time is over, more or less; the provider's own page is open for longer."""
        began = asyncio.get_running_loop().time()
        session = await self.to_payment(path)
        if session is not None:
            left = LASTS - (asyncio.get_running_loop().time() - began)
            await asyncio.sleep(max(0.0, left + self.random.uniform(-2, 2)))
            paid = await self.at_provider(self.stripe.pay(session))
            self._saw(f"pay at the last moment: {'in time' if paid else 'too late'}")

    async def to_payment(self, path: str) -> str | None:
        """The provider's page that the buyer is sent to; None when there is nothing to pay any more."""
        for _ in range(4):
            status, _, text = await self.page("GET", path)
            shown = SHOWN.search(text) if status == 200 else None
            if shown is None:
                return None
            status, headers, text = await self.page("POST", path, data={"shown": shown[1]})
            if status == 303 and "/c/pay/" in headers["location"]:
                return str(headers["location"]).rpartition("/")[2]
        return None

    async def page(self, method: str, path: str, **more: Any) -> tuple[int, Any, str]:
        """A page of ours; one that cannot be shown now is asked for again."""
        for attempt in range(TRIES):
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                excused = self.world.disturbances.watch()
                answer = await self.world.ask(self.random.randrange(WORKERS), method, path, store=self.store, **more)
                if answer[0] >= 500 and answer[0] != 503 and not excused():
                    self.tally.faults.append(f"{method} of a page: {answer[0]}")
                if answer[0] not in {503, 500}:
                    return answer
            await asyncio.sleep(0.05 * min(attempt + 1, 10))  # somebody is being started again
        return 503, {}, ""

    async def call(self, tool: str, worker: int | None = None, **arguments: Any) -> Any:
        """A tool's value. A call that breaks off is repeated, as agents do. Raises Refused."""
        body = msgspec.json.encode(
            {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        )
        headers = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2025-11-25",
        }
        sentence = "never answered"
        for attempt in range(TRIES):
            asked = worker if worker is not None and not attempt else self.random.randrange(WORKERS)
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, msgspec.DecodeError):
                excused = self.world.disturbances.watch()
                status, _, text = await self.world.ask(
                    asked, "POST", "/mcp", store=self.store, data=body, headers=headers
                )
                try:
                    said = msgspec.json.decode(text)
                except msgspec.DecodeError:
                    if not excused():
                        self.tally.faults.append(f"{tool}: {status}, {text[:200]!r} is no JSON")
                    raise
                if status == 503 and said.get("error") == "closed_for_now":
                    raise Refused(said["message"])
                if status >= 500 and not excused():
                    self.tally.faults.append(f"{tool}: {status}")
                if "error" in said:
                    if not excused():
                        self.tally.faults.append(f"{tool}: {said['error']}")
                    raise Refused(said["error"]["message"])
                result = said["result"]
                if not result.get("isError"):
                    return result["structuredContent"]
                sentence = result["content"][0]["text"]
                if not any(word in sentence for word in ("Try again", "may or may not", "busy")):
                    raise Refused(sentence)
            await asyncio.sleep(0.05 * min(attempt + 1, 10))  # somebody is being started again
        raise Refused(sentence)

    async def at_provider(self, act: Awaitable[Any]) -> bool:
        """Whether the provider took it: the page may have been closed meanwhile."""
        try:
            await act
        except (AssertionError, OSError, httpx.TransportError):
            return False
        return True

    def _saw(self, what: str) -> None:
        self.tally.stories[what] += 1
