"""Every promised tool, over a shop that fits on a shelf."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st
from msgspec.structs import replace

from storefront_mcp import phases
from storefront_mcp.calls.arguments import read_arguments
from storefront_mcp.calls.errors import ArgumentsRefused
from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.category import CategoryFacet
from storefront_mcp.commerce.errors import (
    CartEmpty,
    CategoryNotFound,
    CountryNotServed,
    CouponRejected,
    CursorRefused,
    GiftCardRejected,
    LineNotFound,
    NotEnoughStock,
    OptionsNeeded,
    OutOfStock,
    ProductNotFound,
    ShopError,
    VariantNeeded,
)
from storefront_mcp.commerce.ids import CartId, Sku
from storefront_mcp.commerce.product import Product
from storefront_mcp.commerce.shipping import ShippingMethod
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.phases.p1_browse.get_product import MAX_SUMMARY_CHARS
from storefront_mcp.tools.tool import Tool
from tests.fakes.memory_backend import PHASES, PRODUCTS, STORE, MemoryBackend, aud, shop_on
from tests.fakes.memory_checkouts import MemoryCheckouts
from tests.often import often
from tests.unit.phases.calling import ADA, use

TOOLS: dict[str, Tool] = {name: tool for phase in PHASES for name, tool in phase.tools.items()}
READS = {"search_products", "get_product", "list_categories", "get_category", "get_store_info", "view_cart"} | {
    "get_order_status",
    "get_related_products",
    *("get_customer_orders", "get_order", "list_addresses"),
}
NOTHING_REQUIRED = {"create_cart", "search_products", "list_categories", "get_store_info"}
TAKES_AWAY = {"update_cart_item", "remove_from_cart", "apply_coupon", "remove_coupon", "cancel_checkout"} | {
    "remove_gift_card",
    "cancel_order",
}
ADDS_EACH_TIME = {"create_cart", "add_to_cart", "reorder"}
GUESTS = [tool.name for phase in PHASES if not phase.manifest.needs_sign_in for tool in phase.tools.values()]
"""Tools for everybody; `test_account` has the others."""


@pytest.fixture
def memory_backend() -> MemoryBackend:
    return MemoryBackend()


@pytest.fixture
def memory_checkouts() -> MemoryCheckouts:
    return MemoryCheckouts()


@pytest.fixture
def shop(memory_backend: MemoryBackend, memory_checkouts: MemoryCheckouts) -> Shop:
    return replace(shop_on(memory_backend), checkouts=memory_checkouts)


def test_every_promise_is_kept() -> None:
    assert {phase.name: phase.delivered for phase in PHASES} == {
        "p1_browse": True,
        "p2_cart": True,
        "p3_checkout": True,
        "p4_account": True,
    }
    promised = {promise.name for phase in PHASES for promise in phase.manifest.tools}
    assert promised >= {"place_order", "get_customer_orders"}
    assert len(TOOLS) == 24


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.name)
def test_no_file_of_a_phase_is_without_a_promise(phase: Any) -> None:
    (root,) = phases.__path__
    folder = Path(root) / phase.name
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    manifest = phase.manifest
    assert files <= {promise.name for promise in (*manifest.tools, *manifest.resources, *manifest.prompts)}
    assert files == {*phase.tools, *phase.resources, *phase.prompts}


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_says_in_few_words_what_it_does_and_what_it_may_do(name: str) -> None:
    tool = TOOLS[name]
    assert tool.name == name
    assert 20 < len(tool.description) < 400
    assert tool.title == name.replace("_", " ").capitalize()
    assert tool.writes is (name not in READS)
    assert tool.destructive is (name in TAKES_AWAY)
    assert tool.idempotent is (name not in ADDS_EACH_TIME)


@pytest.mark.parametrize("name", TOOLS)
def test_a_tools_schema_is_an_object_that_every_client_can_convert(name: str) -> None:
    tool = TOOLS[name]
    assert tool.input_schema["type"] == "object"
    assert "additionalProperties" not in tool.input_schema
    assert "$" not in msgspec.json.encode(tool.input_schema).decode()
    assert "title" not in msgspec.json.encode([tool.input_schema]).decode().replace('"title":{', "")
    assert "anyOf" not in msgspec.json.encode(tool.input_schema).decode() or name == "add_to_cart"
    assert len(msgspec.json.encode(tool.input_schema)) < 1_600


class TestSearch:
    async def test_words_categories_and_prices_narrow(self, shop: Shop) -> None:
        assert [p.sku for p in (await use(shop, "search_products", query=" paddle ")).products] == ["PAD-2"]
        lost = await use(shop, "search_products", query="zzz")
        assert (lost.products, "list_categories" in lost.notice) == ((), True)
        by_path = await use(shop, "search_products", category="pickleball/paddles")
        by_id = await use(shop, "search_products", category="10")
        assert by_path == by_id
        assert [facet.label for facet in by_path.facets] == ["Grip"]
        between = await use(shop, "search_products", min_price_minor=2000, max_price_minor=10_000, sort="price_high")
        assert [p.sku for p in between.products] == ["NET-0", "SHIRT"]
        assert between.facets == ()

    async def test_prices_are_asked_for_in_the_stores_own_currency(self, memory_backend: MemoryBackend) -> None:
        asked = []
        search = memory_backend.search

        async def listen(question: Any) -> Any:
            asked.append(question)
            return await search(question)

        memory_backend.search = listen
        await use(shop_on(memory_backend, replace(STORE, currency="JPY")), "search_products", max_price_minor=5000)
        assert (asked[0].price_max.minor, asked[0].price_max.currency, asked[0].price_min) == (5000, "JPY", None)

    async def test_an_unknown_category_is_not_an_empty_one(self, shop: Shop) -> None:
        with pytest.raises(CategoryNotFound, match="list_categories"):
            await use(shop, "search_products", category="hats")

    async def test_a_range_of_prices_comes_only_where_more_prices_follow(self, memory_backend: MemoryBackend) -> None:
        search = memory_backend.search
        facets = (CategoryFacet(code="price", min_minor=1, max_minor=9), CategoryFacet(code="size", label="Size"))

        async def ranged(question: Any) -> Any:
            return replace(await search(question), facets=facets)

        memory_backend.search = ranged
        shop = shop_on(memory_backend)
        assert (await use(shop, "search_products", page_size=1)).facets == facets
        assert (await use(shop, "search_products", page_size=50)).facets == facets[1:]

    async def test_facets_come_once(self, shop: Shop) -> None:
        first = await use(shop, "search_products", query="", page_size=1)
        assert first.next_cursor
        shelf_of_two = MemoryBackend([replace(PRODUCTS[0], sku=Sku(str(number))) for number in range(2)])
        two = shop_on(shelf_of_two)
        page = await use(two, "search_products", category="10", page_size=1)
        rest = await use(two, "search_products", category="10", page_size=1, cursor=page.next_cursor)
        assert (bool(page.facets), rest.facets, rest.next_cursor) == (True, (), None)

    async def test_a_cursor_belongs_to_its_question(self, shop: Shop) -> None:
        cursor = (await use(shop, "search_products", page_size=1)).next_cursor
        for other in ({"page_size": 2}, {"page_size": 1, "query": "net"}, {"page_size": 1, "sort": "name"}):
            with pytest.raises(CursorRefused):
                await use(shop, "search_products", cursor=cursor, **other)
        with pytest.raises(CursorRefused):
            await use(shop, "search_products", cursor="nonsense")

    @settings(max_examples=often(40), deadline=None)
    @given(
        st.integers(0, 60),
        st.integers(1, 50),
        st.sampled_from(["relevance", "price_low", "price_high", "name", "newest"]),
    )
    async def test_cursors_lead_through_everything_once(self, count: int, size: int, sort: str) -> None:
        products = [
            Product(sku=Sku(f"S-{number}"), name=f"Thing {number % 7}", price=aud(number % 5))
            for number in range(count)
        ]
        shop = shop_on(MemoryBackend(products))
        seen: list[str] = []
        cursors: set[str] = set()
        cursor = None
        for _ in range(count // size + 1):
            page = await use(shop, "search_products", page_size=size, sort=sort, cursor=cursor)
            assert page.total == count
            assert len(page.products) <= size
            seen += [product.sku for product in page.products]
            cursor = page.next_cursor
            if cursor is None:
                break
            assert cursor not in cursors
            cursors.add(cursor)
        assert cursor is None
        assert sorted(seen) == sorted(product.sku for product in products)


class TestProduct:
    async def test_it_is_read_by_sku_or_by_url_key(self, shop: Shop) -> None:
        by_sku = await use(shop, "get_product", sku="PAD-2", detail="full")
        by_key = await use(shop, "get_product", url_key=" carbon-paddle ", detail="full")
        assert by_sku == by_key == PRODUCTS[0]

    @pytest.mark.parametrize(
        "arguments",
        [{}, {"sku": "A", "url_key": "a"}, {"sku": " "}, {"url_key": "\t"}, {"sku": None, "url_key": None}],
    )
    async def test_one_of_the_two_names_is_needed(
        self, shop: Shop, memory_backend: MemoryBackend, arguments: dict[str, Any]
    ) -> None:
        with pytest.raises(ArgumentsRefused, match="send either sku or url_key"):
            await use(shop, "get_product", **arguments)
        assert memory_backend.asked == []

    async def test_one_that_is_not_there_is_named(self, shop: Shop) -> None:
        with pytest.raises(ProductNotFound, match="'X-1'"):
            await use(shop, "get_product", sku="X-1")

    async def test_a_brief_description_ends_at_a_word(self, shop: Shop) -> None:
        brief = await use(shop, "get_product", sku="PAD-2")
        whole = PRODUCTS[0].description
        assert brief.description.endswith(" …")
        head = brief.description.removesuffix(" …")
        assert whole.startswith(head)
        assert whole[len(head)] == " "
        assert replace(brief, description=whole) == replace(PRODUCTS[0], related=(), url_key=None)

    @settings(max_examples=often(60), deadline=None)
    @given(st.text(alphabet="ab \n…", max_size=2 * MAX_SUMMARY_CHARS))
    async def test_a_brief_description_is_a_beginning_of_the_whole_one(self, text: str) -> None:
        shop = shop_on(MemoryBackend([replace(PRODUCTS[0], description=text)]))
        brief = (await use(shop, "get_product", sku="PAD-2")).description
        if len(text) <= MAX_SUMMARY_CHARS:
            assert brief == text
        else:
            assert len(brief) <= MAX_SUMMARY_CHARS + 2
            assert text.startswith(brief.removesuffix(" …"))
        assert (await use(shop, "get_product", sku="PAD-2", detail="full")).description == text


class TestCategories:
    async def test_the_tree_is_for_finding_the_way(self, shop: Shop) -> None:
        tree = (await use(shop, "list_categories")).categories
        assert [category.name for category in tree] == ["Pickleball", "Jars"]
        assert [child.name for child in tree[0].children] == ["Paddles"]
        assert tree[0].description == tree[0].children[0].description == ""
        assert (await use(shop, "list_categories", depth=1)).categories[0].children == ()

    async def test_a_branch_is_named_by_id_or_path(self, shop: Shop) -> None:
        by_path = await use(shop, "list_categories", parent="pickleball")
        assert by_path == await use(shop, "list_categories", parent="1")
        assert [category.name for category in by_path.categories] == ["Paddles"]
        with pytest.raises(CategoryNotFound):
            await use(shop, "list_categories", parent="hats")

    async def test_one_category_brings_its_first_products(self, shop: Shop) -> None:
        page = await use(shop, "get_category", category="pickleball/paddles", page_size=1)
        assert (page.category.description, page.total) == ("To hit.", 1)
        assert [product.sku for product in page.products] == ["PAD-2"]
        with pytest.raises(CategoryNotFound):
            await use(shop, "get_category", category="hats")


async def test_a_guest_fills_a_cart_and_the_totals_add_up(shop: Shop) -> None:
    cart: Cart = await use(shop, "create_cart")
    cart_id = cart.cart_id
    assert cart.expires_at is not None
    with pytest.raises(VariantNeeded) as needed:
        await use(shop, "add_to_cart", cart_id=cart_id, sku="SHIRT")
    assert [variant.sku for variant in needed.value.detail.variants] == ["SHIRT-S", "SHIRT-L"]
    with pytest.raises(OutOfStock):
        await use(shop, "add_to_cart", cart_id=cart_id, sku="SHIRT-L")
    with pytest.raises(OptionsNeeded, match="Name on the lid"):
        await use(shop, "add_to_cart", cart_id=cart_id, sku="JAR-1")
    with pytest.raises(NotEnoughStock, match="Only 5"):
        await use(shop, "add_to_cart", cart_id=cart_id, sku="PAD-2", quantity=6)

    await use(shop, "add_to_cart", cart_id=cart_id, sku="SHIRT-S", quantity=2)
    cart = await use(shop, "add_to_cart", cart_id=cart_id, sku="JAR-1", options={"7": "ADA"})
    shirt, jar = cart.lines
    assert (shirt.total, jar.options) == (aud(9000), {"Name on the lid": "ADA"})
    cart = await use(shop, "update_cart_item", cart_id=cart_id, line_id=jar.line_id, quantity=2)
    assert cart.totals.subtotal == sum((line.total for line in cart.lines), aud(0)) == aud(11_500)
    with pytest.raises(CouponRejected):
        await use(shop, "apply_coupon", cart_id=cart_id, code="NOPE")
    cart = await use(shop, "apply_coupon", cart_id=cart_id, code=" TEN ")
    assert (cart.coupon, cart.totals.discount, cart.totals.total) == ("TEN", aud(1150), aud(10_350))
    assert await use(shop, "view_cart", cart_id=cart_id) == cart
    quote = await use(shop, "get_shipping_methods", cart_id=cart_id, address={"country": "AU", "postcode": "2000"})
    assert [method.code for method in quote.methods] == ["post", "van"]
    assert (quote.estimate, quote.depends_on) == (True, ("region",))
    whole = await use(shop, "get_shipping_methods", cart_id=cart_id, address=ADA)
    assert (whole.methods, whole.estimate, whole.depends_on) == (quote.methods, False, ())
    with pytest.raises(CountryNotServed):
        await use(shop, "get_shipping_methods", cart_id=cart_id, address={"country": "NZ"})
    cart = await use(shop, "remove_coupon", cart_id=cart_id)
    assert cart.totals.discount is None
    with pytest.raises(LineNotFound, match="view_cart"):
        await use(shop, "remove_from_cart", cart_id=cart_id, line_id="999")
    await use(shop, "remove_from_cart", cart_id=cart_id, line_id=jar.line_id)
    assert [line.sku for line in (await use(shop, "view_cart", cart_id=cart_id)).lines] == ["SHIRT-S"]


async def test_a_quote_says_how_long_a_delivery_takes_where_the_store_does(shop: Shop) -> None:
    shop = Shop(replace(shop.store, delivery_times={"post": "2-4 days"}), shop.backend, shop.carts, shop.checkouts)
    cart_id = (await use(shop, "create_cart")).cart_id
    await use(shop, "add_to_cart", cart_id=cart_id, sku="SHIRT-S")
    quote = await use(shop, "get_shipping_methods", cart_id=cart_id, address=ADA)
    assert [(one.code, one.delivery) for one in quote.methods] == [("post", "2-4 days"), ("van", None)]
    assert (await use(shop, "get_store_info", topic="shipping")).delivery_times == {"post": "2-4 days"}
    assert (await use(shop, "get_store_info")).delivery_times == {}


async def test_a_store_tells_who_it_is_and_what_it_says_on_a_topic(shop: Shop) -> None:
    pages = ("shipping", "privacy")
    store = replace(shop.store, contact="help@pickle.example", legal_name="Pickle Pty Ltd", pages=pages)
    shop = Shop(store, shop.backend, shop.carts, shop.checkouts)
    about = await use(shop, "get_store_info")
    assert (about.name, about.legal_name, about.contact) == (store.name, "Pickle Pty Ltd", "help@pickle.example")
    assert (about.countries, about.currency, about.page) == (("AU",), "AUD", "")
    assert about.payment_methods
    assert about.pages == pages
    shipping = await use(shop, "get_store_info", topic="shipping")
    assert (shipping.page, shipping.pages, shipping.notice) == ("Fast.", ("privacy",), None)
    assert (shipping.countries, shipping.payment_methods) == (("AU",), ())
    assert "(help@pickle.example)" in (await use(shop, "get_store_info", topic="returns")).notice
    assert (await use(shop, "get_store_info", topic="contact")).notice is None
    silent = Shop(replace(store, contact=None), shop.backend, shop.carts, None)
    assert "Send the buyer to the shop; make" in (await use(silent, "get_store_info", topic="contact")).notice
    assert (await use(silent, "get_store_info")).notice is None
    payment = await use(shop, "get_store_info", topic="payment")
    assert "in AUD and is charged in AUD" in payment.charged
    assert "declined card charges nothing and leaves that page open" in payment.notice
    assert "test mode: paying charges nothing" in payment.notice
    closed = await use(Shop(store, shop.backend, shop.carts, None), "get_store_info", topic="payment")
    assert "test mode" not in closed.notice
    coupons = await use(shop, "get_store_info", topic="coupons")
    assert "publishes no codes here, so there is none to offer or guess" in coupons.notice
    assert coupons.charged == ""
    with pytest.raises(ArgumentsRefused, match="about, contact, coupons, payment, privacy, returns, shipping"):
        await use(shop, "get_store_info", topic="weather")


async def test_an_empty_cart_has_no_shipping_methods_and_a_place_without_any_says_so(
    shop: Shop, memory_backend: MemoryBackend
) -> None:
    cart_id = (await use(shop, "create_cart")).cart_id
    with pytest.raises(CartEmpty, match="add_to_cart"):
        await use(shop, "get_shipping_methods", cart_id=cart_id, address={"country": "AU"})
    await use(shop, "add_to_cart", cart_id=cart_id, sku="SHIRT-S")

    async def nothing(cart: CartId, address: Address) -> Sequence[ShippingMethod]:
        return ()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory_backend, "shipping_methods", nothing)
        quote = await use(shop, "get_shipping_methods", cart_id=cart_id, address=ADA)
    assert (quote.methods, "no way to send" in quote.notice) == ((), True)


@pytest.mark.parametrize("quantity", [-1, 1000, "many", 1.5, None])
async def test_a_quantity_is_a_number_of_pieces(shop: Shop, memory_backend: MemoryBackend, quantity: Any) -> None:
    cart_id = (await use(shop, "create_cart")).cart_id
    memory_backend.asked.clear()
    with pytest.raises(ArgumentsRefused, match="quantity: "):
        await use(shop, "update_cart_item", cart_id=cart_id, line_id="1", quantity=quantity)
    assert memory_backend.asked == []


async def test_a_quantity_of_none_takes_the_line_out(shop: Shop) -> None:
    cart_id = (await use(shop, "create_cart")).cart_id
    [line] = (await use(shop, "add_to_cart", cart_id=cart_id, sku="PAD-2")).lines
    cart = await use(shop, "update_cart_item", cart_id=cart_id, line_id=line.line_id, quantity=0)
    assert cart.lines == ()
    with pytest.raises(LineNotFound):
        await use(shop, "update_cart_item", cart_id=cart_id, line_id=line.line_id, quantity=0)
    with pytest.raises(ArgumentsRefused, match="wanted integer >= 1, got 0"):
        await use(shop, "add_to_cart", cart_id=cart_id, sku="PAD-2", quantity=0)


async def test_a_blank_coupon_never_reaches_the_shop(shop: Shop, memory_backend: MemoryBackend) -> None:
    cart_id = (await use(shop, "create_cart")).cart_id
    with pytest.raises(ArgumentsRefused, match="code must not be blank"):
        await use(shop, "apply_coupon", cart_id=cart_id, code="   ")
    assert "apply_coupon" not in memory_backend.asked


@pytest.mark.parametrize("name", sorted(set(GUESTS) - NOTHING_REQUIRED))
async def test_nothing_is_guessed_where_something_is_required(shop: Shop, name: str) -> None:
    with pytest.raises(ArgumentsRefused):
        await use(shop, name)


@pytest.mark.parametrize("name", GUESTS)
async def test_every_tool_passes_the_shops_refusal_on(
    shop: Shop, memory_backend: MemoryBackend, memory_checkouts: MemoryCheckouts, name: str
) -> None:
    cart_id = (await use(shop, "create_cart")).cart_id
    await use(shop, "add_to_cart", cart_id=cart_id, sku="PAD-2")
    samples: dict[str, Any] = {
        "cart_id": cart_id,
        "sku": "PAD-2",
        "line_id": "1",
        "code": "TEN",
        "quantity": 1,
        "category": "jars",
        "address": {"country": "AU"},
        "email": "ada@example.com",
        "shipping_address": ADA,
        "shipping_method": "post",
        "checkout_id": "chk-1",
    }
    arguments = {key: samples[key] for key in TOOLS[name].arguments.__struct_fields__ if key in samples}
    read_arguments(msgspec.json.encode(arguments), TOOLS[name].arguments)
    memory_backend.down = memory_checkouts.down = ShopError("Closed for stock-taking.")
    with pytest.raises(ShopError, match="stock-taking"):
        await use(shop, name, **arguments)


async def test_a_gift_card_lowers_what_is_to_be_paid_and_is_taken_off(
    shop: Shop, memory_backend: MemoryBackend
) -> None:
    cart_id = (await use(shop, "create_cart")).cart_id
    await use(shop, "add_to_cart", cart_id=cart_id, sku="SHIRT-S")
    with pytest.raises(GiftCardRejected, match="never guess"):
        await use(shop, "apply_gift_card", cart_id=cart_id, code="GC-NONE")
    cart = await use(shop, "apply_gift_card", cart_id=cart_id, code=" GC-MEMORY-50 ")
    assert (cart.totals.gift_cards, cart.totals.total) == (aud(4500), aud(0))
    assert [card.code for card in cart.gift_cards] == ["…Y-50"]
    with pytest.raises(GiftCardRejected):
        await use(shop, "remove_gift_card", cart_id=cart_id, code="GC-MEMORY-5")
    cart = await use(shop, "remove_gift_card", cart_id=cart_id, code="…Y-50")
    assert (cart.gift_cards, cart.totals.total) == ((), aud(4500))
    memory_backend.asked.clear()
    with pytest.raises(ArgumentsRefused, match="code must not be blank"):
        await use(shop, "apply_gift_card", cart_id=cart_id, code="   ")
    assert memory_backend.asked == []


async def test_what_is_shown_beside_a_product_is_told_in_full_only(shop: Shop) -> None:
    brief = await use(shop, "get_product", sku="PAD-2")
    full = await use(shop, "get_product", sku="PAD-2", detail="full")
    assert (brief.rating, brief.reviews, brief.related) == (4.5, 2, ())
    assert [one.sku for one in full.related] == ["NET-0"]


class TestRelated:
    async def test_products_of_the_category_at_a_like_price_stand_beside_one(self) -> None:
        alone = replace(PRODUCTS[0], related=())
        near = [replace(PRODUCTS[0], sku=Sku(f"NEAR-{number}")) for number in range(3)]
        dear = replace(PRODUCTS[0], sku=Sku("DEAR"), price=aud(99_900), list_price=None)
        gone = replace(PRODUCTS[0], sku=Sku("GONE"), in_stock=False)
        shop = shop_on(MemoryBackend([alone, gone, dear, *near]))
        found = await use(shop, "get_related_products", sku=" PAD-2 ", page_size=3)

        assert (found.source, [one.sku for one in found.products]) == ("similar", ["NEAR-0", "NEAR-1", "NEAR-2"])
        with_gone = await use(shop, "get_related_products", sku="PAD-2", in_stock=False, kind="alternatives")
        assert "GONE" in [one.sku for one in with_gone.products]

    async def test_a_product_without_a_category_has_nothing_beside_it(self) -> None:
        shop = shop_on(MemoryBackend([replace(PRODUCTS[0], categories=(), related=())]))

        assert (await use(shop, "get_related_products", sku="PAD-2")).products == ()

    async def test_what_the_shop_shows_beside_a_product_comes_first(self, shop: Shop) -> None:
        found = await use(shop, "get_related_products", sku="PAD-2")

        assert ([one.sku for one in found.products], found.source) == (["NET-0"], "shop")

    async def test_accessories_are_only_known_from_the_shop(self, shop: Shop) -> None:
        found = await use(shop, "get_related_products", sku="PAD-2", kind="accessories")

        assert (found.products, found.source) == ((), "shop")
        with pytest.raises(ProductNotFound):
            await use(shop, "get_related_products", sku="NONE", kind="accessories")
