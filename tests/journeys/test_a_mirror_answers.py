"""Searches come from the mirror, and the first ones wait for it; what is bought is asked of the shop."""

from collections.abc import Iterator
from typing import Any

import pytest

from storefront_mcp.app import mirror
from storefront_mcp.database import Database
from storefront_mcp.database.catalogue_mirrors import SqlMirrorRepository
from storefront_mcp.settings.catalogue import MirrorSettings
from tests.fakes.agent import Agent, value
from tests.journeys.conftest import OpenStore, open_store
from tests.journeys.shops.journey_shop import JourneyShop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def store(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenStore]:
    """A store over each kind of shop with a mirror, which the first search waits for however long it takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mirror, "EXPECTED_SECONDS", 300.0)
        with open_store(kind, tmp_path_factory.mktemp(kind), mirror=MirrorSettings(on=True)) as opened:
            yield opened


def is_whole(store: OpenStore) -> bool:
    """Whether there is a mirror that answers."""
    database = Database(store.settings.database)
    records = SqlMirrorRepository(database).list_by_store(store.settings.stores[0].id)
    database.close()
    return any(one.generation for one in records)


async def search(agent: Agent, **wanted: Any) -> dict[str, Any]:
    found: dict[str, Any] = value(await agent.call("search_products", **wanted))
    return found


async def test_a_guest_finds_by_the_mirror_from_the_first_search_on_and_buys_from_the_shop(
    agent: Agent, store: OpenStore, shop: JourneyShop
) -> None:
    found = await search(agent, query="padle under 200 in stock")
    assert is_whole(store)
    assert found["did_you_mean"] == "paddle"
    assert found["understood"] == {"max_price_minor": 20_000, "in_stock": True}
    assert found["products"]
    assert all(one["price"]["minor"] <= 20_000 for one in found["products"])
    assert found["as_of"]

    (tee,) = (await search(agent, query="TEE-BLACK-M"))["products"]
    assert (tee["sku"], tee["selected_variant"]["sku"]) == (shop.family, "TEE-BLACK-M")
    read = value(await agent.call("get_product", sku="TEE-BLACK-M"))
    assert read["selected_variant"]["sku"] == "TEE-BLACK-M"
    cart = value(await agent.call("create_cart"))["cart_id"]
    filled = value(await agent.call("add_to_cart", cart_id=cart, sku="TEE-BLACK-M"))
    assert filled["lines"][0]["sku"] == "TEE-BLACK-M"


async def test_a_sentence_is_understood_by_what_the_shop_says_of_its_goods(agent: Agent) -> None:
    found = await search(agent, query="t-shirt for men black M")
    assert sorted(found["understood"]["filters"].values()) == [["Black"], ["M"]]
    assert "TEE-BLACK-M" in [one["variant"] for one in found["products"]]

    sale = await search(agent, query="tees on sale")
    assert sale["products"]
    assert all(one["list_price"]["minor"] > one["price"]["minor"] for one in sale["products"])

    none = await search(agent, query="paddle", max_price_minor=500)
    assert none["products"] == []
    assert none["hints"][0].startswith("None under AUD 5.00; from AUD ")


async def test_a_category_of_the_shop_is_browsed_page_by_page_from_the_mirror(agent: Agent, shop: JourneyShop) -> None:
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await search(agent, category=shop.paddles, page_size=10, **cursor)
        assert page["as_of"]
        found += [one["sku"] for one in page["products"]]
        if "next_cursor" not in page:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert len(found) == len(set(found)) == page["total"] > 10
