"""What can be read besides calling tools, and the tasks that a person can start."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.commerce.errors import PageNotFound, ProductNotFound
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.prompt import Prompt
from storefront_mcp.tools.resource import Resource
from tests.fakes.memory_backend import PHASES, STORE, MemoryBackend, shop_on

RESOURCES: dict[str, Resource] = {name: one for phase in PHASES for name, one in phase.resources.items()}
PROMPTS: dict[str, Prompt] = {name: one for phase in PHASES for name, one in phase.prompts.items()}
TOOLS = {name for phase in PHASES for name in phase.tools}


@pytest.fixture
def shop() -> Shop:
    return shop_on(MemoryBackend())


async def read(shop: Shop, name: str, uri: str) -> str:
    """Read by address, as a client would."""
    variables = RESOURCES[name].match(uri)
    assert variables is not None
    text = await RESOURCES[name].read(variables, shop)
    assert isinstance(text, str)
    return text


async def fill(shop: Shop, name: str, **arguments: str) -> str:
    """Fill in a prompt."""
    text: str = await PROMPTS[name].render(PROMPTS[name].shape(**arguments), shop)
    return text


async def test_the_store_is_told_in_a_few_lines(shop: Shop) -> None:
    text = await read(shop, "store_facts", "shop://store")
    assert text.splitlines()[0] == "# Pickle Warehouse"
    assert "Currency: AUD" in text
    assert "Website: https://pickle.example/" in text
    assert "shop://page/shipping" in text
    told = await read(
        shop_on(MemoryBackend(), replace(STORE, tagline="Dill or no deal.")), "store_facts", "shop://store"
    )
    assert "\nDill or no deal.\n" in told


async def test_pages_are_read_by_their_address_and_only_those_of_the_store(shop: Shop) -> None:
    page = RESOURCES["page"]
    assert page.known is not None
    assert [known.uri for known in page.known(STORE)] == ["shop://page/shipping", "shop://page/returns"]
    assert await read(shop, "page", "shop://page/shipping") == "# Shipping\n\nFast.\n"
    for missing in ("privacy", "returns", "..%2Fsecret"):
        with pytest.raises(PageNotFound):
            await read(shop, "page", f"shop://page/{missing}")
    assert await page.complete["identifier"]("SHIP", shop) == ["shipping"]
    assert page.match("shop://page/a/b") is None


async def test_the_category_tree_is_an_outline(shop: Shop) -> None:
    text = await read(shop, "category_tree", "shop://categories")
    assert text == (
        "- Pickleball (pickleball, 2 products)\n"
        "  - Paddles (pickleball/paddles, 1 products)\n"
        "- Jars (jars, 1 products)\n"
    )


async def test_a_product_is_read_whole_by_its_sku(shop: Shop) -> None:
    assert json.loads(await read(shop, "product", "product://PAD-2"))["name"] == "Carbon paddle"
    with pytest.raises(ProductNotFound):
        await read(shop, "product", "product://X-1")
    assert await RESOURCES["product"].complete["sku"]("paddle", shop) == ["PAD-2"]


@pytest.mark.parametrize(
    ("name", "arguments", "says", "silent"),
    [
        (
            "find_a_gift",
            {"recipient": "Ada, who likes tennis"},
            ["Ada, who likes tennis", "AUD"],
            ["at most", "Look in"],
        ),
        ("find_a_gift", {"recipient": "Ada", "budget": "50", "category": "Jars"}, ["at most 50", "'Jars'"], []),
        ("compare_products", {"first": "A", "second": "B"}, ["'A'", "'B'"], ["cares about"]),
        ("compare_products", {"first": "A", "second": "B", "what_matters": "weight"}, ["cares about: weight"], []),
        ("fill_the_cart", {"wanted": "dill"}, ["dill", "create_cart"], ["quote"]),
        ("fill_the_cart", {"wanted": "dill", "cart_id": "cart_1", "ship_to": "AU 2000"}, ["cart_1", "to AU 2000"], []),
        (
            "finish_the_order",
            {"cart_id": "cart_1"},
            ["cart_1", "dry_run", "continue_url", "get_order_status"],
            ["Known", "Delivery:"],
        ),
        (
            "finish_the_order",
            {"cart_id": "cart_1", "buyer": "Ada Byron", "delivery": "fast"},
            ["about the buyer: Ada Byron", "Delivery: fast."],
            [],
        ),
    ],
)
async def test_a_prompt_says_what_was_filled_in_and_nothing_else(
    shop: Shop, name: str, arguments: dict[str, str], says: list[str], silent: list[str]
) -> None:
    text = await fill(shop, name, **arguments)
    assert all(word in text for word in says)
    assert not any(word in text for word in silent)


async def test_categories_are_completed_by_their_beginning(shop: Shop) -> None:
    complete = PROMPTS["find_a_gift"].complete["category"]
    assert await complete("p", shop) == ["Paddles", "Pickleball"]
    assert await complete("JA", shop) == ["Jars"]
    assert await complete("zz", shop) == []


@pytest.mark.parametrize("one", [*RESOURCES.values(), *PROMPTS.values()], ids=lambda one: one.name)
def test_each_says_what_it_is_for(one: Any) -> None:
    assert 10 < len(one.description) < 400
    assert one.title
