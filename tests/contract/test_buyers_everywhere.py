"""Buyers from everywhere, by the adapter over the demo shop, which asks for what Maho asks for in each release."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from storefront_mcp.backends.maho import MahoBackend, MahoConfig, connect
from storefront_mcp.commerce import errors
from storefront_mcp.commerce.address import Address, PostalAddress
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.order import OrderDraft
from storefront_mcp.demo.catalogue.product_kinds import every_kind
from storefront_mcp.demo.models import ShopRules
from tests.contract.ordering import DRAFT, HOME, PREPAID, elsewhere, filled
from tests.fakes.demo_shop import ControlledShop, UnsafeBehaviours, demo_shop

pytestmark = pytest.mark.slow

ABROAD = "auspost_international"
SHOPS = {
    "main": {"rules": ShopRules()},
    "26.7.4": {"rules": ShopRules(release="26.7.4")},
    "the older fork": {"unsafe": UnsafeBehaviours(older_fork=True)},
}
OLDER = [pytest.param(name, marks=pytest.mark.slow) for name in SHOPS if name != "main"]


def adapter_of(shop: ControlledShop, **more: Any) -> MahoBackend:
    transport = httpx.ASGITransport(shop)
    return connect(MahoConfig(url="http://demo.example", **more), "AUD", transport=transport)[0]


@pytest.fixture(params=["main", *OLDER])
def everything(request: pytest.FixtureRequest) -> ControlledShop:
    """A shop with every product type."""
    return demo_shop(catalogue=every_kind(), **SHOPS[request.param])


@pytest.fixture(params=["main", OLDER[0]])
async def demo(request: pytest.FixtureRequest) -> AsyncIterator[ControlledShop]:
    return demo_shop(**SHOPS[request.param])


def living(country: str, **changed: Any) -> OrderDraft:
    """An order of somebody who lives there."""
    given = {"country": country, "region": "", "city": "Town", "postcode": "", **changed}
    home = replace(HOME, **given)
    return OrderDraft(email="ada@example.com", shipping_address=home, billing_address=home, shipping_method=ABROAD)


# Virtual carts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lines", [["VIRT-1"], ["VIRT-1", "GC-1"]], ids=" and ".join)
async def test_a_cart_of_which_nothing_is_sent_is_ordered_with_a_billing_address_alone(
    everything: ControlledShop, lines: list[str]
) -> None:
    shop = adapter_of(everything)
    cart = (await shop.create_cart()).cart_id
    card = {"amount": "25", "recipient_name": "Grace", "recipient_email": "grace@example.com"}
    for sku in lines:
        held = await shop.add_line(cart, Sku(sku), 1, card if sku == "GC-1" else {})
    assert held.ships_nothing
    bought = OrderDraft(email="ada@example.com", billing_address=HOME)

    quoted = await shop.quote_order(cart, bought)
    order = await shop.place_order(cart, bought, PREPAID)

    assert (quoted.ships_by, quoted.ships_nothing, quoted.totals.shipping) == (None, True, None)
    assert order.total == quoted.totals.total
    assert [sold.number for sold in everything.books] == [order.number]


async def test_a_way_to_send_what_is_not_sent_is_left_out(everything: ControlledShop) -> None:
    shop = adapter_of(everything)
    cart = await filled(shop, "VIRT-1")
    assert await shop.shipping_methods(cart, Address(country="AU", region="VIC", postcode="3000")) is None
    draft = replace(DRAFT, shipping_method="nothing_known", billing_address=HOME)
    assert (await shop.quote_order(cart, draft)).ships_by is None
    assert (await shop.place_order(cart, draft, PREPAID)).number


async def test_what_is_sent_needs_an_address_and_a_way(everything: ControlledShop) -> None:
    shop = adapter_of(everything)
    cart = await filled(shop, "TIER-1")
    await shop.add_line(cart, Sku("VIRT-1"), 1, {})
    assert not (await shop.cart(cart)).ships_nothing
    with pytest.raises(errors.AddressRefused, match=r"shipping_address is missing.* Ask the buyer"):
        await shop.quote_order(cart, OrderDraft(email="ada@example.com", billing_address=HOME))
    with pytest.raises(errors.ShippingMethodRefused, match=r"shipping_method is missing\. Choose"):
        await shop.quote_order(cart, replace(DRAFT, shipping_method=""))


async def test_a_virtual_order_needs_of_the_address_what_the_shop_needs() -> None:
    shop = adapter_of(demo_shop(catalogue=every_kind()))
    cart = await filled(shop, "VIRT-1")
    bare = PostalAddress(first_name="Ada", street="1", city="Berlin", country="DE")
    with pytest.raises(errors.AddressRefused, match="billing_address lacks postcode and phone") as refused:
        await shop.quote_order(cart, OrderDraft(email="ada@example.com", billing_address=bare))
    assert str(refused.value).endswith("Ask the buyer; never invent one.")


# Tax ------------------------------------------------------------------------------------------------------------------


async def test_totals_say_for_which_country_there_is_no_tax(demo: ControlledShop) -> None:
    shop = adapter_of(demo)
    cart = await filled(shop, "PAD-2")
    assert (await shop.cart(cart)).totals.no_tax is None, "nobody said where to"
    home = replace(living("AU", region="VIC", postcode="3056"), shipping_method="auspost_parcel")
    at_home = (await shop.quote_order(cart, home)).totals
    assert (at_home.no_tax, at_home.tax_included) == (None, True)

    await shop.shipping_methods(cart, Address(country="DE", postcode="10115"))
    assert (await shop.cart(cart)).totals.no_tax == "for delivery to DE"
    quoted = (await shop.quote_order(cart, living("DE", postcode="10115"))).totals
    assert (quoted.tax, quoted.no_tax) == (None, "for delivery to DE")
    seen = (await shop.preview_order(cart, living("NZ", postcode="7010"))).cart.totals
    assert (seen.tax, seen.no_tax) == (None, "for delivery to NZ")


async def test_what_is_not_sent_has_no_country_of_delivery() -> None:
    shop = adapter_of(demo_shop(catalogue=every_kind()))
    cart = await filled(shop, "VIRT-1")
    german = living("DE", postcode="10115").billing_address
    quoted = await shop.quote_order(cart, OrderDraft(email="ada@example.com", billing_address=german))
    assert (quoted.totals.tax, quoted.totals.no_tax) == (None, None)


# Regions --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "region", "stored", "more"),
    [
        ("EE", "EE-37", "Harjumaa", {"postcode": "10111"}),
        ("CA", "Québec", "Quebec", {"postcode": "H2X 1Y4"}),
        ("CA", "Que\u0301bec", "Quebec", {"postcode": "H2X 1Y4"}),
        ("CA", "Quebec", "Quebec", {"postcode": "H2X 1Y4"}),
        ("DE", "Bayern", "Bayern", {"postcode": "80331"}),
        ("DE", "DE-BY", "Bayern", {"postcode": "80331"}),
        ("FR", "01", "Ain", {"postcode": "01000"}),
        ("ES", "01", "Alava", {"postcode": "01001"}),
        *((country, "", "", {"postcode": code}) for country, code in (("DE", "80331"), ("AT", "1010"), ("CH", "8001"))),
        *((country, "", "", {"postcode": code}) for country, code in (("FR", "75001"), ("FI", "00100"))),
        ("ES", "", "", {"postcode": "28013"}),
        ("GB", "Greater London", "Greater London", {"postcode": "SW1A 1AA"}),
        ("GB", "n/a", "", {"postcode": "SW1A 1AA"}),
        ("IE", "", "", {}),
        ("HK", "", "", {}),
        ("AE", "Dubai", "Dubai", {}),
        ("AE", "", "", {"postcode": "00000"}),
    ],
)
async def test_a_buyer_from_there_is_served(
    demo: ControlledShop, country: str, region: str, stored: str, more: dict[str, str]
) -> None:
    shop = adapter_of(demo)
    cart = await filled(shop)
    order = living(country, region=region, **more)
    assert await shop.shipping_methods(cart, order.billing_address.place())
    await shop.quote_order(cart, order)
    placed = await shop.place_order(cart, order, PREPAID)
    sent = demo.state.orders[placed.number or ""].body["shippingAddress"]
    assert (sent.get("region", ""), sent["countryId"], "regionId" in sent) == (
        stored,
        country,
        bool(stored) and country not in {"GB", "AE"},
    )


async def test_a_region_of_home_is_found_by_its_international_code(demo: ControlledShop) -> None:
    shop = adapter_of(demo)
    cart = await filled(shop)
    draft = elsewhere(region="AU-QLD", postcode="4000", city="Brisbane")
    await shop.quote_order(
        cart, replace(draft, shipping_method="auspost_parcel", billing_address=draft.shipping_address)
    )
    address = demo.state.carts[cart].shipping_address
    assert address is not None
    assert address.region == "Queensland"


async def test_a_shop_that_wants_a_region_in_more_countries_says_so_by_a_setting() -> None:
    demo = demo_shop(rules=ShopRules(region_required=("DE",)))
    cart = await filled(adapter_of(demo))
    german, american = living("DE", postcode="80331"), living("US", postcode="10001")
    told = adapter_of(demo, regions_required=frozenset({"DE"}))
    with pytest.raises(errors.AddressRefused, match=r"lacks region \(a state or province of DE"):
        await told.quote_order(cart, german)
    assert await told.quote_gaps(Address(country="DE")) == ("region", "postcode")
    assert await told.quote_order(cart, american)
    assert await told.quote_gaps(Address(country="US", postcode="10001")) == ()


async def test_a_region_that_is_none_is_answered_with_those_that_are_close(demo: ControlledShop) -> None:
    shop = adapter_of(demo)
    cart = await filled(shop)
    with pytest.raises(errors.AddressRefused) as refused:
        await shop.quote_order(cart, living("FR", region="Pyrenees", postcode="65000"))
    told = str(refused.value)
    assert "Of 96, these are close: " in told
    assert "Hautes-Pyrénées (65)" in told
    assert "It may be left out." in told
    assert len(told) < 500
    with pytest.raises(errors.AddressRefused) as american:
        await shop.shipping_methods(cart, Address(country="US", region="Nowhere"))
    assert "left out" not in str(american.value)


# Countries, names, numbers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "code"),
    [("UK", "GB"), ("United Kingdom", "GB"), ("GBR", "GB"), ("gbr", "GB"), ("Deutschland", "DE"), ("DEU", "DE")],
)
async def test_a_country_is_understood_however_it_is_written(demo: ControlledShop, written: str, code: str) -> None:
    shop = adapter_of(demo)
    cart = await filled(shop)
    postcode = "SW1A 1AA" if code == "GB" else "80331"
    await shop.quote_order(cart, living(written, postcode=postcode))
    address = demo.state.carts[cart].shipping_address
    assert address is not None
    assert address.country == code


@pytest.mark.parametrize("written", ["Australia", "AUS", "AUSTRALIA", "australia"])
async def test_home_is_understood_by_its_name(demo: ControlledShop, written: str) -> None:
    shop = adapter_of(demo)
    cart = await filled(shop)
    methods = await shop.shipping_methods(cart, Address(country=written, region="VIC", postcode="3000"))
    assert "auspost_parcel" in [method.code for method in methods or ()]


@pytest.mark.parametrize(
    ("written", "named"), [("USA", "US"), ("Japan", "JP"), ("JPN", "JP"), ("Atlantis", "Atlantis")]
)
async def test_a_country_that_is_not_served_is_named_with_those_that_are(written: str, named: str) -> None:
    demo = demo_shop()
    demo.state.rules = replace(demo.state.rules, delivery_countries=("AU", "NZ"))
    shop = adapter_of(demo)
    cart = await filled(shop)
    with pytest.raises(errors.CountryNotServed, match=repr(named)) as refused:
        await shop.shipping_methods(cart, Address(country=written))
    assert "NZ" in str(refused.value.detail)


async def test_who_has_one_name_is_served(demo: ControlledShop) -> None:
    shop = adapter_of(demo)
    cart = await filled(shop)
    order = living("SG", postcode="238801", first_name="Sukarno", last_name="")
    await shop.quote_order(cart, order)
    placed = await shop.place_order(cart, order, PREPAID)
    sent = demo.state.orders[placed.number or ""].body["shippingAddress"]
    assert (sent["firstname"], sent["lastname"]) == ("Sukarno", "Sukarno")
    with pytest.raises(errors.AddressRefused, match="shipping_address lacks last_name"):
        await shop.quote_order(
            await filled(shop), replace(order, shipping_address=replace(HOME, first_name="Ada M", last_name=""))
        )


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("postcode", "-"),
        ("postcode", "00000"),
        ("postcode", "none"),
        ("postcode", "unknown"),
        ("phone", "n/a"),
        ("phone", "0000000000"),
        ("last_name", "-"),
        ("last_name", "unknown"),
        ("first_name", "None"),
        ("street", "-"),
        ("city", "unknown"),
    ],
)
async def test_what_stands_for_nothing_is_asked_for(demo: ControlledShop, field: str, text: str) -> None:
    shop = adapter_of(demo)
    cart = await filled(shop)
    with pytest.raises(errors.AddressRefused) as refused:
        await shop.quote_order(cart, elsewhere(**{field: text}))
    told = str(refused.value)
    assert told.startswith(f"shipping_address.{field} is {text!r}, which stands for nothing.")
    assert told.endswith("Ask the buyer; never invent one.")


async def test_a_quote_needs_no_more_than_it_depends_on(demo: ControlledShop) -> None:
    shop = adapter_of(demo)
    cart = await filled(shop)
    guessed = Address(country="AU", region="VIC", postcode="3000", city="unknown", street="-", last_name="none")
    assert await shop.shipping_methods(cart, guessed)
    with pytest.raises(errors.AddressRefused, match=r"address\.postcode is '0000'"):
        await shop.shipping_methods(cart, replace(guessed, postcode="0000"))
    assert await shop.quote_gaps(Address(country="IE")) == ()
    assert await shop.quote_gaps(Address(country="DE")) == ("postcode",)


@pytest.mark.parametrize(
    ("country", "sent", "meant"), [("AU", "800", "0800"), ("US", "2139", "02139"), ("DE", "1067", "01067")]
)
async def test_leading_zeros_that_numbers_lose_are_asked_for(country: str, sent: str, meant: str) -> None:
    shop = adapter_of(demo_shop())
    cart = await filled(shop)
    with pytest.raises(errors.AddressRefused, match=f"'{sent}': if it is '{meant}'"):
        await shop.shipping_methods(cart, Address(country=country, postcode=sent))


async def test_what_the_shop_itself_misses_is_told_before_anybody_pays() -> None:
    """A new Maho wants a postcode in the Emirates, which have none."""
    demo = demo_shop(rules=ShopRules(postcode_optional=("HK",)))
    shop = adapter_of(demo)
    cart = await filled(shop)
    with pytest.raises(errors.AddressRefused, match="The shop takes no address without postcode"):
        await shop.quote_order(cart, living("AE"))


@pytest.mark.parametrize("release", ["main", "26.7.4"])
async def test_what_an_order_lacked_that_the_shop_refused_without_a_reason_is_asked_for(release: Any) -> None:
    """A new Maho wants regions of all countries that it has some of, and postcodes of nearly all; no call tells."""
    rules = ShopRules(release=release, region_required=("DE",), postcode_optional=())
    demo = demo_shop(rules=rules, unsafe=UnsafeBehaviours(opaque_errors=True))
    shop = adapter_of(demo)
    cart = await filled(shop)
    german = living("DE", postcode="80331")
    await shop.quote_order(cart, german)
    with pytest.raises(errors.ShopOutcomeUnknown):
        await shop.place_order(cart, german, PREPAID)
    assert await shop.find_order(cart, "chk_1") is None
    demo.state.rules = replace(rules, region_required=())
    assert (await shop.place_order(cart, german, PREPAID)).number, "what was paid for is tried again as it is"

    demo.state.rules, cart = rules, await filled(shop)
    with pytest.raises(errors.AddressRefused, match=r"lacks region \(a state or province of DE"):
        await shop.quote_order(cart, german)
    bavarian = living("DE", postcode="80331", region="BY")
    await shop.quote_order(cart, bavarian)
    assert (await shop.place_order(cart, bavarian, PREPAID)).number
    if release == "26.7.4":  # later ones say it when the address is set
        cart = await filled(shop)
        await shop.quote_order(cart, living("AE"))
        with pytest.raises(errors.ShopOutcomeUnknown):
            await shop.place_order(cart, living("AE"), PREPAID)
        with pytest.raises(errors.AddressRefused, match="shipping_address lacks postcode"):
            await shop.quote_order(cart, living("AE"))


async def test_nothing_invisible_reaches_the_shop(demo: ControlledShop) -> None:
    shop = adapter_of(demo)
    cart = await filled(shop)
    order = living(
        "GB",
        postcode="SW1A\u200b 1AA",
        first_name="Ada\u202e",
        last_name="O\x07 \t Brine",
        street="1\u2066 A\r\n\x00B\n",
    )
    order = replace(order, billing_address=replace(order.billing_address, company="می\u200cروم"))
    await shop.quote_order(cart, order)
    placed = await shop.place_order(cart, order, PREPAID)
    body = demo.state.orders[placed.number or ""].body
    sent = body["shippingAddress"]
    assert (sent["firstname"], sent["lastname"], sent["street"]) == ("Ada", "O Brine", ["1 A", "B"])
    assert sent["postcode"] == "SW1A 1AA"
    assert body["billingAddress"]["company"] == "می\u200cروم"
