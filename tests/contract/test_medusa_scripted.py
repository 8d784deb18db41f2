"""The MedusaBackend adapter over answers that no stand-in gives: what the shop may say, and what it may not."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx
from msgspec.structs import replace

from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.medusa import MedusaBackend, MedusaConfig, connect
from storefront_mcp.backends.medusa.probe import MedusaProbe
from storefront_mcp.commerce import errors
from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.ids import CartId, LineId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderDraft, OrderSettlement
from storefront_mcp.commerce.search import SearchQuery
from tests.contract.conftest import Clock
from tests.contract.shops.contract_shop import ADA, EMAIL
from tests.fakes.medusa.order_calls import ship
from tests.fakes.medusa.shop import MedusaShop
from tests.fakes.medusa.stock import Json

CART = CartId("cart_01M7WABHA9DH22EX2086NVQPZ7")
ORDER = "order_01M7WABMF104NG3CF1SGGGC3FC"
API = "https://shop.example/store"
REGION = {"id": "reg_1", "name": "Europe", "currency_code": "eur", "countries": [{"iso_2": "de"}, {"iso_2": "fr"}]}
SETTLED = OrderSettlement(method="pp_system_default", payment="pi_1", reference="chk_1")
GERMANY = replace(ADA, country="DE", region="", postcode="10115", city="Berlin")
DRAFT = OrderDraft(email=EMAIL, shipping_address=GERMANY, billing_address=GERMANY, shipping_method="so_1")


@pytest.fixture
def script() -> respx.Router:
    """Answers by path; what is not scripted is a failing test."""
    router = respx.Router(base_url=API, assert_all_called=False)
    router.get("/regions").respond(json={"regions": [REGION]})
    return router


@pytest.fixture
async def scripted(script: respx.Router, clock: Clock) -> AsyncIterator[MedusaBackend]:
    """The adapter over scripted answers, in euros."""
    backend, close = connect(
        MedusaConfig(url="https://shop.example/", key="pk_1", limits=ClientLimits(total=5)),
        "EUR",
        transport=httpx.MockTransport(script.async_handler),
        clock=clock,
    )
    yield backend
    await close()


def cart_body(**changed: Any) -> Json:
    """A cart with one line."""
    line = {
        "id": "cali_1",
        "quantity": 2,
        "unit_price": 10,
        "variant_id": "variant_1",
        "product_id": "prod_1",
        "variant_sku": "SHIRT-M",
        "product_title": "Shirt",
        "requires_shipping": True,
    }
    totals = {"total": 20, "item_subtotal": 20, "tax_total": 0, "discount_total": 0, "shipping_subtotal": 0}
    return {"id": CART, "currency_code": "eur", "completed_at": None, "items": [line], **totals} | changed


def product_body(**changed: Any) -> Json:
    """A product in one form."""
    price = {"calculated_amount": 10, "original_amount": 10, "currency_code": "eur"}
    variant = {"id": "variant_1", "sku": "SHIRT-M", "title": "M", "calculated_price": price, "manage_inventory": False}
    return {"id": "prod_1", "title": "Shirt", "handle": "shirt", "variants": [variant | changed]}


def refused(status: int, message: str, kind: str = "invalid_data", **more: str) -> httpx.Response:
    """The shop's one error shape."""
    return httpx.Response(status, json={"type": kind, "message": message, **more})


def in_process(shop: MedusaShop, currency: str = "AUD", **config: Any) -> MedusaBackend:
    """The adapter over a stand-in in this process."""
    found = MedusaConfig(url="http://shop.test", key=shop.state.key, **config)
    return connect(found, currency, transport=httpx.ASGITransport(shop))[0]


async def ordered(shop: MedusaShop, **config: Any) -> tuple[MedusaBackend, Order]:
    """A backend, and an order made by it of two lines."""
    backend = in_process(shop, **config)
    cart = (await backend.create_cart()).cart_id
    await backend.add_line(cart, Sku("PAD-2"), 1, {})
    await backend.add_line(cart, Sku("TEE-BLACK-M"), 2, {})
    [method, *_] = await backend.shipping_methods(cart, ADA.place()) or ()
    draft = OrderDraft(email=EMAIL, shipping_address=ADA, billing_address=ADA, shipping_method=method.code)
    await backend.quote_order(cart, draft)
    return backend, await backend.place_order(cart, draft, SETTLED)


# Keys and regions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["pk_nope", "", "sk_" + "7a" * 32])
async def test_a_key_that_the_shop_does_not_know_is_the_operators_business(key: str) -> None:
    backend, close = connect(
        MedusaConfig(url="http://shop.test/store/", key=key), "AUD", transport=httpx.ASGITransport(MedusaShop())
    )
    with pytest.raises(errors.ShopMisconfigured) as caught:
        await backend.search(SearchQuery())
    assert "key" in caught.value.internal
    assert "key" not in str(caught.value)
    await close()


async def test_a_store_sells_in_the_region_with_its_currency_or_says_what_to_set(script: respx.Router) -> None:
    two = [REGION, REGION | {"id": "reg_2", "name": "Nordics"}, REGION | {"id": "reg_3", "currency_code": "usd"}]
    script.get("/regions").respond(json={"regions": two})
    script.post("/carts").respond(json={"cart": cart_body(items=[])})

    async def create(currency: str = "EUR", **config: Any) -> None:
        shop = MedusaConfig(url="https://shop.example", key="pk_1", **config)
        backend, close = connect(shop, currency, transport=httpx.MockTransport(script.async_handler))
        try:
            await backend.create_cart()
        finally:
            await close()

    for region in ("Nordics", "nordics", "reg_2"):
        await create(region=region)
        assert b"reg_2" in script.calls.last.request.content
    with pytest.raises(errors.ShopMisconfigured, match="not set up correctly") as several:
        await create()
    assert "'Europe', 'Nordics'" in several.value.internal
    with pytest.raises(errors.ShopMisconfigured) as unknown:
        await create(region="Asia")
    assert "store.upstream.region to one of 'Europe', 'Nordics'" in unknown.value.internal
    with pytest.raises(errors.ShopMisconfigured) as none:
        await create("JPY")
    assert "0 regions sell in JPY" in none.value.internal


async def test_an_answer_in_another_currency_is_not_taken(scripted: MedusaBackend, script: respx.Router) -> None:
    script.get(f"/carts/{CART}").respond(json={"cart": cart_body(currency_code="usd")})

    with pytest.raises(errors.ShopMisconfigured):
        await scripted.cart(CART)


@pytest.mark.parametrize(
    ("currency", "price", "total"),
    [
        ("JPY", Money(27900, "JPY"), "JPY 29895"),
        ("KWD", Money(55800, "KWD"), "KWD 59.790"),
        ("EUR", Money(16740, "EUR"), "EUR 213.45"),
    ],
)
async def test_currencies_without_and_with_three_decimals_come_to_the_same_order(
    currency: str, price: Money, total: str
) -> None:
    shop = MedusaShop()
    backend = in_process(shop, currency)
    country = {"JPY": "JP", "KWD": "KW", "EUR": "DE"}[currency]
    home = replace(
        ADA,
        country=country,
        region="Tokyo" if country == "JP" else "",
        postcode={"JP": "100-0001", "DE": "10115"}.get(country, ""),
    )
    cart = (await backend.create_cart()).cart_id
    filled = await backend.add_line(cart, Sku("PAD-2"), 1, {})
    [method] = await backend.shipping_methods(cart, home.place()) or ()
    draft = OrderDraft(email=EMAIL, shipping_address=home, billing_address=home, shipping_method=method.code)

    assert filled.lines[0].price == price
    quoted = await backend.quote_order(cart, draft)
    assert str(quoted.totals.total) == total
    assert (await backend.place_order(cart, draft, SETTLED)).total == quoted.totals.total


# The catalogue --------------------------------------------------------------------------------------------------------


async def test_what_has_no_price_here_is_not_sold_here(scripted: MedusaBackend, script: respx.Router) -> None:
    unpriced = product_body(calculated_price=None)
    script.get("/products").respond(json={"products": [unpriced, product_body()], "count": 2})

    found = await scripted.search(SearchQuery())
    assert [one.sku for one in found.products] == ["SHIRT-M"]
    script.get("/products").respond(json={"products": [unpriced], "count": 1})
    with pytest.raises(errors.ShopRefused, match="no price"):
        await scripted.product("shirt")


@pytest.mark.parametrize(
    ("changed", "stock", "in_stock"),
    [
        ({"manage_inventory": True, "inventory_quantity": 3}, 3, True),
        ({"manage_inventory": True, "inventory_quantity": 0}, 0, False),
        ({"manage_inventory": True, "inventory_quantity": -2}, 0, False),
        ({"manage_inventory": True, "inventory_quantity": 0, "allow_backorder": True}, None, True),
        ({"manage_inventory": False, "inventory_quantity": 0}, None, True),
        ({"manage_inventory": True}, None, True),
    ],
)
async def test_stock_is_told_as_far_as_it_counts(
    scripted: MedusaBackend, script: respx.Router, changed: Json, stock: int | None, *, in_stock: bool
) -> None:
    script.get("/products").respond(json={"products": [product_body(**changed)], "count": 1})

    shirt = await scripted.product("shirt")
    assert (shirt.stock, shirt.in_stock) == (stock, in_stock)


async def test_a_variant_without_a_sku_is_called_by_its_id(scripted: MedusaBackend, script: respx.Router) -> None:
    script.get("/products").respond(json={"products": [product_body(sku=None)], "count": 1})
    added = script.post(f"/carts/{CART}/line-items").respond(json={"cart": cart_body()})

    assert (await scripted.product("shirt")).sku == "variant_1"
    await scripted.add_line(CART, Sku("variant_1"), 1, {})
    assert b"variant_1" in added.calls.last.request.content


async def test_more_than_can_be_sorted_here_is_said(scripted: MedusaBackend, script: respx.Router) -> None:
    script.get("/products").respond(json={"products": [product_body()] * 100, "count": 501})

    with pytest.raises(errors.ShopError, match="Use one of: relevance, name, newest"):
        await scripted.search(SearchQuery(sort="price_low"))


# Carts ----------------------------------------------------------------------------------------------------------------


async def test_totals_with_tax_on_top_add_up(scripted: MedusaBackend, script: respx.Router) -> None:
    taxed = cart_body(
        total=31.535,
        tax_total=5.035,
        item_subtotal=20,
        discount_subtotal=3.5,
        discount_total=4.165,
        shipping_subtotal=10,
        shipping_methods=[{"name": "Standard", "shipping_option_id": "so_1"}],
        promotions=[{"code": "SAVE", "is_automatic": False}, {"code": "AUTO", "is_automatic": True}],
    )
    script.get(f"/carts/{CART}").respond(json={"cart": taxed})

    totals = (cart := await scripted.cart(CART)).totals
    assert (totals.subtotal.minor, totals.discount, totals.shipping) == (2000, Money(350, "EUR"), Money(1000, "EUR"))
    assert (totals.tax, totals.tax_included, totals.other) == (Money(504, "EUR"), False, None)
    assert totals.total == Money(3154, "EUR")
    assert (cart.coupon, cart.ships_by) == ("SAVE", "Standard")


async def test_what_totals_do_not_explain_is_other(scripted: MedusaBackend, script: respx.Router) -> None:
    script.get(f"/carts/{CART}").respond(json={"cart": cart_body(total=15)})

    assert (await scripted.cart(CART)).totals.other == Money(-500, "EUR")


async def test_a_cart_of_what_is_not_sent_needs_no_shipping(scripted: MedusaBackend, script: respx.Router) -> None:
    line = cart_body()["items"][0] | {"requires_shipping": False}
    script.get(f"/carts/{CART}").respond(json={"cart": cart_body(items=[line])})
    script.get("/products").respond(json={"products": [product_body()], "count": 1})
    changed = script.post(f"/carts/{CART}").respond(json={"cart": cart_body(items=[line])})

    assert await scripted.shipping_methods(CART, Address(country="DE")) is None
    quoted = await scripted.quote_order(CART, replace(DRAFT, shipping_address=None, shipping_method=""))
    assert quoted.ships_nothing
    assert b"shipping_address" not in changed.calls.last.request.content


@pytest.mark.parametrize("id_", ["", "cart/../../admin", "cart_1?x=1", "cart_1#", "ü" * 30, "x" * 300])
async def test_no_id_leads_out_of_its_path(scripted: MedusaBackend, script: respx.Router, id_: str) -> None:
    with pytest.raises(errors.CartGone):
        await scripted.cart(CartId(id_))
    assert not script.calls


async def test_goods_of_several_shipping_profiles_are_sent_by_an_option_for_each(
    scripted: MedusaBackend, script: respx.Router
) -> None:
    script.get(f"/carts/{CART}").respond(json={"cart": cart_body()})
    script.post(f"/carts/{CART}").respond(json={"cart": cart_body()})
    script.get("/products").respond(json={"products": [product_body()], "count": 1})
    chosen = script.post(f"/carts/{CART}/shipping-methods").respond(json={"cart": cart_body()})
    calculated = script.post("/shipping-options/so_3/calculate")
    calculated.respond(json={"shipping_option": {"id": "so_3", "name": "Freight", "amount": 30}})
    script.get("/shipping-options").respond(
        json={
            "shipping_options": [
                {"id": "so_1", "name": "Parcel", "amount": 5, "shipping_profile_id": "sp_1", "price_type": "flat"},
                {"id": "so_2", "name": "Express", "amount": 9, "shipping_profile_id": "sp_1", "price_type": "flat"},
                {"id": "so_3", "name": "Freight", "shipping_profile_id": "sp_2", "price_type": "calculated"},
                {
                    "id": "so_4",
                    "name": "No stock",
                    "amount": 1,
                    "shipping_profile_id": "sp_2",
                    "insufficient_inventory": True,
                },
            ]
        }
    )

    methods = await scripted.shipping_methods(CART, Address(country="DE"))
    assert [(one.code, one.title, one.price.minor) for one in methods or ()] == [
        ("so_1+so_3", "Parcel + Freight", 3500),
        ("so_2+so_3", "Express + Freight", 3900),
    ]
    quoted = await scripted.quote_order(CART, replace(DRAFT, shipping_method="so_1+so_3"))
    assert quoted.ships_by == "Parcel + Freight"
    assert [call.request.content for call in chosen.calls] == [b'{"option_id":"so_1"}', b'{"option_id":"so_3"}']


async def test_a_removal_that_is_answered_without_a_cart_is_looked_at(
    scripted: MedusaBackend, script: respx.Router
) -> None:
    script.get(f"/carts/{CART}").respond(json={"cart": cart_body()})
    script.delete(f"/carts/{CART}/line-items/cali_1").respond(json={"deleted": True})

    assert (await scripted.remove_line(CART, LineId("cali_1"))).lines


# Orders ---------------------------------------------------------------------------------------------------------------


def ready(script: respx.Router) -> respx.Route:
    """A cart that needs nothing but its completion, which is the route."""
    script.get(f"/carts/{CART}").respond(json={"cart": cart_body()})
    script.post(f"/carts/{CART}").respond(json={"cart": cart_body()})
    script.post("/payment-collections").respond(json={"payment_collection": {"id": "pay_col_1"}})
    script.post("/payment-collections/pay_col_1/payment-sessions").respond(json={})
    return script.post(f"/carts/{CART}/complete")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(200, json={"type": "cart", "error": {"message": "Payment was declined"}}), errors.OrderRefused),
        (refused(400, "No shipping method selected"), errors.OrderRefused),
        (refused(400, "Some variant", "not_allowed", code="insufficient_inventory"), errors.OrderRefused),
        (refused(404, "Cart not found", "not_found"), errors.CartGone),
        (refused(401, "Unauthorized", "unauthorized"), errors.ShopMisconfigured),
        (refused(409, "The cart is being completed", "conflict"), errors.ShopOutcomeUnknown),
        (refused(500, "An unknown error occurred.", "unknown_error"), errors.ShopOutcomeUnknown),
        (httpx.Response(200, json={"type": "order"}), errors.ShopOutcomeUnknown),
        (httpx.Response(200, json={"type": "cart"}), errors.ShopOutcomeUnknown),
        (httpx.Response(200, json=[]), errors.ShopOutcomeUnknown),
        (httpx.Response(200, text="<p>Back soon"), errors.ShopOutcomeUnknown),
    ],
)
async def test_each_end_of_a_completion_has_its_meaning(
    scripted: MedusaBackend, script: respx.Router, answer: httpx.Response, error: type[errors.ShopError]
) -> None:
    completed = ready(script)
    completed.mock(return_value=answer)

    with pytest.raises(error) as caught:
        await scripted.place_order(CART, DRAFT, SETTLED)
    assert type(caught.value) is error
    assert completed.call_count == 1, "never repeated"
    assert CART not in caught.value.internal


async def test_a_conflict_is_not_over(scripted: MedusaBackend, script: respx.Router) -> None:
    ready(script).mock(return_value=refused(409, "The cart is being completed", "conflict"))

    with pytest.raises(errors.ShopOutcomeUnknown) as caught:
        await scripted.place_order(CART, DRAFT, SETTLED)
    assert not caught.value.over


@pytest.mark.parametrize(
    "path", [f"/carts/{CART}", "/payment-collections", "/payment-collections/pay_col_1/payment-sessions"]
)
async def test_what_breaks_before_the_completion_has_made_no_order(
    scripted: MedusaBackend, script: respx.Router, path: str
) -> None:
    completed = ready(script)
    script.post(path).respond(500)

    with pytest.raises(errors.ShopDown) as caught:
        await scripted.place_order(CART, DRAFT, SETTLED)
    assert not isinstance(caught.value, errors.ShopOutcomeUnknown)
    assert not completed.called


async def test_a_cart_that_costs_nothing_is_completed_without_a_payment(
    scripted: MedusaBackend, script: respx.Router
) -> None:
    completed = ready(script)
    completed.respond(
        json={"type": "order", "order": {"id": ORDER, "display_id": 7, "total": 0, "currency_code": "eur"}}
    )
    script.get(f"/carts/{CART}").respond(json={"cart": cart_body(total=0)})

    [free] = await scripted.payment_methods(CART)
    assert free.free
    order = await scripted.place_order(CART, DRAFT, OrderSettlement(method=free.code, reference="chk_1"))
    assert (order.number, order.total) == ("7", Money(0, "EUR"))
    assert not [call for call in script.calls if "payment" in call.request.url.path]


async def test_staff_sends_parcels_and_the_buyer_hears_of_them() -> None:
    shop = MedusaShop()
    backend, order = await ordered(shop)
    assert order.token is not None
    before = await backend.order_progress(order)
    assert before is not None
    assert (before.number, before.status, before.parcels) == (order.number, "pending, not fulfilled", ())

    ship(shop.state, order.token, {"PAD-2": 1, "TEE-BLACK-M": 1}, tracking="1Z9", url="https://post.example/1Z9")
    after = await backend.order_progress(order)
    assert after is not None
    [parcel] = after.parcels
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", parcel.sent_at)
    assert {(item.name, item.quantity) for item in parcel.items} == {
        ("Gherkin Pro 16 Carbon Paddle", 1),
        ("Club Tee", 1),
    }
    assert [(track.number, track.url) for track in parcel.tracks] == [("1Z9", "https://post.example/1Z9")]
    assert [(item.name, item.quantity) for item in after.unsent] == [("Club Tee", 1)]
    assert after.status == "pending, partially shipped"
    assert await backend.order_progress(Order(number="7")) is None
    assert await backend.order_progress(Order(number="7", token="order_nope")) is None


# The secret key -------------------------------------------------------------------------------------------------------


async def test_an_order_is_marked_as_paid_once_and_for_its_own_checkout() -> None:
    shop = MedusaShop()
    backend, order = await ordered(shop, secret_key=shop.state.secret_key)
    kept = shop.state.orders[order.token or ""]

    with pytest.raises(errors.OrderRefused, match="somebody else"):
        await backend.mark_paid(order, replace(SETTLED, reference="chk_2"))
    assert kept["kept"]["payment"]["captured_at"] is None
    for _ in range(2):
        await backend.mark_paid(order, SETTLED)
    assert kept["payment_status"] == "captured"
    assert sum(path.endswith("/capture") for _, path, _ in shop.shop.asked) == 1
    kept["status"] = "canceled"
    with pytest.raises(errors.OrderRefused, match="canceled"):
        await backend.mark_paid(order, SETTLED)
    with pytest.raises(errors.OrderRefused):
        await backend.mark_paid(Order(number="1"), SETTLED)


async def test_without_a_secret_key_the_staff_marks_orders() -> None:
    shop = MedusaShop()
    backend, order = await ordered(shop)

    await backend.mark_paid(order, SETTLED)
    assert shop.state.orders[order.token or ""]["payment_status"] == "authorized"


async def test_a_secret_key_that_is_not_taken_is_the_operators_business() -> None:
    shop = MedusaShop()
    backend, order = await ordered(shop, secret_key="sk_wrong")

    with pytest.raises(errors.ShopMisconfigured) as caught:
        await backend.mark_paid(order, SETTLED)
    assert "sk_wrong" not in caught.value.internal


# The probe ------------------------------------------------------------------------------------------------------------


def probe_of(shop: MedusaShop, currency: str = "AUD", **config: Any) -> MedusaProbe:
    """The probe of a stand-in in this process."""
    found = MedusaConfig(url="http://shop.test", **({"key": shop.state.key} | config))
    return MedusaProbe(found, currency, transport=httpx.ASGITransport(shop))


async def test_the_probe_of_a_good_shop_finds_nothing_wrong() -> None:
    shop = MedusaShop()
    probe = probe_of(shop, secret_key=shop.state.secret_key)
    hello = await probe.hello()

    assert probe.speaks(hello)
    assert not probe.is_switched_off(hello)
    assert await probe.knows_store()
    assert await probe.knows_currency()
    assert set(await probe.currencies()) == {"AUD", "EUR", "JPY", "KWD"}
    assert "Home" in await probe.stores()
    assert (await probe.version()).lacks == ()
    assert await probe.takes_guests()
    assert not await probe.in_maintenance()
    assert await probe.sign_in_fix() is None
    account = await probe.account()
    assert account is not None
    assert account.admitted
    assert len(probe.responses) > 5
    await probe.close()


async def test_the_probe_says_what_is_wrong() -> None:
    shop = MedusaShop()

    assert probe_of(shop).is_switched_off(await probe_of(shop, key="pk_nope").hello())
    assert not await probe_of(shop, "CHF").knows_currency()
    assert not await probe_of(shop, region="Asia").knows_store()
    assert await probe_of(shop, region="home").knows_store()
    assert await probe_of(shop).account() is None
    account = await probe_of(shop, secret_key="sk_nope").account()
    assert account is not None
    assert not account.admitted
