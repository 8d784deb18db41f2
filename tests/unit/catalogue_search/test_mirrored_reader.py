"""Who answers: the mirror while it may be asked, else the shop, with what help there is."""

import datetime as dt
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from storefront_mcp.app.catalogue import search_language
from storefront_mcp.catalogue import shop_search
from storefront_mcp.catalogue.document import CatalogueDocument
from storefront_mcp.catalogue.index import CatalogueIndex
from storefront_mcp.catalogue.mirrored_reader import NOT_READY_TEXT, MirroredCatalogueReader
from storefront_mcp.catalogue.other_goods import other_variants
from storefront_mcp.catalogue.query.folding import text_words
from storefront_mcp.catalogue.search import CatalogueSearch
from storefront_mcp.catalogue.tantivy_engine.reader import TantivyIndex
from storefront_mcp.catalogue.tantivy_engine.writer import TantivyIndexWriter
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.errors import CursorRefused, NotEnoughStock, OutOfStock, ProductNotFound, ShopDown
from storefront_mcp.commerce.ids import CategoryId, Sku
from storefront_mcp.commerce.product import Product, ProductSummary, Variant
from storefront_mcp.commerce.related import LOOK_ELSEWHERE, most_at_once, name_others
from storefront_mcp.commerce.search import ReadConditions, SearchPage, SearchQuery
from storefront_mcp.commerce.search_errors import FilterRefused
from storefront_mcp.phases.p1_browse.compare_products import complete_properties
from storefront_mcp.phases.p1_browse.find_a_gift import category_names
from storefront_mcp.phases.p1_browse.product import complete_sku
from storefront_mcp.phases.p2_cart.fill_the_cart import complete_list
from tests.fakes.counting_reader import CountingReader
from tests.fakes.demo_documents import demo_documents
from tests.fakes.memory_backend import STORE, MemoryBackend, aud, shop_on
from tests.unit.catalogue_search.conftest import built_search
from tests.unit.phases.calling import use

TOKEN_BYTES = 4


class StandingMirror:
    """A mirror that was whole at noon."""

    def __init__(self, index: CatalogueIndex | None) -> None:
        self.index = index
        self.as_of = dt.datetime(2027, 1, 1, 12, tzinfo=dt.UTC)
        self.stale = False
        self.requests: list[str] = []

    async def wait_until_ready(self) -> None:
        """It is what it is."""

    def request(self, keys: Iterable[str]) -> None:
        self.requests.extend(keys)


PAD_2 = Product(sku=Sku("PAD-2"), name="Gherkin Pro 16 Carbon Paddle", price=aud(27900), list_price=aud(32900))
TEE = Product(
    sku=Sku("TEE"),
    name="Club Tee",
    price=aud(2500),
    variants=(Variant(sku=Sku("TEE-BLACK-M"), options={"Colour": "Black", "Size": "M"}),),
)


@pytest.fixture
def shop() -> CountingReader:
    return CountingReader(MemoryBackend([PAD_2, TEE]))


@pytest.fixture
def mirror(warehouse: CatalogueSearch) -> StandingMirror:
    return StandingMirror(warehouse.index)


@pytest.fixture
def reader(shop: CountingReader, mirror: StandingMirror) -> MirroredCatalogueReader:
    return MirroredCatalogueReader(shop, mirror, lambda: search_language("en-AU"), "AUD")


@pytest.fixture
def alone(shop: CountingReader) -> MirroredCatalogueReader:
    """Without a mirror."""
    return MirroredCatalogueReader(shop, None, lambda: search_language("en-AU"), "AUD")


async def test_a_search_asks_the_mirror_alone_and_says_its_age(
    reader: MirroredCatalogueReader, shop: CountingReader, mirror: StandingMirror
) -> None:
    page = await reader.search(SearchQuery(text="rucksack"))
    mirror.stale = True
    later = await reader.search(SearchQuery(text="rucksack"))

    assert (len(page.products) > 1, page.as_of, page.stale) == (True, "2027-01-01T12:00:00Z", False)
    assert later.stale
    assert await reader.search(SearchQuery(text="rucksack")) is later
    mirror.as_of += dt.timedelta(minutes=5)
    assert (await reader.search(SearchQuery(text="rucksack"))).as_of == "2027-01-01T12:05:00Z"
    assert [facet.code for facet in await reader.facets(CategoryId("46"))] == ["price", "size", "color"]
    assert shop.total == 0


async def test_a_refusal_for_want_of_stock_names_what_there_is_instead(
    reader: MirroredCatalogueReader, mirror: StandingMirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = [
        Product(sku=Sku(sku), name=sku, price=aud(100), stock=stock)
        for sku, stock in (("BALL-OUT-3", 4), ("TEE-BLACK-M", 2), ("PAD-X", 0))
    ]
    memory = MemoryBackend(shelf)
    shop = replace(shop_on(memory), guide=reader)
    cart = (await use(shop, "create_cart")).cart_id

    async def refuse(*_: object) -> Cart:
        raise NotEnoughStock("TEE-BLACK-M", available=2)

    monkeypatch.setattr(memory, "update_line", refuse)

    with pytest.raises(
        NotEnoughStock, match=r"In stock: BALL-OUT-12 \(Sunburn Outdoor Balls, pack of 12\), BALL-OUT-48"
    ):
        await use(shop, "add_to_cart", cart_id=cart, sku="BALL-OUT-3", quantity=9)
    line = (await use(shop, "add_to_cart", cart_id=cart, sku="TEE-BLACK-M")).lines[0].line_id
    with pytest.raises(NotEnoughStock, match=r"In stock: TEE-BLACK-[A-Z]+ \(Black, [A-Z]+\), TEE-[A-Z]+-M \("):
        await use(shop, "update_cart_item", cart_id=cart, line_id=line, quantity=9)
    with pytest.raises((NotEnoughStock, OutOfStock), match=LOOK_ELSEWHERE):
        await use(shop, "add_to_cart", cart_id=cart, sku="PAD-X")
    mirror.index = None
    with pytest.raises(NotEnoughStock, match=LOOK_ELSEWHERE):
        await use(shop, "add_to_cart", cart_id=cart, sku="BALL-OUT-3", quantity=9)


@pytest.mark.parametrize(
    ("sku", "quantity", "told"),
    [
        ("TEE-BLACK-M", 999, r"Nothing like it has 999; most of TEE-[A-Z]+-[A-Z]+ \([A-Za-z]+, [A-Z]+\): \d+\."),
        ("JAR-DILL", 999, r"Nothing like it has 999; most of JAR-DILL-[SL] \(Warehouse Dill Pickles, [^)]*\): \d+\."),
        ("JAR-DILL", 2, r"In stock: JAR-DILL-S \(Warehouse Dill Pickles, 240 g\), JAR-DILL-L "),
    ],
)
async def test_a_refusal_names_nothing_that_is_as_short(
    sku: str, quantity: int, told: str, reader: MirroredCatalogueReader
) -> None:
    jars = [Product(sku=Sku(f"JAR-DILL-{size}"), name="Dills", price=aud(100), stock=9) for size in "SL"]
    refused = NotEnoughStock(sku, available=1)
    await name_others(refused, quantity, reader, MemoryBackend(jars))
    assert re.search(told, str(refused))


async def test_what_is_named_in_place_of_another_has_as_many_pieces(
    reader: MirroredCatalogueReader, warehouse: CatalogueSearch
) -> None:
    document = warehouse.index.find("TEE-BLACK-M")
    assert document is not None
    stocks = {one.sku: one.stock or 0 for one in document.product.variants}
    quantity = sorted(stocks.values())[-4]
    refused = NotEnoughStock("TEE-BLACK-M", available=1)
    await name_others(refused, quantity, reader, MemoryBackend([]))

    named = re.findall(r"(TEE-[A-Z]+-[A-Z]+) \(", str(refused))
    assert named
    assert all(stocks[Sku(sku)] >= quantity for sku in named)


def test_other_variants_begin_with_those_that_share_most_by_turns() -> None:
    colours, sizes = ("Red", "Black", "White"), ("S", "M", "L")
    product = replace(
        TEE,
        variants=tuple(
            Variant(sku=Sku(f"{colour}-{size}"), options={"Colour": colour, "Size": size}, stock=5)
            for colour in colours
            for size in sizes
        ),
    )
    wanted = next(one for one in product.variants if one.sku == "Black-M")

    others = [one.sku for one in other_variants(replace(product, max_quantity=3), wanted)]
    assert others == ["Red-M", "Black-S", "Black-L", "White-M", "Red-S", "Red-L", "White-S", "White-L"]
    assert {one.left for one in other_variants(replace(product, max_quantity=3), wanted)} == {3}


def test_of_a_family_one_variant_has_to_have_all_pieces() -> None:
    sizes = [Variant(sku=Sku(size), options={"Size": size}, stock=left) for size, left in (("S", 3), ("M", 8))]
    family = replace(TEE, variants=tuple(sizes))
    unknown = replace(TEE, variants=(*sizes, Variant(sku=Sku("L"), options={"Size": "L"})))

    assert most_at_once(family) == 8
    assert most_at_once(unknown) is None
    assert most_at_once(replace(PAD_2, stock=4, max_quantity=3)) == 3
    assert most_at_once(replace(PAD_2, stock=4, in_stock=False)) == 0


async def test_an_answer_is_remembered_until_the_mirror_changes(
    shop: CountingReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = built_search(tmp_path, demo_documents()[:20], locale="en-AU", currency="AUD").index
    assert isinstance(index, TantivyIndex)
    reader = MirroredCatalogueReader(shop, StandingMirror(index), lambda: search_language("en-AU"), "AUD")
    asked = []
    search = index.search
    monkeypatch.setattr(index, "search", lambda question: asked.append(question) or search(question))
    first = await reader.search(SearchQuery(text="carbon paddle"))
    again = await reader.search(SearchQuery(text="carbon paddle"))
    assert (again, len(asked)) == (first, 1)
    await reader.search(SearchQuery(text="carbon paddle", size=3))
    assert len(asked) == 2
    writer = TantivyIndexWriter(tmp_path, locale="en-AU")
    writer.begin(1)
    writer.remove([demo_documents()[0].key])
    writer.commit()
    writer.close()
    index.refresh()
    assert (await reader.search(SearchQuery(text="carbon paddle"))).total == (first.total or 0) - 1


async def test_a_search_waits_for_a_mirror_that_is_about_to_be_ready(
    reader: MirroredCatalogueReader,
    mirror: StandingMirror,
    shop: CountingReader,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index, mirror.index = mirror.index, None

    async def become_ready() -> None:
        mirror.index = index

    monkeypatch.setattr(mirror, "wait_until_ready", become_ready)

    assert (await reader.search(SearchQuery(text="padle"))).searched_for == "paddle"
    assert shop.total == 0


async def test_few_hits_while_the_mirror_is_not_ready_say_that_it_is_worth_asking_again(
    reader: MirroredCatalogueReader, mirror: StandingMirror, shop: CountingReader
) -> None:
    mirror.index = None
    assert (await reader.search(SearchQuery(text="padle"))).hints[-1] == NOT_READY_TEXT
    shop.shop = MemoryBackend([replace(PAD_2, sku=Sku(f"PAD-{number}")) for number in range(4)])
    first = await reader.search(SearchQuery(text="paddle", size=3))
    rest = await reader.search(SearchQuery(text="paddle", size=3, after=first.next))
    assert (len(first.products), first.hints, len(rest.products), rest.hints) == (3, (), 1, ())


async def test_a_search_asks_the_shop_while_the_mirror_may_not_be_asked(
    reader: MirroredCatalogueReader, shop: CountingReader, mirror: StandingMirror
) -> None:
    mirror.index = None

    assert [one.sku for one in (await reader.search(SearchQuery(text="paddle"))).products] == ["PAD-2"]
    assert (await reader.product("PAD-2")).sku == "PAD-2"
    assert await reader.facets(CategoryId("10"))
    assert shop.calls == {"search": 1, "product": 1, "facets": 1}


@pytest.mark.parametrize(
    "change",
    [
        lambda _: None,
        lambda one: replace(one, searchable=False, listed=False),
        lambda one: replace(one, product=replace(one.product, in_stock=False)),
        lambda one: replace(one, product=replace(one.product, name=one.product.name.replace(" ", " New ", 1))),
        lambda one: replace(one, product=replace(one.product, categories=(CategoryId("999"),)), categories=()),
        lambda one: replace(one, product=replace(one.product, price=aud(100), list_price=aud(99_900))),
    ],
    ids=["deleted", "hidden", "sold out", "renamed", "moved", "repriced"],
)
async def test_a_product_may_change_while_an_agent_is_between_two_pages(
    change: Callable[[CatalogueDocument], CatalogueDocument | None], shop: CountingReader, tmp_path: Path
) -> None:
    index = built_search(tmp_path, demo_documents(), locale="en-AU", currency="AUD").index
    reader = MirroredCatalogueReader(shop, StandingMirror(index), lambda: search_language("en-AU"), "AUD")
    query = SearchQuery(text="paddle", sort="name", size=5)
    whole = await reader.search(replace(query, size=100))
    first = await reader.search(query)
    (changed,) = (one for one in demo_documents() if one.product.sku == whole.products[8].sku)
    written = change(changed)
    writer = TantivyIndexWriter(tmp_path, locale="en-AU")
    writer.begin(1)
    if written is None:
        writer.remove([changed.key])
    else:
        writer.put([written])
    writer.commit()
    writer.close()
    assert isinstance(index, TantivyIndex)
    index.refresh()

    shown, after = list(first.products), first.next
    while after is not None:
        page = await reader.search(replace(query, after=after))
        shown, after = [*shown, *page.products], page.next

    others = [one.sku for one in shown if one.sku != changed.product.sku]
    assert sorted(others) == sorted(one.sku for one in whole.products if one.sku != changed.product.sku)
    found = [one for one in shown if one.sku == changed.product.sku]
    if written is None or not written.searchable:
        assert not found
    else:
        (now,) = found
        assert (now.name, now.price, now.in_stock) == (
            written.product.name,
            written.product.price,
            written.product.in_stock,
        )
    assert shop.total == 0


async def test_a_cursor_of_the_mirror_is_refused_by_the_shop(
    alone: MirroredCatalogueReader, reader: MirroredCatalogueReader
) -> None:
    with pytest.raises(CursorRefused):
        await alone.search(SearchQuery(text="paddle", after="m10"))
    with pytest.raises(CursorRefused):
        await reader.search(SearchQuery(text="paddle", after="2"))


async def test_a_product_is_asked_of_the_shop_and_a_difference_is_told(
    reader: MirroredCatalogueReader, shop: CountingReader, mirror: StandingMirror
) -> None:
    assert (await reader.product("PAD-2")).as_of is None
    assert mirror.requests == []
    shop.shop = MemoryBackend([replace(PAD_2, price=aud(25000)), replace(PAD_2, sku=Sku("NEW-1"))])
    assert (await reader.product("PAD-2")).price == aud(25000)
    await reader.product("NEW-1")
    assert mirror.requests == ["PAD-2", "NEW-1"]


async def test_a_variants_sku_that_the_shop_does_not_find_leads_to_its_family(
    reader: MirroredCatalogueReader, shop: CountingReader
) -> None:
    product = await reader.product("TEE-BLACK-M")

    assert (product.sku, product.selected_variant) == ("TEE", TEE.variants[0])
    assert shop.calls["product"] == 2
    with pytest.raises(ProductNotFound):
        await reader.product("NO-SUCH-SKU")
    with pytest.raises(ProductNotFound):
        await reader.product("PAD-1")


async def test_a_product_of_a_shop_that_is_down_is_the_mirrors_and_marked(
    reader: MirroredCatalogueReader, shop: CountingReader
) -> None:
    shop.error = ShopDown()
    product = await reader.product("TEE-BLACK-M")

    assert (product.sku, product.stale, product.as_of) == ("TEE", True, "2027-01-01T12:00:00Z")
    assert product.selected_variant is not None
    with pytest.raises(ShopDown):
        await reader.product("NO-SUCH-SKU")


async def test_other_reads_go_to_the_shop(reader: MirroredCatalogueReader, shop: CountingReader) -> None:
    await reader.categories(None, depth=1)
    await reader.category("10")
    await reader.page("shipping")
    await reader.store_facts()

    assert shop.calls == {"categories": 1, "category": 1, "page": 1, "store_facts": 1}


async def test_without_a_mirror_a_search_that_finds_something_is_one_call(
    alone: MirroredCatalogueReader, shop: CountingReader
) -> None:
    page = await alone.search(SearchQuery(text="paddle", facets=True))

    assert (page.understood, page.hints, page.total) == (None, (), 1)
    assert shop.calls == {"search": 1}


async def test_without_a_mirror_phrases_and_fillers_are_taken_out_of_a_text_that_finds_nothing(
    alone: MirroredCatalogueReader, shop: CountingReader
) -> None:
    page = await alone.search(SearchQuery(text="I need a paddle under $300 in stock", size=1))

    assert [one.sku for one in page.products] == ["PAD-2"]
    assert page.understood == ReadConditions(max_price_minor=30000, in_stock=True)
    assert shop.calls == {"search": 2}
    assert (await alone.search(SearchQuery(text="paddle under $3"))).products == ()
    assert (await alone.search(SearchQuery(text="paddle under $300", price_max=aud(100)))).products == ()


async def test_without_a_mirror_pages_of_a_plainer_query_follow_each_other(shop: CountingReader) -> None:
    shop.shop = MemoryBackend([replace(PAD_2, sku=Sku(f"PAD-{number}")) for number in range(3)])
    alone = MirroredCatalogueReader(shop, None, lambda: search_language("en-AU"), "AUD")
    query = SearchQuery(text="a paddle under 300", size=2)
    first = await alone.search(query)
    second = await alone.search(replace(query, after=first.next))

    assert [one.sku for page in (first, second) for one in page.products] == ["PAD-0", "PAD-1", "PAD-2"]
    assert (first.next, second.next, second.understood) == ("p2", None, ReadConditions(max_price_minor=30000))


async def test_without_a_mirror_nothing_found_names_near_words_and_categories(
    alone: MirroredCatalogueReader, shop: CountingReader
) -> None:
    await alone.search(SearchQuery(text="paddle"))
    page = await alone.search(SearchQuery(text="padle on sale under 20 €"))

    assert page.hints == (
        "Prices are in AUD; the amount in another currency was left aside.",
        "This shop cannot be asked for reductions; a list_price shows one.",
        "Near words here: paddle.",
        "Try fewer or other words, or a category of list_categories: Pickleball, Jars.",
    )
    assert len(msgspec.json.encode(page.hints)) / TOKEN_BYTES <= 150


@pytest.mark.parametrize("text", ["", "paddle", "paddle under 20 dollars"])
async def test_without_a_mirror_bounds_that_contradict_each_other_are_told(
    alone: MirroredCatalogueReader, text: str
) -> None:
    stated = None if "under" in text else aud(2000)

    page = await alone.search(SearchQuery(text=text, price_min=aud(3000), price_max=stated))

    assert page.hints == (
        "No price is both AUD 30.00 or more and AUD 20.00 or less: the bounds contradict each other.",
    )


@pytest.mark.parametrize(("text", "left_out"), [("tee not black", "not black"), ("Tee ohne Kragen", "ohne kragen")])
async def test_without_a_mirror_what_is_not_wanted_is_left_out_of_the_words_and_said(
    alone: MirroredCatalogueReader, text: str, left_out: str
) -> None:
    page = await alone.search(SearchQuery(text=text))

    assert [one.sku for one in page.products] == ["TEE"]
    assert (page.relaxed, page.hints) == ((f"left out: {left_out}",), (shop_search.READ_EACH,))


async def test_without_a_mirror_a_name_with_a_negation_is_a_name() -> None:
    named = Product(sku=Sku("NOT"), name="Not Your Grandma's Pickles", price=aud(900))
    other = Product(sku=Sku("PICKLES"), name="Pickles", price=aud(900))
    shop = CountingReader(MemoryBackend([named, other]))
    alone = MirroredCatalogueReader(shop, None, lambda: search_language("en-AU"), "AUD")

    page = await alone.search(SearchQuery(text="Not Your Grandma's"))

    assert ([one.sku for one in page.products], page.relaxed, page.hints) == (["NOT"], (), ())


async def test_without_a_mirror_what_a_search_lists_is_read_once_and_its_text_only_if_it_finds_nothing(
    alone: MirroredCatalogueReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def words(text: str) -> list[str]:
        read.append(text)
        return text_words(text)

    monkeypatch.setattr(shop_search, "text_words", words)
    for _ in range(3):
        listed = await alone.search(SearchQuery(text="paddle"))

    assert read == [one.name for one in listed.products]


async def test_hints_are_no_reason_to_fail(shop: CountingReader, monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(*_: Any, **__: Any) -> Any:
        raise ShopDown

    alone = MirroredCatalogueReader(shop, None, lambda: search_language("en-AU"), "AUD")
    monkeypatch.setattr(shop, "categories", down)

    assert (await alone.search(SearchQuery(text="xyzzy"))).hints == ()


async def test_without_a_mirror_stock_is_filtered_here(shop: CountingReader) -> None:
    shop.shop = MemoryBackend([PAD_2, replace(PAD_2, sku=Sku("GONE"), in_stock=False)])
    alone = MirroredCatalogueReader(shop, None, lambda: search_language("en-AU"), "AUD")
    page = await alone.search(SearchQuery(text="paddle", in_stock=True))

    assert ([one.sku for one in page.products], page.total) == (["PAD-2"], None)


async def test_without_a_mirror_an_order_that_the_shop_does_not_know_is_left_aside_which_is_said(
    shop: CountingReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def search(query: SearchQuery) -> SearchPage:
        asked.append(query.sort)
        if query.sort != "relevance":
            raise FilterRefused(query.sort, ["relevance"])
        return SearchPage(products=(), total=0) if query.text == "xyzzy" else await MemoryBackend([PAD_2]).search(query)

    monkeypatch.setattr(shop, "search", search)
    alone = MirroredCatalogueReader(shop, None, lambda: search_language("en-AU"), "AUD")
    page = await alone.search(SearchQuery(text="paddle", sort="best_selling"))

    assert [one.sku for one in page.products] == ["PAD-2"]
    assert page.hints == ("This shop cannot sort by best selling: its own order is kept.",)
    assert asked == ["best_selling", "relevance"]
    with pytest.raises(FilterRefused):
        await alone.search(SearchQuery(text="paddle", sort="newest"))


async def test_without_a_mirror_a_bound_on_prices_says_that_required_options_may_cost_extra(
    shop: CountingReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    mug = ProductSummary(sku=Sku("MUG"), name="Mug", price=aud(1900), choose="options")

    async def search(_query: SearchQuery) -> SearchPage:
        return SearchPage(products=(mug,), total=1)

    monkeypatch.setattr(shop, "search", search)
    alone = MirroredCatalogueReader(shop, None, lambda: search_language("en-AU"), "AUD")

    assert (await alone.search(SearchQuery(text="mug", price_max=aud(2000)))).hints == (shop_search.EXTRA_COST,)
    assert not (await alone.search(SearchQuery(text="mug"))).hints


async def test_the_tool_says_what_was_understood_within_its_budget(reader: MirroredCatalogueReader) -> None:
    shop = replace(shop_on(MemoryBackend()), backend=reader, store=STORE)
    ten = await use(shop, "search_products", query="padle under 200 in stock")
    tees = await use(shop, "search_products", query="tees")
    zero = await use(shop, "search_products", query="paddle", max_price_minor=500)
    nothing = await use(shop, "search_products", query="xyzzy")
    sizes = [len(msgspec.json.encode(one)) / TOKEN_BYTES for one in (ten, tees, zero, nothing)]

    assert (ten.did_you_mean, ten.understood.in_stock) == ("paddle", True)
    assert {facet.code for facet in ten.facets} == {"price", "skill"}
    assert sizes[0] <= 900
    assert sizes[1] <= 900
    assert max(sizes[2:]) <= 150
    for one in (*ten.products, *tees.products):
        assert len(msgspec.json.encode(replace(one, list_price=None))) / TOKEN_BYTES <= 45
    assert (zero.hints[0], zero.notice) == ("None under AUD 5.00; from AUD 18.00 (PAD-W4).", None)


async def test_the_tool_filters_by_what_facets_name(reader: MirroredCatalogueReader) -> None:
    shop = replace(shop_on(MemoryBackend()), backend=reader, store=STORE)
    found = await use(
        shop, "search_products", query="tee", filters={"color": ["Black"], "Size": ["M"]}, in_stock=True, facets="none"
    )

    assert "TEE-BLACK-M" in [product.variant for product in found.products]
    assert found.facets == ()
    with pytest.raises(FilterRefused, match="color, heat, size, skill"):
        await use(shop, "search_products", filters={"material": ["Wool"]})


async def test_what_the_shop_names_stands_beside_a_product_else_what_is_like_it(
    shop: CountingReader, tmp_path: Path
) -> None:
    named = {"related": (Sku("COVER-1"), Sku("GONE")), "accessories": (Sku("TRAIN-7"), Sku("GRIP-REP"))}
    documents = [
        replace(document, **named) if document.product.sku == "PAD-1" else document for document in demo_documents()
    ]
    search = built_search(tmp_path, documents, locale="en-AU", currency="AUD")
    mirror = StandingMirror(search.index)
    reader = MirroredCatalogueReader(shop, mirror, lambda: search_language("en-AU"), "AUD")
    tools = replace(shop_on(MemoryBackend()), backend=reader, guide=reader)
    related = await use(tools, "get_related_products", sku="PAD-1")
    alternatives = await use(tools, "get_related_products", sku="PAD-1", kind="alternatives", page_size=3)
    accessories = await use(tools, "get_related_products", sku="PAD-1", kind="accessories")
    with_sold_out = await use(tools, "get_related_products", sku="PAD-1", kind="accessories", in_stock=False)

    assert (related.source, [one.sku for one in related.products]) == ("shop", ["COVER-1"])
    assert (alternatives.source, len(alternatives.products)) == ("similar", 3)
    assert all(one.sku.startswith("PAD-") and one.sku != "PAD-1" for one in alternatives.products)
    assert [one.sku for one in accessories.products] == ["GRIP-REP"]
    assert [one.sku for one in with_sold_out.products] == ["TRAIN-7", "GRIP-REP"]
    assert related.as_of == "2027-01-01T12:00:00Z"
    assert shop.total == 0
    with pytest.raises(ProductNotFound):
        await use(tools, "get_related_products", sku="NO-SUCH-SKU")
    mirror.index = None
    assert (await use(tools, "get_related_products", sku="PAD-2")).source == "similar"


async def test_arguments_are_completed_from_the_mirror_and_no_key_stroke_asks_the_shop(
    reader: MirroredCatalogueReader, shop: CountingReader, mirror: StandingMirror
) -> None:
    tools = replace(shop_on(MemoryBackend()), backend=reader, guide=reader)

    assert await category_names("pick", tools) == ["Pickle hampers", "Pickleball", "Pickles", "Pickling at home"]
    assert await complete_properties("ski", tools) == ["Skill level"]
    assert await complete_properties("price, beg", tools) == ["price, Beginner"]
    assert "2 nets; Beach Net" in await complete_list("2 nets;beach n", tools)
    assert (await complete_list("salt\nnapa k", tools))[:2] == ["salt\nNapa Kimchi, 1 kg", "salt\nNapa Kimchi, 480 g"]
    assert shop.total == 0

    mirror.index = None
    assert (await complete_properties("ski", tools), await complete_list("kim", tools)) == ([], [])
    assert shop.total == 0
    await category_names("pick", tools)
    assert shop.calls == {"categories": 1}


async def test_skus_are_completed_from_the_mirror(
    reader: MirroredCatalogueReader, shop: CountingReader, mirror: StandingMirror
) -> None:
    tools = replace(shop_on(MemoryBackend()), backend=reader, guide=reader)

    assert await complete_sku("pad-j", tools) == [f"PAD-J{number}" for number in range(1, 7)]
    assert shop.total == 0
    mirror.index = None
    assert await complete_sku("paddle", tools) == ["PAD-2"]


async def test_without_a_mirror_a_list_that_finds_nothing_is_to_be_searched_one_by_one(
    alone: MirroredCatalogueReader,
) -> None:
    assert (await alone.search(SearchQuery(text="xyzzy, plugh"))).hints[0] == shop_search.ONE_BY_ONE
    assert shop_search.ONE_BY_ONE not in (await alone.search(SearchQuery(text="xyzzy"))).hints
