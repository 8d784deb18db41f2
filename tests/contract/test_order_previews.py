"""A dry run tells what the order will cost, and leaves the cart in the shop as it was."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
import respx
from msgspec.structs import replace

from storefront_mcp.backends.maho import MahoBackend, MahoConfig, connect
from storefront_mcp.commerce import errors
from storefront_mcp.commerce.ids import CartId, Sku
from storefront_mcp.demo.models import DemoCart
from tests.contract.conftest import CART, cart_body, ld, refused
from tests.contract.odd_prices import RULES, odd_catalogue
from tests.contract.ordering import DRAFT, HOME
from tests.fakes.demo_shop import ControlledShop, demo_shop

pytestmark = pytest.mark.slow

AUSTRALIAN = replace(DRAFT, billing_address=HOME)
PERSONAL = (HOME.last_name, "Barrel", HOME.phone)
ID = CartId(CART)
TWIN = "e" * 32


@pytest.fixture(params=RULES, ids=str)
def round_shop(request: pytest.FixtureRequest) -> ControlledShop:
    return demo_shop(rules=request.param, catalogue=odd_catalogue())


@pytest.fixture
async def adapter(round_shop: ControlledShop) -> AsyncIterator[MahoBackend]:
    config = MahoConfig(url="http://demo.example")
    backend, close = connect(config, "AUD", transport=httpx.ASGITransport(round_shop))
    yield backend
    await close()


def kept(shop: ControlledShop, cart: CartId) -> DemoCart:
    """The cart as the shop has it, whenever it was written."""
    return replace(shop.state.carts[cart], updated=0.0)


async def filled(adapter: MahoBackend, *skus: str) -> CartId:
    cart = (await adapter.create_cart()).cart_id
    for sku in skus:
        await adapter.add_line(cart, Sku(sku), 3, {})
    return cart


@pytest.mark.parametrize("quoted_before", [False, True])
async def test_a_plain_cart_is_not_touched_and_costs_what_the_order_will(
    adapter: MahoBackend, round_shop: ControlledShop, quoted_before: bool
) -> None:
    setters = round_shop.state.rules.release == "main"
    cart = await filled(adapter, "JAR-DILL", "TEE-BLUE-M", "PAD-2")
    if quoted_before:
        await adapter.shipping_methods(cart, HOME.place())
    before, seen = kept(round_shop, cart), await adapter.cart(cart)
    abroad = replace(HOME, country="NZ", region="", city="Nelson", postcode="7010")
    draft = replace(
        AUSTRALIAN, shipping_address=abroad, billing_address=abroad, shipping_method="auspost_international"
    )
    for one in (AUSTRALIAN, draft, AUSTRALIAN):
        preview = await adapter.preview_order(cart, one)
        assert preview.methods
        if setters:
            assert kept(round_shop, cart) == before
            assert await adapter.cart(cart) == seen
        others = [other for id_, other in round_shop.state.carts.items() if id_ != cart]
        assert len(others) == 1, "one twin serves all dry runs"
        assert not any(word in str(others) for word in PERSONAL)
    assert preview.cart.cart_id == cart
    assert preview.cart.totals == (await adapter.quote_order(cart, AUSTRALIAN)).totals
    assert not round_shop.books


@pytest.mark.parametrize("extra", ["SAVE10", "GC-BRINE-50", "options"])
async def test_a_cart_that_has_no_twin_gets_back_what_it_had(extra: str) -> None:
    shop = demo_shop(catalogue=odd_catalogue())
    backend, close = connect(MahoConfig(url="http://demo.example"), "AUD", transport=httpx.ASGITransport(shop))
    cart = await filled(backend, "JAR-DILL")
    if extra == "options":
        await backend.add_line(cart, Sku("GIFT-MUG"), 1, {"Engraving": "ADA", "Mug size": "Large"})
    else:
        await (backend.apply_coupon if extra == "SAVE10" else backend.apply_gift_card)(cart, extra)
    seen = await backend.cart(cart)
    preview = await backend.preview_order(cart, AUSTRALIAN)
    assert await backend.cart(cart) == seen
    assert not any(word in str(shop.state.carts[cart]) for word in PERSONAL)
    quoted = await backend.quote_order(cart, AUSTRALIAN)
    assert preview.cart.totals == quoted.totals

    # What a real quote stored stays, and the next dry run gives it back.
    before = kept(shop, cart)
    elsewhere = replace(AUSTRALIAN, shipping_method="auspost_parcel", shipping_address=replace(HOME, city="Perth"))
    await backend.preview_order(cart, elsewhere)
    assert kept(shop, cart) == before
    await close()


async def test_what_a_dry_run_refuses_is_refused_before_anything_is_written(
    adapter: MahoBackend, round_shop: ControlledShop
) -> None:
    cart = await filled(adapter, "JAR-DILL")
    before = kept(round_shop, cart)
    for draft, error in (
        (replace(AUSTRALIAN, shipping_address=replace(HOME, country="AQ")), errors.CountryNotServed),
        (replace(AUSTRALIAN, shipping_address=replace(HOME, region="Bavaria")), errors.AddressRefused),
    ):
        with pytest.raises(error):
            await adapter.preview_order(cart, draft)
        assert kept(round_shop, cart) == before
    with pytest.raises(errors.ShippingMethodRefused):
        await adapter.preview_order(cart, replace(AUSTRALIAN, shipping_method="by_balloon"))
    empty = (await adapter.create_cart()).cart_id
    with pytest.raises(errors.CartEmpty):
        await adapter.preview_order(empty, AUSTRALIAN)
    assert kept(round_shop, empty).shipping_address is None
    with pytest.raises(errors.CartGone):
        await adapter.preview_order(CartId("f" * 32), AUSTRALIAN)


@pytest.mark.parametrize("copied", [[], cart_body()["items"]], ids=["not alike", "lost"])
async def test_a_twin_that_is_not_alike_or_gets_lost_is_not_used(
    scripted: MahoBackend, script: respx.Router, copied: list[dict[str, Any]]
) -> None:
    sent: list[tuple[str, str, Any]] = []

    told = {
        "/store-config": {"allowedCountries": ["AU"]},
        "/countries/AU": {"id": "AU", "availableRegions": [{"id": 1, "code": "VIC", "name": "Victoria"}]},
        "/guest-carts": cart_body(maskedId=TWIN, items=[]),
        f"/guest-carts/{TWIN}/items": cart_body(maskedId=TWIN, items=copied),
    }

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/rest/v2")
        sent.append((request.method, path, msgspec.json.decode(request.content) if request.content else None))
        if path == f"/guest-carts/{TWIN}":
            return refused(404)
        if path.endswith("/shipping-methods"):
            return refused(422, "The carrier is asleep.")
        return ld(told.get(path, cart_body()))

    script.route().mock(side_effect=answer)
    with pytest.raises(errors.ShopRefused, match="asleep"):
        await scripted.preview_order(ID, AUSTRALIAN)
    quotes = [body for method, path, body in sent if path == f"/guest-carts/{CART}/shipping-methods"]
    assert [quote["address"]["countryId"] for quote in quotes] == ["AU", ""]
    assert not any(path == f"/guest-carts/{TWIN}/shipping-methods" for _, path, _ in sent)
