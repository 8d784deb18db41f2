"""What everybody in a fault run can do: ask, open pages, pay, and call our tools."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable
from random import Random
from typing import Any

import aiohttp
import httpx
import msgspec

from tests.chaos.faults.environment import CURRENCIES, LASTS, WORKERS, World
from tests.chaos.faults.tally import Refused, Tally
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
SHOWN = re.compile(r'name="shown" value="(\d+)"')
SECRETS = re.compile(r"(chk|cart)_[0-9a-z.]+|[0-9]+")
"""What differs from one refusal to the next."""
TRIES = 40


async def wait_before(attempt: int) -> None:
    """Before something is tried once more: longer each time, to half a second."""
    await asyncio.sleep(0.05 * min(attempt, 10))  # somebody is being started again


class Shopper:
    """One buyer with one agent, drawn from a seed."""

    def __init__(self, world: World, stripe: FakeStripe, random: Random, tally: Tally) -> None:
        self.world = world
        self.stripe = stripe
        self.random = random
        self.tally = tally
        self.store = random.choice(list(CURRENCIES))
        self.name = f"ada{random.getrandbits(40):010x}"
        self.email = f"{self.name}@example.com"
        self.begun = self.finished = "tools"
        """Protocols that the cart is begun and finished with."""

    def saw(self, what: str) -> None:
        """Count what happened."""
        self.tally.stories[what] += 1

    def key(self) -> str:
        """A new idempotency key."""
        return f"k{self.random.getrandbits(128):032x}"

    def some_goods(self) -> tuple[str, int]:
        """A SKU and how many of it."""
        return self.random.choice(GOODS), self.random.randint(1, 3)

    def saw_refusal(self, refused: Refused) -> None:
        """Count what was refused."""
        self.saw(f"refused: {SECRETS.sub('…', str(refused))[:60]}")

    def found(self, checkout: str, cart: str) -> None:
        """Count a checkout of a cart, by its page, or by its id where it has none."""
        self.tally.pages[checkout] = cart
        if checkout not in self.tally.checkouts:
            self.tally.currencies[CURRENCIES[self.store]] += 1
        self.tally.found(checkout, begun=self.begun, finished=self.finished)

    async def ask(self, worker: int, method: str, path: str, **more: Any) -> tuple[int, Any, str]:
        """One answer, which holds nothing of anybody else. Raises aiohttp.ClientError and TimeoutError."""
        answer = await self.world.ask(worker, method, path, store=self.store, **more)
        self.tally.look_for_strangers(self.name, answer[2])
        return answer

    async def page(self, method: str, path: str, **more: Any) -> tuple[int, Any, str]:
        """A page of ours; one that cannot be shown now is asked for again."""
        for attempt in range(TRIES):
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                excused = self.world.disturbances.watch()
                answer = await self.ask(self.random.randrange(WORKERS), method, path, **more)
                if answer[0] >= 500 and answer[0] != 503 and not excused():
                    self.tally.faults.append(f"{method} of a page: {answer[0]}")
                if answer[0] not in {503, 500}:
                    return answer
            await wait_before(attempt + 1)
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
                status, _, text = await self.ask(asked, "POST", "/mcp", data=body, headers=headers)
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
            await wait_before(attempt + 1)
        raise Refused(sentence)

    async def place(self, wish: dict[str, Any]) -> tuple[str, str]:
        """The checkout and its page, of a wish that is sent once, or at once to all workers by an impatient runtime."""
        times = self.random.choice((1, 1, 2, 3))
        workers = [(self.random.randrange(WORKERS) + turn) % WORKERS for turn in range(times)]
        placed = await asyncio.gather(*(self.call("place_order", worker, **wish) for worker in workers))
        if len(set(workers)) > 1:
            self.saw("placed at several workers at once")
        found = frozenset((one["checkout_id"].partition(".")[0], one.get("continue_url")) for one in placed)
        if len(found) > 1:
            self.tally.several.append(found)
        checkout, url = next(iter(found))
        self.found(checkout if url is None else path_of(url), wish["cart_id"])
        if url is None:
            raise Refused("it was over before it could be paid")
        return next(one["checkout_id"] for one in placed), path_of(url)

    async def pay(self, path: str, *, declines: bool = False, challenged: bool = False) -> bool:
        """Go to the provider, pay there, and come back, or not. Whether the provider took it."""
        session = await self.to_payment(path)
        if session is None:
            return False
        if declines and await self.at_provider(self.stripe.decline(session)):
            self.saw("declined")
            if self.random.random() < 0.3:
                return False
        if challenged and await self.at_provider(self.stripe.challenge(session)):
            self.saw("challenged")
            if self.random.random() < 0.2:
                await self.at_provider(self.stripe.fail(session))
        paid = await self.at_provider(self.stripe.pay(session))
        if paid and self.random.random() < 0.7:
            await self.page("GET", f"{path}?done=1")
        return paid

    async def pay_late(self, path: str) -> None:
        """On the provider's page until our time is over, more or less; the provider's own page is open for longer."""
        began = asyncio.get_running_loop().time()
        session = await self.to_payment(path)
        if session is not None:
            left = LASTS - (asyncio.get_running_loop().time() - began)
            await asyncio.sleep(max(0.0, left + self.random.uniform(-2, 2)))
            paid = await self.at_provider(self.stripe.pay(session))
            self.saw(f"pay at the last moment: {'in time' if paid else 'too late'}")

    async def to_payment(self, path: str) -> str | None:
        """The provider's page that the buyer is sent to; None when there is nothing to pay any more."""
        for _ in range(4):
            status, _, text = await self.page("GET", path)
            shown = SHOWN.search(text) if status == 200 else None
            if shown is None:
                return None
            self.tally.confirmed.setdefault(path, set()).add(int(shown[1]))
            status, headers, text = await self.page("POST", path, data={"shown": shown[1]})
            if status == 303 and "/c/pay/" in headers["location"]:
                return str(headers["location"]).rpartition("/")[2]
        return None

    async def at_provider(self, act: Awaitable[Any]) -> bool:
        """Whether the provider took it: the page may have been closed meanwhile."""
        try:
            await act
        except (AssertionError, OSError, httpx.TransportError):
            return False
        return True

    async def race(self, story: str, path: str, against: Awaitable[Any]) -> None:
        """Buyer and agent at the same time; the tally says who was heard."""

        async def agent() -> bool:
            await asyncio.sleep(self.random.uniform(0, 0.2))
            try:
                await against
            except Refused:
                return False
            return True

        paid, heard = await asyncio.gather(self.pay(path), agent())
        self.saw(f"{story}: {'the agent' if heard else 'only the buyer' if paid else 'nobody'} was heard")


def path_of(url: str) -> str:
    """The path of a page's address."""
    return "/" + url.split("/", 3)[3]
