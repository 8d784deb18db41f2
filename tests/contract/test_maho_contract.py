"""What the port promises, kept by the Maho adapter over the demo shop: real HTTP, today's shop and the older fork."""

import contextlib
import inspect
import json

import httpx
import pytest

from storefront_mcp.backends.maho import Maho, MahoUpstream, connect
from storefront_mcp.commerce import errors
from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.backend import Backend
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.names import CartId, CategoryId, LineId, Sku
from storefront_mcp.commerce.search import Found, Search
from storefront_mcp.demo.shop import DemoShop, demo_shop
from storefront_mcp.demo.traps import Fault

MUG = {"Engraving": "ADA", "Mug size": "Large"}
GONE = CartId("f" * 32)


def aud(minor: int) -> Money:
    return Money(minor, "AUD")


def adds_up(cart: Cart) -> bool:
    totals, zero = cart.totals, aud(0)
    known = totals.subtotal - (totals.discount or zero) + (totals.shipping or zero) - (totals.gift_cards or zero)
    tax = zero if totals.tax_included else totals.tax or zero
    rows = sum((line.total for line in cart.lines), zero)
    return known + tax + (totals.other or zero) == totals.total and rows == totals.subtotal


async def everything(shop: Backend, **question: object) -> list[Found]:
    pages = [await shop.search(Search(**question))]  # type: ignore[arg-type]
    while pages[-1].next is not None:
        assert len(pages) < 100, "a search that never ends"
        pages.append(await shop.search(Search(**question, after=pages[-1].next)))  # type: ignore[arg-type]
    return pages


def test_the_adapter_is_a_backend() -> None:
    port = {name: inspect.signature(one) for name, one in vars(Backend).items() if inspect.iscoroutinefunction(one)}

    assert port
    assert {name: inspect.signature(getattr(Maho, name)) for name in port} == port


async def test_a_catalogue_is_read_page_by_page_without_gaps_or_repeats(shop: Maho) -> None:
    pages = await everything(shop, size=50)

    skus = [product.sku for page in pages for product in page.products]
    assert len(skus) == len(set(skus)) == pages[0].total
    assert len(skus) >= 300


async def test_text_and_category_narrow_together(shop: Maho) -> None:
    paddles = await shop.category("pickleball/paddles")
    everywhere = [one.sku for page in await everything(shop, text="paddle", size=50) for one in page.products]
    pages = await everything(shop, text="paddle", category=paddles.id, size=7)
    found = [one.sku for page in pages for one in page.products]
    shelf = {one.sku for page in await everything(shop, category=paddles.id, size=50) for one in page.products}

    assert found == [sku for sku in everywhere if sku in shelf]
    assert 0 < len(found) < len(everywhere)
    assert all(len(page.products) == 7 for page in pages[:-1])


async def test_results_are_bounded_and_sorted_by_price(shop: Maho) -> None:
    low = await shop.search(Search(price_min=aud(2000), price_max=aud(5000), sort="price_low", size=50))
    high = await shop.search(Search(price_min=aud(2000), price_max=aud(5000), sort="price_high", size=50))

    prices = [product.price.minor for product in low.products]
    assert prices == sorted(prices)
    assert all(2000 <= price <= 5000 for price in prices)
    assert high.products[0].price.minor >= prices[-1]


async def test_a_search_does_not_go_on_from_just_anywhere(shop: Maho) -> None:
    for after in ("0", "-1", "1.x", "one", "9" * 40):
        with pytest.raises(errors.ShopRefused):
            await shop.search(Search(after=after))
    assert (await shop.search(Search(after="9999"))).products == ()


async def test_a_product_is_found_by_sku_by_url_key_and_by_a_variants_sku(shop: Maho) -> None:
    by_key = await shop.product("club-tee")

    assert by_key.sku == "TEE"
    assert await shop.product("TEE") == by_key
    assert await shop.product("TEE-BLACK-M") == by_key
    assert {axis.label for axis in by_key.axes} == {"Colour", "Size"}
    assert {variant.sku: variant.in_stock for variant in by_key.variants}["TEE-GREEN-XL"] is False
    assert all(variant.price is None and len(variant.options) == 2 for variant in by_key.variants)


async def test_a_product_shows_what_it_costs_now_and_before(shop: Maho) -> None:
    paddle = await shop.product("PAD-2")

    assert (paddle.price, paddle.list_price, paddle.stock) == (aud(27900), aud(32900), 48)
    assert (await shop.product("kosher-spin-carbon-14")).in_stock is False
    assert "<" not in paddle.description
    assert (paddle.url or "").startswith("http://127.0.0.1:")


async def test_unknown_things_are_said_to_be_unknown(shop: Maho) -> None:
    with pytest.raises(errors.ProductNotFound):
        await shop.product("NO-SUCH-THING")
    with pytest.raises(errors.ProductNotFound):
        await shop.product("club-tee-black-s")
    for key in ("no/such/shelf", "9999", "no-such-shelf", "../products/2"):
        with pytest.raises(errors.CategoryNotFound):
            await shop.category(key)
    with pytest.raises(errors.CategoryNotFound):
        await shop.categories(CategoryId("9999"), depth=1)
    with pytest.raises(errors.CategoryNotFound):
        await shop.search(Search(text="paddle", category=CategoryId("no")))
    with pytest.raises(errors.CategoryNotFound):
        await shop.facets(CategoryId("x"))
    with pytest.raises(errors.CategoryNotFound):
        await shop.categories(CategoryId("x"), depth=1)
    with pytest.raises(errors.PageNotFound):
        await shop.page("no-such-page")
    with pytest.raises(errors.CartGone):
        await shop.cart(GONE)


async def test_the_category_tree_is_as_deep_as_asked(shop: Maho) -> None:
    roots = await shop.categories(None, depth=1)
    tree = await shop.categories(None, depth=3)

    assert [one.id for one in roots] == [one.id for one in tree]
    assert not any(one.children for one in roots)
    assert tree[0].children[0].children[0].path.count("/") == 2
    assert await shop.categories(tree[0].id, depth=2) == tree[0].children
    leaf = tree[0].children[0].children[0]
    assert list(await shop.categories(leaf.id, depth=1)) == []


async def test_a_category_is_found_by_id_by_path_and_by_its_last_word(shop: Maho) -> None:
    paddles = await shop.category("pickleball/paddles")

    assert paddles.name == "Paddles"
    assert paddles.children
    assert await shop.category(paddles.id) == paddles
    assert await shop.category("paddles") == paddles


async def test_facets_and_pages_are_read(shop: Maho) -> None:
    paddles = await shop.category("paddles")
    page = await shop.page("returns")

    assert all(value.count > 0 for facet in await shop.facets(paddles.id) for value in facet.values)
    assert "<script" not in page.html
    assert page.title
    assert page.markdown
    assert "<p>" not in page.markdown


async def test_a_guest_fills_changes_and_empties_a_cart(shop: Maho) -> None:
    cart = await shop.create_cart()
    await shop.add_line(cart.cart_id, Sku("PAD-2"), 1, {})
    await shop.add_line(cart.cart_id, Sku("PAD-2"), 1, {})
    await shop.add_line(cart.cart_id, Sku("TEE-BLACK-M"), 1, {})
    full = await shop.add_line(cart.cart_id, Sku("GIFT-MUG"), 1, MUG)

    assert [(line.sku, line.quantity) for line in full.lines] == [("PAD-2", 2), ("TEE-BLACK-M", 1), ("GIFT-MUG", 1)]
    assert full.lines[2].options == MUG
    assert full.lines[2].price == aud(2700)
    assert full.notice is None
    assert adds_up(full)
    assert full == await shop.cart(cart.cart_id)

    fewer = await shop.update_line(cart.cart_id, full.lines[0].line_id, 1)
    assert fewer.totals.subtotal == full.totals.subtotal - aud(27900)
    for line in full.lines:
        fewer = await shop.remove_line(cart.cart_id, line.line_id)
    assert fewer.lines == ()
    assert fewer.totals.total == aud(0)


async def test_a_family_of_variants_is_refused_with_its_variants(shop: Maho) -> None:
    cart = await shop.create_cart()

    with pytest.raises(errors.VariantNeeded) as caught:
        await shop.add_line(cart.cart_id, Sku("TEE"), 1, {})

    choices = caught.value.detail
    assert isinstance(choices, errors.Choices)
    assert "TEE-BLACK-M" in {variant.sku for variant in choices.variants}
    assert (await shop.cart(cart.cart_id)).lines == ()


@pytest.mark.parametrize("options", [{}, {"Engraving": "ADA"}, {**MUG, "Mug size": "999"}, {**MUG, "Colour": "Red"}])
async def test_options_that_do_not_fit_never_reach_the_cart(shop: Maho, options: dict[str, str]) -> None:
    cart = await shop.create_cart()

    with pytest.raises(errors.OptionsNeeded) as caught:
        await shop.add_line(cart.cart_id, Sku("GIFT-MUG"), 1, options)

    assert isinstance(caught.value.detail, errors.Choices)
    assert [option.title for option in caught.value.detail.custom_options] == ["Engraving", "Mug size"]
    assert (await shop.cart(cart.cart_id)).lines == ()


async def test_the_shops_own_limit_on_a_text_is_understood(shop: Maho) -> None:
    cart = await shop.create_cart()

    with pytest.raises(errors.OptionsNeeded, match=r"too long|at most"):
        await shop.add_line(cart.cart_id, Sku("GIFT-MUG"), 1, {**MUG, "Engraving": "A" * 60})


async def test_stock_is_respected_on_adding_and_on_updating(shop: Maho) -> None:
    cart = await shop.create_cart()
    with pytest.raises(errors.OutOfStock):
        await shop.add_line(cart.cart_id, Sku("PAD-3"), 1, {})
    with pytest.raises(errors.NotEnoughStock) as caught:
        await shop.add_line(cart.cart_id, Sku("PAD-2"), 49, {})
    assert caught.value.available == 48
    with pytest.raises(errors.QuantityRefused):
        await shop.add_line(cart.cart_id, Sku("PAD-2"), 100_000, {})
    with pytest.raises(errors.ProductNotFound):
        await shop.add_line(cart.cart_id, Sku("NOPE"), 1, {})

    assert (await shop.product("club-tee")).stock is None
    with pytest.raises(errors.NotEnoughStock) as caught:
        await shop.add_line(cart.cart_id, Sku("TEE-BLACK-M"), 28, {})
    assert caught.value.available == 27
    full = await shop.add_line(cart.cart_id, Sku("TEE-BLACK-M"), 1, {})
    line = full.lines[0].line_id
    with pytest.raises(errors.NotEnoughStock) as caught:
        await shop.update_line(cart.cart_id, line, 28)
    assert caught.value.available == 27
    assert (await shop.update_line(cart.cart_id, line, 27)).lines[0].quantity == 27
    with pytest.raises(errors.QuantityRefused):
        await shop.update_line(cart.cart_id, line, 0)


async def test_lines_and_carts_that_are_not_there_are_told_apart(shop: Maho) -> None:
    cart = await shop.create_cart()
    for line in ("999", "../coupon", ""):
        with pytest.raises(errors.LineNotFound):
            await shop.remove_line(cart.cart_id, LineId(line))
        with pytest.raises(errors.LineNotFound):
            await shop.update_line(cart.cart_id, LineId(line), 1)
    with pytest.raises(errors.CartGone):
        await shop.remove_line(GONE, LineId("1"))
    with pytest.raises(errors.CartGone):
        await shop.remove_line(GONE, LineId("x"))
    with pytest.raises(errors.CartGone):
        await shop.update_line(GONE, LineId("1"), 1)
    with pytest.raises(errors.CartGone):
        await shop.apply_coupon(GONE, "SAVE10")
    with pytest.raises(errors.CartGone):
        await shop.remove_coupon(GONE)
    with pytest.raises(errors.CartGone):
        await shop.shipping_methods(GONE, Address(country="AU"))


async def test_a_dead_cart_comes_back_under_another_id_or_is_said_to_be_gone(
    shop: Maho, demo: tuple[str, DemoShop]
) -> None:
    if demo[1].state.traps.older_fork:
        with pytest.raises(errors.CartGone):
            await shop.add_line(GONE, Sku("PAD-2"), 1, {})
        return
    cart = await shop.add_line(GONE, Sku("PAD-2"), 1, {})
    assert cart.cart_id != GONE
    assert [line.sku for line in (await shop.cart(cart.cart_id)).lines] == ["PAD-2"]


async def test_coupons_are_used_refused_and_taken_off(shop: Maho) -> None:
    cart = (await shop.create_cart()).cart_id
    await shop.add_line(cart, Sku("PAD-2"), 1, {})
    saved = await shop.apply_coupon(cart, "SAVE10")
    assert (saved.coupon, saved.totals.discount, saved.totals.total) == ("SAVE10", aud(2790), aud(25110))
    assert adds_up(saved)

    with pytest.raises(errors.CouponRejected) as caught:
        await shop.apply_coupon(cart, "NOPE")
    assert caught.value.dropped is None
    with pytest.raises(errors.CouponRejected) as caught:
        await shop.apply_coupon(cart, "LASTSUMMER")
    assert caught.value.dropped == "SAVE10"
    assert (await shop.cart(cart)).coupon is None

    await shop.apply_coupon(cart, "SAVE10")
    assert (await shop.remove_coupon(cart)).coupon is None
    assert (await shop.remove_coupon(cart)).totals.total == aud(27900)


async def test_guessing_coupons_makes_the_shop_busy(shop: Maho) -> None:
    cart = (await shop.create_cart()).cart_id

    async def guess() -> None:
        for number in range(30):
            with contextlib.suppress(errors.CouponRejected):
                await shop.apply_coupon(cart, f"GUESS{number}")

    with pytest.raises(errors.ShopBusy) as caught:
        await guess()
    assert caught.value.retry_after == 60


async def test_shipping_is_quoted_for_an_address(shop: Maho, demo: tuple[str, DemoShop]) -> None:
    cart = (await shop.create_cart()).cart_id
    await shop.add_line(cart, Sku("PAD-2"), 1, {})
    melbourne = Address(country="au", region="vic", postcode="3000", city="Melbourne", street="1 Brine St\nFlat 2")

    quoted = await shop.shipping_methods(cart, melbourne)

    if not demo[1].state.traps.older_fork:  # the fork does not look at the address
        assert quoted
        assert all(method.price.currency == "AUD" and method.code and method.title for method in quoted)
        written = str(demo[1].state.carts[cart])
        assert "Array" not in written
        assert "Victoria" in written
    assert adds_up(await shop.cart(cart))
    with pytest.raises(errors.CountryNotServed) as caught:
        await shop.shipping_methods(cart, Address(country="DE"))
    assert "AU" in str(caught.value.detail)
    with pytest.raises(errors.AddressRefused, match="Victoria"):
        await shop.shipping_methods(cart, Address(country="AU", region="Bavaria"))


async def test_a_shop_in_this_process_is_asked_the_same_way() -> None:
    shop, close = connect(
        MahoUpstream(url="http://demo.example", prices_include_tax=True),
        "AUD",
        transport=httpx.ASGITransport(demo_shop()),
    )
    cart = await shop.add_line((await shop.create_cart()).cart_id, Sku("PAD-2"), 2, {})
    await close()

    assert cart.totals.total == aud(55800)


FAULTS = [
    (Fault.BEFORE, errors.ShopDown, errors.ShopUnclear),
    (Fault.AFTER, errors.ShopDown, errors.ShopUnclear),
    (Fault.HTML, errors.ShopDown, errors.ShopUnclear),
    (Fault.TRUNCATED, errors.ShopDown, errors.ShopUnclear),
    (Fault.REDIRECT, errors.ShopMisconfigured, errors.ShopMisconfigured),
    (Fault.CLOSED, None, errors.ShopUnclear),  # a torn read is read once more
]


@pytest.mark.parametrize(("fault", "reading", "writing"), FAULTS, ids=lambda one: getattr(one, "name", ""))
async def test_a_shop_that_fails_is_down_and_a_write_without_an_answer_is_unclear(
    shop: Maho,
    demo: tuple[str, DemoShop],
    fault: Fault,
    reading: type[errors.ShopError] | None,
    writing: type[errors.ShopError],
) -> None:
    cart = (await shop.create_cart()).cart_id
    demo[1].faults.next(fault, method="GET", path="/guest-carts/")
    if reading is None:
        assert (await shop.cart(cart)).lines == ()
    else:
        with pytest.raises(reading) as caught:
            await shop.cart(cart)
        assert type(caught.value) is reading
    demo[1].faults.next(fault, method="POST", path="/items")
    with pytest.raises(writing) as caught:
        await shop.add_line(cart, Sku("PAD-2"), 1, {})
    assert type(caught.value) is writing
    assert cart not in json.dumps([str(caught.value), caught.value.internal])
    quantities = [line.quantity for line in (await shop.cart(cart)).lines]
    assert quantities in ([], [1]), "a write is never sent twice"
