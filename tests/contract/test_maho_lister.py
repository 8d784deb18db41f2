"""The whole catalogue of a Maho shop, read page by page: over a real socket, and scripted where a shop is odd."""

import datetime as dt
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
import respx
from msgspec.structs import replace

from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.links import KnownOrigins
from storefront_mcp.backends.list_pages import PAGES_UNTIL_LARGER
from storefront_mcp.backends.maho import MahoConfig
from storefront_mcp.backends.maho.lister import MahoLister, list_shop
from storefront_mcp.commerce.errors import ShopBusy, ShopDown, ShopMisconfigured, ShopRefused
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.listing import CatalogueEntry
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import least_price
from tests.contract.conftest import Clock, ld, members, refused
from tests.fakes.demo_faults import DemoFault
from tests.fakes.demo_shop import ControlledShop

pytestmark = pytest.mark.slow

NOW = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC).timestamp()
MEMBER = {"sku": "PAD-2", "name": "Paddle", "price": 329, "finalPrice": 279, "visibility": "catalog_search"}


@pytest.fixture
async def listing(demo: tuple[str, ControlledShop]) -> AsyncIterator[MahoLister]:
    """The lister of a demo shop behind a socket."""
    lister, close = list_shop(MahoConfig(url=demo[0], known=KnownOrigins(others=(demo[0],), website=demo[0])), "AUD")
    yield lister
    await close()


@pytest.fixture
async def odd(script: respx.Router, clock: Clock) -> AsyncIterator[MahoLister]:
    """The lister over scripted answers."""
    script.get("/store-config").mock(return_value=ld({"timezone": "Australia/Melbourne"}))
    lister, close = list_shop(
        MahoConfig(url="https://shop.example/", limits=ClientLimits(max_bytes=20_000, failures=1000)),
        "USD",
        transport=httpx.MockTransport(script.async_handler),
        clock=clock,
        now=lambda: NOW,
    )
    yield lister
    await close()


def member(number: int, **changed: Any) -> dict[str, Any]:
    return {"id": number, **MEMBER, "sku": f"PAD-{number}"} | changed


class Shelf:
    """A shop's list of so many products, of which some may be large."""

    def __init__(self, count: int, *, large: Mapping[int, int] | None = None) -> None:
        self.members = [
            member(number, description="x" * (large or {}).get(number, 0)) for number in range(1, count + 1)
        ]
        self.sizes: list[int] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        size, number = int(asked["pageSize"]), int(asked["page"])
        self.sizes.append(size)
        last = max(1, -(-len(self.members) // size))
        start = (min(number, last) - 1) * size
        shown = self.members[start : start + size]
        if "fullDetail" not in asked:
            shown = [{**one, "description": None} for one in shown]
        return members(*shown, total=len(self.members))


async def everything(lister: MahoLister) -> list[CatalogueEntry]:
    found, after = [], None
    while True:
        page = await lister.page(after)
        found += page.entries
        after = page.next
        if after is None:
            return found


# A real shop ----------------------------------------------------------------------------------------------------------


async def test_a_sweep_reads_every_visible_product_once_and_whole(
    listing: MahoLister, demo: tuple[str, ControlledShop]
) -> None:
    catalogue = demo[1].state.catalogue

    found = await everything(listing)

    wanted = [one.id for one in catalogue.products.values() if one.parent is None and demo[1].state.in_stock(one)]
    assert [int(one.key) for one in found] == sorted(wanted)
    tee = next(one for one in found if one.product.sku == "TEE")
    assert {variant.sku for variant in tee.product.variants} >= {"TEE-BLACK-M"}
    assert [(one.code, one.axis) for one in tee.attributes][:2] == [("color", True), ("size", True)]
    assert tee.product.description
    assert all(one.listed and one.searchable for one in found)


async def test_a_sweep_and_a_single_read_tell_the_same(listing: MahoLister) -> None:
    page = await listing.page()

    assert [await listing.read(one.key) for one in page.entries[:5]] == list(page.entries[:5])


async def test_a_sweep_and_a_single_read_learn_what_required_texts_cost(listing: MahoLister) -> None:
    found = {one.product.sku: one for one in await everything(listing)}
    mug = found[Sku("GIFT-MUG")]

    assert least_price(mug.product) == Money(2400, "AUD")
    assert await listing.read(mug.key) == mug


async def test_a_sweep_goes_on_where_no_cart_tells_what_required_texts_cost(
    listing: MahoLister, demo: tuple[str, ControlledShop]
) -> None:
    demo[1].faults.next(DemoFault.BEFORE, path="/guest-carts", times=99)

    mug = next(one for one in await everything(listing) if one.product.sku == "GIFT-MUG")

    assert least_price(mug.product) is None


async def test_a_short_list_tells_prices_and_leaves_out_what_is_sold_out(
    listing: MahoLister, demo: tuple[str, ControlledShop]
) -> None:
    before = {one.key: one for one in (await listing.brief_page()).entries}
    whole = {one.key: one for one in (await listing.page()).entries}
    number, paddle = next((key, one) for key, one in whole.items() if not one.product.variants)

    assert before[number].price == paddle.product.price

    demo[1].state.take_stock(paddle.product.sku, 10**6)

    assert number not in {one.key for one in (await listing.brief_page()).entries}
    read = await listing.read(number)
    assert read is not None
    assert not read.product.in_stock


async def test_what_is_gone_and_what_only_a_parent_shows_is_not_read(
    listing: MahoLister, demo: tuple[str, ControlledShop]
) -> None:
    variant = demo[1].state.catalogue.by_sku("TEE-BLACK-M")
    assert variant is not None

    assert await listing.read("999999") is None
    assert await listing.read("../carts") is None
    assert await listing.read(str(variant.id)) is None


async def test_a_product_is_found_by_its_sku_or_url_key(listing: MahoLister) -> None:
    by_sku = await listing.find("TEE")
    assert by_sku is not None
    assert by_sku.product.url_key is not None
    assert await listing.find(by_sku.product.url_key) == by_sku
    assert await listing.find("NOTHING-LIKE-IT") is None


async def test_the_whole_tree_is_read_anew_each_time(
    listing: MahoLister, demo: tuple[str, ControlledShop], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await listing.categories()
    catalogue = demo[1].state.catalogue
    number, category = next((key, one) for key, one in catalogue.categories.items() if one.level == 2)
    monkeypatch.setitem(catalogue.categories, number, replace(category, name="Renamed"))

    second = await listing.categories()

    assert any(one.children for one in first)
    assert "Renamed" not in {one.name for one in first}
    assert "Renamed" in {one.name for one in second}


# Odd answers ----------------------------------------------------------------------------------------------------------


async def test_a_page_past_the_end_is_empty_though_the_shop_repeats_the_last(
    odd: MahoLister, script: respx.Router
) -> None:
    script.get("/products").mock(side_effect=Shelf(3))

    page = await odd.page("100")

    assert (page.entries, page.total, page.next) == ((), 3, None)


async def test_pages_shrink_where_they_are_too_long_and_grow_again(odd: MahoLister, script: respx.Router) -> None:
    shelf = Shelf(1000, large={7: 15_000})
    script.get("/products").mock(side_effect=shelf)

    found = await everything(odd)

    assert [one.key for one in found] == [str(number) for number in range(1, 1001)]
    assert shelf.sizes[:3] == [100, 50, 10]
    assert shelf.sizes[3 : 3 + PAGES_UNTIL_LARGER - 1] == [10] * (PAGES_UNTIL_LARGER - 1)
    assert shelf.sizes[2 + PAGES_UNTIL_LARGER] == 50


async def test_one_product_that_is_too_long_is_named_and_passed_over(odd: MahoLister, script: respx.Router) -> None:
    script.get("/products").mock(side_effect=Shelf(12, large={4: 30_000}))
    skipped, keys, after = [], [], None
    while True:
        page = await odd.page(after)
        keys += [one.key for one in page.entries]
        skipped += page.unreadable
        if (after := page.next) is None:
            break

    assert skipped == ["4"]
    assert keys == [str(number) for number in range(1, 13) if number != 4]


async def test_one_product_that_cannot_be_read_costs_itself_only(odd: MahoLister, script: respx.Router) -> None:
    script.get("/products").mock(
        return_value=members(
            member(1),
            member(2, variants="none"),
            member(3, price=10**15, finalPrice=10**15),
            {"id": "four", "sku": 4},
            member(5),
        )
    )

    page = await odd.page()

    assert [one.key for one in page.entries] == ["1", "5"]
    assert page.unreadable == ("2", "3")
    assert page.next is None


async def test_a_shop_that_is_slow_is_asked_for_less(odd: MahoLister, script: respx.Router) -> None:
    shelf = Shelf(60)

    def slow(request: httpx.Request) -> httpx.Response:
        if int(request.url.params["pageSize"]) > 50:
            raise httpx.ReadTimeout("it takes its time")
        return shelf(request)

    script.get("/products").mock(side_effect=slow)

    assert len((await odd.page()).entries) == 50


async def test_a_shop_that_is_always_too_slow_is_down(odd: MahoLister, script: respx.Router) -> None:
    script.get("/products").mock(side_effect=httpx.ReadTimeout("it takes its time"))

    with pytest.raises(ShopDown):
        await odd.page()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(500, json={}), ShopDown),
        (httpx.Response(429, json={}, headers={"retry-after": "7"}), ShopBusy),
        (
            refused(404, "This API protocol is not enabled on this Maho instance.", "protocol_disabled"),
            ShopMisconfigured,
        ),
        (members(member(1, currency="EUR")), ShopMisconfigured),
    ],
)
async def test_a_list_that_is_refused_says_why(
    odd: MahoLister, script: respx.Router, answer: httpx.Response, error: type[Exception]
) -> None:
    script.get("/products").mock(return_value=answer)

    with pytest.raises(error):
        await odd.page()


async def test_a_position_that_is_none_is_refused(odd: MahoLister) -> None:
    with pytest.raises(ShopRefused):
        await odd.page("second")


async def test_the_shops_clock_counts_and_ours_where_it_tells_no_time(odd: MahoLister, script: respx.Router) -> None:
    dated = members(member(1))
    dated.headers["date"] = "Mon, 30 Nov 2026 11:58:20 GMT"
    script.get("/products").mock(side_effect=[dated, members(member(1))])

    assert (await odd.page()).shop_time == NOW - 100
    assert (await odd.page()).shop_time == NOW


async def test_changes_are_asked_by_date_where_the_shop_knows_how(odd: MahoLister, script: respx.Router) -> None:
    ahead = script.get("/products", params={"pageSize": "1"}).mock(return_value=members(total=0))
    asked = script.get("/products", params={"updatedSince": "2026-11-30T12:00:00Z"}).mock(
        return_value=members(member(2))
    )

    first, second = await odd.changes(NOW), await odd.changes(NOW)

    assert [one.key for one in first.entries] == [one.key for one in second.entries] == ["2"]
    assert ahead.call_count == 1
    assert ahead.calls.last.request.url.params["updatedSince"] > "2027-11"
    assert asked.calls.last.request.url.params["fullDetail"] == "1"


async def test_changes_are_the_newest_of_all_where_the_shop_ignores_the_date(
    odd: MahoLister, script: respx.Router
) -> None:
    script.get("/products", params={"pageSize": "1"}).mock(return_value=members(member(1), total=4))
    listed = script.get("/products", params={"sortBy": "updated_at", "sortDir": "desc"}).mock(
        return_value=members(
            member(3, updatedAt="2026-11-30 12:00:05"),
            member(4, updatedAt="2026-11-30 12:00:00"),
            member(1, updatedAt="2026-11-30 11:59:59"),
            member(2, updatedAt="2026-11-01 00:00:00"),
        )
    )

    page = await odd.changes(NOW)

    assert [one.key for one in page.entries] == ["3", "4"]
    assert page.next is None
    assert "updatedSince" not in listed.calls.last.request.url.params


async def test_changes_go_on_over_pages_until_one_is_older(odd: MahoLister, script: respx.Router) -> None:
    script.get("/products", params={"pageSize": "1"}).mock(return_value=members(member(1), total=150))
    new, old = "2026-11-30 12:00:05", "2026-11-30 11:00:00"
    script.get("/products", params={"sortBy": "updated_at", "page": "1"}).mock(
        return_value=members(*[member(number, updatedAt=new) for number in range(1, 101)], total=150)
    )
    script.get("/products", params={"sortBy": "updated_at", "page": "2"}).mock(
        return_value=members(
            member(101, updatedAt=new), *[member(number, updatedAt=old) for number in range(102, 151)], total=150
        )
    )

    first = await odd.changes(NOW)
    second = await odd.changes(NOW, first.next)

    assert (len(first.entries), first.next) == (100, "100")
    assert ([one.key for one in second.entries], second.next) == (["101"], None)


async def test_what_is_found_and_shown_follows_the_visibility(odd: MahoLister, script: respx.Router) -> None:
    script.get("/products").mock(
        return_value=members(member(1), member(2, visibility="catalog"), member(3, visibility="search"))
    )

    page = await odd.page()

    assert [(one.listed, one.searchable) for one in page.entries] == [(True, True), (True, False), (False, True)]


async def test_dates_of_a_price_are_days_in_the_shops_own_time_zone(odd: MahoLister, script: respx.Router) -> None:
    script.get("/products").mock(
        return_value=members(
            member(1, specialFromDate="2026-12-01", specialToDate="2026-12-24 00:00:00"),
            member(2, specialFromDate="soon"),
        )
    )

    dated, undated = (await odd.page()).entries

    begins = dt.datetime(2026, 11, 30, 13, tzinfo=dt.UTC).timestamp()
    ends = dt.datetime(2026, 12, 24, 13, tzinfo=dt.UTC).timestamp()
    assert dated.reprices == (begins, ends)
    assert undated.reprices == ()


@pytest.mark.parametrize("zone", [None, "Mars/Olympus", "../etc/passwd"])
async def test_dates_are_utc_in_a_time_zone_that_nobody_knows(
    odd: MahoLister, script: respx.Router, zone: str | None
) -> None:
    script.get("/store-config").mock(return_value=ld({"timezone": zone}))
    script.get("/products").mock(return_value=members(member(1, specialFromDate="2026-12-01")))

    (dated,) = (await odd.page()).entries

    assert dated.reprices == (dt.datetime(2026, 12, 1, tzinfo=dt.UTC).timestamp(),)


async def test_attributes_links_and_dates_are_told_by_their_codes(odd: MahoLister, script: respx.Router) -> None:
    script.get("/products").mock(
        return_value=members(
            member(
                1,
                createdAt="2026-01-15 10:32:01",
                updatedAt="never",
                reviewCount=3,
                additionalAttributes=[
                    {"code": "material", "label": "Material", "value": "Carbon"},
                    {"code": "material", "label": "Material", "value": "again"},
                    {"code": "empty", "label": "Empty", "value": None},
                    {"label": "Nameless", "value": "x"},
                    {"code": "blank", "label": "Blank", "value": " "},
                ],
                relatedProducts=[{"sku": "NET-1"}, {"name": "no SKU"}],
                upsellProducts=[{"sku": "PAD-9"}],
                crosssellProducts=[{"sku": "BALL-3"}],
            )
        )
    )

    (entry,) = (await odd.page()).entries

    assert [(one.code, one.label, one.values, one.axis) for one in entry.attributes] == [
        ("material", "Material", ("Carbon",), False)
    ]
    assert (entry.related, entry.alternatives, entry.accessories) == (("NET-1",), ("PAD-9",), ("BALL-3",))
    assert (entry.reviews, entry.created, entry.changed) == (3, 1768473121, None)
    assert entry.product.price == Money(27900, "USD")


async def test_what_is_switched_off_is_not_read(odd: MahoLister, script: respx.Router) -> None:
    script.get("/products/1").mock(return_value=ld(member(1, status="disabled")))

    assert await odd.read("1") is None


@pytest.mark.parametrize(
    "changed", [{"variants": "none"}, {"price": 10**15, "finalPrice": 10**15}, {"description": "x" * 30_000}]
)
async def test_a_product_that_cannot_be_read_is_refused_and_the_shop_is_not_down(
    odd: MahoLister, script: respx.Router, changed: dict[str, Any]
) -> None:
    script.get("/products/1").mock(return_value=ld(member(1, **changed)))

    with pytest.raises(ShopRefused):
        await odd.read("1")


async def test_a_read_of_a_shop_that_is_down_says_so(odd: MahoLister, script: respx.Router) -> None:
    script.get("/products/1").mock(return_value=httpx.Response(503, json={}))

    with pytest.raises(ShopDown):
        await odd.read("1")


async def test_a_short_list_leaves_out_what_cannot_be_read_and_shrinks_too(
    odd: MahoLister, script: respx.Router
) -> None:
    long = {"description": "x" * 15_000}
    rows = [member(1, **long), member(2, price=10**15, finalPrice=10**15), member(3, sku=None), member(4, **long)]

    def answer(request: httpx.Request) -> httpx.Response:
        size, number = int(request.url.params["pageSize"]), int(request.url.params["page"])
        return members(*rows[(number - 1) * size : number * size], total=4)

    script.get("/products").mock(side_effect=answer)
    found, after = [], None
    while True:
        page = await odd.brief_page(after)
        found += [one.key for one in page.entries]
        if (after := page.next) is None:
            break

    assert found == ["1", "4"]


async def test_a_product_too_long_for_every_list_is_passed_over_without_a_name(
    odd: MahoLister, script: respx.Router
) -> None:
    rows = [member(1), member(2, description="x" * 30_000), member(3)]

    def answer(request: httpx.Request) -> httpx.Response:
        size, number = int(request.url.params["pageSize"]), int(request.url.params["page"])
        return members(*rows[(number - 1) * size : number * size], total=3)

    script.get("/products").mock(side_effect=answer)
    keys, lost, after = [], [], None
    while True:
        page = await odd.page(after)
        keys += [one.key for one in page.entries]
        lost += page.unreadable
        if (after := page.next) is None:
            break

    assert (keys, lost) == (["1", "3"], [])
