"""What an order costs is what was quoted, in shops that round and tax as Maho does."""

from collections.abc import AsyncIterator

import httpx
import pytest
from msgspec.structs import replace

from storefront_mcp.backends.maho import MahoBackend, MahoConfig, connect
from storefront_mcp.commerce import errors
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.ids import CartId, Sku
from storefront_mcp.commerce.order import Order, OrderDraft
from storefront_mcp.demo.models import ShopRules
from tests.contract.odd_prices import RULES, odd_catalogue
from tests.contract.ordering import DRAFT, HOME, PREPAID
from tests.fakes.demo_shop import ControlledShop, demo_shop

AUSTRALIAN = replace(DRAFT, billing_address=HOME)


@pytest.fixture(params=RULES, ids=str)
def round_shop(request: pytest.FixtureRequest) -> ControlledShop:
    return demo_shop(rules=request.param, catalogue=odd_catalogue())


@pytest.fixture
async def adapter(round_shop: ControlledShop) -> AsyncIterator[MahoBackend]:
    config = MahoConfig(url="http://demo.example")
    backend, close = connect(config, "AUD", transport=httpx.ASGITransport(round_shop))
    yield backend
    await close()


async def cart_of(adapter: MahoBackend, lines: dict[str, int], coupon: str | None = None) -> CartId:
    cart = (await adapter.create_cart()).cart_id
    for sku, quantity in lines.items():
        await adapter.add_line(cart, Sku(sku), quantity, {})
    if coupon is not None:
        await adapter.apply_coupon(cart, coupon)
    return cart


async def ordered(adapter: MahoBackend, cart: CartId, draft: OrderDraft) -> tuple[Cart, Order]:
    """The quote before placing, and the order."""
    return await adapter.quote_order(cart, draft), await adapter.place_order(cart, draft, PREPAID)


async def test_a_virtual_cart_is_taxed_by_its_billing_address_before_anybody_pays(
    round_shop: ControlledShop, adapter: MahoBackend
) -> None:
    sku = next(one.sku for one in round_shop.state.catalogue.products.values() if one.virtual and not one.options)
    cart = await cart_of(adapter, {sku: 1})
    quoted, order = await ordered(adapter, cart, AUSTRALIAN)
    assert order.total == quoted.totals.total
    assert quoted.totals.tax
    assert not quoted.totals.shipping


async def test_the_order_goes_to_the_quoted_address(round_shop: ControlledShop, adapter: MahoBackend) -> None:
    cart = await cart_of(adapter, {"PAD-2": 1})
    await adapter.quote_order(cart, AUSTRALIAN)
    await adapter.shipping_methods(cart, replace(HOME.place(), city="Hobart", region="TAS", postcode="7000"))
    await adapter.place_order(cart, AUSTRALIAN, PREPAID)
    sent = round_shop.state.orders["100000001"].body["shippingAddress"]
    assert (sent["firstname"], sent["street"], sent["city"]) == ("Ada", ["12 Barrel Lane", "Unit 3"], "Brunswick")


async def test_a_cart_that_has_a_payment_method_is_never_ordered_by_a_quote(
    round_shop: ControlledShop, adapter: MahoBackend
) -> None:
    cart = await cart_of(adapter, {"PAD-2": 3}, "SAVE10")
    await adapter.quote_order(cart, AUSTRALIAN)
    round_shop.state.update_cart(round_shop.state.carts[cart], payment_method="prepaid")
    quoted = await adapter.quote_order(cart, AUSTRALIAN)
    assert round_shop.books == ()
    assert quoted.totals.shipping
    order = await adapter.place_order(cart, AUSTRALIAN, PREPAID)
    assert order.total == quoted.totals.total


async def quote_of(backend: MahoBackend, cart: CartId) -> Cart:
    await backend.add_line(cart, Sku("PAD-2"), 2, {})
    return await backend.quote_order(cart, AUSTRALIAN)


@pytest.mark.parametrize("included", [True, False])
async def test_whether_prices_include_tax_is_seen_and_a_setting_that_says_otherwise_is_refused(
    *, included: bool
) -> None:
    shop = demo_shop(rules=ShopRules(tax_included=included))
    for configured in (None, included, not included):
        backend, close = connect(
            MahoConfig(url="http://demo.example", prices_include_tax=configured),
            "AUD",
            transport=httpx.ASGITransport(shop),
        )
        cart = (await backend.create_cart()).cart_id
        if configured in {None, included}:
            quoted = await quote_of(backend, cart)
            assert (quoted.totals.tax_included, quoted.totals.other) == (included, None)
            assert (await backend.product("PAD-2")).price == quoted.lines[0].price
        else:
            with pytest.raises(errors.ShopMisconfigured) as refused:
                await quote_of(backend, cart)
            assert "take that setting out" in str(refused.value.internal)
        await close()


async def test_an_adapter_that_begins_with_a_full_cart_sees_whether_prices_include_tax(
    round_shop: ControlledShop, adapter: MahoBackend
) -> None:
    cart = await cart_of(adapter, {"PAD-2": 2})
    await adapter.quote_order(cart, AUSTRALIAN)
    fresh, close = connect(MahoConfig(url="http://demo.example"), "AUD", transport=httpx.ASGITransport(round_shop))
    assert (await fresh.cart(cart)).totals == (await adapter.cart(cart)).totals
    assert (await fresh.cart(cart)).totals.tax_included is round_shop.state.rules.tax_included
    await close()


class DeafTransport(httpx.ASGITransport):
    """A shop whose place-order does not answer in time."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/place-order"):
            raise httpx.ReadTimeout("", request=request)
        return await super().handle_async_request(request)


@pytest.mark.slow
async def test_a_quote_whose_calls_may_still_run_at_the_shop_is_none() -> None:
    shop = demo_shop(rules=ShopRules(release="26.7.4"))
    config = MahoConfig(url="http://demo.example")
    backend, close = connect(config, "AUD", transport=DeafTransport(shop))
    cart = await cart_of(backend, {"PAD-2": 1})
    with pytest.raises(errors.ShopDown) as down:
        await backend.quote_order(cart, DRAFT)
    assert not isinstance(down.value, errors.ShopOutcomeUnknown)
    await close()
