"""The whole catalogue of a Medusa shop where it is odd: no prices, guessed totals, products that cannot be read."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx

from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.links import KnownOrigins
from storefront_mcp.backends.medusa import MedusaConfig
from storefront_mcp.backends.medusa.lister import MedusaLister, list_shop
from storefront_mcp.commerce.errors import ShopBusy, ShopDown, ShopMisconfigured, ShopRefused
from storefront_mcp.commerce.listing import CatalogueEntry
from storefront_mcp.commerce.money import Money
from tests.contract.conftest import Clock
from tests.fakes.medusa.shop import MedusaShop
from tests.fakes.medusa.stock import Json
from tests.serving import served

NOW = 1_796_040_000.0
SITE = "https://shop.example"


@pytest.fixture
def script() -> respx.Router:
    """Answers by path; what is not scripted is a failing test."""
    router = respx.Router(base_url=f"{SITE}/store", assert_all_called=False)
    router.get("/regions").respond(json={"regions": [{"id": "reg_1", "name": "Europe", "currency_code": "eur"}]})
    return router


@pytest.fixture
async def odd(script: respx.Router, clock: Clock) -> AsyncIterator[MedusaLister]:
    """The lister over scripted answers, in euros."""
    lister, close = list_shop(
        MedusaConfig(url=SITE, key="pk_1", known=KnownOrigins(website=SITE)),
        "EUR",
        transport=httpx.MockTransport(script.async_handler),
        clock=clock,
        now=lambda: NOW,
        limits=ClientLimits(max_bytes=20_000, failures=1000),
    )
    yield lister
    await close()


def product(number: int, amount: float | None = 20, **changed: Any) -> Json:
    price = {"calculated_amount": amount, "original_amount": amount, "currency_code": "eur"}
    variant = {"id": f"variant_{number}", "sku": f"PAD-{number}", "calculated_price": price, "inventory_quantity": 3}
    return {"id": f"prod_{number}", "title": "Paddle", "handle": f"paddle-{number}", "variants": [variant]} | changed


def listed(*products: Json, count: int | None = None, **more: Any) -> httpx.Response:
    return httpx.Response(200, json={"products": products, "count": len(products) if count is None else count, **more})


class Shelf:
    """A shop's list of so many products, of which some may be long."""

    def __init__(self, count: int, *, long: dict[int, int] | None = None, told: dict[str, int] | None = None) -> None:
        self.products = [product(at, description="x" * (long or {}).get(at, 0)) for at in range(1, count + 1)]
        self.told = told or {"count": count}
        self.sizes: list[int] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        start, size = int(request.url.params["offset"]), int(request.url.params["limit"])
        self.sizes.append(size)
        fields = request.url.params["fields"].split(",")
        shown = [
            {name: one[name] for name in ("id", "title", "handle", "variants", "description") if name in fields}
            | {"variants": one["variants"]}
            for one in self.products[start : start + size]
        ]
        return httpx.Response(200, json={"products": shown, **self.told})


async def everything(lister: MedusaLister) -> tuple[list[CatalogueEntry], list[str]]:
    """What was read, and the keys of what could not be."""
    found, lost, after = [], [], None
    while True:
        page = await lister.page(after)
        found += page.entries
        lost += page.unreadable
        if (after := page.next) is None:
            return found, lost


async def test_prices_and_stock_are_those_of_the_stores_own_region() -> None:
    shop = MedusaShop()
    with served(shop) as url:
        prices = {}
        for currency in ("AUD", "EUR", "JPY", "KWD"):
            lister, close = list_shop(MedusaConfig(url=url, key=shop.state.key), currency)
            found = await lister.find("PAD-2")
            assert found is not None
            prices[currency] = found.product.price
            await close()

    assert {one.currency for one in prices.values()} == {"AUD", "EUR", "JPY", "KWD"}
    assert prices["JPY"].minor == prices["AUD"].minor
    assert prices["KWD"].minor == prices["AUD"].minor * 2


async def test_a_product_without_a_price_in_the_region_is_not_sold_and_costs_nothing_else(
    odd: MedusaLister, script: respx.Router
) -> None:
    unpriced = product(2) | {"variants": [{"id": "variant_2", "calculated_price": None}]}
    script.get("/products").mock(return_value=listed(product(1), unpriced, product(3, None), product(4, variants=None)))

    page = await odd.page()

    assert ([one.key for one in page.entries], page.unreadable, page.unsold) == (["prod_1"], (), 3)
    assert [one.key for one in (await odd.brief_page()).entries] == ["prod_1"]


async def test_one_without_a_price_is_none_when_it_is_read(odd: MedusaLister, script: respx.Router) -> None:
    script.get("/products").mock(return_value=listed(product(3, None)))

    assert await odd.read("prod_3") is None


async def test_one_product_that_cannot_be_read_costs_itself_only(odd: MedusaLister, script: respx.Router) -> None:
    script.get("/products").mock(
        return_value=listed(
            product(1), product(2, variants="none"), product(3, 10**15), {"id": 4, "variants": 5}, product(5)
        )
    )

    page = await odd.page()

    assert [one.key for one in page.entries] == ["prod_1", "prod_5"]
    assert page.unreadable == ("prod_2", "prod_3")
    assert [one.key for one in (await odd.brief_page()).entries] == ["prod_1", "prod_5"]


@pytest.mark.parametrize("changed", [{"variants": "none"}, {"amount": 10**15}, {"description": "x" * 30_000}])
async def test_a_product_that_cannot_be_read_is_refused_and_the_shop_is_not_down(
    odd: MedusaLister, script: respx.Router, changed: dict[str, Any]
) -> None:
    script.get("/products").mock(return_value=listed(product(1, **changed)))

    with pytest.raises(ShopRefused):
        await odd.read("prod_1")


async def test_a_shop_that_answers_with_another_product_is_not_believed(
    odd: MedusaLister, script: respx.Router
) -> None:
    script.get("/products").mock(return_value=listed(product(1)))

    with pytest.raises(ShopRefused):
        await odd.read("prod_2")


async def test_pages_shrink_where_they_are_too_long_and_one_too_long_is_named(
    odd: MedusaLister, script: respx.Router
) -> None:
    shelf = Shelf(120, long={7: 30_000})
    script.get("/products").mock(side_effect=shelf)

    found, lost = await everything(odd)

    assert lost == ["prod_7"]
    assert [one.key for one in found] == [f"prod_{at}" for at in range(1, 121) if at != 7]
    assert {100, 50, 10, 1} == set(shelf.sizes)


@pytest.mark.parametrize("guess", [0, 7, 250, 10_000])
async def test_a_total_that_is_a_guess_ends_no_list_and_prolongs_none(
    odd: MedusaLister, script: respx.Router, guess: int
) -> None:
    shelf = Shelf(250, told={"count": guess, "estimate_count": guess})
    script.get("/products").mock(side_effect=shelf)

    found, _ = await everything(odd)

    assert len(found) == 250
    assert len(shelf.sizes) < 60


async def test_a_total_that_is_absurd_is_an_end_all_the_same(odd: MedusaLister, script: respx.Router) -> None:
    script.get("/products").mock(side_effect=Shelf(30, told={"count": 2**60}))

    found, _ = await everything(odd)

    assert len(found) == 30


async def test_more_products_than_were_asked_for_are_cut_off(odd: MedusaLister, script: respx.Router) -> None:
    plenty = [{"id": f"prod_{at}", "variants": []} for at in range(300)]
    script.get("/products").mock(return_value=listed(*plenty))

    page = await odd.page()

    assert (page.unsold, page.next) == (100, "100")


async def test_changes_are_asked_by_date_in_the_order_of_ids(odd: MedusaLister, script: respx.Router) -> None:
    dates = {"created_at": "2026-01-15T10:00:00.000Z", "updated_at": "2026-11-30T12:00:00.500Z"}
    asked = script.get("/products").mock(return_value=listed(product(2, **dates)))

    page = await odd.changes(NOW + 0.9)

    parameters = asked.calls.last.request.url.params
    assert (parameters["updated_at[$gte]"], parameters["order"]) == ("2026-11-30T12:00:00Z", "id")
    assert [(one.created, one.changed) for one in page.entries] == [(1_768_471_200, int(NOW))]


async def test_the_shops_clock_counts_and_ours_where_it_tells_no_time(odd: MedusaLister, script: respx.Router) -> None:
    dated = listed(product(1))
    dated.headers["date"] = "Mon, 30 Nov 2026 11:58:20 GMT"
    script.get("/products").mock(side_effect=[dated, listed(product(1))])

    assert (await odd.page()).shop_time == NOW - 100
    assert (await odd.page()).shop_time == NOW


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(500, json={}), ShopDown),
        (httpx.Response(429, json={}, headers={"retry-after": "7"}), ShopBusy),
        (
            httpx.Response(400, json={"type": "not_allowed", "message": "A valid publishable key is required"}),
            ShopMisconfigured,
        ),
        (httpx.Response(200, json={"products": "none", "count": 1}), ShopDown),
        (httpx.Response(200, json={"products": [], "count": -1}), ShopDown),
    ],
)
async def test_a_list_that_is_refused_says_why(
    odd: MedusaLister, script: respx.Router, answer: httpx.Response, error: type[Exception]
) -> None:
    script.get("/products").mock(return_value=answer)

    for read in (odd.page(), odd.brief_page(), odd.changes(NOW), odd.read("prod_1")):
        with pytest.raises(error):
            await read


async def test_a_product_in_another_currency_says_that_the_store_is_set_up_for_this_one(
    odd: MedusaLister, script: respx.Router
) -> None:
    price = {"calculated_amount": 20, "currency_code": "usd"}
    script.get("/products").mock(
        return_value=listed(product(1, variants=[{"id": "variant_1", "calculated_price": price}]))
    )

    with pytest.raises(ShopMisconfigured):
        await odd.page()


async def test_what_the_product_is_made_of_is_told_under_codes_of_our_own(
    odd: MedusaLister, script: respx.Router
) -> None:
    variants = [
        product(at)["variants"][0] | {"options": [{"value": value, "option": {"title": "Farbe & Größe"}}]}
        for at, value in ((1, "Rot"), (2, "Blau"))
    ]
    whole = product(1, variants=variants, material="Carbon", type={"value": "Paddle"}, collection={"title": "New"})
    whole["options"] = [{"title": "Farbe & Größe", "values": [{"value": "Blau"}, {"value": "Rot"}]}]
    script.get("/products").mock(return_value=listed(whole))

    (entry,) = (await odd.page()).entries

    assert [(one.code, one.label, one.values, one.axis) for one in entry.attributes] == [
        ("farbe_größe", "Farbe & Größe", ("Blau", "Rot"), True),
        ("material", "Material", ("Carbon",), False),
        ("type", "Type", ("Paddle",), False),
        ("collection", "Collection", ("New",), False),
    ]
    assert entry.product.price == Money(2000, "EUR")
