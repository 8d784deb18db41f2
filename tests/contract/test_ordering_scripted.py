"""Every answer a MahoBackend shop gives to place-order and to what is asked around it, scripted."""

import asyncio
import json
from typing import Any

import httpx
import pytest
import respx

from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.maho import MahoBackend, MahoConfig, ServiceAccountCredentials, connect, orders
from storefront_mcp.commerce import errors
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import (
    Order,
    OrderProgress,
    OrderSettlement,
    ParcelTrack,
    PaymentMethod,
    ShippedItem,
    ShippedParcel,
)
from tests.contract.conftest import API, CART, Clock, cart_body, ld, members, refused
from tests.contract.ordering import DRAFT, PREPAID, REFERENCE

ID = CartId(CART)
PATH = f"/guest-carts/{CART}"
PLACE = f"{PATH}/place-order"
HTML = {"content-type": "text/html"}
RATE = {"code": "auspost_express", "title": "Express", "carrierCode": "auspost", "methodCode": "express", "price": 5}
PLACED = {
    "incrementId": "100000006",
    "prices": {"grandTotal": 306.17},
    "currency": "USD",
    "accessToken": "t" * 64,
    "customerNote": f"Leave at door\n{REFERENCE}",
}


@pytest.fixture(autouse=True)
def country(script: respx.Router) -> None:
    """A shop that delivers to and bills Australia and New Zealand."""
    states = {"id": "AU", "availableRegions": [{"id": 575, "code": "VIC", "name": "Victoria"}]}
    script.get("/store-config").mock(return_value=ld({"allowedCountries": ["AU", "NZ"]}))
    script.get("/countries/AU").mock(return_value=ld(states))
    script.get("/countries/NZ").mock(return_value=ld({"id": "NZ"}))


def body(route: respx.Route) -> Any:
    return json.loads(route.calls.last.request.content)


# place-order ----------------------------------------------------------------------------------------------------------


async def test_everything_is_sent_in_one_body(scripted: MahoBackend, script: respx.Router) -> None:
    route = script.post(PLACE).mock(return_value=ld(PLACED, 201))
    settlement = OrderSettlement(method="stripe_card", payment="pi_1", reference=REFERENCE)

    order = await scripted.place_order(ID, DRAFT, settlement)

    assert order == Order(number="100000006", total=Money(30617, "USD"), token="t" * 64)
    assert len(route.calls) == 1
    home = {
        "firstName": "Ada",
        "lastName": "Brine",
        "company": "",
        "street": "12 Barrel Lane\nUnit 3",
        "city": "Brunswick",
        "region": "Victoria",
        "regionId": 575,
        "postcode": "3056",
        "countryId": "AU",
        "telephone": "03 9000 0000",
    }
    abroad = {"lastName": "Bill", "city": "Nelson", "countryId": "NZ", "region": ""}
    assert body(route) == {
        "email": "ada@example.com",
        "guestEmail": "ada@example.com",
        "shippingAddress": home,
        "billingAddress": {name: value for name, value in (home | abroad).items() if name != "regionId"},
        "shippingMethod": "auspost_express",
        "paymentMethod": "stripe_card",
        "paymentData": {"stripe_payment_intent_id": "pi_1"},
        "orderNote": f"Leave at door\n{REFERENCE}",
    }


ANSWERS = [
    # what the shop answers, what that means, and whether the call is surely over
    pytest.param(refused(404, "Cart not found", "not_found"), errors.CartGone, None, id="second call"),
    pytest.param(
        refused(400, "Shipping method is not available for this address"), errors.OrderRefused, None, id="shipping"
    ),
    pytest.param(refused(400, "Payment method is not available"), errors.OrderRefused, None, id="payment"),
    pytest.param(refused(422, "The requested quantity is not available."), errors.OrderRefused, None, id="422"),
    pytest.param(refused(500, "An internal error occurred"), errors.ShopOutcomeUnknown, True, id="opaque 500"),
    pytest.param(httpx.Response(500, text="<p>", headers=HTML), errors.ShopOutcomeUnknown, True, id="500 HTML"),
    pytest.param(refused(409, "in flight", "conflict"), errors.ShopOutcomeUnknown, True, id="409"),
    pytest.param(refused(408), errors.ShopOutcomeUnknown, False, id="408"),
    pytest.param(httpx.Response(408, text="<p>", headers=HTML), errors.ShopOutcomeUnknown, False, id="408 HTML"),
    pytest.param(httpx.Response(502, text="<p>", headers=HTML), errors.ShopOutcomeUnknown, False, id="502"),
    pytest.param(httpx.Response(504, text="<p>", headers=HTML), errors.ShopOutcomeUnknown, False, id="504"),
    pytest.param(httpx.Response(200, text="<p>", headers=HTML), errors.ShopOutcomeUnknown, True, id="200 HTML"),
    pytest.param(ld({"hello": "there"}), errors.ShopOutcomeUnknown, True, id="200 and no order"),
    pytest.param(httpx.Response(302, headers={"location": "/"}), errors.ShopOutcomeUnknown, True, id="302"),
    pytest.param(httpx.ReadTimeout(""), errors.ShopOutcomeUnknown, False, id="no answer"),
    pytest.param(httpx.ReadError("reset"), errors.ShopOutcomeUnknown, False, id="reset"),
    pytest.param(httpx.RemoteProtocolError("gone"), errors.ShopOutcomeUnknown, False, id="hung up"),
    pytest.param(httpx.ConnectError("no route"), errors.ShopDown, None, id="no connection"),
    pytest.param(httpx.PoolTimeout(""), errors.ShopDown, None, id="no free connection"),
    pytest.param(refused(429), errors.ShopDown, None, id="429"),
    pytest.param(refused(401), errors.ShopMisconfigured, None, id="401"),
    pytest.param(refused(405), errors.ShopMisconfigured, None, id="405"),
    pytest.param(refused(404, "off", "protocol_disabled"), errors.ShopMisconfigured, None, id="switched off"),
    pytest.param(httpx.Response(403, text="<p>", headers=HTML), errors.ShopDown, None, id="403 HTML"),
]


@pytest.mark.parametrize(("answer", "meaning", "over"), ANSWERS)
async def test_what_an_answer_means_and_that_it_is_asked_for_once(
    scripted: MahoBackend,
    script: respx.Router,
    answer: httpx.Response | Exception,
    meaning: type[errors.ShopError],
    over: bool | None,
) -> None:
    route = script.post(PLACE)
    route.side_effect = answer if isinstance(answer, Exception) else None
    if isinstance(answer, httpx.Response):
        route.return_value = answer

    with pytest.raises(errors.ShopError) as caught:
        await scripted.place_order(ID, DRAFT, PREPAID)

    assert type(caught.value) is meaning
    assert getattr(caught.value, "over", None) is over
    assert len(route.calls) == 1
    told = f"{caught.value} {caught.value.internal}"
    assert CART not in told
    assert "ada@" not in told


@pytest.mark.parametrize(
    ("told", "order"),
    [
        ({"incrementId": 100000006}, Order(number="100000006")),
        (PLACED | {"prices": [], "accessToken": None}, Order(number="100000006")),
        (PLACED | {"prices": {"grandTotal": None}, "accessToken": None}, Order(number="100000006")),
        (PLACED | {"prices": {"grandTotal": "1e99"}, "accessToken": None}, Order(number="100000006")),
        (PLACED | {"currency": "dollars", "accessToken": None}, Order(number="100000006")),
        (
            PLACED | {"currency": "JPY", "prices": {"grandTotal": 306}, "accessToken": None},
            Order(number="100000006", total=Money(306, "JPY")),
        ),
        ({"incrementId": []}, Order()),
        ([], Order()),
    ],
)
async def test_a_201_is_an_order_whatever_it_says(
    scripted: MahoBackend, script: respx.Router, told: object, order: Order
) -> None:
    script.post(PLACE).mock(return_value=ld(told, 201))
    assert await scripted.place_order(ID, DRAFT, PREPAID) == order


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"incrementId": "1', b"\xff", b"x" * 5000])
async def test_a_201_that_cannot_be_read_is_an_order_too(script: respx.Router, content: bytes) -> None:
    backend, close = connect(
        MahoConfig(url="https://shop.example", limits=ClientLimits(max_bytes=2000)),
        "USD",
        transport=httpx.MockTransport(script.async_handler),
    )
    script.post(PLACE).mock(return_value=httpx.Response(201, content=content, headers=HTML))
    assert await backend.place_order(ID, DRAFT, PREPAID) == Order()
    await close()


@pytest.mark.parametrize(
    ("failing", "meaning"),
    [
        (httpx.ConnectError("no route"), errors.ShopDown),
        (refused(429), errors.ShopDown),
        (refused(400, "no"), errors.ShopDown),
    ],
)
async def test_a_shop_that_fails_before_the_order_was_sent_is_down(
    scripted: MahoBackend, script: respx.Router, failing: httpx.Response | Exception, meaning: type[errors.ShopError]
) -> None:
    script.get("/store-config").mock(side_effect=lambda _: _raised(failing))
    with pytest.raises(errors.ShopDown) as caught:
        await scripted.place_order(ID, DRAFT, PREPAID)
    assert type(caught.value) is meaning


async def test_addresses_are_not_looked_up_for_ever(
    scripted: MahoBackend, script: respx.Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    monkeypatch.setattr(orders, "PREPARE_TIMEOUT_SECONDS", 0.01)
    script.get("/store-config").mock(side_effect=never)
    with pytest.raises(errors.ShopDown) as caught:
        await scripted.place_order(ID, DRAFT, PREPAID)
    assert type(caught.value) is errors.ShopDown


def _raised(answer: httpx.Response | Exception) -> httpx.Response:
    if isinstance(answer, Exception):
        raise answer
    return answer


async def test_lost_orders_do_not_open_the_circuit_and_a_dead_shop_does(
    scripted: MahoBackend, script: respx.Router, clock: Clock
) -> None:
    script.get(PATH).mock(return_value=ld(cart_body()))
    route = script.post(PLACE)
    for lost in (httpx.ReadTimeout(""), httpx.ReadError("reset")):
        route.side_effect = lost
        for _ in range(6):
            with pytest.raises(errors.ShopOutcomeUnknown):
                await scripted.place_order(ID, DRAFT, PREPAID)
    route.side_effect = None
    route.return_value = httpx.Response(504, text="<p>", headers=HTML)
    for _ in range(6):
        with pytest.raises(errors.ShopOutcomeUnknown):
            await scripted.place_order(ID, DRAFT, PREPAID)
    assert (await scripted.cart(ID)).lines

    route.side_effect = httpx.ConnectError("no route")
    for _ in range(6):
        with pytest.raises(errors.ShopDown):
            await scripted.place_order(ID, DRAFT, PREPAID)
    with pytest.raises(errors.ShopDown) as caught:
        await scripted.cart(ID)
    assert "circuit is open" in caught.value.internal


# Prices ---------------------------------------------------------------------------------------------------------------


def priced_shop(script: respx.Router, *, cart: dict[str, Any] | None = None, rates: object = None) -> None:
    script.get(PATH).mock(return_value=ld(cart or cart_body()))
    script.post(f"{PATH}/shipping-methods").mock(return_value=httpx.Response(200, json=rates or [RATE]))
    script.get("/products/2").mock(return_value=ld({"id": 2, "sku": "PAD-2", "stockQty": 5, "stockStatus": "in_stock"}))


def with_shipping(shipping: float | None, total: float) -> dict[str, Any]:
    prices = {"subtotal": 29, "taxAmount": 0, "shippingAmount": shipping, "discountAmount": None, "grandTotal": total}
    return cart_body(prices=prices)


async def test_where_the_shop_takes_the_method_its_own_total_counts(
    scripted: MahoBackend, script: respx.Router
) -> None:
    priced_shop(script)
    address = script.put(f"{PATH}/shipping-address").mock(return_value=ld(cart_body()))
    bill = script.put(f"{PATH}/billing-address").mock(return_value=ld(cart_body()))
    method = script.put(f"{PATH}/shipping-method").mock(return_value=ld(with_shipping(5, 36.39)))

    priced = await scripted.quote_order(ID, DRAFT)

    assert (priced.totals.total, priced.totals.shipping) == (Money(3639, "USD"), Money(500, "USD"))
    assert priced.totals.other == Money(239, "USD"), "what the shop adds besides is said to be so"
    assert body(address)["street"] == "12 Barrel Lane\nUnit 3"
    assert body(bill)["lastName"] == "Bill"
    assert body(method) == {"carrierCode": "auspost", "methodCode": "express"}


async def test_an_empty_answer_of_a_setter_is_followed_by_a_look(scripted: MahoBackend, script: respx.Router) -> None:
    priced_shop(script)
    script.get(PATH).mock(side_effect=[ld(cart_body()), ld(with_shipping(5, 34))])
    for setter in ("shipping-address", "billing-address", "shipping-method"):
        script.put(f"{PATH}/{setter}").mock(return_value=httpx.Response(204))
    assert (await scripted.quote_order(ID, DRAFT)).totals.total == Money(3400, "USD")


@pytest.mark.parametrize("missing", [refused(405, "No", "method_not_allowed"), refused(404, "No route", "not_found")])
async def test_a_shop_without_setters_is_added_up_for_and_not_asked_again(
    scripted: MahoBackend, script: respx.Router, missing: httpx.Response
) -> None:
    # Another method was chosen before: its price is in the cart's total.
    chosen = {"selectedShippingMethod": {"carrierCode": "other", "methodCode": "one"}}
    priced_shop(script, cart=with_shipping(3, 32) | chosen)
    dry_run = script.post(PLACE).mock(return_value=refused(500))
    script.put(f"{PATH}/items/7").mock(return_value=ld(with_shipping(3, 32) | chosen))
    setter = script.put(f"{PATH}/shipping-address").mock(return_value=missing)
    for _ in range(2):
        priced = await scripted.quote_order(ID, DRAFT)
        assert (priced.totals.total, priced.totals.shipping) == (Money(3400, "USD"), Money(500, "USD"))
    assert len(setter.calls) == 1
    assert len(dry_run.calls) == 2
    assert "paymentMethod" not in body(dry_run)


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (refused(404, "Cart not found", "not_found"), errors.CartGone),
        (refused(400, "Shipping method is not available for this address"), errors.ShopRefused),
        (ld(PLACED, 201), errors.ShopDown),
        (httpx.ReadTimeout(""), errors.ShopDown),
    ],
)
async def test_a_dry_run_that_ends_otherwise_is_no_quote(
    scripted: MahoBackend, script: respx.Router, answer: httpx.Response | Exception, meaning: type[errors.ShopError]
) -> None:
    priced_shop(script)
    script.put(f"{PATH}/shipping-address").mock(return_value=refused(404, "No route", "not_found"))
    script.post(PLACE).mock(side_effect=[answer])
    with pytest.raises(errors.ShopError) as caught:
        await scripted.quote_order(ID, DRAFT)
    assert type(caught.value) is meaning


async def test_a_cart_that_goes_while_it_is_priced_is_no_shop_without_setters(
    scripted: MahoBackend, script: respx.Router
) -> None:
    priced_shop(script)
    script.get(PATH).mock(side_effect=[ld(cart_body()), refused(404), ld(cart_body())])
    setter = script.put(f"{PATH}/shipping-address").mock(return_value=refused(404))
    with pytest.raises(errors.CartGone):
        await scripted.quote_order(ID, DRAFT)
    script.get(PATH).mock(return_value=ld(cart_body()))
    setter.mock(return_value=refused(405))
    script.post(PLACE).mock(return_value=refused(500))
    script.put(f"{PATH}/items/7").mock(return_value=httpx.Response(200))
    await scripted.quote_order(ID, DRAFT)
    assert len(setter.calls) == 2, "it was still tried"


@pytest.mark.parametrize(("price", "total"), [(0, 2900), (5, 3400)])
async def test_a_method_without_an_amount_is_free_or_was_not_taken(
    scripted: MahoBackend, script: respx.Router, price: int, total: int
) -> None:
    priced_shop(script, rates=[RATE | {"price": price}])
    for setter in ("shipping-address", "billing-address", "shipping-method"):
        script.put(f"{PATH}/{setter}").mock(return_value=ld(with_shipping(None, 29)))
    priced = await scripted.quote_order(ID, DRAFT)
    assert (priced.totals.total.minor, priced.totals.shipping) == (total, Money(price * 100, "USD"))


async def test_a_setter_that_refuses_says_why(scripted: MahoBackend, script: respx.Router) -> None:
    priced_shop(script)
    script.put(f"{PATH}/shipping-address").mock(return_value=refused(400, "Missing required address fields: company"))
    with pytest.raises(errors.AddressRefused, match="takes no address without company"):
        await scripted.quote_order(ID, DRAFT)
    script.put(f"{PATH}/shipping-address").mock(return_value=refused(400, "Not today"))
    with pytest.raises(errors.ShopRefused, match="Not today"):
        await scripted.quote_order(ID, DRAFT)


@pytest.mark.parametrize(
    "rates", [[], [RATE | {"price": None}], [{"code": "other_one", "price": 1}], {"availableShippingMethods": []}]
)
async def test_a_method_without_a_price_is_not_offered(
    scripted: MahoBackend, script: respx.Router, rates: object
) -> None:
    priced_shop(script)
    script.post(f"{PATH}/shipping-methods").mock(return_value=httpx.Response(200, json=rates))
    with pytest.raises(errors.ShippingMethodRefused):
        await scripted.quote_order(ID, DRAFT)


async def test_a_product_that_is_no_longer_sold_is_out_of_stock(scripted: MahoBackend, script: respx.Router) -> None:
    priced_shop(script)
    script.get("/products/2").mock(return_value=refused(404))
    with pytest.raises(errors.OutOfStock):
        await scripted.quote_order(ID, DRAFT)


async def test_ways_to_pay_are_read_from_a_list_and_from_a_cart(scripted: MahoBackend, script: respx.Router) -> None:
    told = [
        {"code": "checkmo", "title": "Check / <b>Money</b> order", "isOffline": True},
        {"code": "free", "title": None, "isOffline": True},
        {"code": ""},
    ]
    understood = (
        PaymentMethod(code="checkmo", title="Check / Money order", offline=True),
        PaymentMethod(code="free", title="free", free=True),
    )
    route = script.get(f"{PATH}/payment-methods").mock(return_value=httpx.Response(200, json=told))
    assert await scripted.payment_methods(ID) == understood
    route.mock(return_value=ld({"availablePaymentMethods": told}))
    assert await scripted.payment_methods(ID) == understood


# Looking --------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def accounted(script: respx.Router, clock: Clock) -> Any:
    """The adapter with a service account."""
    account = ServiceAccountCredentials(client_id="integration", client_secret="pssst")
    backend, close = connect(
        MahoConfig(url="https://shop.example", account=account),
        "USD",
        transport=httpx.MockTransport(script.async_handler),
        clock=clock,
    )
    script.post("/auth/token").mock(return_value=ld({"token": "jwt", "expires_in": 3600}))
    script.get(PATH).mock(return_value=refused(404, "Not Found", "not_found"))
    yield backend
    await close()


def kept(number: str = "100000006", note: str | None = REFERENCE, **changed: Any) -> dict[str, Any]:
    return {"id": 6, "incrementId": number, "customerNote": note, **changed}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (ld(cart_body()), None),
        (ld(cart_body(isActive=None)), None),
        (ld(cart_body(isActive=False)), Order()),
        (refused(404), Order()),
    ],
)
async def test_without_an_account_the_cart_tells(
    scripted: MahoBackend, script: respx.Router, answer: httpx.Response, found: Order | None
) -> None:
    script.get(PATH).mock(return_value=answer)
    assert await scripted.find_order(ID, REFERENCE) == found


@pytest.mark.parametrize(
    "answer", [refused(429), refused(400), refused(500), httpx.ReadTimeout(""), httpx.Response(502)]
)
async def test_a_look_that_fails_tells_nothing(
    scripted: MahoBackend, script: respx.Router, answer: httpx.Response | Exception
) -> None:
    script.get(PATH).mock(side_effect=lambda _: _raised(answer))
    with pytest.raises(errors.ShopDown):
        await scripted.find_order(ID, REFERENCE)


async def test_the_number_reserved_for_a_cart_leads_to_its_order(accounted: MahoBackend, script: respx.Router) -> None:
    script.get(PATH).mock(side_effect=[ld(cart_body(id=11)), refused(404)])
    await accounted.cart(ID)
    read = script.get("/carts/11").mock(return_value=ld({"id": 11, "isActive": False, "reservedOrderId": "100000006"}))
    listed = script.get("/orders", params={"incrementId": "100000006"}).mock(
        return_value=members(kept(prices={"grandTotal": 306.17}, currency="USD"))
    )

    assert await accounted.find_order(ID, REFERENCE) == Order(number="100000006", total=Money(30617, "USD"))
    assert len(listed.calls) == 1
    assert read.calls.last.request.headers["authorization"] == "Bearer jwt"
    assert "authorization" not in script.calls[0].request.headers


@pytest.mark.parametrize(
    "about_the_cart",
    [refused(404), ld({"id": 11}), ld({"id": 11, "reservedOrderId": "100000007"})],
)
async def test_a_reserved_number_that_leads_nowhere_is_no_answer(
    accounted: MahoBackend, script: respx.Router, about_the_cart: httpx.Response
) -> None:
    script.get(PATH).mock(side_effect=[ld(cart_body(id=11)), refused(404)])
    await accounted.cart(ID)
    script.get("/carts/11").mock(return_value=about_the_cart)
    script.get("/orders", params={"incrementId": "100000007"}).mock(return_value=members(kept("100000007", "other")))
    script.get("/orders", params={"page": "1"}).mock(return_value=members(kept(note=f"Ring twice.\n{REFERENCE}")))

    assert await accounted.find_order(ID, REFERENCE) == Order(number="100000006")


async def test_the_newest_orders_are_searched_page_by_page_and_not_for_ever(
    accounted: MahoBackend, script: respx.Router
) -> None:
    others = [kept(str(number), None) for number in range(100)]
    pages = {"1": members(*others, total=5000), "2": members(*others, total=5000), "3": members(kept(), total=5000)}
    route = script.get("/orders").mock(side_effect=lambda request: pages[request.url.params["page"]])
    assert (await accounted.find_order(ID, REFERENCE)) == Order(number="100000006")
    assert len(route.calls) == 3

    route.mock(return_value=members(*others, total=5000))
    assert await accounted.find_order(ID, REFERENCE) == Order()
    assert len(route.calls) == 13

    route.mock(return_value=members(*others, total=100))
    with pytest.raises(errors.CartGone):
        await accounted.find_order(ID, REFERENCE)


@pytest.mark.parametrize(
    ("answer", "meaning"), [(refused(403), errors.ShopMisconfigured), (refused(429), errors.ShopDown)]
)
async def test_an_account_that_may_not_look_is_no_answer(
    accounted: MahoBackend, script: respx.Router, answer: httpx.Response, meaning: type[errors.ShopError]
) -> None:
    script.get("/orders").mock(return_value=answer)
    with pytest.raises(errors.ShopDown) as caught:
        await accounted.find_order(ID, REFERENCE)
    assert type(caught.value) is meaning


def followed(*tracks: ParcelTrack) -> tuple[ShippedParcel, ...]:
    return (ShippedParcel(tracks=tracks),)


@pytest.mark.parametrize(
    ("tracks", "read"),
    [
        ([], followed()),
        (
            [{"carrier_code": "x", "carrierCode": "dhl", "title": None, "number": 7, "url": "https://dhl.example/7"}],
            followed(ParcelTrack(carrier="dhl", number="7", url="https://dhl.example/7")),
        ),
        (
            [{"title": "<b>DHL</b>", "carrier": "dhl", "trackNumber": "JD 014600/", "url": "javascript:x"}],
            followed(ParcelTrack(carrier="DHL", number="JD 014600/")),
        ),
        (
            [
                {"carrier": "ups", "title": "UPS", "trackNumber": "1Z 999", "extensions": []},
                {"carrier": ["odd"], "title": {"odd": 1}, "trackNumber": "XY-1", "extensions": {}},
                "no track at all",
                {"carrier": "custom", "title": "custom", "trackNumber": []},
            ],
            followed(
                ParcelTrack(carrier="UPS", number="1Z 999", url="https://www.ups.com/track?tracknum=1Z%20999"),
                ParcelTrack(number="XY-1"),
                ParcelTrack(carrier="custom"),
            ),
        ),
    ],
)
async def test_parcels_are_read_in_any_spelling_and_however_odd_a_field_is(
    accounted: MahoBackend,
    script: respx.Router,
    tracks: list[object],
    read: tuple[ShippedParcel, ...],
) -> None:
    script.get("/orders").mock(return_value=members(kept("1000000066"), kept(status=None)))
    script.get("/orders/6").mock(return_value=ld({"status": None, "shipments": [{"tracks": tracks}]}))
    progress = await accounted.order_progress(Order(number="100000006"))
    assert progress == OrderProgress(number="100000006", status="unknown", parcels=read)


@pytest.mark.parametrize(
    ("order", "shipments", "told"),
    [
        (refused(404), refused(404), {}),
        (ld({"status": ["odd"], "items": 7, "prices": [], "shipments": [None, 7], "statusHistory": {}}), None, {}),
        (ld({"status": "complete"}), refused(403), {"status": "complete"}),
        (
            ld({"status": "complete", "prices": {"totalRefunded": "odd"}}),
            members({"items": [{"name": "Paddle", "qty": 1.5}, {"qty": "NaN"}], "tracks": {"odd": 1}}, {"items": 4}),
            {
                "status": "complete",
                "parcels": (
                    ShippedParcel(items=(ShippedItem(name="Paddle", quantity=1.5), ShippedItem(name="", quantity=0))),
                    ShippedParcel(),
                ),
            },
        ),
    ],
)
async def test_one_odd_field_loses_that_field_and_not_the_order(
    accounted: MahoBackend,
    script: respx.Router,
    order: httpx.Response,
    shipments: httpx.Response | None,
    told: dict[str, Any],
) -> None:
    odd = {"id": {"odd": 1}, "incrementId": "1"}
    script.get("/orders").mock(return_value=members(odd, kept(status="processing", prices=[], currency=4)))
    script.get("/orders/6").mock(return_value=order)
    if shipments is not None:
        script.get("/orders/6/shipments").mock(return_value=shipments)
    progress = await accounted.order_progress(Order(number="100000006"))
    assert progress == OrderProgress(**{"number": "100000006", "status": "processing"} | told)


async def test_the_accounts_secret_goes_to_the_token_endpoint_only(
    accounted: MahoBackend, script: respx.Router
) -> None:
    script.get("/orders").mock(return_value=members(kept()))
    await accounted.find_order(ID, REFERENCE)
    told = [call.request for call in script.calls if b"pssst" in call.request.content + str(call.request.url).encode()]
    assert [str(request.url) for request in told] == [f"{API}/auth/token"]
    [sent] = [json.loads(request.content) for request in told]
    assert sent == {"grant_type": "client_credentials", "client_id": "integration", "client_secret": "pssst"}
