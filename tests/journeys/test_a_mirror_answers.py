"""Searches come from the mirror once it is whole, from the shop before; what is bought is asked of the shop."""

import time
from pathlib import Path
from typing import Any

import pytest

from storefront_mcp.app import create_app
from storefront_mcp.database import Database
from storefront_mcp.database.catalogue_mirrors import SqlMirrorRepository
from storefront_mcp.settings.demo import demo_settings
from tests.fakes.agent import Agent, value
from tests.journeys.conftest import flip, unhurried
from tests.serving import free_port, served, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


async def search(agent: Agent, **wanted: Any) -> dict[str, Any]:
    found: dict[str, Any] = value(await agent.call("search_products", **wanted))
    return found


async def test_a_guest_finds_by_the_mirror_and_buys_from_the_shop(tmp_path: Path) -> None:
    port = free_port()
    settings = unhurried(demo_settings(port, state=tmp_path, mirror=True))
    flip(settings, {"p1_browse": "active", "p2_cart": "active"})
    database = Database(settings.database)
    mirrors = SqlMirrorRepository(database)
    store = settings.stores[0].id

    def is_whole() -> bool:
        return any(one.generation for one in mirrors.list_by_store(store))

    with served(create_app(settings), port) as origin:
        async with Agent(origin, "2025-11-25") as agent:
            at_once = await search(agent, query="paddle")
            assert at_once["products"]

            until(is_whole, "the mirror", patience=120)
            found: dict[str, Any] = {}
            deadline = time.monotonic() + 120
            while "did_you_mean" not in found:
                assert time.monotonic() < deadline, found
                found = await search(agent, query="padle under 200 in stock")
            assert found["did_you_mean"] == "paddle"
            assert found["understood"] == {"max_price_minor": 20_000, "in_stock": True}
            assert all(one["price"]["minor"] <= 20_000 for one in found["products"])
            assert found["as_of"]

            (tee,) = (await search(agent, query="TEE-BLACK-M"))["products"]
            assert tee["selected_variant"]["sku"] == "TEE-BLACK-M"
            read = value(await agent.call("get_product", sku="TEE-BLACK-M"))
            assert read["selected_variant"]["sku"] == "TEE-BLACK-M"
            cart = value(await agent.call("create_cart"))["cart_id"]
            filled = value(await agent.call("add_to_cart", cart_id=cart, sku="TEE-BLACK-M"))
            assert filled["lines"][0]["sku"] == "TEE-BLACK-M"
    database.close()
