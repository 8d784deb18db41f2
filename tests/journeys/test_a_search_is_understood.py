"""A buyer's words, over HTTP, at the demo with its mirror: what was understood is said, and what is bought fits it."""

from collections.abc import Iterator

import pytest

from tests.fakes.demo_documents import demo_documents
from tests.fakes.ucp_agent import RELEASES, UcpAgent
from tests.journeys.wishes.shopper import Shopper, WishShop, open_shop
from tests.unit.catalogue_search.relevance import TOP, WAREHOUSE_QUERIES

pytestmark = pytest.mark.slow

VERSIONS = ("2025-03-26", "2026-07-28")
MIN_RECALL = 0.95
MIN_RECIPROCAL_RANK = 0.95


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WishShop]:
    with open_shop(tmp_path_factory.mktemp("understood"), mirror=True) as opened:
        yield opened


@pytest.mark.parametrize("version", VERSIONS)
async def test_from_a_sentence_to_the_cart(version: str, shop: WishShop) -> None:
    async with Shopper(shop, version) as shopper:
        found = await shopper.does("search_products", query="t-shirt for men black M")
        assert found["understood"] == {"filters": {"color": ["Black"], "size": ["M"]}}
        assert found["relaxed"] == ["left out: men"]
        variants = [product["variant"] for product in found["products"]]
        assert "TEE-BLACK-M" in variants
        cart_id = await shopper.fills("TEE-BLACK-M")
        cart = await shopper.does("view_cart", cart_id=cart_id)
        assert cart["lines"][0]["options"] == {"Colour": "Black", "Size": "M"}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    ("query", "codes", "text"),
    [
        ("gift under 30 EUR", ["search_hint"], "Prices are in AUD; the amount in another currency was left aside."),
        ("XXL tee", ["search_relaxed"], "Nothing fits every word (left out: xxl)."),
        ("vegan snack", ["search_relaxed", "search_hint"], "snack"),
        ("pikcles", ["query_corrected"], "Searched for: pickles."),
        ("paddle", [], ""),
    ],
)
async def test_a_platform_is_told_what_a_search_gave_up(
    shop: WishShop, release: str, query: str, codes: list[str], text: str
) -> None:
    async with UcpAgent(shop.origin, release) as platform:
        found = await platform.call("search_catalog", {"query": query})
    assert found["products"]
    told = found.get("messages", [])
    assert [one["code"] for one in told] == codes
    assert all(text in one["content"] and "_" not in one["content"] for one in told)


async def test_each_way_of_asking_says_what_was_read(shop: WishShop) -> None:
    async with Shopper(shop, VERSIONS[1]) as shopper:
        padle = await shopper.does("search_products", query="padle under 200 in stock")
        assert padle["did_you_mean"] == "paddle"
        assert padle["understood"] == {"max_price_minor": 20_000, "in_stock": True}
        assert all(one["price"]["minor"] <= 20_000 for one in padle["products"])
        gift = await shopper.does("search_products", query="Geschenk unter 50 Dollar")
        assert gift["understood"] == {"max_price_minor": 5_000}
        assert gift["total"] > TOP
        sale = await shopper.does("search_products", query="tees on sale")
        assert [one["sku"] for one in sale["products"]] == ["TEE-ZERO"]
        assert sale["products"][0]["list_price"]["minor"] > sale["products"][0]["price"]["minor"]
        (variant,) = (await shopper.does("search_products", query="TEE-BLACK-M"))["products"]
        assert (variant["sku"], variant["selected_variant"]["sku"]) == ("TEE", "TEE-BLACK-M")
        none = await shopper.does("search_products", query="paddle", max_price_minor=500)
        assert (none["products"], none["hints"]) == ([], ["None under AUD 5.00; from AUD 18.00 (PAD-W4)."])
        filters = {"color": ["Green"], "size": ["L"]}
        hoodie = await shopper.does("search_products", query="hoodie", filters=filters, in_stock=True)
        assert [one["variant"] for one in hoodie["products"]] == ["HOOD-GREEN-L"]
        refused = await shopper.is_refused("search_products", filters={"material": ["Wool"]})
        assert (refused.code, "color" in refused.text) == ("invalid_filter", True)
        beside = await shopper.does("get_related_products", sku="PAD-W4", kind="alternatives")
        assert beside["products"]


async def test_the_open_set_is_answered_well_by_the_served_demo(shop: WishShop) -> None:
    documents = [document for document in demo_documents() if document.product.in_stock]
    recall = rank = 0.0
    async with Shopper(shop, VERSIONS[1]) as shopper:
        for query in WAREHOUSE_QUERIES:
            answer = await shopper.does("search_products", query=query.text, page_size=TOP, facets="none")
            found = [product["sku"] for product in answer["products"]]
            right = {document.product.sku for document in documents if query.relevant(document)}
            ranks = [at for at, sku in enumerate(found, 1) if sku in ({query.first} if query.first else right)]
            recall += len(right.intersection(found)) / min(TOP, len(right))
            rank += 1 / ranks[0] if ranks else 0

    assert recall / len(WAREHOUSE_QUERIES) >= MIN_RECALL
    assert rank / len(WAREHOUSE_QUERIES) >= MIN_RECIPROCAL_RANK
