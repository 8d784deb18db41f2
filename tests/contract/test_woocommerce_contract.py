"""What the port promises of catalogue and cart, kept by the WooCommerce adapter over a stand-in."""

import inspect

import pytest
from msgspec.structs import replace

from storefront_mcp.backends.woocommerce import WooBackend
from storefront_mcp.commerce import errors
from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.backend import ShopBackend
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.error_details import VariantChoices
from storefront_mcp.commerce.ids import CartId, CategoryId, LineId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.search import SearchPage, SearchQuery
from storefront_mcp.commerce.search_errors import FilterRefused
from tests.contract.woocommerce import filled, woo_backend
from tests.fakes.woocommerce import WooShop, woo_shop

MELBOURNE = Address(country="Australia", region="Victoria", postcode="3000")


def aud(minor: int) -> Money:
    return Money(minor, "AUD")


def adds_up(cart: Cart) -> bool:
    totals, zero = cart.totals, Money(0, cart.totals.total.currency)
    known = totals.subtotal - (totals.discount or zero) + (totals.shipping or zero)
    tax = zero if totals.tax_included else totals.tax or zero
    rows = sum((line.total for line in cart.lines), zero)
    return known + tax + (totals.other or zero) == totals.total and rows == totals.subtotal


@pytest.fixture
def shop() -> WooShop:
    return woo_shop()


@pytest.fixture
def backend(shop: WooShop) -> WooBackend:
    return woo_backend(shop)


async def everything(backend: WooBackend, **question: object) -> list[SearchPage]:
    pages = [await backend.search(SearchQuery(**question))]  # type: ignore[arg-type]
    while pages[-1].next is not None:
        assert len(pages) < 100, "a search that never ends"
        pages.append(await backend.search(SearchQuery(**question, after=pages[-1].next)))  # type: ignore[arg-type]
    return pages


def test_the_adapter_is_a_backend(backend: WooBackend) -> None:
    port = {name: one for name, one in vars(ShopBackend).items() if inspect.iscoroutinefunction(one)}

    assert port
    for name, method in port.items():
        _, *wanted = inspect.signature(method).parameters.values()
        assert list(inspect.signature(getattr(backend, name)).parameters.values()) == wanted, name


async def test_a_catalogue_is_read_page_by_page_without_gaps_or_repeats(backend: WooBackend) -> None:
    pages = await everything(backend, size=50)

    skus = [product.sku for page in pages for product in page.products]
    assert len(skus) == len(set(skus)) == pages[0].total
    assert len(skus) >= 200


async def test_text_category_and_price_narrow_together(backend: WooBackend) -> None:
    paddles = await backend.category("pickleball/paddles")
    everywhere = {one.sku for page in await everything(backend, text="paddle", size=50) for one in page.products}
    inside = {one.sku for page in await everything(backend, category=paddles.id, size=50) for one in page.products}
    both = {
        one.sku
        for page in await everything(backend, text="paddle", category=paddles.id, size=7)
        for one in page.products
    }
    assert both == everywhere & inside
    assert 0 < len(both) < len(everywhere)
    low = await backend.search(SearchQuery(price_min=aud(2000), price_max=aud(5000), sort="price_low", size=50))
    found = [one.price.minor for one in low.products]
    assert found == sorted(found)
    assert found
    assert all(2000 <= price <= 5000 for price in found)
    sale = await backend.search(SearchQuery(on_sale=True, size=50))
    assert sale.products
    assert all(one.list_price is not None or one.choose == "variant" for one in sale.products)
    there = await backend.search(SearchQuery(in_stock=True, size=50))
    assert all(one.in_stock for one in there.products)


@pytest.mark.parametrize(("decimals", "currency"), [(0, "AUD"), (2, "AUD"), (3, "KWD"), (0, "JPY"), (2, "JPY")])
async def test_prices_are_of_the_currency_whatever_decimals_the_shop_shows(decimals: int, currency: str) -> None:
    backend = woo_backend(woo_shop(currency=currency, decimals=decimals), currency=currency)
    paddle = await backend.product("PAD-2")
    assert paddle.price == Money.of("279", currency)
    assert paddle.list_price == Money.of("329", currency)
    found = await backend.search(
        SearchQuery(price_min=Money.of("279", currency), price_max=Money.of("279", currency), size=50)
    )
    assert {one.price for one in found.products} == {Money.of("279", currency)}
    cart = await backend.cart(await filled(backend, quantity=2))
    assert cart.lines[0].total == Money.of("558", currency)
    assert adds_up(cart)


async def test_another_currency_than_the_shops_is_the_operators_matter(shop: WooShop) -> None:
    elsewhere = woo_backend(shop, currency="USD")
    for asking in (elsewhere.product("PAD-2"), elsewhere.create_cart(), elsewhere.search(SearchQuery())):
        with pytest.raises(errors.ShopMisconfigured):
            await asking


async def test_a_search_goes_on_from_where_it_said_and_orders_what_it_can(backend: WooBackend) -> None:
    for after in ("0", "-1", "1.x", "one", "9" * 40):
        with pytest.raises(errors.ShopRefused):
            await backend.search(SearchQuery(after=after))
    assert (await backend.search(SearchQuery(after="9999"))).products == ()
    with pytest.raises(FilterRefused):
        await backend.search(SearchQuery(sort="discount"))
    with pytest.raises(FilterRefused):
        await backend.search(SearchQuery(filters=(("color", ("Black",)),)))


async def test_a_product_is_found_by_sku_by_slug_and_by_a_variations_sku(backend: WooBackend) -> None:
    by_key = await backend.product("club-tee")

    assert by_key.sku == "TEE"
    assert await backend.product("tee") == by_key
    by_variant = await backend.product("TEE-BLACK-M")
    assert by_variant.selected_variant is not None
    assert by_variant.selected_variant.options == {"Colour": "Black", "Size": "M"}
    assert replace(by_variant, selected_variant=None) == by_key
    assert {axis.label for axis in by_key.axes} == {"Colour", "Size"}
    assert {one.sku: one.in_stock for one in by_key.variants}["TEE-GREEN-XL"] is False
    assert by_key.url == "https://shop.example/product/club-tee/"
    assert "<" not in by_key.description
    found = await backend.search(SearchQuery(text="TEE-BLACK-M"))
    assert [(one.sku, one.selected_variant) for one in found.products] == [("TEE", by_variant.selected_variant)]


async def test_a_product_without_a_sku_is_called_by_its_id(shop: WooShop, backend: WooBackend) -> None:
    number = next(one.id for one in shop.state.catalogue.products.values() if one.sku == "PAD-2")
    products = {**shop.state.catalogue.products}
    products[number] = replace(products[number], sku="")
    shop.state.catalogue = replace(shop.state.catalogue, products=products)
    shop.state.stock[""] = 5
    product = await backend.product(products[number].url_key)
    assert product.sku == f"wc-{number}"
    cart = await filled(backend, product.sku)
    assert [line.sku for line in (await backend.cart(cart)).lines] == [product.sku]


async def test_unknown_things_are_said_to_be_unknown(backend: WooBackend) -> None:
    for key in ("NO-SUCH-THING", "no/such", "a,b", "99999", "club-tee-black-m", "wc-99999", "../cart"):
        with pytest.raises(errors.ProductNotFound):
            await backend.product(key)
    for key in ("no/such/shelf", "9999", "no-such-shelf", "../products/2", ""):
        with pytest.raises(errors.CategoryNotFound):
            await backend.category(key)
    for unknown in (CategoryId("9999"), CategoryId("x")):
        with pytest.raises(errors.CategoryNotFound):
            await backend.categories(unknown, depth=1)
        with pytest.raises(errors.CategoryNotFound):
            await backend.search(SearchQuery(category=unknown))
        with pytest.raises(errors.CategoryNotFound):
            await backend.facets(unknown)
    for page in ("no-such-page", "../users"):
        with pytest.raises(errors.PageNotFound):
            await backend.page(page)


async def test_the_category_tree_is_as_deep_as_asked(backend: WooBackend) -> None:
    roots = await backend.categories(None, depth=1)
    tree = await backend.categories(None, depth=3)
    whole = await backend.categories(None, depth=5)

    assert {one.name for one in roots if one.more_below} == {one.name for one in whole if one.children}
    assert not any(one.more_below for one in whole)
    assert [one.id for one in roots] == [one.id for one in tree]
    assert not any(one.children for one in roots)
    paddles = await backend.category("pickleball/paddles")
    assert paddles == await backend.category(paddles.id) == await backend.category(" Paddles")
    assert paddles == await backend.category("paddles")
    assert paddles.children
    [facet] = await backend.facets(paddles.id)
    assert facet.code == "price"
    assert (facet.min_minor or 0) < (facet.max_minor or 0)


async def test_a_page_of_the_shops_own_is_clean(backend: WooBackend) -> None:
    page = await backend.page("returns")
    assert page.title
    assert "<script" not in page.html
    assert "<p>" not in page.markdown


async def test_a_guest_fills_changes_and_empties_a_cart(backend: WooBackend) -> None:
    cart = (await backend.create_cart()).cart_id
    await backend.add_line(cart, Sku("PAD-2"), 1, {})
    await backend.add_line(cart, Sku("PAD-2"), 1, {})
    await backend.add_line(cart, Sku("TEE-BLACK-M"), 1, {})
    full = await backend.add_line(cart, Sku("TEE"), 1, {"colour": "Blue", "Size": " l"})

    assert [(line.sku, line.quantity) for line in full.lines] == [
        ("PAD-2", 2),
        ("TEE-BLACK-M", 1),
        ("TEE-BLUE-L", 1),
    ]
    assert full.lines[1].options == {"Colour": "Black", "Size": "M"}
    assert full.cart_id == cart
    assert adds_up(full)
    assert full == await backend.cart(cart)

    fewer = await backend.update_line(cart, full.lines[0].line_id, 1)
    assert fewer.totals.subtotal == full.totals.subtotal - aud(27900)
    for line in full.lines:
        fewer = await backend.remove_line(cart, line.line_id)
    assert fewer.lines == ()
    assert fewer.totals.total == aud(0)


async def test_variants_are_asked_for_and_refused_with_those_that_there_are(backend: WooBackend) -> None:
    cart = (await backend.create_cart()).cart_id
    for sku, options in (
        ("TEE", {}),
        ("TEE", {"Size": "M"}),
        ("TEE", {"Colour": "Pink", "Size": "M"}),
        ("TEE-BLACK-M", {"Colour": "Blue", "Size": "M"}),
    ):
        with pytest.raises(errors.VariantNeeded) as caught:
            await backend.add_line(cart, Sku(sku), 1, options)
        assert isinstance(caught.value.detail, VariantChoices)
        assert "TEE-BLACK-M" in {one.sku for one in caught.value.detail.variants}
    with pytest.raises(errors.OptionsNeeded):
        await backend.add_line(cart, Sku("TEE-BLACK-M"), 1, {"Engraving": "ADA"})
    with pytest.raises(errors.OptionsNeeded):
        await backend.add_line(cart, Sku("PAD-2"), 1, {"Engraving": "ADA"})
    with pytest.raises(errors.OutOfStock):
        await backend.add_line(cart, Sku("TEE"), 1, {"Colour": "Green", "Size": "XL"})
    assert (await backend.cart(cart)).lines == ()


async def test_what_only_its_own_page_can_sell_is_refused_with_that_page(backend: WooBackend) -> None:
    cart = (await backend.create_cart()).cart_id
    mug = await backend.product("GIFT-MUG")
    assert mug.url is not None
    assert [(one.kind, one.required) for one in mug.custom_options] == [("other", True)]
    assert (await backend.product("PAD-2")).custom_options == ()
    with pytest.raises(errors.OptionsNeeded, match=r"https://shop\.example/product/") as caught:
        await backend.add_line(cart, Sku("GIFT-MUG"), 1, {})
    assert mug.url in str(caught.value)


async def test_stock_is_respected_on_adding_and_on_updating(shop: WooShop, backend: WooBackend) -> None:
    cart = (await backend.create_cart()).cart_id
    with pytest.raises(errors.OutOfStock):
        await backend.add_line(cart, Sku("PAD-3"), 1, {})
    with pytest.raises(errors.NotEnoughStock) as caught:
        await backend.add_line(cart, Sku("PAD-2"), 49, {})
    assert caught.value.available == 48
    with pytest.raises(errors.QuantityRefused):
        await backend.add_line(cart, Sku("PAD-2"), 100_000, {})
    with pytest.raises(errors.QuantityRefused):
        await backend.add_line(cart, Sku("PAD-2"), 0, {})
    with pytest.raises(errors.ProductNotFound):
        await backend.add_line(cart, Sku("NOPE"), 1, {})
    line = (await backend.add_line(cart, Sku("PAD-2"), 1, {})).lines[0].line_id
    with pytest.raises(errors.NotEnoughStock) as caught:
        await backend.update_line(cart, line, 49)
    assert caught.value.available == 48
    with pytest.raises(errors.QuantityRefused):
        await backend.update_line(cart, line, 0)
    for wrong in (LineId("deadbeef"), LineId("PAD-1")):
        with pytest.raises(errors.LineNotFound):
            await backend.update_line(cart, wrong, 1)
        with pytest.raises(errors.LineNotFound):
            await backend.remove_line(cart, wrong)
    shop.state.backorders.add("PAD-2")
    assert (await backend.update_line(cart, LineId("pad-2"), 60)).lines[0].quantity == 60


async def test_coupons_add_up_and_are_taken_off_together(backend: WooBackend) -> None:
    cart = await filled(backend)
    before = (await backend.cart(cart)).totals
    with pytest.raises(errors.CouponRejected, match="does not exist"):
        await backend.apply_coupon(cart, "nope")
    once = await backend.apply_coupon(cart, "SAVE10")
    assert (once.coupon, once.totals.discount) == ("SAVE10", aud(2790))
    assert await backend.apply_coupon(cart, "save10") == once
    twice = await backend.apply_coupon(cart, "PICKLE5")
    assert (twice.coupon, twice.totals.discount) == ("SAVE10, PICKLE5", aud(3290))
    assert adds_up(twice)
    assert (await backend.remove_coupon(cart)).totals == before
    assert (await backend.remove_coupon(cart)).coupon is None


async def test_no_gift_card_is_taken_and_none_is_taken_off(backend: WooBackend) -> None:
    cart = await filled(backend)
    with pytest.raises(errors.GiftCardRejected):
        await backend.apply_gift_card(cart, "GC-BRINE-50")
    assert await backend.remove_gift_card(cart, "GC-BRINE-50") == await backend.cart(cart)


@pytest.mark.parametrize("tax", ["none", "included", "added"])
async def test_totals_are_as_the_shop_displays_tax(tax: str) -> None:
    shop = woo_shop(tax=tax)
    backend = woo_backend(shop)
    cart = await filled(backend, quantity=3)
    await backend.add_line(cart, Sku("TEE-BLACK-M"), 1, {})
    found = await backend.apply_coupon(cart, "SAVE10")
    assert adds_up(found)
    assert found.totals.other is None
    assert found.totals.subtotal == aud(3 * 27900 + 2500)
    assert found.totals.tax_included is (tax == "included")
    assert (found.totals.tax is None) is (tax == "none")
    methods = await backend.shipping_methods(cart, MELBOURNE)
    assert methods is not None
    price = {one.code: one.price for one in methods}["flat_rate:1"]
    assert found.totals.shipping is None, "before anybody said where to"
    there = await backend.cart(cart)
    assert adds_up(there)
    assert there.totals.no_tax == ("for delivery to AU" if tax == "none" else None)
    assert price == there.totals.shipping == aud(1100 if tax == "included" else 1000)


async def test_a_cart_in_two_packages_is_sent_in_one_way(shop: WooShop, backend: WooBackend) -> None:
    shop.state.packages = 2
    cart = await filled(backend)
    await backend.add_line(cart, Sku("TEE-BLACK-M"), 1, {})
    methods = await backend.shipping_methods(cart, MELBOURNE)
    assert methods is not None
    assert {one.code: one.price.minor for one in methods} == {
        "flat_rate:1|flat_rate:1": 2000,
        "flat_rate:3|flat_rate:1": 2850,
        "free_shipping:2|free_shipping:2": 0,
    }


async def test_shipping_is_told_by_address_and_refused_where_there_is_none(backend: WooBackend) -> None:
    cart = await filled(backend)
    methods = await backend.shipping_methods(cart, MELBOURNE)
    assert methods is not None
    assert [one.code for one in methods] == ["flat_rate:1", "flat_rate:3", "free_shipping:2"]
    for country in ("DE", "ZZ", "Atlantis"):
        with pytest.raises(errors.CountryNotServed):
            await backend.shipping_methods(cart, Address(country=country))
    with pytest.raises(errors.AddressRefused, match="region"):
        await backend.shipping_methods(cart, Address(country="AU", region="Nowhere at all"))
    assert list(await backend.quote_gaps(Address(country="AU"))) == ["region", "postcode"]
    assert list(await backend.quote_gaps(MELBOURNE)) == []


async def test_nothing_is_sent_of_what_is_virtual(shop: WooShop, backend: WooBackend) -> None:
    products = {number: replace(one, virtual=True) for number, one in shop.state.catalogue.products.items()}
    shop.state.catalogue = replace(shop.state.catalogue, products=products)
    cart = await filled(backend)
    assert await backend.shipping_methods(cart, MELBOURNE) is None
    found = await backend.cart(cart)
    assert (found.ships_nothing, found.totals.shipping) == (True, None)


async def test_a_cart_whose_token_is_over_or_nobodys_is_gone(shop: WooShop) -> None:
    now = [1_000_000.0]
    shop.state.clock = lambda: now[0]
    backend = woo_backend(shop)
    cart = await filled(backend)
    line = (await backend.cart(cart)).lines[0].line_id
    now[0] += 48 * 3600 + 1
    for dead in (cart, CartId("no.such.token"), CartId("x" * 40)):
        for asking in (
            backend.cart(dead),
            backend.add_line(dead, Sku("PAD-2"), 1, {}),
            backend.update_line(dead, line, 1),
            backend.apply_coupon(dead, "SAVE10"),
            backend.shipping_methods(dead, MELBOURNE),
            backend.payment_methods(dead),
        ):
            with pytest.raises(errors.CartGone):
                await asking


async def test_no_token_is_in_a_path_or_in_a_refusal(shop: WooShop, backend: WooBackend) -> None:
    cart = await filled(backend)
    with pytest.raises(errors.CouponRejected) as caught:
        await backend.apply_coupon(cart, "nope")
    assert cart not in f"{caught.value} {caught.value.internal} {caught.value.detail}"
    assert not any(cart in path for _, path in shop.state.asked)


async def test_facts_of_the_shop_are_its_ways_to_be_paid(backend: WooBackend) -> None:
    facts = await backend.store_facts()
    assert [(one.code, one.offline) for one in facts.payment_methods] == [
        ("bacs", True),
        ("cheque", True),
        ("cod", True),
    ]
    assert facts.countries == ("AU", "NZ", "US")


async def test_where_it_delivers_is_known_by_a_key_alone(shop: WooShop) -> None:
    keyless = woo_backend(shop, key=None)
    assert (await keyless.store_facts()).countries == ()
    cart = await filled(keyless)
    assert list(await keyless.shipping_methods(cart, Address(country="DE", postcode="10115")) or ()) == []
    with pytest.raises(errors.CountryNotServed):
        await keyless.shipping_methods(cart, Address(country="ZZ"))


async def test_a_cart_outlives_its_token_as_long_as_it_is_changed(shop: WooShop) -> None:
    now = [1_000_000.0]
    shop.state.clock = lambda: now[0]
    backend = woo_backend(shop)
    cart = await filled(backend)
    for _ in range(10):
        now[0] += 24 * 3600
        assert (await backend.cart(cart)).cart_id == cart, "a read renames nothing"
        after = await backend.add_line(cart, Sku("PAD-2"), 1, {})
        assert after.cart_id != cart
        cart = after.cart_id
    assert (await backend.add_line(cart, Sku("PAD-2"), 1, {})).cart_id == cart, "not before it is old"
    assert [line.quantity for line in (await backend.cart(cart)).lines] == [12]
