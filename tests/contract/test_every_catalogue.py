"""What every adapter owes of a catalogue, whichever software keeps it."""

import inspect

import pytest
from msgspec.structs import replace

from storefront_mcp.commerce import errors
from storefront_mcp.commerce.backend import ShopBackend
from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.ids import CartId, CategoryId
from storefront_mcp.commerce.search import SearchPage, SearchQuery
from storefront_mcp.commerce.search_errors import FilterRefused
from tests.contract.shops.contract_shop import ContractShop, aud
from tests.fakes.demo_faults import DemoFault

pytestmark = pytest.mark.slow


async def everything(shop: ContractShop, **question: object) -> list[SearchPage]:
    """All pages of a search."""
    pages = [await shop.backend.search(SearchQuery(**question))]  # type: ignore[arg-type]
    while pages[-1].next is not None:
        assert len(pages) < 100, "a search that never ends"
        after = SearchQuery(**question, after=pages[-1].next)  # type: ignore[arg-type]
        pages.append(await shop.backend.search(after))
    return pages


def skus(pages: list[SearchPage]) -> list[str]:
    """What was found, in order."""
    return [product.sku for page in pages for product in page.products]


async def test_an_adapter_has_the_form_of_the_port(every: ContractShop) -> None:
    port = {name: one for name, one in vars(ShopBackend).items() if inspect.iscoroutinefunction(one)}

    assert port
    for name, method in port.items():
        _, *wanted = inspect.signature(method).parameters.values()
        given = inspect.signature(getattr(every.backend, name)).parameters.values()
        assert [(one.name.lstrip("_"), one.kind) for one in given] == [(one.name, one.kind) for one in wanted], name
    assert every.backend.circuit_open is False
    assert every.backend.cache_stats.kept >= 0


async def test_a_catalogue_is_read_page_by_page_without_gaps_or_repeats(every: ContractShop) -> None:
    pages = await everything(every, size=50)

    found = skus(pages)
    assert len(found) == len(set(found)) >= 300
    assert pages[0].total in {None, len(found)}
    assert all(len(page.products) == 50 for page in pages[:-1])


@pytest.mark.parametrize("sort", ["name", "price_low", "price_high", "newest"])
async def test_an_order_does_not_change_between_pages(every: ContractShop, sort: str) -> None:
    small = skus(await everything(every, sort=sort, text="paddle", size=7))
    large = skus(await everything(every, sort=sort, text="paddle", size=50))

    assert small == large
    assert len(large) > 20


async def test_words_find_what_has_them(every: ContractShop) -> None:
    some = await every.backend.search(SearchQuery(text="gherkin pro 16", size=50))
    more = await every.backend.search(SearchQuery(text="gherkin pro", size=50))

    assert "PAD-2" in [product.sku for product in some.products]
    assert 0 < len(some.products) < len(more.products) < 20
    assert (await every.backend.search(SearchQuery(text="zzzqqq"))).products == ()
    assert (await every.backend.search(SearchQuery(text="PAD-2"))).products[0].sku == "PAD-2"


async def test_words_and_a_category_narrow_together(every: ContractShop) -> None:
    paddles = await every.backend.category("pickleball/paddles")
    everywhere = skus(await everything(every, text="carbon", size=50))
    within = skus(await everything(every, category=paddles.id, size=50))
    both = skus(await everything(every, text="carbon", category=paddles.id, size=7))

    assert both == [sku for sku in everywhere if sku in within]
    assert 0 < len(both) < len(within)


async def test_a_category_has_what_is_below_it(every: ContractShop) -> None:
    above = set(skus(await everything(every, category=(await every.backend.category("pickleball")).id, size=50)))
    below = set(
        skus(await everything(every, category=(await every.backend.category("pickleball/paddles")).id, size=50))
    )

    assert below < above
    assert "PAD-2" in below


async def test_prices_bound_and_sort(every: ContractShop) -> None:
    least, most = aud(2000), aud(5000)
    low = await everything(every, price_min=least, price_max=most, sort="price_low", size=50)
    high = await everything(every, price_min=least, price_max=most, sort="price_high", size=50)
    plain = await everything(every, price_min=least, price_max=most, size=50)

    prices = [product.price.minor for page in low for product in page.products]
    assert prices == sorted(prices)
    assert all(2000 <= price <= 5000 for price in prices)
    assert sorted(skus(high)) == sorted(skus(low)) == sorted(skus(plain))
    assert high[0].products[0].price.minor == prices[-1]


async def test_what_the_shop_cannot_be_asked_is_said(every: ContractShop) -> None:
    with pytest.raises(FilterRefused, match="weather"):
        await every.backend.search(SearchQuery(filters=(("weather", ("fine",)),)))


async def test_a_search_does_not_go_on_from_just_anywhere(every: ContractShop) -> None:
    for after in ("0", "-1", "1.x", "one", "9" * 40):
        with pytest.raises(errors.ShopRefused):
            await every.backend.search(SearchQuery(after=after))
    assert (await every.backend.search(SearchQuery(after="9999"))).products == ()


async def test_a_product_shows_what_it_costs_and_is(every: ContractShop) -> None:
    paddle = await every.backend.product("PAD-2")

    assert (paddle.sku, paddle.name) == ("PAD-2", "Gherkin Pro 16 Carbon Paddle")
    assert (paddle.price, paddle.stock, paddle.in_stock) == (aud(27900), 48, True)
    if "list_prices" not in every.lacks:
        assert paddle.list_price == aud(32900)
    assert paddle.description
    assert "<" not in paddle.description
    assert (await every.backend.product("kosher-spin-carbon-14")).in_stock is False


async def test_a_product_is_found_by_its_url_key_and_by_a_variants_sku(every: ContractShop) -> None:
    by_key = await every.backend.product("club-tee")
    by_variant = await every.backend.product("TEE-BLACK-M")

    assert by_key.sku == every.family
    assert await every.backend.product(every.family) == by_key
    assert by_variant.selected_variant is not None
    assert by_variant.selected_variant.sku == "TEE-BLACK-M"
    assert replace(by_variant, selected_variant=None) == by_key


async def test_a_family_shows_its_variants(every: ContractShop) -> None:
    tee = await every.backend.product("club-tee")

    variants = {variant.sku: variant for variant in tee.variants}
    assert {axis.label for axis in tee.axes} == {"Colour", "Size"}
    assert variants["TEE-BLACK-M"].options == {"Colour": "Black", "Size": "M"}
    assert variants["TEE-BLACK-M"].price in {None, aud(2500)}
    assert variants["TEE-BLACK-M"].stock == 27
    assert variants["TEE-GREEN-XL"].in_stock is False
    assert all(len(variant.options) == 2 for variant in tee.variants)


async def test_a_list_says_what_must_be_chosen_and_what_is_sold_out(every: ContractShop) -> None:
    found = {product.sku: product for page in await everything(every, text="tee", size=50) for product in page.products}

    assert found[every.family].choose == "variant"
    assert found[every.family].price == aud(2500)
    paddles = [product for page in await everything(every, text="paddle", size=50) for product in page.products]
    assert {product.sku: product.choose for product in paddles}["PAD-2"] is None
    assert not any(product.in_stock for product in paddles if product.sku == "PAD-3")


async def test_unknown_things_are_said_to_be_unknown(every: ContractShop) -> None:
    backend = every.backend
    for key in ("NO-SUCH-THING", "../products", "a b", "x" * 200, "prod_nope"):
        with pytest.raises(errors.ProductNotFound):
            await backend.product(key)
    for key in ("no/such/shelf", "9999", "no-such-shelf", "../products/2", ""):
        with pytest.raises(errors.CategoryNotFound):
            await backend.category(key)
    for nowhere in (CategoryId("no"), CategoryId("9999")):
        with pytest.raises(errors.CategoryNotFound):
            await backend.categories(nowhere, depth=1)
        with pytest.raises(errors.CategoryNotFound):
            await backend.search(SearchQuery(text="paddle", category=nowhere))
    with pytest.raises(errors.CategoryNotFound):
        await backend.facets(CategoryId("x"))
    with pytest.raises(errors.PageNotFound):
        await backend.page("no-such-page")
    for cart in ("f" * 32, "cart_01M7WABHA9DH22EX2086NVQPZ7"):
        with pytest.raises(errors.CartGone):
            await backend.cart(CartId(cart))


async def test_the_category_tree_is_as_deep_as_asked(every: ContractShop) -> None:
    roots = await every.backend.categories(None, depth=1)
    tree = await every.backend.categories(None, depth=3)

    assert [one.id for one in roots] == [one.id for one in tree]
    assert not any(one.children for one in roots)
    assert {one.name for one in roots if one.more_below} == {one.name for one in tree if one.children}
    pickleball = next(one for one in tree if one.name == "Pickleball")
    paddles = next(one for one in pickleball.children if one.name == "Paddles")
    assert paddles.children[0].path.count("/") == 2
    assert list(await every.backend.categories(pickleball.id, depth=2)) == list(pickleball.children)
    assert list(await every.backend.categories(_leaf(paddles).id, depth=1)) == []


async def test_a_category_is_found_by_id_by_path_and_by_its_last_word(every: ContractShop) -> None:
    paddles = await every.backend.category("pickleball/paddles")

    assert paddles.name == "Paddles"
    assert paddles.children
    for key in (paddles.id, "paddles", " Paddles", "/pickleball/paddles/"):
        assert await every.backend.category(key) == paddles


async def test_facts_of_the_shop_are_told(every: ContractShop) -> None:
    facts = await every.backend.store_facts()

    assert {"AU", "NZ"} <= set(facts.countries)
    assert facts.payment_methods
    assert all(method.title for method in facts.payment_methods)
    assert facts.guest_orders


async def test_facets_and_pages_are_told_where_the_shop_has_them(every: ContractShop) -> None:
    paddles = await every.backend.category("paddles")
    facets = await every.backend.facets(paddles.id)

    assert bool(facets) is ("facets" not in every.lacks)
    if "pages" not in every.lacks:
        page = await every.backend.page("returns")
        assert page.title
        assert "<script" not in page.html


@pytest.mark.parametrize("fault", [DemoFault.BEFORE, DemoFault.HTML, DemoFault.TRUNCATED])
async def test_a_shop_that_answers_nonsense_is_down_and_comes_back(every: ContractShop, fault: DemoFault) -> None:
    await every.backend.product("PAD-2")
    every.fail_next(fault)
    with pytest.raises(errors.ShopDown):
        await every.backend.search(SearchQuery(text="paddle"))

    assert (await every.backend.search(SearchQuery(text="paddle"))).products


async def test_a_redirect_is_the_operators_business(every: ContractShop) -> None:
    every.fail_next(DemoFault.REDIRECT)
    with pytest.raises(errors.ShopMisconfigured):
        await every.backend.search(SearchQuery(text="paddle"))


def _leaf(category: Category) -> Category:
    """The first category below it that has nothing below."""
    return _leaf(category.children[0]) if category.children else category
