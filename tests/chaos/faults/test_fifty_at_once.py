"""One wish, sent fifty times at once to two workers: one checkout, one address, and after paying one order."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from storefront_mcp.checkout.states import TRANSITIONS
from storefront_mcp.database import Database
from storefront_mcp.database.checkouts import SqlCheckoutRepository
from tests.chaos.faults.environment import WORKERS, world
from tests.chaos.faults.shopper import ADDRESS, GOODS, Shopper
from tests.chaos.faults.tally import Tally
from tests.fakes.stripe.control import FakeStripe

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(900)]

TIMES = 50
PATIENCE = 120.0


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def database(request: pytest.FixtureRequest) -> str:
    """Where the workers keep their records."""
    if request.param == "SQLite":
        return "fifty.db"
    fresh: Callable[[], str] = request.getfixturevalue("fresh_postgres")
    return fresh()


@pytest.mark.parametrize("key", [None, "once"], ids=["without a key", "with a key"])
async def test_fifty_wishes_at_two_workers_become_one_order(database: str, key: str | None, tmp_path: Path) -> None:
    async with world(tmp_path, database=database) as here, contextlib.AsyncExitStack() as closing:
        stripe, tally = FakeStripe(here.stripe), Tally()
        closing.push_async_callback(stripe.close)
        person = Shopper(here, stripe, Random(50), tally)
        cart = (await person.call("create_cart"))["cart_id"]
        await person.call("add_to_cart", cart_id=cart, sku=GOODS[0], quantity=1)
        wish = {
            "cart_id": cart,
            "email": "ada@example.com",
            "shipping_address": ADDRESS,
            "shipping_method": "auspost_parcel",
            **({} if key is None else {"idempotency_key": key}),
        }
        placed = await asyncio.gather(
            *(person.call("place_order", number % WORKERS, **wish) for number in range(TIMES))
        )
        assert len(placed) == TIMES
        ((checkout, url),) = {(one["checkout_id"], one["continue_url"]) for one in placed}

        assert await person.pay("/" + url.split("/", 3)[3])
        async with asyncio.timeout(PATIENCE):
            while (shown := await person.call("get_order_status", checkout_id=checkout))["status"] != "completed":
                assert shown["status"] in {"requires_escalation", "complete_in_progress"}
                await asyncio.sleep(0.1)  # other processes are working
        again = await person.call("place_order", **wish)
        assert (again["checkout_id"], again["order"]["number"]) == (checkout, shown["order"]["number"])

        [order] = (await here.meddle("books"))["orders"]
        assert order["number"] == shown["order"]["number"]
        [captured] = [entry for entry in (await stripe.books())["ledger"] if entry["what"] == "captured"]
        # Provider and database know the checkout without the secret that only the agent has.
        known = checkout.partition(".")[0]
        assert (captured["checkout"], captured["amount"]) == (known, order["total"])
        assert tally.faults == []
        kept = Database(here.settings.database)
        assert [
            one.id for one in await SqlCheckoutRepository(kept).list_by_state(None, list(TRANSITIONS), limit=9)
        ] == [known]
        kept.close()
