"""What buyers mean by compounds, containers and "or"."""

import pytest

from storefront_mcp.catalogue.search import CatalogueSearch
from storefront_mcp.commerce.money import Money
from tests.fakes.demo_documents import demo_documents
from tests.unit.catalogue_search.test_search import ask, skus


@pytest.mark.parametrize("text", ["pickle balls", "pickleballs", "Pickleball", "pickel balls"])
def test_a_compound_word_finds_first_what_it_ends_with(warehouse: CatalogueSearch, text: str) -> None:
    assert all(sku.startswith("BALL-") for sku in skus(ask(warehouse, text)))


def test_a_compound_word_that_names_things_itself_finds_those(warehouse: CatalogueSearch) -> None:
    assert all("Overgrip" in product.name for product in ask(warehouse, "overgrips", size=6).products)


def test_a_compound_word_beside_another_kind_of_thing_only_describes_it(warehouse: CatalogueSearch) -> None:
    assert all(sku.startswith("NET-") for sku in skus(ask(warehouse, "pickleball net"))[:5])


@pytest.mark.parametrize("text", ["dill pickle jar", "jar of dill pickles", "a jar of dill pickles please"])
def test_what_is_in_a_jar_is_found_before_empty_jars(warehouse: CatalogueSearch, text: str) -> None:
    assert {"JAR-DILL", "JAR-DILL-S", "JAR-DILL-L"} == set(skus(ask(warehouse, text))[:3])


def test_a_jar_to_preserve_in_is_found_by_its_name(warehouse: CatalogueSearch) -> None:
    assert {"TOOL-JAR6", "TOOL-JAR12"} == set(skus(ask(warehouse, "preserving jars"))[:2])


@pytest.mark.parametrize(
    ("text", "either", "other"),
    [
        ("padles or pickel balls", "paddle", "balls"),
        ("balls or nets", "balls", "nets"),
        ("dill pickles or pickled onions", "dill pickles", "pickled onions"),
        ("Paddel oder Socken", "paddles", "socks"),
        ("nets or hampers or socks", "nets", "hampers"),
    ],
)
def test_or_finds_either(warehouse: CatalogueSearch, text: str, either: str, other: str) -> None:
    found = ask(warehouse, text)

    assert found.relaxed == ()
    assert (found.total or 0) >= max(ask(warehouse, either).total or 0, ask(warehouse, other).total or 0)
    all_found = set(skus(ask(warehouse, text, size=200)))
    assert all_found >= {*skus(ask(warehouse, either, size=5)), *skus(ask(warehouse, other, size=5))}


def test_or_between_two_words_for_one_thing_leaves_the_thing(warehouse: CatalogueSearch) -> None:
    either = ask(warehouse, "green tomato or plum chutney", size=50)

    assert {"CHU-TOM", "CHU-PLUM"} <= set(skus(either))
    assert not {sku for sku in skus(either) if sku.startswith(("PAD-", "TEE"))}


def test_a_gift_for_a_cook_is_no_card(warehouse: CatalogueSearch) -> None:
    found = ask(warehouse, "gift for someone who likes cooking")

    assert {"BOOK-1", "HAMP-2"} <= set(skus(found))
    assert (found.relaxed, [sku for sku in skus(found) if sku.startswith("CARD")]) == ((), [])


def test_few_that_have_all_words_come_with_what_one_word_less_would_find(warehouse: CatalogueSearch) -> None:
    page = ask(warehouse, "gift for someone who likes cooking", price_max=Money(5000, "AUD"))

    assert page.total == 1
    assert page.hints == (f'Without "gift": {ask(warehouse, "cooking", price_max=Money(5000, "AUD")).total}.',)


def test_enough_that_have_all_words_come_without_a_hint(warehouse: CatalogueSearch) -> None:
    assert ask(warehouse, "carbon paddle").hints == ()


@pytest.mark.parametrize(
    ("text", "listed", "left_out"),
    [
        ("dill pickles, a paddle, towel", "dill pickles; a paddle; towel", ("left out: towel",)),
        ("balls, towel and a net", "balls; a net; towel", ("left out: towel",)),
        ("a cap and a mug and socks", "a cap; a mug; socks", ()),
    ],
)
def test_of_a_list_in_one_search_any_thing_is_found_and_each_is_named(
    warehouse: CatalogueSearch, text: str, listed: str, left_out: tuple[str, ...]
) -> None:
    found = ask(warehouse, text)

    assert found.hints == (f"Several things at once: here is any of them. Search one by one: {listed}.",)
    assert found.relaxed == left_out
    assert (found.total or 0) > 10


def test_dill_pickles_and_a_paddle_are_no_paddle_that_mentions_pickles(warehouse: CatalogueSearch) -> None:
    assert set(skus(ask(warehouse, "dill pickles, a paddle", size=3))) == {"JAR-DILL", "JAR-DILL-S", "JAR-DILL-L"}


@pytest.mark.parametrize(
    "text", ["paddle and ball set", "tees, size M", "black, white tees", "salt and vinegar pickles"]
)
def test_what_is_one_thing_is_no_list(warehouse: CatalogueSearch, text: str) -> None:
    assert not [hint for hint in ask(warehouse, text).hints if "one by one" in hint]


def test_no_name_in_the_demo_shop_is_taken_for_a_list(warehouse: CatalogueSearch) -> None:
    names = [document.product.name for document in demo_documents()]
    assert [name for name in names if "one by one" in " ".join(ask(warehouse, name, size=1).hints)] == []


def test_words_beyond_those_that_are_read_are_not_dropped_in_silence(warehouse: CatalogueSearch) -> None:
    long = "paddle " + " ".join(f"word{number}" for number in range(20))
    assert "Only the first 16 words were read." in ask(warehouse, long).hints
    assert "Only the first 16 words were read." not in ask(warehouse, "paddle").hints
