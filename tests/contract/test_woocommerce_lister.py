"""The whole catalogue of a WooCommerce shop where it is odd: visibility, variations, dates, what is unreadable."""

import datetime as dt
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import respx
from msgspec.structs import replace

from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.links import KnownOrigins
from storefront_mcp.backends.woocommerce import WooConfig, connect
from storefront_mcp.backends.woocommerce.lister import MAX_VARIATIONS, WooLister, list_shop
from storefront_mcp.commerce.errors import ShopBusy, ShopDown, ShopMisconfigured, ShopRefused
from storefront_mcp.commerce.listing import CatalogueEntry
from storefront_mcp.commerce.search import SearchQuery
from tests.contract.conftest import Clock
from tests.contract.woocommerce import KEY
from tests.fakes.woocommerce import WooShop, woo_shop

pytestmark = pytest.mark.slow

SITE = "https://shop.example"
NOW = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC).timestamp()
Json = dict[str, Any]
Open = Callable[..., WooLister]


@pytest.fixture
def stand_in() -> WooShop:
    return woo_shop(tax="included")


@pytest.fixture
async def over(stand_in: WooShop) -> AsyncIterator[Open]:
    """Opens listers over the stand-in."""
    ends = []

    def opened(*, key: bool = True) -> WooLister:
        transport = httpx.ASGITransport(stand_in)  # type: ignore[arg-type]
        lister, close = list_shop(WooConfig(url=SITE, key=KEY if key else None), "AUD", transport=transport)
        ends.append(close)
        return lister

    yield opened
    for close in ends:
        await close()


@pytest.fixture
def script() -> respx.Router:
    """Answers by path; what is not scripted is a failing test."""
    return respx.Router(base_url=f"{SITE}/wp-json/wc", assert_all_called=False)


@pytest.fixture
async def odd(script: respx.Router, clock: Clock) -> AsyncIterator[WooLister]:
    """The lister over scripted answers, without a key."""
    lister, close = list_shop(
        WooConfig(url=SITE, known=KnownOrigins(website=SITE)),
        "AUD",
        transport=httpx.MockTransport(script.async_handler),
        clock=clock,
        now=lambda: NOW,
        limits=ClientLimits(max_bytes=20_000, failures=1000),
    )
    yield lister
    await close()


def product(number: int, price: object = "2000", **changed: Any) -> Json:
    prices = {"price": price, "regular_price": price, "currency_code": "AUD", "currency_minor_unit": 2}
    return {
        "id": number,
        "name": "Paddle",
        "slug": f"paddle-{number}",
        "sku": f"PAD-{number}",
        "prices": prices,
    } | changed


def listed(*products: Json, total: object = None, **headers: str) -> httpx.Response:
    told = {"x-wp-total": str(len(products) if total is None else total), **headers}
    return httpx.Response(200, json=list(products), headers=told)


async def everything(lister: WooLister) -> tuple[list[CatalogueEntry], list[str]]:
    """What was read, and the keys of what could not be."""
    found, lost, after = [], [], None
    while True:
        page = await lister.page(after)
        found += page.entries
        lost += page.unreadable
        if (after := page.next) is None:
            return found, lost


def by_sku(found: list[CatalogueEntry], sku: str) -> CatalogueEntry | None:
    return next((one for one in found if one.product.sku == sku), None)


# Visibility -----------------------------------------------------------------------------------------------------------

SHOWN = {"PAD-1": "visible", "PAD-2": "catalog", "PAD-3": "search", "PAD-4": "hidden"}


async def test_with_a_key_everything_is_listed_with_where_it_is_shown(over: Open, stand_in: WooShop) -> None:
    stand_in.state.visibility |= SHOWN

    found, _ = await everything(over())

    shown = {sku: by_sku(found, sku) for sku in SHOWN if stand_in.state.by_sku(sku)}
    told = {sku: (one.listed, one.searchable) for sku, one in shown.items() if one is not None}
    assert told == {"PAD-1": (True, True), "PAD-2": (True, False), "PAD-3": (False, True), "PAD-4": (False, False)}


async def test_without_a_key_only_what_is_shown_everywhere_is_listed(over: Open, stand_in: WooShop) -> None:
    stand_in.state.visibility |= SHOWN
    lister = over(key=False)

    found, _ = await everything(lister)

    assert [sku for sku in SHOWN if by_sku(found, sku)] == ["PAD-1"]
    assert {one.sku for one in (await lister.brief_page()).entries}.isdisjoint({"PAD-2", "PAD-3", "PAD-4"})
    assert {one.created for one in found} == {None}


async def test_what_is_hidden_is_found_by_no_words_of_the_shops_own_search(stand_in: WooShop) -> None:
    stand_in.state.visibility |= SHOWN
    backend, close = connect(WooConfig(url=SITE), "AUD", transport=httpx.ASGITransport(stand_in))  # type: ignore[arg-type]
    category = next(one for one in await backend.categories(None, depth=1) if one.name == "Pickleball")
    by_words = {one.sku for one in (await backend.search(SearchQuery(text="paddle", size=100))).products}
    by_shelf: set[str] = set()
    after = None
    while True:
        page = await backend.search(SearchQuery(category=category.id, size=100, after=after))
        by_shelf |= {one.sku for one in page.products}
        if (after := page.next) is None:
            break
    await close()

    assert by_words.isdisjoint({"PAD-2", "PAD-4"})
    assert by_shelf.isdisjoint({"PAD-3", "PAD-4"})


async def test_a_key_that_may_not_read_products_is_said_to_be_wrong(over: Open, stand_in: WooShop) -> None:
    stand_in.state.may_read = False

    with pytest.raises(ShopMisconfigured) as refused:
        await over().page()

    assert "may not read products" in refused.value.internal


# Stock, variations, prices --------------------------------------------------------------------------------------------


async def test_variations_that_lists_hide_are_read_one_by_one(over: Open, stand_in: WooShop) -> None:
    stand_in.state.hides_sold_out = True
    stand_in.state.stock["TEE-BLACK-M"] = 0
    lister = over()

    family = by_sku((await everything(lister))[0], "TEE")

    assert family is not None
    assert {one.sku: one.in_stock for one in family.product.variants}["TEE-BLACK-M"] is False
    assert await lister.read(family.key) == family


async def test_what_a_shop_hides_when_it_is_sold_out_is_still_read_by_its_key(over: Open, stand_in: WooShop) -> None:
    lister = over()
    before = await lister.find("PAD-2")
    assert before is not None
    stand_in.state.hides_sold_out = True
    stand_in.state.stock["PAD-2"] = 0

    assert before.key not in {one.key for one in (await everything(lister))[0]}
    after = await lister.read(before.key)
    assert after is not None
    assert not after.product.in_stock


async def test_the_variations_of_a_whole_page_are_asked_together(over: Open, stand_in: WooShop) -> None:
    lister = over()
    stand_in.state.asked.clear()

    found, _ = await everything(lister)

    assert sum(len(one.product.variants) for one in found) > 100
    pages = -(-len(found) // 100)
    assert len(stand_in.state.asked) <= 3 * pages + sum(len(one.product.variants) for one in found) // 100


async def test_what_has_no_price_is_not_sold_here(over: Open, stand_in: WooShop) -> None:
    lister = over()
    before = await lister.find("PAD-2")
    assert before is not None
    stand_in.state.unpriced.add("PAD-2")

    assert (await lister.page()).unsold + (await lister.page("100")).unsold == 1
    assert await lister.read(before.key) is None
    assert "PAD-2" not in {one.sku for one in (await lister.brief_page()).entries}


async def test_a_variation_is_no_product_of_its_own(over: Open, stand_in: WooShop) -> None:
    number = stand_in.state.by_sku("TEE-BLACK-M").id
    lister = over()

    assert await lister.read(str(number)) is None
    by_variation, by_family = await lister.find("TEE-BLACK-M"), await lister.find("TEE")
    assert by_variation == by_family is not None


async def test_a_page_with_too_many_variations_is_read_in_parts(script: respx.Router, clock: Clock) -> None:
    each = MAX_VARIATIONS // 50
    families = [
        product(at, type="variable", variations=[{"id": at * 1000 + one} for one in range(each)]) for at in range(100)
    ]

    def answer(request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        size, number = int(asked["per_page"]), int(asked["page"])
        if asked.get("type") == "variation":
            wanted = [int(one) for one in asked["parent"].split(",")]
            rows = [product(at * 1000 + one, type="variation", parent=at) for at in wanted for one in range(each)]
            return listed(*rows[(number - 1) * size : number * size], total=len(rows))
        return listed(*families[(number - 1) * size : number * size], total=len(families))

    script.get("/store/v1/products").mock(side_effect=answer)
    transport = httpx.MockTransport(script.async_handler)
    lister, close = list_shop(WooConfig(url=SITE), "AUD", transport=transport, clock=clock)

    first = await lister.page()
    second = await lister.page(first.next)
    await close()

    assert [len(page.entries) for page in (first, second)] == [50, 50]
    assert {len(one.product.variants) for one in (*first.entries, *second.entries)} == {each}


# Dates ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [-9 * 3600, 0, 11 * 3600])
async def test_changes_are_compared_in_the_shops_own_time_wherever_it_is(
    over: Open, stand_in: WooShop, ahead: int
) -> None:
    state = stand_in.state
    state.ahead_seconds = ahead
    lister = over()
    now = int(state.clock())
    state.replace(replace(state.by_sku("PAD-2"), name="Renamed"))

    assert [one.product.name for one in (await lister.changes(now - 60)).entries] == ["Renamed"]
    assert (await lister.changes(now + 60)).entries == ()


async def test_a_price_changes_where_the_key_says_that_a_sale_begins_and_ends(over: Open, stand_in: WooShop) -> None:
    stand_in.state.sales |= {"PAD-2": ("2026-12-01T00:00:00", "2026-12-24T23:59:59"), "PAD-1": ("soon", "")}
    lister = over()

    dated, undated = await lister.find("PAD-2"), await lister.find("PAD-1")

    assert dated is not None
    assert undated is not None
    ends = dt.datetime(2026, 12, 25, tzinfo=dt.UTC).timestamp()
    assert dated.reprices == (dt.datetime(2026, 12, 1, tzinfo=dt.UTC).timestamp(), ends)
    assert undated.reprices == ()
    assert dated.created is not None


# Whatever a shop says -------------------------------------------------------------------------------------------------


async def test_one_product_that_cannot_be_read_costs_itself_only(odd: WooLister, script: respx.Router) -> None:
    script.get("/store/v1/products").mock(
        return_value=listed(
            product(1), product(2, variations="none"), product(3, "9" * 17), {"id": "four", "sku": 4}, product(5, None)
        )
    )

    page = await odd.page()

    assert [one.key for one in page.entries] == ["1", "5"]
    assert page.unreadable == ("2", "3")
    assert [one.key for one in (await odd.brief_page()).entries] == ["1", "5"]


async def test_one_variation_that_cannot_be_read_costs_itself_only(odd: WooLister, script: respx.Router) -> None:
    family = product(1, type="variable", variations=[{"id": 11}, {"id": 12}, {"id": 13}])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("type") == "variation":
            return listed(product(11, type="variation"), product(12, prices="none"))
        return listed(family)

    script.get("/store/v1/products").mock(side_effect=answer)
    script.get("/store/v1/products/13").mock(return_value=httpx.Response(200, json={"id": "none"}))

    (entry,) = (await odd.page()).entries

    assert [one.sku for one in entry.product.variants] == ["PAD-11"]


@pytest.mark.parametrize(
    "changed", [{"variations": "none"}, {"price": "9" * 17}, {"description": "x" * 30_000}, {"id": 2}]
)
async def test_a_product_that_cannot_be_read_is_refused_and_the_shop_is_not_down(
    odd: WooLister, script: respx.Router, changed: Json
) -> None:
    told = product(1, changed.get("price", "2000")) | {k: v for k, v in changed.items() if k != "price"}
    script.get("/store/v1/products/1").mock(return_value=httpx.Response(200, json=told))

    with pytest.raises(ShopRefused):
        await odd.read("1")


@pytest.mark.parametrize("total", ["", "many", "-1", "9" * 30, str(2**62)])
async def test_a_total_that_is_none_or_absurd_is_an_end_all_the_same(
    odd: WooLister, script: respx.Router, total: str
) -> None:
    script.get("/store/v1/products", params={"page": "1"}).mock(return_value=listed(product(1), total=total))
    script.get("/store/v1/products", params={"page": "2"}).mock(return_value=listed(total=total))

    found, _ = await everything(odd)

    assert len(found) == 1


async def test_pages_shrink_where_they_are_too_long_and_one_too_long_is_named(
    odd: WooLister, script: respx.Router
) -> None:
    rows = [product(at, description="x" * (30_000 if at == 7 else 0)) for at in range(1, 121)]
    sizes = set()

    def answer(request: httpx.Request) -> httpx.Response:
        size, number = int(request.url.params["per_page"]), int(request.url.params["page"])
        sizes.add(size)
        fields = request.url.params.get("_fields")
        shown = rows[(number - 1) * size : number * size]
        if fields:
            shown = [{name: one[name] for name in fields.split(",") if name in one} for one in shown]
        return listed(*shown, total=len(rows))

    script.get("/store/v1/products").mock(side_effect=answer)

    found, lost = await everything(odd)

    assert lost == ["7"]
    assert [one.key for one in found] == [str(at) for at in range(1, 121) if at != 7]
    assert sizes == {100, 50, 10, 1}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(500, json={}), ShopDown),
        (httpx.Response(429, json={}, headers={"retry-after": "7"}), ShopBusy),
        (httpx.Response(404, json={"code": "rest_no_route", "message": "No route"}), ShopMisconfigured),
        (httpx.Response(200, json={"products": []}), ShopDown),
        (
            httpx.Response(400, json={"code": "rest_invalid_param", "message": "Invalid parameter(s): after"}),
            ShopRefused,
        ),
    ],
)
async def test_a_list_that_is_refused_says_why(
    odd: WooLister, script: respx.Router, answer: httpx.Response, error: type[Exception]
) -> None:
    script.get("/store/v1/products").mock(return_value=answer)

    for read in (odd.page(), odd.brief_page(), odd.changes(NOW)):
        with pytest.raises(error):
            await read


async def test_brands_and_attributes_are_told_by_the_shops_codes(odd: WooLister, script: respx.Router) -> None:
    def terms(*names: str) -> list[Json]:
        return [{"id": 0, "name": name, "slug": name.lower()} for name in names]

    script.get("/store/v1/products").mock(
        return_value=listed(
            product(
                1,
                brands=terms("Brine &amp; Co"),
                attributes=[
                    {"name": "Material", "taxonomy": "pa_material", "terms": terms("Carbon")},
                    {"name": "Grip size", "taxonomy": None, "terms": terms("S", "M")},
                    {"name": "Brand", "taxonomy": "pa_brand", "terms": terms("again")},
                    {"name": "Colour", "taxonomy": "pa_color", "has_variations": True, "terms": terms("Red")},
                    {"name": "Empty", "taxonomy": "pa_empty", "terms": []},
                ],
            )
        )
    )

    (entry,) = (await odd.page()).entries

    assert [(one.code, one.label, one.values, one.axis) for one in entry.attributes] == [
        ("brand", "Brand", ("Brine & Co",), False),
        ("color", "Colour", ("Red",), True),
        ("material", "Material", ("Carbon",), False),
        ("grip_size", "Grip size", ("S", "M"), False),
    ]
