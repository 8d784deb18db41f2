"""Arguments: forgiving where nothing else can be meant, precise where something can."""

import json
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given, settings, strategies as st
from msgspec import Meta, Raw, Struct

from storefront_mcp.calls.argument_text import visible_values
from storefront_mcp.calls.arguments import MAX_QUOTED_CHARS, _quote, read_arguments
from storefront_mcp.calls.errors import ArgumentsRefused
from tests.fakes.memory_backend import PHASES
from tests.often import often

SHAPES = {name: tool.arguments for phase in PHASES for name, tool in phase.tools.items()}


class Odd(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Kinds that no tool has yet."""

    many: list[int] = []
    row: tuple[int, ...] = ()
    sure: bool = False
    share: float = 0.0
    either: int | list[str] | None = None
    free: Any = None
    long_name: Annotated[str, Meta(max_length=5)] = ""
    choice: Literal["Red", "gold"] | None = None


@pytest.mark.parametrize(
    ("tool", "sent", "read"),
    [
        ("add_to_cart", '{"cart_id":"c","sku":"X","quantity":"2"}', {"quantity": 2}),
        ("add_to_cart", '{"cart_id":"c","sku":"X","quantity":" 2 "}', {"quantity": 2}),
        ("add_to_cart", '{"cart_id":"c","sku":123,"quantity":2.0}', {"sku": "123", "quantity": 2}),
        ("add_to_cart", '{"cart_id":"c","sku":"X","quantity":null,"options":null}', {"quantity": 1, "options": {}}),
        (
            "add_to_cart",
            '{"cart_id":"c","sku":"X","quantity":"1","options":{"1":"ADA","2":2,"3":[1,"a"]}}',
            {"options": {"1": "ADA", "2": "2", "3": ["1", "a"]}},
        ),
        ("add_to_cart", r'"{\"cart_id\":\"c\",\"sku\":\"X\",\"quantity\":\"3\"}"', {"sku": "X", "quantity": 3}),
        ("search_products", '{"sort":"Price_Low ","query":null}', {"sort": "price_low", "query": ""}),
        ("search_products", '{"sort":"","category":"","max_price_minor":""}', {"sort": "relevance"}),
        ("search_products", '{"max_price_minor":" 2500 "}', {"max_price_minor": 2500}),
        ("search_products", '{"query":"a","wait_for_previous":true}', {"query": "a"}),
        ("add_to_cart", '{"cart_id":"c","sku":"X","toolCallId":"1","sessionId":"2"}', {"sku": "X"}),
        ("add_to_cart", r'{"cart_id":"c","sku":"X","options":"{\"7\":3}"}', {"options": {"7": "3"}}),
        ("search_products", '{"query":42,"page_size":"50"}', {"query": "42", "page_size": 50}),
        ("search_products", '{"category":12}', {"category": "12"}),
        ("get_product", '{"sku":"X","detail":"FULL"}', {"detail": "full"}),
        ("get_product", '{"sku":"X","url_key":null}', {"sku": "X", "url_key": None}),
        ("get_shipping_methods", '{"cart_id":"c","address":{"country":"AU","postcode":2000}}', {"cart_id": "c"}),
        ("create_cart", "null", {}),
        ("create_cart", '""', None),
        ("create_cart", '"{}"', {}),
    ],
)
def test_what_can_only_mean_one_thing_is_understood(tool: str, sent: str, read: dict[str, Any] | None) -> None:
    if read is None:
        with pytest.raises(ArgumentsRefused, match="wanted an object"):
            read_arguments(sent.encode(), SHAPES[tool])
        return
    arguments = read_arguments(sent.encode(), SHAPES[tool])
    assert {name: getattr(arguments, name) for name in read} == read


def test_a_postcode_without_quotes_is_a_postcode() -> None:
    sent = b'{"cart_id":"c","address":{"country":"AU","postcode":2000,"region":null}}'
    address = read_arguments(sent, SHAPES["get_shipping_methods"]).address
    assert (address.postcode, address.region) == ("2000", "")


def test_an_object_may_come_as_its_json_text() -> None:
    sent = b'{"cart_id":"c","address":"{\\"country\\":\\"AU\\",\\"postcode\\":2000}"}'
    address = read_arguments(sent, SHAPES["get_shipping_methods"]).address
    assert (address.country, address.postcode) == ("AU", "2000")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ('{"many":"3"}', {"many": [3]}),
        ('{"many":["1",2.0]}', {"many": [1, 2]}),
        ('{"row":7}', {"row": (7,)}),
        ('{"sure":"true","share":"0.5"}', {"sure": True, "share": 0.5}),
        ('{"either":"5"}', {"either": 5}),
        ('{"either":["a",1]}', {"either": ["a", "1"]}),
        ('{"either":null,"many":"1"}', {"either": None}),
        ('{"free":{"a":[1,"2"]},"many":1}', {"free": {"a": [1, "2"]}}),
        ('{"longName":12345}', {"long_name": "12345"}),
        ('{"choice":"RED"}', {"choice": "Red"}),
    ],
)
def test_other_kinds_are_mended_alike(sent: str, read: dict[str, Any]) -> None:
    arguments = read_arguments(sent.encode(), Odd)
    assert {name: getattr(arguments, name) for name in read} == read


@pytest.mark.parametrize(
    ("tool", "sent", "sentence"),
    [
        ("add_to_cart", '{"cart_id":"c","sku":"X","quantity":2.5}', "quantity: wanted integer, got 2.5"),
        ("add_to_cart", '{"cart_id":"c","sku":"X","quantity":0}', "quantity: wanted integer >= 1, got 0"),
        ("add_to_cart", '{"cart_id":"c","sku":"X","quantity":"1000"}', 'quantity: wanted integer <= 999, got "1000"'),
        ("add_to_cart", '{"cart_id":"c","sku":"X","quantity":"many"}', 'quantity: wanted integer, got "many"'),
        ("add_to_cart", '{"cart_id":"c","sku":"X","quantity":true}', "quantity: wanted integer, got true"),
        ("add_to_cart", '{"cart_id":"c","sku":"X","quantity":[2]}', "quantity: wanted integer, got [2]"),
        ("add_to_cart", '{"cart_id":"c","sku":true}', "sku: wanted string, got true"),
        ("add_to_cart", '{"cart_id":"","sku":"X"}', 'cart_id: wanted string of length >= 1, got ""'),
        ("add_to_cart", '{"cart_id":null,"sku":"X"}', "cart_id: wanted string, got null"),
        ("add_to_cart", '{"sku":"X"}', "cart_id: is required and was not sent"),
        (
            "add_to_cart",
            '{"cart_id":"c","sku":"X","qty":2}',
            (
                "qty: there is no such argument; the arguments are cart_id, sku, quantity, options, idempotency_key. "
                "Did you mean quantity?"
            ),
        ),
        (
            "add_to_cart",
            '{"cart_id":"c","sku":"X","options":"Bob"}',
            'options: wanted JSON as text, such as {"Engraving": "ADA"}, got "Bob"',
        ),
        ("add_to_cart", '{"cart_id":"c","sku":"X","options":["a"]}', "options: wanted JSON as text, such as {"),
        (
            "search_products",
            '{"filters":"color=Black"}',
            'filters: wanted JSON as text, such as {"color": "Black"}, got "color=Black"',
        ),
        ("add_to_cart", '{"cart_id":"c","sku":"X","options":{"1":true}}', "options: wanted string | array"),
        ("add_to_cart", '{"cart_id":"c","sku":"X","options":{"1":{}}}', "options: wanted string | array"),
        ("add_to_cart", '{"cart_id":"c","sku":"X","options":{"1":null}}', "options: wanted string | array"),
        ("search_products", '{"page_size":51}', "page_size: wanted integer <= 50, got 51"),
        (
            "search_products",
            '{"max_price_minor":49.99}',
            "max_price_minor: wanted an integer of minor units, like 2500 for 25.00, got 49.99",
        ),
        (
            "search_products",
            '{"sort":"cheapest"}',
            "sort: wanted one of best_selling, discount, name, newest, price_high, price_low, rating, relevance, got",
        ),
        ("get_product", "{}", "arguments: send either sku or url_key"),
        ("get_product", '{"sku":"X","url_key":"x"}', "arguments: send either sku or url_key"),
        ("get_product", '{"sku":"  "}', "arguments: send either sku or url_key"),
        (
            "get_product",
            '{"skuu":"a"}',
            "skuu: there is no such argument; the arguments are sku, url_key, detail, part.",
        ),
        (
            "get_shipping_methods",
            '{"cart_id":"c","address":{"country":"A"}}',
            'address.country: wanted string of length >= 2, got "A"',
        ),
        (
            "get_shipping_methods",
            '{"cart_id":"c","address":{}}',
            "address.country: is required and was not sent. Ask the buyer; never invent one.",
        ),
        (
            "get_shipping_methods",
            '{"cart_id":"c","address":{"contry":"AU"}}',
            "address.contry: there is no such argument; the arguments are country, postcode, region, city, street.",
        ),
        (
            "get_shipping_methods",
            '{"cart_id":"c","address":"AU"}',
            'address: wanted an object of country, postcode, region, city, street, got "AU"',
        ),
        ("get_shipping_methods", '{"address":"{}"}', "cart_id, address.country: are required and were not sent"),
        ("add_to_cart", '{"quantity":2}', "cart_id, sku: are required and were not sent"),
        (
            "place_order",
            '{"cart_id":"c","email":"a@b","billing_address":{"country":"AU"},"shipping_address":{}}',
            (
                "shipping_address.first_name, shipping_address.street, shipping_address.city, "
                "shipping_address.country, billing_address.first_name, billing_address.street, billing_address.city: "
                "are required and were not sent"
            ),
        ),
        ("create_cart", '{"x":1}', "x: there is no such argument; the arguments are idempotency_key."),
        *(
            (
                "search_products",
                f'{{"max_price_minor":{sent}}}',
                f"max_price_minor: wanted an integer of minor units, like 2500 for 25.00, got {sent}",
            )
            for sent in ("25.0", '"25.00"', '"25,00"', "25.5")
        ),
        ("create_cart", "[1]", "arguments: wanted an object, got [1]"),
        ("create_cart", "7", "arguments: wanted an object, got 7"),
        ("create_cart", '"hello"', 'arguments: wanted an object, got "hello"'),
        ("apply_coupon", '{"cart_id":"c","code":" "}', "arguments: code must not be blank"),
    ],
)
def test_what_could_mean_something_else_is_refused_by_name_value_and_wish(tool: str, sent: str, sentence: str) -> None:
    with pytest.raises(ArgumentsRefused) as refused:
        read_arguments(sent.encode(), SHAPES[tool])
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ('{"many":[1,"x"]}', 'many[1]: wanted integer, got "x"'),
        ('{"many":[null]}', "many[0]: wanted integer, got null"),
        ('{"sure":"perhaps"}', 'sure: wanted boolean, got "perhaps"'),
        ('{"share":"half"}', 'share: wanted number, got "half"'),
        ('{"longName":"too long"}', 'longName: wanted string of length <= 5, got "too long"'),
        ('{"long_name":"x"}', "long_name: there is no such argument; the arguments are many, row"),
        ('{"choice":"blue"}', 'choice: wanted one of Red, gold, got "blue"'),
    ],
)
def test_other_kinds_are_refused_alike(sent: str, sentence: str) -> None:
    with pytest.raises(ArgumentsRefused) as refused:
        read_arguments(sent.encode(), Odd)
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    "sent",
    [
        b"{",
        b"",
        b'{"x":',
        b'{"query":"\xff"}',
        b'{"query":"\\ud800"}',
        b'{"x":"\xff"}',
        b'{"x":"\\ud800"}',
        b'{"query":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"page_size":' + b"9" * 5_000 + b"}",
        b'{"page_size":1e999}',
        b'{"x":' + b'{"a":' * 300 + b"1" + b"}" * 300 + b"}",
        json.dumps("[" * 5_000).encode(),
        json.dumps('{"x":' * 5_000 + "1" + "}" * 5_000).encode(),
    ],
    ids=lambda sent: repr(sent[:20]),
)
def test_what_is_no_sane_json_is_refused_and_nothing_else(sent: bytes) -> None:
    if sent == b"":
        assert read_arguments(sent, SHAPES["search_products"]) == SHAPES["search_products"]()
        return
    with pytest.raises(ArgumentsRefused):
        read_arguments(sent, SHAPES["search_products"])


@pytest.mark.parametrize(
    "sent", [{"page_size": "x" * 10**5}, {"x" * 10**5: 1}, {"x\n`y`": 1}, {"sort": "y" * 10**5}, {"query": "q" * 10**5}]
)
def test_a_refusal_is_short_whatever_was_sent(sent: dict[str, Any]) -> None:
    with pytest.raises(ArgumentsRefused) as refused:
        read_arguments(json.dumps(sent).encode(), SHAPES["search_products"])
    assert len(str(refused.value)) < 250 + 2 * MAX_QUOTED_CHARS
    assert str(refused.value).startswith(next(iter(sent))[:MAX_QUOTED_CHARS])


def test_numbers_larger_than_any_machine_word_are_refused_by_what_is_allowed() -> None:
    with pytest.raises(ArgumentsRefused, match="page_size: wanted integer <= 50, got 999999"):
        read_arguments(b'{"page_size":' + b"9" * 30 + b"}", SHAPES["search_products"])


def test_a_wrong_value_that_cannot_be_repeated_is_described() -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    assert _quote(nested) == "something nested too deeply"


def test_nothing_at_all_means_nothing_was_left_to_say() -> None:
    assert read_arguments(None, SHAPES["create_cart"]) == SHAPES["create_cart"]()
    assert read_arguments(Raw(b"{}"), SHAPES["search_products"]) == SHAPES["search_products"]()


@pytest.mark.parametrize(
    ("sent", "query"),
    [
        (r'{"query":"pay\u202e\u200b now\u0007"}', "pay now"),
        ('{"query":"pay\u202e\u200b now\x7f"}', "pay now"),
        (r'"{\"query\":\"pay\\u202e now\"}"', "pay now"),
        (r'{"que\u200bry":"a"}', "a"),
        ('{"query":"Québec \u4e2d"}', "Québec \u4e2d"),
        (r'{"query":"\u0645\u06cc\u200c\u0631\u0648\u0645"}', "\u0645\u06cc\u200c\u0631\u0648\u0645"),
        (r'{"query":"a\r\nb"}', "a\nb"),
    ],
)
def test_what_nobody_sees_is_left_out_of_arguments(sent: str, query: str) -> None:
    assert read_arguments(sent.encode(), SHAPES["search_products"]).query == query


TEXT = st.text(min_size=1, max_size=20)
VALID = {
    "add_to_cart": st.fixed_dictionaries(
        {"cart_id": TEXT, "sku": TEXT},
        optional={
            "quantity": st.integers(1, 999),
            "options": st.dictionaries(TEXT, TEXT | st.lists(TEXT, max_size=3), max_size=3),
        },
    ),
    "search_products": st.fixed_dictionaries(
        {},
        optional={
            "query": st.text(max_size=20),
            "category": st.none() | TEXT,
            "min_price_minor": st.none() | st.integers(0),
            "sort": st.sampled_from(["relevance", "price_low", "price_high", "name", "newest"]),
            "page_size": st.integers(1, 50),
        },
    ),
    "get_shipping_methods": st.fixed_dictionaries(
        {
            "cart_id": TEXT,
            "address": st.fixed_dictionaries(
                {"country": st.text(min_size=2, max_size=2)}, optional={"postcode": TEXT, "street": TEXT}
            ),
        }
    ),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.data(), st.sampled_from(sorted(VALID)))
def test_what_is_valid_is_read_exactly_as_it_is(data: st.DataObject, tool: str) -> None:
    sent = json.dumps(visible_values(data.draw(VALID[tool]))).encode()
    try:
        strict = msgspec.json.decode(sent, type=SHAPES[tool])
    except msgspec.DecodeError:
        return
    assert read_arguments(sent, SHAPES[tool]) == strict


def read_or_refused(sent: bytes, shape: type[Struct]) -> Struct | str:
    """The arguments, or the sentence that refuses them; any other exception fails the test."""
    try:
        arguments = read_arguments(sent, shape)
    except ArgumentsRefused as refused:
        return str(refused)
    assert isinstance(arguments, shape)
    return arguments


@settings(max_examples=often(300))
@given(st.data(), st.sampled_from(sorted(SHAPES)))
def test_any_json_is_read_or_refused_in_a_short_sentence(data: st.DataObject, tool: str) -> None:
    names = [*SHAPES[tool].__struct_fields__, "address", "nonsense"]
    sent = data.draw(JSON | st.dictionaries(st.sampled_from(names), JSON, max_size=5))
    read = read_or_refused(json.dumps(sent).encode(), SHAPES[tool])
    if isinstance(read, str):
        # The longest names every member of two empty addresses.
        assert 0 < len(read) < 500
        assert "Expected" not in read.partition("got")[0]


@given(st.binary(max_size=60), st.sampled_from(sorted(SHAPES)))
def test_any_bytes_are_read_or_refused(sent: bytes, tool: str) -> None:
    assert read_or_refused(sent, SHAPES[tool])


@pytest.mark.parametrize(
    ("tool", "sent", "hint"),
    [
        ("add_to_cart", '{"cart_id":"c","product_id":"X"}', "Did you mean sku?"),
        ("get_product", '{"productId":"X"}', "Did you mean sku?"),
        ("remove_from_cart", '{"cart_id":"c","sku":"X"}', "Did you mean line_id?"),
        ("place_order", '{"cart_id":"c","shipping_address":{"name":"Ada Byron"}}', "Did you mean first_name?"),
        ("get_shipping_methods", '{"cart_id":"c","country":"AU"}', "Did you mean address.country?"),
        ("get_shipping_methods", '{"cart_id":"c","shipping_address":{"country":"AU"}}', "Did you mean address?"),
        ("get_shipping_methods", '{"cart_id":"c","address":{"country":"AU","zip":"1"}}', "Did you mean postcode?"),
        ("place_order", '{"cart_id":"c","country":"AU"}', "Did you mean shipping_address.country?"),
        ("place_order", '{"cart_id":"c","address":{}}', "Did you mean shipping_address?"),
        ("search_products", '{"colour":["Black"]}', 'It goes into filters: {"colour":["Black"]}.'),
        ("search_products", '{"size":"L"}', 'It goes into filters: {"size":"L"}.'),
        ("search_products", '{"page":2}', "Did you mean page_size?"),
        ("search_products", '{"sort_by":"price_low"}', "Did you mean sort?"),
        ("search_products", '{"categories":["x"]}', "Did you mean category?"),
        ("add_to_cart", '{"cart_id":"c","sku":"X","engraving":"ADA"}', 'It goes into options: {"engraving":"ADA"}.'),
        ("place_order", '{"cart_id":"c","email":7}', "never invent one."),
    ],
)
def test_a_mistake_names_the_right_place(tool: str, sent: str, hint: str) -> None:
    with pytest.raises(ArgumentsRefused) as refused:
        read_arguments(Raw(sent.encode()), SHAPES[tool])
    assert str(refused.value).endswith(hint)
