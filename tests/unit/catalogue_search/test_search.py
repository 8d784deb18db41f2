"""A search over an index: what is understood, given up and hinted at, and what is never given up."""

from pathlib import Path
from typing import cast

import msgspec
import pytest
from hypothesis import given, settings, strategies as st
from msgspec.structs import replace

from storefront_mcp.catalogue.document import CatalogueDocument, DocumentAttribute
from storefront_mcp.catalogue.search import APART_TEXT, UNKNOWN_ORDERS, CatalogueSearch
from storefront_mcp.catalogue.summaries import summary_of
from storefront_mcp.commerce.errors import CursorRefused
from storefront_mcp.commerce.ids import CategoryId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import CustomOption, OptionAxis, OptionValue, Product, ProductSummary, Variant
from storefront_mcp.commerce.search import ReadConditions, SearchPage, SearchQuery, Sort
from storefront_mcp.commerce.search_errors import FilterRefused
from tests.fakes.demo_documents import demo_documents
from tests.unit.catalogue_search.conftest import built_search

WORDS = "paddle padle tee black M kimchi under 20 over 5 net sale cheapest in stock xyzzy between 10 and 30 $ €".split()


def ask(search: CatalogueSearch, text: str = "", **more: object) -> SearchPage:
    return search.search(SearchQuery(text=text, **more))  # type: ignore[arg-type]


def skus(page: SearchPage) -> list[str]:
    return [product.sku for product in page.products]


def test_what_was_understood_is_said(warehouse: CatalogueSearch) -> None:
    page = ask(warehouse, "padle under 200 in stock")

    assert page.understood == ReadConditions(max_price_minor=20000, in_stock=True)
    assert (page.searched_for, page.relaxed) == ("paddle", ())
    assert all(product.price.minor <= 20000 and product.in_stock for product in page.products)


def test_values_in_a_text_hold_in_one_variant_which_is_named(warehouse: CatalogueSearch) -> None:
    page = ask(warehouse, "t-shirt for men black M")

    assert page.understood == ReadConditions(filters={"color": ("Black",), "size": ("M",)})
    assert page.relaxed == ("left out: men",)
    assert "TEE-BLACK-M" in [product.variant for product in page.products]


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("green tee XL", ()),
        ("grünes T-Shirt XL", ()),
        ("tee", (("color", ("Green",)), ("size", ("XL",)))),
        ("green XL", ()),
    ],
)
def test_a_row_whose_one_fitting_variant_is_sold_out_says_so_and_comes_behind_those_that_can_be_bought(
    warehouse: CatalogueSearch, text: str, filters: tuple[tuple[str, tuple[str, ...]], ...]
) -> None:
    page = ask(warehouse, text, filters=filters, size=50)
    (sold_out,) = [one for one in page.products if one.variant == "TEE-GREEN-XL"]

    assert not sold_out.in_stock
    stock = [one.in_stock for one in page.products]
    assert stock == sorted(stock, reverse=True)
    by_page = [one for at in range(page.total or 0) for one in _page_of_one(warehouse, text, filters, at).products]
    assert by_page == list(page.products)


def _page_of_one(
    warehouse: CatalogueSearch, text: str, filters: tuple[tuple[str, tuple[str, ...]], ...], at: int
) -> SearchPage:
    return ask(warehouse, text, filters=filters, size=1, after=f"m{at}")


def test_a_row_is_sold_out_where_each_of_several_fitting_variants_is(tmp_path: Path) -> None:
    colours = DocumentAttribute(code="color", label="Colour", values=("Red", "Blue"), filterable=True, axis=True)
    sizes = DocumentAttribute(code="size", label="Size", values=("S", "M"), filterable=True, axis=True)
    variants = tuple(
        Variant(sku=Sku(f"T-{colour}-{size}"), options={"Colour": colour, "Size": size}, in_stock=colour == "Blue")
        for colour in ("Red", "Blue")
        for size in ("S", "M")
    )
    tee = Product(sku=Sku("T"), name="Tee", price=Money(1000, "AUD"), variants=variants)
    document = CatalogueDocument(key="1", product=tee, attributes=(colours, sizes))
    search = built_search(tmp_path, [document], locale="en-AU", currency="AUD")

    assert [one.in_stock for text in ("red tee", "blue tee", "tee S", "tee") for one in ask(search, text).products] == [
        False,
        True,
        True,
        True,
    ]


def test_a_value_that_fits_no_product_is_a_word(warehouse: CatalogueSearch) -> None:
    page = ask(warehouse, "white kimchi")

    assert skus(page)[:1] == ["FER-WHITE-L"] or skus(page)[:1] == ["FER-WHITE"]
    assert page.understood is None


def test_what_the_caller_sends_counts_before_what_the_text_says(warehouse: CatalogueSearch) -> None:
    page = ask(warehouse, "paddles under 200", price_max=Money(3000, "AUD"), sort="price_high")

    assert page.understood is None
    assert page.products[0].price.minor <= 3000


def test_a_variants_sku_finds_its_family_and_names_it(warehouse: CatalogueSearch) -> None:
    (product,) = ask(warehouse, "cap green sm").products

    assert product.sku == "CAP"
    assert product.selected_variant is not None
    assert product.selected_variant.sku == "CAP-GREEN-SM"


@pytest.mark.parametrize(
    "more",
    [
        {"price_max": Money(100, "AUD")},
        {"price_min": Money(90000, "AUD")},
        {"in_stock": False},
        {"on_sale": True},
        {"category": CategoryId("24")},
    ],
)
def test_a_sku_beyond_a_stated_bound_is_not_found(warehouse: CatalogueSearch, more: dict[str, object]) -> None:
    assert "PAD-1" not in skus(ask(warehouse, "PAD-1", **more))


def test_a_plain_word_that_is_a_sku_too_is_a_word(warehouse: CatalogueSearch) -> None:
    assert len(ask(warehouse, "hood").products) > 1
    assert skus(ask(warehouse, "HOOD")) == ["HOOD"]


def test_words_are_given_up_one_at_a_time_and_what_misses_is_said(warehouse: CatalogueSearch) -> None:
    page = ask(warehouse, "waterproof kimchi")

    assert page.relaxed == ("all words but one",)
    assert page.products[0].match == "not waterproof"


def test_any_word_will_do_in_the_end(warehouse: CatalogueSearch) -> None:
    page = ask(warehouse, "espresso mandoline trolley")

    assert page.relaxed == ("any word",)
    assert page.total


def test_unknown_words_alone_leave_the_conditions(warehouse: CatalogueSearch) -> None:
    page = ask(warehouse, "xyzzy under 8")

    assert page.relaxed == ("words left out, conditions kept",)
    assert {product.price.minor <= 800 for product in page.products} == {True}


def test_fillers_beside_a_condition_ask_for_everything(warehouse: CatalogueSearch) -> None:
    page = ask(warehouse, "all products on sale")

    assert (page.total, page.understood) == (13, ReadConditions(on_sale=True))


def test_nothing_found_says_the_nearest_price(warehouse: CatalogueSearch) -> None:
    page = ask(warehouse, "paddle", price_max=Money(500, "AUD"))

    assert (page.total, page.products) == (0, ())
    assert page.hints == ("None under AUD 5.00; from AUD 18.00 (PAD-W4).",)
    assert ask(warehouse, "sock over 99").hints == ("None over AUD 99.00; up to AUD 24.00 (SOCK-WOOL).",)


@pytest.mark.parametrize(
    ("text", "kind"), [("jars under $10", "jars"), ("jars $10 or less", "jars"), ("Netz unter 50", "netz")]
)
def test_a_hint_says_of_what_kind_there_is_none_beside_what_was_found(
    warehouse: CatalogueSearch, text: str, kind: str
) -> None:
    page = ask(warehouse, text)

    assert page.total
    assert [hint.partition(" under AUD ")[0] for hint in page.hints] == [f'No "{kind}"']


def test_bounds_that_contradict_each_other_are_told_as_such(warehouse: CatalogueSearch) -> None:
    told = ("No price is both AUD 30.00 or more and AUD 20.00 or less: the bounds contradict each other.",)

    assert ask(warehouse, "tee", price_min=Money(3000, "AUD"), price_max=Money(2000, "AUD")).hints == told
    assert ask(warehouse, "tee under $20", price_min=Money(3000, "AUD")).hints == told
    assert ask(warehouse, "", price_min=Money(3000, "AUD"), price_max=Money(2000, "AUD")).hints == told


def test_nothing_found_says_what_is_sold_out_and_what_is_not_reduced(warehouse: CatalogueSearch) -> None:
    assert ask(warehouse, "tether in stock").hints == ("Sold out: Serve Trainer Tether (TRAIN-7).",)
    assert ask(warehouse, "mandoline on sale").hints == ("None of 1 is reduced.",)


def test_nothing_found_says_what_nothing_has_and_where_to_begin(warehouse: CatalogueSearch) -> None:
    page = ask(warehouse, "xyzzy")

    assert page.hints[0] == "No product has: xyzzy."
    assert page.hints[1].startswith("Categories here: Pickles, ")
    assert len(msgspec.json.encode(page)) / 4 <= 150


def test_another_currency_is_said(warehouse: CatalogueSearch) -> None:
    page = ask(warehouse, "paddle under 20 €")

    assert page.hints == ("Prices are in AUD; the amount in another currency was left aside.",)
    assert page.understood is None


def test_filters_go_by_code_or_label_and_whatever_case(warehouse: CatalogueSearch) -> None:
    by_code = ask(warehouse, filters=(("color", ("Black",)), ("size", ("M",))))

    assert by_code.total
    assert by_code.products == ask(warehouse, filters=(("Colour", ("black",)), ("SIZE", ("m",)))).products
    assert by_code.products == ask(warehouse, filters=(("Color", ("black",)), ("sizes", ("m",)))).products


@pytest.mark.parametrize(
    ("filters", "said"),
    [((("material", ("Wool",)),), "color, heat, size, skill"), ((("heat", ("Nuclear",)),), "Hot, Medium, Mild")],
)
def test_a_filter_that_there_is_not_is_refused_with_those_that_there_are(
    warehouse: CatalogueSearch, filters: tuple[tuple[str, tuple[str, ...]], ...], said: str
) -> None:
    with pytest.raises(FilterRefused, match=said):
        ask(warehouse, filters=filters)


def test_pages_follow_each_other_without_a_gap(warehouse: CatalogueSearch) -> None:
    seen: list[str] = []
    after: str | None = None
    while True:
        page = ask(warehouse, "kimchi", size=5, after=after)
        seen += skus(page)
        after = page.next
        if after is None:
            break

    assert len(seen) == len(set(seen)) == page.total


@pytest.mark.parametrize("after", ["7", "m", "mx", "m-1", "m1.5", ""])
def test_a_foreign_position_is_refused(warehouse: CatalogueSearch, after: str) -> None:
    with pytest.raises(CursorRefused):
        ask(warehouse, "kimchi", after=after)


def test_facets_have_codes_and_counts_and_the_prices(warehouse: CatalogueSearch) -> None:
    page = ask(warehouse, "tees", facets=True)
    prices, *facets = page.facets

    assert (prices.code, prices.min_minor, prices.max_minor) == ("price", 2400, 4500)
    assert [facet.code for facet in facets] == ["size", "color"]
    assert {value.label: value.count for value in facets[0].values} == {"S": 7, "M": 7, "L": 7, "XL": 7}
    assert ask(warehouse, "PAD-1", facets=True).facets == ()


def test_an_operators_synonyms_add_to_the_general_ones(tmp_path: Path) -> None:
    lines = ["# ours", "sour spheres > kimchi", "thingummy, visor"]
    search = built_search(tmp_path, demo_documents(), locale="en-AU", currency="AUD", synonyms=lines)

    assert all(
        "kimchi" in sku.lower() or sku.startswith(("FER-", "KIT", "SPICE", "HAMP", "BOOK"))
        for sku in skus(ask(search, "sour spheres"))
    )
    assert skus(ask(search, "thingummy"))[0] == "VISOR"
    assert ask(search, "rucksack").total


def test_german_compounds_are_found_by_their_end_their_parts_and_together(kaufhaus: CatalogueSearch) -> None:
    assert set(skus(ask(kaufhaus, "Jacke"))) == {"JA-REGEN", "JA-WINTER", "JA-STRICK", "JA-LAUF"}
    assert skus(ask(kaufhaus, "Regen Jacke"))[0] == "JA-REGEN"
    assert skus(ask(kaufhaus, "Hausschuh"))[0] == "SC-HAUS"
    assert skus(ask(kaufhaus, "bread knife")) == ["KU-MESSER"]
    assert ask(kaufhaus, "etwas für den Garten").total == 1


@given(st.lists(st.sampled_from(WORDS), max_size=8), st.integers(0, 50_000), st.integers(0, 50_000))
@settings(deadline=None)
def test_no_answer_leaves_a_price_bound_that_the_caller_stated(
    warehouse: CatalogueSearch, words: list[str], first: int, second: int
) -> None:
    low, high = sorted((first, second))
    page = ask(warehouse, " ".join(words), price_min=Money(low, "AUD"), price_max=Money(high, "AUD"))

    assert all(low <= product.price.minor <= high for product in page.products)


@given(st.text(max_size=200))
@settings(deadline=None)
def test_no_text_breaks_a_search(warehouse: CatalogueSearch, text: str) -> None:
    page = ask(warehouse, text)

    assert page.total is not None
    assert len(page.products) <= min(page.total, 10)


@pytest.mark.parametrize(
    ("text", "first", "corrected"),
    [
        ("dufflebag", "BAG-T2", None),
        ("Weihnachtsgeschenke", "FUN-4", None),
        ("raquet wooden", "PAD-W", "racquet wooden"),
        ("gherk bell", "FUN-4", None),
        ("lip blam", "FUN-6", "lip balm"),
        ("score board", "SCORE-1", None),
    ],
)
def test_words_that_the_catalogue_does_not_have_lead_to_what_they_mean(
    warehouse: CatalogueSearch, text: str, first: str, corrected: str | None
) -> None:
    page = ask(warehouse, text)

    assert skus(page)[0].startswith(first)
    assert page.searched_for == corrected


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("green skort medium", {"color": ("Green",), "size": ("M",)}),
        ("size M tee", {"size": ("M",)}),
        ("schwarze Socken", {"color": ("Black",)}),
        ("skill level advanced paddle", {"skill": ("Advanced",)}),
    ],
)
def test_values_are_recognised_by_other_words_and_beside_the_name_of_their_attribute(
    warehouse: CatalogueSearch, text: str, filters: dict[str, tuple[str, ...]]
) -> None:
    page = ask(warehouse, text)

    assert page.understood == ReadConditions(filters=filters)
    assert page.relaxed == ()


@pytest.mark.parametrize(
    "text",
    [
        "5 metres",
        "2 metre net",
        "tape 2 metres",
        "two metre net",
        "litre bottle",
        "2 Meter Netz",
        "cadeau pour ma mère",
    ],
)
def test_a_measure_is_no_size_of_clothes(warehouse: CatalogueSearch, text: str) -> None:
    page = ask(warehouse, text)

    assert (page.understood, page.searched_for) == (None, None)
    assert not any(product.sku.startswith(("TEE", "SK", "TANK")) for product in page.products[:1])


def test_a_measure_in_full_finds_its_sign(warehouse: CatalogueSearch) -> None:
    assert skus(ask(warehouse, "5 metres of tape"))[0] == "CARE-2"
    assert skus(ask(warehouse, "tape 1 meter"))[0] == "CARE-4"


def test_no_size_is_read_from_a_measure_in_german(kaufhaus: CatalogueSearch) -> None:
    assert ask(kaufhaus, "Jacke 2 Meter").understood is None
    assert ask(kaufhaus, "Jacke M").understood == ReadConditions(filters={"groesse": ("M",)})


@pytest.mark.parametrize("text", ["blck tee", "shwarz socks", "tee medum"])
def test_a_correction_adds_no_filter(warehouse: CatalogueSearch, text: str) -> None:
    page = ask(warehouse, text)

    assert page.searched_for is not None
    assert page.understood is None


def test_a_word_that_the_lists_know_is_not_corrected(warehouse: CatalogueSearch) -> None:
    page = ask(warehouse, "mens cap")

    assert (page.searched_for, page.relaxed) == (None, ("left out: mens",))


def test_a_translated_word_is_found_within_compounds(kaufhaus: CatalogueSearch) -> None:
    assert "JA-REGEN" in skus(ask(kaufhaus, "jacket"))
    assert skus(ask(kaufhaus, "Kopfhoerer"))[0] == "TE-KOPF"
    assert skus(ask(kaufhaus, "Jacken für den Regen"))[0] == "JA-REGEN"


@pytest.mark.parametrize("sort", ["best_selling", "rating"])
def test_an_order_that_the_shop_tells_nothing_for_is_left_aside_which_is_said(
    warehouse: CatalogueSearch, sort: str
) -> None:
    asked = ask(warehouse, "kimchi", sort=sort)
    assert skus(asked) == skus(ask(warehouse, "kimchi"))
    assert asked.hints == (UNKNOWN_ORDERS[cast("Sort", sort)].format(order="the best match comes first"),)
    further = ask(warehouse, "kimchi", sort=sort, after=asked.next)
    assert skus(further) == skus(ask(warehouse, "kimchi", after=asked.next)), "pages go on in the same order"
    words = {"best_selling": "best selling kimchi", "rating": "top rated kimchi"}[sort]

    told = ask(warehouse, words)
    assert skus(told) == skus(ask(warehouse, "kimchi"))
    assert told.understood is None, "nobody is told of an order that the products do not have"
    assert told.hints == (UNKNOWN_ORDERS[cast("Sort", sort)].format(order="the best match comes first"),)
    assert ask(warehouse, "xyzzy", sort=sort).total == 0


def test_an_order_that_the_shop_tells_enough_for_is_kept(tmp_path: Path) -> None:
    rated = [replace(one, rating=4.5) if one.product.sku == "FER-KIMV" else one for one in demo_documents()]
    search = built_search(tmp_path, rated, locale="en-AU", currency="AUD")

    assert skus(ask(search, "kimchi", sort="rating"))[0] == "FER-KIMV"
    told = ask(search, "top rated kimchi")
    assert told.understood is not None
    assert (told.understood.sort, told.hints) == ("rating", ())


def test_an_order_in_a_text_is_not_said_to_be_kept_where_words_were_given_up(tmp_path: Path) -> None:
    rated = [replace(one, rating=4.5) for one in demo_documents()]
    told = ask(built_search(tmp_path, rated, locale="en-AU", currency="AUD"), "top rated kimchi bicycle paddle")
    assert told.relaxed
    assert told.understood is None


def test_the_dearest_paddle_is_no_set(warehouse: CatalogueSearch) -> None:
    assert skus(ask(warehouse, "most expensive paddle"))[0] == "PAD-1"


def test_in_a_category_by_price_its_kind_of_thing_comes_before_dearer_sets(warehouse: CatalogueSearch) -> None:
    paged: list[str] = []
    prices: list[int] = []
    hints: set[tuple[str, ...]] = set()
    after: str | None = None
    while True:
        page = ask(warehouse, category="4", sort="price_high", size=7, after=after)
        hints.add(page.hints)
        paged += skus(page)
        prices += [product.price.minor for product in page.products]
        after = page.next
        if after is None:
            break

    assert (paged[0], len(paged), len(set(paged))) == ("PAD-1", page.total, page.total)
    others = [at for at, sku in enumerate(paged) if sku.startswith("SET-")]
    assert others, "sets are still there"
    assert hints == {(APART_TEXT.format(len(others)),)}, "said on each page"
    assert min(others) > paged.index("PAD-24")
    assert prices[: min(others)] == sorted(prices[: min(others)], reverse=True)


def test_a_category_of_many_kinds_is_in_one_order(warehouse: CatalogueSearch) -> None:
    page = ask(warehouse, category="55", sort="price_high", size=40)
    prices = [product.price.minor for product in page.products]
    assert prices == sorted(prices, reverse=True)
    assert page.hints == ()


@pytest.mark.parametrize("sort", UNKNOWN_ORDERS)
def test_what_is_in_no_order_without_words_comes_by_name(warehouse: CatalogueSearch, sort: Sort) -> None:
    page = ask(warehouse, "", category="4", sort=sort, size=50)
    names = [product.name for product in page.products]
    assert names == sorted(names, key=str.casefold)
    assert page.hints == (UNKNOWN_ORDERS[sort].format(order="they come by name"),)


def test_a_word_of_a_name_is_no_other_word_for_a_filters_value(warehouse: CatalogueSearch) -> None:
    assert sorted(skus(ask(warehouse, "pro paddle"))[:2]) == ["PAD-1", "PAD-2"]
    assert sorted(skus(ask(warehouse, "pro 14"))[:1]) == ["PAD-1"]


def test_the_best_of_a_kind_goes_by_ratings_and_says_when_there_are_none(warehouse: CatalogueSearch) -> None:
    page = ask(warehouse, "best paddle under $100")
    assert page.hints == ("None of these has a rating: the dearest come first instead.",)
    assert page.relaxed == ()


def test_a_rating_of_what_only_mentions_the_words_is_no_order_of_what_is_shown(tmp_path: Path) -> None:
    rated = [replace(one, rating=5.0) if one.product.sku == "JAR-DILL" else one for one in demo_documents()]
    search = built_search(tmp_path, rated, locale="en-AU", currency="AUD")
    page = ask(search, "jar", sort="rating", size=50)

    assert page.hints == ("None of these has a rating: the best match comes first instead.",)
    assert skus(page) == skus(ask(search, "jar", size=50))


@pytest.mark.parametrize("text", ["which colours does the club tee come in", "what sizes are there for the Club Tee?"])
def test_a_question_about_an_attribute_finds_the_product_it_is_about(warehouse: CatalogueSearch, text: str) -> None:
    found = warehouse.search(SearchQuery(text=text))
    assert skus(found) == ["TEE"]
    assert found.products[0].options == {"Colour": "Black, Blue, Green", "Size": "S to XL"}
    assert found.products[0].match is None


@pytest.mark.parametrize("text", ["compare pro 16 and pro 14", "the pro 14 vs the pro 16", "gherkin pro 14 versus 16"])
def test_things_that_are_compared_come_first(warehouse: CatalogueSearch, text: str) -> None:
    found = warehouse.search(SearchQuery(text=text))
    assert sorted(skus(found)[:2]) == ["PAD-1", "PAD-2"]
    assert found.searched_for is None


def test_values_that_are_compared_stay_filters(warehouse: CatalogueSearch) -> None:
    found = warehouse.search(SearchQuery(text="difference between black and white tee"))
    assert all("tee" in product.name.casefold() for product in found.products[:3])


@pytest.mark.parametrize(
    ("text", "meant"),
    [("padels", "paddles"), ("padles and shrits", "paddles or shirt"), ("or something similar to padels", None)],
)
def test_doubled_letters_and_plurals_are_corrected_too(
    warehouse: CatalogueSearch, text: str, meant: str | None
) -> None:
    found = warehouse.search(SearchQuery(text=text))
    assert found.searched_for is not None
    assert meant in (None, found.searched_for)
    assert found.total


def test_the_quantity_is_understood_and_finds_what_the_words_find(warehouse: CatalogueSearch) -> None:
    two, plain = (warehouse.search(SearchQuery(text=text)) for text in ("two paddles", "paddles"))
    assert two.understood == ReadConditions(quantity=2)
    assert two.products == plain.products


def test_rows_tell_what_can_be_chosen_and_what_that_costs_at_least() -> None:
    def row(*options: CustomOption) -> ProductSummary:
        product = Product(sku=Sku("MUG"), name="Mug", price=Money(1900, "AUD"), custom_options=options)
        return summary_of(CatalogueDocument(key="1", product=product))

    text = CustomOption(id="1", title="Engraving", kind="text", surcharge=Money(500, "AUD"))
    sizes = (OptionValue(id="2", title="S", surcharge=Money(100, "AUD")), OptionValue(id="3", title="L"))
    size = CustomOption(id="4", title="Size", kind="choice", values=sizes[:1], required=True)
    plain = row(text)
    assert (plain.options, plain.choose, plain.from_price) == (
        {"Engraving": "text, optional, +AUD 5.00"},
        None,
        None,
    )
    dear = row(replace(text, required=True), size)
    assert dear.options == {"Engraving": "text, +AUD 5.00", "Size": "S +AUD 1.00"}
    assert (dear.choose, dear.from_price) == ("options", Money(2500, "AUD"))
    assert row(replace(size, values=sizes)).from_price is None
    untold, free = (row(replace(text, required=True, surcharge=cost)) for cost in (None, Money(0, "AUD")))
    assert (untold.options, free.options) == ({"Engraving": "text, may cost extra"}, {"Engraving": "text"})


def test_a_bound_and_an_order_by_price_count_what_required_options_cost_at_least(tmp_path: Path) -> None:
    engraving = CustomOption(id="1", title="Engraving", kind="text", required=True, surcharge=Money(500, "AUD"))
    mugs = [
        Product(sku=Sku("MUG-1"), name="Engraved Mug", price=Money(1900, "AUD"), custom_options=(engraving,)),
        Product(sku=Sku("PLAIN"), name="Plain Mug", price=Money(2000, "AUD")),
        Product(
            sku=Sku("UNTOLD"),
            name="Signed Mug",
            price=Money(1950, "AUD"),
            custom_options=(replace(engraving, surcharge=None),),
        ),
    ]
    documents = [CatalogueDocument(key=str(at), product=one) for at, one in enumerate(mugs)]
    search = built_search(tmp_path, documents, locale="en-AU", currency="AUD")

    found = search.search(SearchQuery(text="mug up to 20", sort="price_low"))
    dearer = search.search(SearchQuery(text="mug", price_min=Money(2100, "AUD")))

    assert [one.sku for one in found.products] == ["UNTOLD", "PLAIN"]
    assert found.products[0].options == {"Engraving": "text, may cost extra"}
    assert [(one.sku, one.from_price) for one in dearer.products] == [("MUG-1", Money(2400, "AUD"))]
    by_sku = search.search(SearchQuery(text="MUG-1", price_max=Money(2000, "AUD")))
    assert "MUG-1" not in [one.sku for one in by_sku.products]


@pytest.mark.parametrize("text", ["top paddle under 250", "your top 3 paddles", "top rated paddle"])
def test_a_top_paddle_is_the_best_one_and_no_clothing(warehouse: CatalogueSearch, text: str) -> None:
    found = warehouse.search(SearchQuery(text=text))
    assert found.products
    assert all("Paddle" in one.name for one in found.products)


def test_a_top_for_women_is_clothing(warehouse: CatalogueSearch) -> None:
    found = warehouse.search(SearchQuery(text="top for women"))
    assert found.understood is None
    assert not any("Paddle" in one.name for one in found.products)


def test_a_misspelt_cheapest_is_an_order_too(warehouse: CatalogueSearch) -> None:
    found = warehouse.search(SearchQuery(text="cheepest wooden padle"))
    assert found.products[0].sku == "PAD-W4"
    assert found.understood == ReadConditions(sort="price_low")


def test_what_only_mentions_the_words_within_a_bound_comes_with_the_nearest_price(warehouse: CatalogueSearch) -> None:
    found = warehouse.search(SearchQuery(text="carbon paddle under 100"))
    assert not any("Carbon Paddle" in one.name for one in found.products)
    assert found.hints[0].startswith('No "carbon paddle" under AUD 100.00; from AUD ')
    enough = warehouse.search(SearchQuery(text="carbon paddle under 200"))
    assert not enough.hints


def test_of_two_sizes_no_variant_is_the_only_one(warehouse: CatalogueSearch) -> None:
    tee = next(
        one for one in warehouse.search(SearchQuery(text="black club tee, M and L")).products if one.sku == "TEE"
    )
    assert tee.variant is None


def test_values_of_options_are_found(tmp_path: Path) -> None:
    size = CustomOption(id="1", title="Size", kind="choice", values=(OptionValue(id="2", title="Jumbo"),))
    mug = Product(sku=Sku("MUG"), name="Mug", price=Money(1900, "AUD"), custom_options=(size,))
    search = built_search(tmp_path, [CatalogueDocument(key="1", product=mug)], locale="en-AU", currency="AUD")
    assert search.search(SearchQuery(text="jumbo mug")).relaxed == ()


@pytest.mark.parametrize("text", ["best paddle under 250", "top paddle for at most $250"])
def test_the_best_within_a_bound_are_the_dearest_where_none_has_a_rating(warehouse: CatalogueSearch, text: str) -> None:
    found = warehouse.search(SearchQuery(text=text))
    assert [one.price.minor for one in found.products[:2]] == [24_900, 24_900]
    assert found.hints == ("None of these has a rating: the dearest come first instead.",)
    assert all("Paddle" in one.name for one in found.products)


def test_a_row_says_what_each_of_few_choices_costs_more() -> None:
    [document] = [one for one in demo_documents() if one.product.sku == "GIFT-MUG"]
    values = (OptionValue(id="1", title="Small"), OptionValue(id="2", title="Large", surcharge=Money(300, "AUD")))
    option = CustomOption(id="1", title="Mug size", kind="choice", required=True, values=values)
    product = replace(document.product, custom_options=(option,))

    assert summary_of(replace(document, product=product)).options == {"Mug size": "Small, Large +AUD 3.00"}


def test_of_many_choices_a_row_says_the_most_that_one_costs_more() -> None:
    [document] = [one for one in demo_documents() if one.product.sku == "GIFT-MUG"]
    values = tuple(OptionValue(id=str(cents), title="A", surcharge=Money(cents, "AUD")) for cents in (0, 100, 900, 50))
    option = CustomOption(id="1", title="Glaze", kind="choice", required=True, values=values)
    product = replace(document.product, custom_options=(option,))

    assert summary_of(replace(document, product=product)).options == {"Glaze": "4 choices, up to +AUD 9.00"}


def test_in_stock_false_finds_what_is_sold_out_alone(warehouse: CatalogueSearch) -> None:
    found = ask(warehouse, "paddle", in_stock=False, size=50).products
    assert found
    assert not [product.sku for product in found if product.in_stock]


def test_a_reduced_product_tells_what_its_variants_differ_in_as_others_do(warehouse: CatalogueSearch) -> None:
    found = [one for one in ask(warehouse, "clothing on sale", size=50).products if one.choose == "variant"]
    assert {"JACKET", "TEE-ZERO"} <= {one.sku for one in found}
    assert not [one.sku for one in found if not one.options]


def test_many_options_with_long_values_are_left_to_the_product() -> None:
    [document] = [one for one in demo_documents() if one.product.sku == "TEE"]
    axes = tuple(OptionAxis(label=f"Sleeve {number}", values=("Short as summer", "Long")) for number in range(3))
    summary = summary_of(replace(document, product=replace(document.product, axes=axes)))
    assert (summary.choose, summary.options) == ("variant", {})


@pytest.mark.parametrize("text", ["tee black M", "TEE BLACK M", "tee black L"])
def test_loose_words_that_spell_a_sku_find_all_that_they_name(warehouse: CatalogueSearch, text: str) -> None:
    found = ask(warehouse, text)
    assert set(skus(found)) >= {"TEE", "TEE-DINK", "TEE-ZERO", "TEE-LONG"}
    assert skus(found) == skus(ask(warehouse, f"black tee, size {text[-1]}"))


@pytest.mark.parametrize("text", ["TEE-BLACK-M", "tee-black-m", "a tee-black-m please", "teeblackm"])
def test_a_sku_that_is_written_as_one_finds_its_variant_alone(warehouse: CatalogueSearch, text: str) -> None:
    [tee] = ask(warehouse, text).products
    assert tee.selected_variant is not None
    assert tee.selected_variant.sku == "TEE-BLACK-M"


@pytest.mark.parametrize(
    ("text", "read"), [("dil pickls", "dill pickls"), ("jar of dil pickles", "jar of dill pickles"), ("dil", "dill")]
)
def test_a_short_word_that_lacks_a_double_letter_is_corrected_and_told(
    warehouse: CatalogueSearch, text: str, read: str
) -> None:
    found = ask(warehouse, text)
    assert (found.searched_for, found.relaxed) == (read, ())
    assert skus(found) == skus(ask(warehouse, read))


@pytest.mark.parametrize("text", ["cap", "net", "tee", "jar", "mug", "bat", "hat", "tie", "cod"])
def test_short_words_that_are_right_stay_as_they_are(warehouse: CatalogueSearch, text: str) -> None:
    assert ask(warehouse, text).searched_for is None
