"""Words of buyers: folded, taken apart into conditions, corrected."""

import pytest
from hypothesis import given, strategies as st

from storefront_mcp.catalogue.query.alternatives import split_comparison
from storefront_mcp.catalogue.query.folding import fold_text, plain_words, sku_letters, text_words
from storefront_mcp.catalogue.query.language import language_words
from storefront_mcp.catalogue.query.phrases import PhraseReading, read_phrases
from storefront_mcp.catalogue.query.spelling import SpellingIndex, edit_distance
from storefront_mcp.catalogue.tantivy_engine.schema import snowball_stem
from tests.fakes.demo_documents import demo_documents

TEXTS = st.text(max_size=120)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kopfhörer Kopfhoerer Kopfhorer", ["kopfhorer"] * 3),
        ("Men's T-Shirt", ["men", "tshirt"]),
        ("Jalapeños, 480g", ["jalapenos", "480", "g"]),
        ("1,5 L", ["1.5", "l"]),
        ("blue shoes", ["blue", "shoes"]),
        ("Größe \u0131 \u2019n", ["grosse", "i", "n"]),
        ("TEE-BLACK-M", ["tee", "black", "m"]),
        ("!!", []),
    ],
)
def test_words_are_compared_folded(text: str, expected: list[str]) -> None:
    assert text_words(text) == expected


@given(TEXTS)
def test_folding_twice_changes_nothing_and_words_pair_with_what_is_shown(text: str) -> None:
    assert (
        text_words(" ".join(text_words(text))) == text_words(text) or any(map(str.isdigit, text)) or not text.isascii()
    )
    assert len(text_words(text)) == len(plain_words(text))


def test_a_sku_is_one_whatever_its_case_and_punctuation() -> None:
    assert sku_letters("TEE-BLACK-M") == sku_letters("tee black m") == "teeblackm"


@pytest.mark.parametrize(
    ("text", "rest", "low", "high"),
    [
        ("padle under 200", "padle", None, 20000),
        ("socks below $9.50", "socks", None, 950),
        ("Geschenk unter 50 Dollar", "geschenk", None, 5000),
        ("gift for 50 dollars", "gift", None, 5000),
        ("budget of 30 mug", "mug", None, 3000),
        ("Geschenk bis zu 20", "geschenk", None, 2000),
        ("nicht mehr als 20 Gurken", "gurken", None, 2000),
        ("net over $1,200", "net", 120000, None),
        ("ab 15 Socken", "socken", 1500, None),
        ("hamper between 50 and 100", "hamper", 5000, 10000),
        ("zwischen 100 und 50 Korb", "korb", 5000, 10000),
        ("hampers 50-100 dollars", "hampers", 5000, 10000),
        ("gift around 30", "gift", 2400, 3600),
        ("16 mm core", "16 mm core", None, None),
        ("under 2 metres wide", "under 2 metres wide", None, None),
        ("Netz bis 2 Meter", "netz bis 2 meter", None, None),
        ("under 2 m wide", "under 2 m wide", None, None),
        ("backpack up to 20 l", "backpack up to 20 l", None, None),
        ("pack of 6", "pack of 6", None, None),
        ("3-5 players", "3-5 players", None, None),
        ("JAR-480", "jar-480", None, None),
        ("paddle $200 or more", "paddle", 20000, None),
        ("paddle $200+", "paddle", 20000, None),
        ("paddle 200+ dollars", "paddle", 20000, None),
        ("200 dollars and up paddle", "paddle", 20000, None),
        ("paddles $150 and above in carbon", "paddles in carbon", 15000, None),
        ("paddle from $200 upwards", "paddle", 20000, None),
        ("paddle 200 or higher", "paddle", 20000, None),
        ("Schläger 200 Dollar oder mehr", "schlager", 20000, None),
        ("Schläger ab 200 Dollar aufwärts", "schlager", 20000, None),
        ("Schläger 200 AUD und teurer", "schlager", 20000, None),
        ("tee 25 dollars or less", "tee", None, 2500),
        ("paddle $100 or under", "paddle", None, 10000),
        ("paddle $100 max", "paddle", None, 10000),
        ("paddle 100 bucks tops", "paddle", None, 10000),
        ("under $100 or less paddle", "paddle", None, 10000),
        ("paddle 100 or cheaper", "paddle", None, 10000),
        ("Socken 20 Dollar oder weniger", "socken", None, 2000),
        ("Socken 20 AUD höchstens", "socken", None, 2000),
        ("Socken 20 Dollar maximal", "socken", None, 2000),
        ("$50 or more and $100 or less hamper", "and hamper", 5000, 10000),
        ("from $50 max $100 hamper", "hamper", 5000, 10000),
        ("nothing under $50 hamper", "hamper", 5000, None),
        ("hamper not less than 50", "hamper", 5000, None),
        ("Korb nicht unter 50 Dollar", "korb", 5000, None),
        ("hamper not above $50", "hamper", None, 5000),
        ("i don't want to spend more than $50 on a hamper", "i on a hamper", None, 5000),
        ("Korb, nichts über 50 Dollar", "korb,", None, 5000),
        ("set of 4 or more", "set of 4 or more", None, None),
        ("4 or more players", "4 or more players", None, None),
        ("ages 12+", "ages 12+", None, None),
        ("Pro 16 Max", "pro 16 max", None, None),
    ],
)
def test_price_phrases_become_bounds_and_amounts_with_units_do_not(
    text: str, rest: str, low: int | None, high: int | None
) -> None:
    reading = read_phrases(text, "AUD")

    assert reading.text == rest
    assert (reading.price_min and reading.price_min.minor) == low
    assert (reading.price_max and reading.price_max.minor) == high


@pytest.mark.parametrize(
    ("text", "currency", "minor", "other"),
    [
        ("Jacke bis 1.299,50 €", "EUR", 129950, False),
        ("Jacke bis 1.299 €", "EUR", 129900, False),
        ("jacket under 20 €", "AUD", None, True),
        ("jacket under £20", "AUD", None, True),
        ("jacket under US$20", "AUD", None, True),
        ("jacket under $20", "CAD", 2000, False),
        ("jacket under $20", "EUR", None, True),
        ("under 2000 yen", "JPY", 2000, False),
        ("unter 20 Franken", "CHF", 2000, False),
        ("Jacke 20 € oder weniger", "EUR", 2000, False),
        ("jacket £20 or less", "GBP", 2000, False),
        ("jacket 20 euros or less", "AUD", None, True),
    ],
)
def test_an_amount_in_another_currency_is_no_bound(text: str, currency: str, minor: int | None, *, other: bool) -> None:
    reading = read_phrases(text, currency)

    assert (reading.price_max and reading.price_max.minor) == minor
    assert reading.other_currency is other


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tees on sale", PhraseReading(text="tees", on_sale=True)),
        ("20% off paddles", PhraseReading(text="paddles", on_sale=True)),
        ("Jacken im Angebot", PhraseReading(text="jacken", on_sale=True)),
        ("reduced salt", PhraseReading(text="reduced salt")),
        ("nets in stock", PhraseReading(text="nets", in_stock=True)),
        ("Netze auf Lager", PhraseReading(text="netze", in_stock=True)),
        ("sold out nets", PhraseReading(text="nets", in_stock=False)),
        ("nicht lieferbar", PhraseReading(text="", in_stock=False)),
        ("tees not on sale", PhraseReading(text="tees", on_sale=False)),
        ("Jacken nicht im Angebot", PhraseReading(text="jacken", on_sale=False)),
        ("full-price tees", PhraseReading(text="tees", on_sale=False)),
        ("nets not sold out", PhraseReading(text="nets", in_stock=True)),
        ("Netze nicht ausverkauft", PhraseReading(text="netze", in_stock=True)),
        ("not the cheapest net", PhraseReading(text="net")),
        ("the cheapest net", PhraseReading(text="net", sort="price_low")),
        ("günstigste Socken", PhraseReading(text="socken", sort="price_low")),
        ("most expensive mug", PhraseReading(text="mug", sort="price_high")),
        ("newest tees", PhraseReading(text="tees", sort="newest")),
        ("best-selling socks", PhraseReading(text="socks", sort="best_selling")),
        ("top rated socks", PhraseReading(text="socks", sort="rating")),
        ("best reviewed socks", PhraseReading(text="socks", sort="rating")),
        ("socks with good reviews", PhraseReading(text="socks with", sort="rating")),
        ("highest rating", PhraseReading(text="", sort="rating")),
    ],
)
def test_sale_stock_and_order_phrases_become_conditions(text: str, expected: PhraseReading) -> None:
    assert read_phrases(text, "AUD") == expected


@pytest.mark.parametrize(
    ("text", "rest", "quantity"),
    [
        ("a black men's tee, size M, two of them", "a black men tee, size m,", 2),
        ("2 of those mugs", "mugs", 2),
        ("socks, drei davon", "socks,", 3),
        ("a pair of paddles", "paddles", 2),
        ("a pair of wool socks", "wool socks", None),
        ("a couple of paddles", "paddles", 2),
        ("two carbon paddles under $90", "carbon paddles", 2),
        ("i need 4 paddles", "paddles", 4),
        ("2x mugs", "mugs", 2),
        ("half a dozen balls", "balls", 6),
        ("a dozen balls", "balls", 12),
        ("three jars of pickles", "jars of pickles", 3),
        ("two pairs of socks", "socks", 2),
        ("zwei Schläger", "schlager", 2),
        ("zero two tee", "zero two tee", None),
        ("best of both", "best of both", None),
        ("set of two paddles", "set of two paddles", None),
        ("paddle for two players", "paddle for two players", None),
        ("pack of 3 balls", "pack of 3 balls", None),
        ("pro 16 paddles", "pro 16 paddles", None),
        ("10 assorted cards", "10 assorted cards", None),
        ("11 ounces", "11 ounces", None),
        ("5 metres", "5 metres", None),
        ("5 meters of tape", "5 meters of tape", None),
        ("2 litres", "2 litres", None),
        ("zwei Personen", "zwei personen", None),
    ],
)
def test_how_many_are_wanted_is_understood_and_not_searched_for(text: str, rest: str, quantity: int | None) -> None:
    reading = read_phrases(text, "AUD")
    assert (reading.text, reading.quantity) == (rest, quantity)


def test_no_name_in_the_demo_shop_is_taken_for_a_quantity() -> None:
    names = [document.product.name for document in demo_documents()]
    assert [name for name in names if read_phrases(name, "AUD").quantity is not None] == []


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("compare pro 16 and pro 14", [["pro", "16"], ["pro", "14"]]),
        ("gherkin pro 14 vs 16", [["gherkin", "pro", "14"], ["gherkin", "pro", "16"]]),
        ("compare paddles", ()),
        ("tees and caps", ()),
    ],
)
def test_things_that_are_compared_are_read_one_by_one(text: str, sides: object) -> None:
    assert split_comparison(text.split()) == sides


@given(TEXTS)
def test_no_text_breaks_the_reading_of_phrases(text: str) -> None:
    reading = read_phrases(text, "AUD")

    assert reading.price_max is None or reading.price_max.minor >= 0
    assert len(reading.text) <= len(fold_text(text))


@given(st.text("abcd", max_size=8), st.text("abcd", max_size=8))
def test_a_distance_is_the_same_both_ways_and_zero_for_equals(first: str, second: str) -> None:
    distance = edit_distance(first, second, 3)

    assert distance == edit_distance(second, first, 3)
    assert (distance == 0) is (first == second)
    assert distance >= min(4, abs(len(first) - len(second)))


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("padle", {"paddle": 9, "saddle": 9}, "paddle"),
        ("apddle", {"paddle": 1}, "paddle"),
        ("mug", {"mud": 1}, None),
        ("sold", {"old": 1}, None),
        ("hoddie", {"hoodie": 1, "hobbies": 5}, "hoodie"),
        ("cualiflower", {"cauliflower": 1}, "cauliflower"),
        ("padels", {"pedals": 1}, None),
        ("tea5", {"teas": 1}, None),
        ("socjs", {"socks": 1, "sochs": 4}, "sochs"),
        ("x" * 50, {"x" * 49: 1}, None),
        ("aabb", {"aabc": 1}, "aabc"),
        ("dil", {"dill": 5, "dial": 9, "ill": 9}, "dill"),
        ("dil", {"dill": 4}, None),
        ("pol", {"poll": 5, "pool": 5}, None),
        ("tie", {"time": 9}, None),
        ("cap", {"cape": 9}, None),
    ],
)
def test_an_unknown_word_is_the_nearest_known_one(word: str, known: dict[str, int], near: str | None) -> None:
    assert SpellingIndex(known).nearest(word) == near


def test_a_language_without_lists_has_its_stems_and_the_operators_words() -> None:
    language = language_words("fr-FR", snowball_stem("fr-FR"), ["baskets, chaussures # de sport"])

    assert language.stem("chaussures") == language.stem("chaussure")
    assert language.synonyms[(language.stem("baskets"),)] == (("chaussures",),)
    assert language.fillers == frozenset()


def test_a_language_without_a_stemmer_keeps_its_words() -> None:
    assert snowball_stem("ja")("靴") == "靴"


@pytest.mark.parametrize(
    ("first", "second"), [("knives", "knife"), ("personalized", "personalised"), ("colours", "color")]
)
def test_english_forms_share_a_stem(first: str, second: str) -> None:
    stem = language_words("en", snowball_stem("en")).stem

    assert stem(first) == stem(second)
