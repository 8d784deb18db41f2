"""Searches that ask about the shop are answered with who tells of it, and not with goods that they never meant."""

import pytest
from msgspec.structs import replace

from storefront_mcp.app.catalogue import search_language
from storefront_mcp.catalogue.mirrored_reader import MirroredCatalogueReader
from storefront_mcp.catalogue.query.store_questions import StoreQuestion, read_store_question, store_topics
from storefront_mcp.catalogue.search import CatalogueSearch
from storefront_mcp.commerce.search import SearchQuery
from storefront_mcp.phases.p1_browse.get_store_info import PAGE_WORDS
from tests.fakes.demo_documents import demo_documents
from tests.fakes.memory_backend import MemoryBackend
from tests.unit.catalogue_search.test_mirrored_reader import PAD_2, StandingMirror

ASKED = [
    ("discount code", "coupons"),
    ("Discount codes?", "coupons"),
    ("coupon", "coupons"),
    ("voucher code", "coupons"),
    ("promo code", "coupons"),
    ("gift card balance", "coupons"),
    ("returns policy", "returns"),
    ("can I get a refund", "returns"),
    ("opening hours", "contact"),
    ("contact", "contact"),
    ("do you have free shipping", "shipping"),
    ("payment methods", "payment"),
    ("who are you", "about"),
    ("Gutscheincode", "coupons"),
    ("Öffnungszeiten", "contact"),
    ("oeffnungszeiten", "contact"),
    ("Versandkosten", "shipping"),
]


@pytest.fixture
def reader(warehouse: CatalogueSearch) -> MirroredCatalogueReader:
    mirror = StandingMirror(warehouse.index)
    return MirroredCatalogueReader(MemoryBackend([PAD_2]), mirror, lambda: search_language("en-AU"), "AUD")


@pytest.fixture
def alone() -> MirroredCatalogueReader:
    """Without a mirror."""
    return MirroredCatalogueReader(MemoryBackend([PAD_2]), None, lambda: search_language("en-AU"), "AUD")


@pytest.mark.parametrize(("text", "topic"), ASKED)
async def test_a_question_about_the_shop_names_who_tells_of_it(
    text: str, topic: str, reader: MirroredCatalogueReader, alone: MirroredCatalogueReader
) -> None:
    for asked in (reader, alone):
        page = await asked.search(SearchQuery(text=text, facets=True))
        assert page.hints == (f'That is about the shop: get_store_info has the topic "{topic}".',)
        assert (page.products, page.facets, page.relaxed) == ((), (), ())
        assert (page.understood, page.searched_for) == (None, None)


async def test_goods_beside_such_a_question_are_searched_for(reader: MirroredCatalogueReader) -> None:
    page = await reader.search(SearchQuery(text="a discount code for carbon paddles under $200"))
    plain = await reader.search(SearchQuery(text="a for carbon paddles under $200"))

    assert page.hints[0] == 'That is about the shop: get_store_info has the topic "coupons".'
    assert (page.products, page.understood) == (plain.products, plain.understood)
    assert page.understood is not None
    assert page.understood.on_sale is None


async def test_goods_that_have_the_very_words_are_shown_beside_the_hint(reader: MirroredCatalogueReader) -> None:
    page = await reader.search(SearchQuery(text="returns"))

    assert [product.sku for product in page.products] == ["TRAIN-1"]
    assert page.hints == ('That is about the shop: get_store_info has the topic "returns".',)


@pytest.mark.parametrize("text", ["gift card", "contact lenses", "on sale", "discount paddles", "return board", ""])
def test_what_looks_for_goods_is_no_question_about_the_shop(text: str) -> None:
    assert read_store_question(text) is None


def test_no_name_in_the_demo_shop_is_such_a_question() -> None:
    names = [document.product.name for document in demo_documents()]
    assert [name for name in names if read_store_question(name)] == []


def test_what_is_left_keeps_its_marks() -> None:
    assert read_store_question("free shipping, mugs at $20") == StoreQuestion("shipping", " , mugs at $20")


def test_every_topic_is_one_of_the_tools() -> None:
    assert store_topics() == set(PAGE_WORDS)


async def test_a_page_of_the_goods_beside_it_goes_on(reader: MirroredCatalogueReader) -> None:
    first = await reader.search(SearchQuery(text="discount code for paddles", size=2))
    query = SearchQuery(text="discount code for paddles", size=2)
    second = await reader.search(replace(query, after=first.next))

    assert {one.sku for one in first.products}.isdisjoint(one.sku for one in second.products)
