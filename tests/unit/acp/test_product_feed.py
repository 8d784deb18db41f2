"""Products in the words of a feed: every line is what the specification lets it be, whatever a shop calls its goods."""

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from storefront_mcp.acp.product_feed import FeedProduct, feed_product, feed_seller
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import CustomOption, Product, ProductKind, Variant
from tests.fakes.memory_backend import STORE
from tests.unit.acp.schemas import FEED_PRODUCT, check

SELLER = feed_seller(replace(STORE, pages=("shipping", "returns", "terms"), privacy_policy=None))
CAP = Product(sku=Sku("CAP"), name="Club Cap", price=Money(2900, "AUD"), list_price=Money(3500, "AUD"))
RED = Variant(sku=Sku("CAP-RED"), options={"Colour": "Red"})
BLUE = Variant(sku=Sku("CAP-BLUE"), options={"Colour": "Blue"}, price=Money(3100, "AUD"), in_stock=False)


def told(product: Product, *categories: str) -> Any:
    """A product as JSON, checked; or why it is left out."""
    found = feed_product(product, categories, SELLER)
    if not isinstance(found, FeedProduct):
        return found
    value = msgspec.json.decode(msgspec.json.encode(found))
    check(value, FEED_PRODUCT)
    return value


def test_a_product_without_variants_is_its_own() -> None:
    line = told(replace(CAP, description="For the sun.", url="https://shop.example/cap"), "Caps", "Caps", "Sale")

    (variant,) = line["variants"]
    assert (line["id"], variant["id"], variant["title"]) == ("CAP", "CAP", "Club Cap")
    assert variant["price"] == {"amount": 2900, "currency": "AUD"}
    assert variant["list_price"] == {"amount": 3500, "currency": "AUD"}
    assert variant["availability"] == {"available": True, "status": "in_stock"}
    assert [one["value"] for one in variant["categories"]] == ["Caps", "Sale"]
    assert (line["description"], line["url"]) == ({"plain": "For the sun."}, "https://shop.example/cap")


def test_variants_have_their_own_prices_stock_and_options() -> None:
    red, blue = told(replace(CAP, kind="configurable", variants=(RED, BLUE)))["variants"]

    assert (red["id"], red["title"], red["price"]["amount"]) == ("CAP-RED", "Club Cap, Red", 2900)
    assert red["variant_options"] == [{"name": "Colour", "value": "Red"}]
    assert red["list_price"]["amount"] == 3500
    assert (blue["id"], blue["price"]["amount"], blue["availability"]["available"]) == ("CAP-BLUE", 3100, False)
    assert "list_price" not in blue, "what it cost before is not known"


def test_of_a_product_that_is_sold_out_every_variant_is() -> None:
    line = told(replace(CAP, variants=(RED,), in_stock=False))

    assert [one["availability"]["status"] for one in line["variants"]] == ["out_of_stock"]


def test_the_seller_is_named_with_the_pages_that_buyers_read_before() -> None:
    seller = told(CAP)["variants"][0]["seller"]

    assert seller["name"] == "Pickle Warehouse"
    assert [one["type"] for one in seller["links"]] == ["shipping_policy", "refund_policy", "terms_of_service"]


@pytest.mark.parametrize(
    ("product", "reason"),
    [
        (replace(CAP, price=Money(0, "AUD")), "incomplete"),
        (replace(CAP, price=Money(-1, "AUD")), "incomplete"),
        (replace(CAP, sku=Sku("")), "incomplete"),
        (replace(CAP, variants=(replace(RED, sku=Sku("")), replace(BLUE, price=Money(0, "AUD")))), "incomplete"),
        (replace(CAP, kind="bundle"), "chosen"),
        (replace(CAP, kind="giftcard"), "chosen"),
        (replace(CAP, kind="configurable"), "chosen"),
        (replace(CAP, custom_options=(CustomOption(id="1", title="Name", kind="text", required=True),)), "chosen"),
    ],
)
def test_what_cannot_be_bought_by_an_id_at_a_price_is_left_out(product: Product, reason: str) -> None:
    assert told(product) == reason


def test_what_a_buyer_may_add_leaves_it_in() -> None:
    assert told(replace(CAP, custom_options=(CustomOption(id="1", title="Name", kind="text"),)))["id"] == "CAP"


def test_a_variant_without_a_price_is_left_out_alone() -> None:
    line = told(replace(CAP, variants=(RED, replace(BLUE, price=Money(0, "AUD")))))

    assert [one["id"] for one in line["variants"]] == ["CAP-RED"]


def test_addresses_are_written_as_uris_and_what_is_none_is_left_out() -> None:
    line = told(
        replace(CAP, url="ftp://shop.example/cap", image="https://shop.example/mütze 100%.jpg", images=("//x/y", ""))
    )

    assert "url" not in line
    assert line["media"] == [{"type": "image", "url": "https://shop.example/m%C3%BCtze%20100%25.jpg"}]


def test_nobody_sees_what_people_do_not() -> None:
    line = told(replace(CAP, name="Cap\u202e\nfor\u200b you", description="\u2066\n", variants=()))

    assert line["title"] == "Cap for you"
    assert "description" not in line


MONEY = st.builds(Money, st.integers(-(10**6), 10**18), st.sampled_from(["AUD", "JPY", "KWD"]))
WORDS = st.text(max_size=30)
URLS = st.none() | st.text(max_size=20).map("https://shop.example/".__add__) | WORDS
VARIANTS = st.builds(
    Variant,
    sku=WORDS,
    options=st.dictionaries(WORDS, WORDS, max_size=3),
    price=st.none() | MONEY,
    in_stock=st.booleans(),
)
PRODUCTS = st.builds(
    Product,
    sku=WORDS,
    name=WORDS,
    price=MONEY,
    list_price=st.none() | MONEY,
    in_stock=st.booleans(),
    url=URLS,
    image=URLS,
    images=st.lists(URLS.filter(bool), max_size=3).map(tuple),
    description=st.text(max_size=200),
    kind=st.sampled_from(get_args(ProductKind)),
    variants=st.lists(VARIANTS, max_size=4).map(tuple),
)


@given(PRODUCTS, st.lists(WORDS, max_size=3))
def test_an_odd_product_is_a_valid_line_or_left_out(product: Product, categories: list[str]) -> None:
    line = told(product, *categories)

    if isinstance(line, dict):
        ids = [one["id"] for one in line["variants"]]
        assert len(ids) == len(set(ids))
        assert line["id"] == product.sku
