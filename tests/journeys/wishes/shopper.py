"""An agent and its buyer at one demo shop, what a wish is, and what it took."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.app import create_app
from storefront_mcp.mcp.results import ERROR_META_KEY
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.terms import NO_TERMS, FlipTerms
from storefront_mcp.settings.catalogue import StoreCatalogueSettings
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.server import Settings
from tests.fakes.agent import Agent, Json, adds_up, refusal, value
from tests.fakes.buyer import Buyer
from tests.journeys.conftest import flip, unhurried
from tests.serving import free_port, served

BYTES_PER_TOKEN = 4
SOON = 60.0
"""Seconds until a flip is seen or a payment has become an order, on a busy machine."""
ADA: Json = {
    "first_name": "Ada",
    "last_name": "Byron",
    "street": "1 Queen Street",
    "city": "Brisbane",
    "region": "QLD",
    "postcode": "4000",
    "country": "AU",
    "phone": "+61 7 5550 1234",
}
EMAIL = "ada.byron@example.com"
UNDECIDED = ("requires_escalation", "complete_in_progress")


class Refused(Struct, frozen=True):
    """What a tool said instead of doing it."""

    code: str
    text: str
    detail: Any


class WishShop(Struct, frozen=True):
    """A served demo shop, and its settings for who flips phases."""

    origin: str
    settings: Settings


@contextmanager
def open_shop(state: Path, *, mirror: bool = False) -> Iterator[WishShop]:
    """A demo shop with every delivered phase open, and, with a `mirror`, with searches that it answers already."""
    settings = unhurried(demo_settings(free_port(), state=state, mirror=mirror))
    # Each answer says the same however long the one before took: nothing is remembered, and nothing says how old it is.
    asked = StoreCatalogueSettings(search=0, product=0, browse=0, page=0)
    settings = replace(settings, stores=tuple(replace(store, catalogue=asked) for store in settings.stores))
    flip(settings, {"p1_browse": "active", "p2_cart": "active", "p3_checkout": "active"})
    with served(create_app(settings), settings.port) as origin:
        if mirror:
            _await_mirror(origin)
        yield WishShop(origin, settings)


def _await_mirror(origin: str) -> None:
    """Return once a search says how old what it found is."""
    params = {"name": "search_products", "arguments": {"page_size": 1}}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    until = time.monotonic() + SOON
    with httpx.Client(timeout=SOON) as client:
        while "as_of" not in client.post(f"{origin}/mcp", json=asked).json()["result"]["content"][0]["text"]:
            assert time.monotonic() < until, "the catalogue was not mirrored"


class Shopper:
    """One agent, and the person it shops for. Only what the agent itself asks and reads is counted."""

    def __init__(self, shop: WishShop, version: str) -> None:
        self.origin = shop.origin
        self.version = version
        self._shop = shop
        self.calls = 0
        self.bytes_read = 0
        self.buyer = Buyer()
        self._agent = Agent(shop.origin, version)

    async def __aenter__(self) -> Self:
        await self._agent.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._agent.__aexit__()
        await self.buyer.__aexit__()

    @property
    def tokens(self) -> int:
        """What the results that were read cost, estimated."""
        return -(-self.bytes_read // BYTES_PER_TOKEN)

    async def does(self, tool: str, **arguments: Any) -> Json:
        """What the tool returned."""
        return value(await self._calls(tool, arguments))

    async def is_refused(self, tool: str, **arguments: Any) -> Refused:
        """Why the tool would not."""
        result = await self._calls(tool, arguments)
        text, _, detail = refusal(result).partition("\n")
        error = result.get("structuredContent", {}).get("error") or result["_meta"][ERROR_META_KEY]
        return Refused(error["code"], text, json.loads(detail or "null"))

    async def fills(self, *skus: str) -> str:
        """The id of a new cart with one of each."""
        cart_id: str = (await self.does("create_cart"))["cart_id"]
        for sku in skus:
            await self.does("add_to_cart", cart_id=cart_id, sku=sku)
        return cart_id

    async def pays(self, placed: Json, *acts: str) -> None:
        """The buyer presses these buttons on the page that was handed over; what comes of it is waited for."""
        await self.buyer.pays(placed["continue_url"], *acts)
        async with asyncio.timeout(SOON), Agent(self.origin, self.version) as watching:
            while True:
                shown = value(await watching.call("get_order_status", checkout_id=placed["checkout_id"]))
                if shown["status"] not in UNDECIDED or (acts == ("decline",) and "last_payment" in shown):
                    return

    async def sees_flips(self, changes: Mapping[str, Status], terms: FlipTerms = NO_TERMS) -> None:
        """The operator opens the cart with what needs it, or pauses both, and the agent's lists show it."""
        flip(self._shop.settings, changes, terms=terms)
        async with asyncio.timeout(SOON), Agent(self.origin, self.version) as watching:
            while ("create_cart" in await watching.tools()) != (changes["p2_cart"] == "active"):
                pass

    @asynccontextmanager
    async def another_conversation(self) -> AsyncIterator["Shopper"]:
        """The same buyer's next agent, which remembers nothing; what it asks and reads counts for the same wish."""
        async with Shopper(self._shop, self.version) as later:
            yield later
        self.calls += later.calls
        self.bytes_read += later.bytes_read

    async def _calls(self, tool: str, arguments: Json) -> Json:
        self.calls += 1
        result = await self._agent.call(tool, **arguments)
        self.bytes_read += len(result["content"][0]["text"].encode())
        return result


class Wish(Struct, frozen=True):
    """A wish in a buyer's words, the script that fulfils it, and how that ends."""

    words: str
    ends: str
    script: Callable[[Shopper], Awaitable[None]]


def goods(cart: Json) -> Mapping[str, int]:
    """Quantities by SKU."""
    return {line["sku"]: line["quantity"] for line in cart.get("lines", ())}


def minor(shown: Json) -> Mapping[str, int]:
    """The totals of a cart or checkout in cents, once they add up. Tax is left out: it is part of the prices."""
    totals = shown["totals"]
    assert adds_up(totals), totals
    assert totals["total"]["currency"] == "AUD"
    return {name: amount["minor"] for name, amount in totals.items() if name != "tax" and isinstance(amount, dict)}


def prices(quote: Json) -> Mapping[str, int]:
    """Prices of shipping in cents, by the code of the method."""
    return {method["code"]: method["price"]["minor"] for method in quote["methods"]}


def destination(address: Json = ADA) -> Json:
    """What shipping prices depend on in an address."""
    return {name: address[name] for name in ("country", "region", "postcode")}
