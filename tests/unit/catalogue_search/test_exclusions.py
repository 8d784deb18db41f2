"""What a buyer does not want is left out, and never what comes first."""

from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from storefront_mcp.catalogue.document import CatalogueDocument, DocumentAttribute
from storefront_mcp.catalogue.query.language import filler_words
from storefront_mcp.catalogue.query.negations import find_negations, stated_absences
from storefront_mcp.catalogue.search import CatalogueSearch
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import Product, Variant
from storefront_mcp.commerce.search import ReadConditions, SearchPage, SearchQuery
from tests.unit.catalogue_search.conftest import built_search

FILLERS = filler_words("en") | filler_words("de")
NEGATIONS = (
    "not no non without nicht ohne kein weder noch or and und black garlic tee pickles spicy - , don't w/o 5".split()
)


def ask(search: CatalogueSearch, text: str, **more: object) -> SearchPage:
    return search.search(SearchQuery(text=text, size=50, **more))  # type: ignore[arg-type]


def product(name: str, description: str = "", **attributes: str) -> CatalogueDocument:
    """A simple product, its SKU the capitals of its name."""
    return CatalogueDocument(
        key=name,
        product=Product(
            sku=Sku(name.upper().replace(" ", "-")),
            name=name,
            description=description,
            price=Money(1000, "AUD"),
        ),
        attributes=tuple(
            DocumentAttribute(code=code, label=code.title(), values=(value,)) for code, value in attributes.items()
        ),
    )


def names(page: SearchPage) -> list[str]:
    return [one.name for one in page.products]


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("tee not black", ["black"]),
        ("t-shirt nicht schwarz", ["schwarz"]),
        ("non-spicy kimchi", ["spicy", "kimchi"]),
        ("i don't want black tees", ["black", "tees"]),
        ("paddle w/o any cover", ["cover"]),
        ("keine gurken", ["gurken"]),
        ("no added sugar", ["sugar"]),
        ("anything but dill pickles", ["dill", "pickles"]),
        ("pickles free of garlic", ["garlic"]),
        ("Gurken frei von Knoblauch".lower(), ["knoblauch"]),
        ("garlic-free pickles", ["garlic"]),
        ("knoblauchfreie gurken", ["knoblauch"]),
        ("don't you have paddles", None),
        ("do you not have paddles", None),
        ("gibt es keine netze", None),
        ("why not pickles", None),
        ("salt-free-ish dills", None),
        ("no 5", None),
        ("no. 5", None),
        ("no-see-um net", None),
        ("forget-me-not seeds", None),
        ("not only black tees", None),
        ("not sure which paddle", None),
        ("nicht nur schwarz", None),
        ("no", None),
    ],
)
def test_a_negation_is_found_with_what_it_is_about(text: str, negated: list[str] | None) -> None:
    found = [[token.word for token in one.tokens] for one in find_negations(text, FILLERS.__contains__)]

    assert found == ([] if negated is None else [negated])


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("Made without garlic.", ["garlic"]),
        ("No added sugar, with dill.", ["added", "sugar"]),
        ("Gluten-free and salt free", ["gluten", "salt"]),
        ("Ohne Knoblauch, mit Dill", ["knoblauch"]),
        ("Knoblauchfrei", ["knoblauch"]),
        ("frei von Zucker", ["zucker"]),
        ("With garlic", []),
    ],
)
def test_a_text_tells_what_a_product_is_without(text: str, absent: list[str]) -> None:
    assert list(stated_absences(text)) == absent


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tee not black", ("black",)),
        ("T-Shirt nicht schwarz", ("schwarz",)),
        ("I don't want black tees", ("black",)),
        ("tees except black", ("black",)),
        ("tees, anything but black", ("black",)),
        ("tees other than black", ("black",)),
        ("tee not colour black", ("colour black",)),
        ("tee not size M", ("size m",)),
        ("non-black tee", ("black",)),
        ("tee not black or green", ("black", "green")),
        ("T-Shirt weder schwarz noch grün", ("schwarz", "grun")),
    ],
)
def test_a_value_that_is_not_wanted_is_told_and_excluded(
    warehouse: CatalogueSearch, text: str, told: tuple[str, ...]
) -> None:
    page = ask(warehouse, text)

    assert page.understood == ReadConditions(without=told)
    assert page.relaxed == ()
    assert page.total
    assert all("tee" in one.name.lower() or one.sku.startswith("TEE") for one in page.products[:5])


@pytest.mark.parametrize(
    "text",
    [
        "not spicy pickles",
        "Gurken nicht scharf",
        "pickles, not too spicy",
        "non-spicy pickles",
        "Gurken, aber nicht scharf",
    ],
)
def test_what_is_not_hot_is_found_where_hot_is_not_wanted(warehouse: CatalogueSearch, text: str) -> None:
    page = ask(warehouse, text)
    hot = {one.sku for one in ask(warehouse, "", filters=(("heat", ("Hot",)),)).products}

    assert page.total
    assert page.understood is not None
    assert hot
    assert hot.isdisjoint(one.sku for one in page.products)
    assert not any("Hot" in one.name.split() for one in page.products)


@pytest.mark.parametrize(
    "text",
    [
        "pickles without garlic",
        "no garlic",
        "Gurken ohne Knoblauch",
        "pickles w/o any garlic",
        "garlic-free pickles",
        "knoblauchfreie Gurken",
    ],
)
def test_products_whose_texts_have_the_word_are_left_out(warehouse: CatalogueSearch, text: str) -> None:
    page = ask(warehouse, text)
    garlic = {one.sku for one in ask(warehouse, "garlic").products}

    assert page.total
    assert page.understood is not None
    assert page.understood.without
    assert garlic.isdisjoint(one.sku for one in page.products)


def test_a_product_that_says_that_it_is_without_comes_first(tmp_path: Path) -> None:
    documents = [
        product("Garlic Pickles"),
        product("Dill Pickles", "With dill."),
        product("Plain Pickles", "Made with no garlic at all."),
        product("Mild Pickles", "Garlic-free."),
    ]
    search = built_search(tmp_path, documents, locale="en-AU", currency="AUD")

    found = names(ask(search, "pickles without garlic"))
    assert sorted(found[:2]) == ["Mild Pickles", "Plain Pickles"]
    assert found[2:] == ["Dill Pickles"]


def test_names_with_a_negation_are_found_by_their_words(tmp_path: Path) -> None:
    documents = [
        product("Not Your Grandma's Pickles"),
        product("Grandma's Pickles"),
        product("No Drama Tee"),
        product("Drama Tee"),
        product("Hummus ohne Knoblauch"),
        product("Hummus mit Knoblauch"),
        product("No 5 Paddle"),
        product("Non-slip Grip"),
        product("Grip", "It will not slip."),
    ]
    search = built_search(tmp_path, documents, locale="en-AU", currency="AUD")

    assert names(ask(search, "not your grandma's pickles")) == ["Not Your Grandma's Pickles"]
    assert names(ask(search, "no drama tee")) == ["No Drama Tee"]
    assert names(ask(search, "Hummus ohne Knoblauch"))[0] == "Hummus ohne Knoblauch"
    assert "Hummus mit Knoblauch" not in names(ask(search, "Hummus ohne Knoblauch"))
    assert names(ask(search, "no 5 paddle"))[0] == "No 5 Paddle"
    assert names(ask(search, "non-slip grip"))[0] == "Non-slip Grip"
    assert ask(search, "not your grandma's pickles").understood is None


def test_of_a_product_one_variant_must_have_another_value_together_with_what_is_wanted(tmp_path: Path) -> None:
    axes = (
        DocumentAttribute(code="color", label="Colour", values=("Black", "White"), axis=True),
        DocumentAttribute(code="size", label="Size", values=("M", "XL"), axis=True),
    )
    made = {
        "Two": ["Black-M", "Black-XL", "White-M"],
        "Black": ["Black-M", "Black-XL"],
        "Late": ["Black-XL", "White-XL"],
    }
    documents = [
        CatalogueDocument(
            key=name,
            product=Product(
                sku=Sku(name),
                name=f"{name} Tee",
                price=Money(1000, "AUD"),
                variants=tuple(
                    Variant(
                        sku=Sku(f"{name}-{one}"),
                        options=dict(zip(("Colour", "Size"), one.split("-"), strict=True)),
                        in_stock=name != "Late" or "White" not in one,
                    )
                    for one in variants
                ),
            ),
            attributes=axes,
        )
        for name, variants in made.items()
    ]
    search = built_search(tmp_path, documents, locale="en-AU", currency="AUD")

    plain = ask(search, "tee not black")
    assert [(one.sku, one.in_stock) for one in plain.products] == [("Two", True), ("Late", False)]
    large = ask(search, "tee XL not black")
    assert [(one.sku, one.variant, one.in_stock) for one in large.products] == [("Late", "Late-White-XL", False)]
    assert [one.sku for one in ask(search, "white tee, not black").products] == ["Two", "Late"]
    assert ask(search, "tee not black or white").hints == ("Each of 3 has what was excluded.",)


def test_what_has_no_value_of_an_attribute_may_not_be_named_by_one_that_is_excluded(tmp_path: Path) -> None:
    documents = [
        product("Dill Pickles", heat="Mild"),
        product("Fire Pickles", heat="Hot"),
        product("Hot Pickles"),
        product("Sweet Pickles", "Good beside hot food."),
    ]
    search = built_search(tmp_path, documents, locale="en-AU", currency="AUD")

    assert sorted(names(ask(search, "pickles not hot"))) == ["Dill Pickles", "Sweet Pickles"]


@pytest.mark.parametrize(
    "text", ["pickles without peanuts", "pickles, not expensive", "Gurken ohne Erdnüsse", "keine scharfen Gurken"]
)
def test_what_the_catalogue_does_not_know_is_left_out_and_said(warehouse: CatalogueSearch, text: str) -> None:
    page = ask(warehouse, text)

    assert page.understood is None
    assert page.total
    (left_out,) = page.relaxed
    assert left_out.startswith(("left out: without peanuts", "left out: not exp", "left out: ohne", "left out: keine"))


def test_what_is_free_of_something_is_found_by_name_or_by_what_it_says(
    warehouse: CatalogueSearch, tmp_path: Path
) -> None:
    named = ask(warehouse, "salt-free dills")
    assert named.understood is None
    assert named.products
    assert all(one.sku.startswith("JAR-SALT") for one in named.products)
    assert ask(warehouse, "sugar-free").relaxed == ("left out: sugar",)

    documents = [product("Rye Bread", "Gluten and salt."), product("Corn Bread", "Gluten-free."), product("Flat Bread")]
    search = built_search(tmp_path, documents, locale="en-AU", currency="AUD")
    assert names(ask(search, "gluten-free bread")) == ["Corn Bread", "Flat Bread"]


def test_what_an_and_joins_is_excluded_too_unless_it_is_another_thing(warehouse: CatalogueSearch) -> None:
    def told(text: str) -> tuple[str, ...]:
        page = ask(warehouse, text)
        return () if page.understood is None else page.understood.without

    assert told("pickles without garlic and dill") == ("garlic", "dill")
    assert told("pickles without garlic or dill") == ("garlic", "dill")
    assert told("paddle without cover and a net") == ("cover",)
    assert told("no garlic and pickles") == ("garlic",)
    assert told("tee not black and white") == ("black", "white")


def test_values_are_excluded_in_german(kaufhaus: CatalogueSearch) -> None:
    page = ask(kaufhaus, "Jacke nicht schwarz")

    assert page.understood == ReadConditions(without=("schwarz",))
    assert page.total
    assert not any((one.variant or "").find("SCHWARZ") >= 0 for one in page.products)


@given(st.lists(st.sampled_from(NEGATIONS), max_size=10).map(" ".join))
@settings(deadline=None)
def test_no_negation_breaks_a_search(warehouse: CatalogueSearch, text: str) -> None:
    assert ask(warehouse, text).total is not None
