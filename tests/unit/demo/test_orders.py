"""Placing an order: once, complete, adding up; and what the traps bring back."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from msgspec.structs import replace

from storefront_mcp.demo.models import ShopRules
from tests.fakes.demo_shop import UnsafeBehaviours
from tests.unit.demo.conftest import HOME_ADDRESS, Clock, Guest


async def filled(guest: Guest, sku: str = "PAD-2", qty: int = 1) -> None:
    await guest.new_cart()
    assert (await guest.add(sku, qty)).status_code == 200


def opaque(answer: httpx.Response) -> bool:
    return answer.status_code == 500 and answer.json() == {
        "error": "internal_server_error",
        "message": "An internal error occurred",
        "code": 500,
    }


async def test_a_journey_to_an_order_that_adds_up(guest: Guest) -> None:
    found = (await guest.get("/products?search=club tee")).json()["member"][0]
    variants = (await guest.get(f"/products/{found['id']}")).json()["variants"]
    await filled(guest, "PAD-2", 2)
    await guest.add(variants[0]["sku"])
    await guest.ask("PUT", "/coupon", {"couponCode": "SAVE10"})
    await guest.ask("POST", "/giftcards", {"giftcardCode": "GC-BRINE-5"})
    rates = (await guest.ask("POST", "/shipping-methods", {"address": HOME_ADDRESS})).json()
    express = next(rate for rate in rates if rate["code"] == "auspost_express")

    answer = await guest.place(orderNote="Leave at door")
    order = answer.json()
    prices = order["prices"]
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/rest/v2/orders/{order['id']}"
    assert (order["incrementId"], order["status"], order["customerNote"]) == ("100000001", "pending", "Leave at door")
    assert order["shippingAddress"]["street"] == ["12 Barrel Lane", "Unit 3"]
    assert len(order["accessToken"]) == 64
    assert prices["subtotalInclTax"] == 583
    assert prices["discountAmount"] == 58.3
    assert prices["shippingAmountInclTax"] == express["price"]
    assert prices["giftcardAmount"] == 5
    assert prices["grandTotal"] == pytest.approx(583 - 58.3 + express["price"] - 5)
    assert prices["taxAmount"] == pytest.approx((583 - 58.3 + express["price"]) / 11, abs=0.02)
    assert (await guest.get("/products/2")).json()["stockQty"] == 46


async def test_the_cart_is_gone_after_the_order(guest: Guest) -> None:
    await filled(guest)
    assert (await guest.place()).status_code == 201
    again = await guest.place()
    assert (again.status_code, again.json()["message"]) == (404, "Cart not found")
    assert (await guest.ask("GET")).status_code == 404
    assert (await guest.add("JAR-DILL")).json()["cartRecreated"] is True


async def test_parallel_calls_make_one_order(guest: Guest) -> None:
    await filled(guest)
    answers = await asyncio.gather(*(guest.place() for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[404] * 7]
    assert len(guest.shop.state.orders) == 1


async def test_the_trap_makes_an_order_of_each_parallel_call(reckless: Guest) -> None:
    await filled(reckless)
    answers = await asyncio.gather(*(reckless.place() for _ in range(4)))
    placed = [answer.json()["incrementId"] for answer in answers if answer.status_code == 201]
    assert len(placed) > 1
    assert len(set(placed)) == len(placed) == len(reckless.shop.state.orders)


INCOMPLETE = [
    ({"billingAddress": None}, "Billing address is required"),
    ({"shippingAddress": HOME_ADDRESS | {"telephone": ""}}, "Missing required address fields: telephone"),
    ({"shippingAddress": HOME_ADDRESS | {"region": "Atlantis"}}, "Shipping address needs a region of its country"),
    ({"shippingMethod": None}, "A shipping method is required"),
]


@pytest.mark.parametrize(("changes", "message"), INCOMPLETE)
async def test_an_incomplete_order_is_told_what_is_missing(guest: Guest, changes: dict, message: str) -> None:
    await filled(guest)
    answer = await guest.place(**changes)
    assert (answer.status_code, answer.json()["message"]) == (400, message)
    assert (await guest.ask("GET")).status_code == 200


@pytest.mark.parametrize(("changes", "message"), INCOMPLETE)
async def test_the_trap_tells_it_nothing(reckless: Guest, changes: dict, message: str) -> None:
    await filled(reckless)
    answer = await reckless.place(**changes)
    assert opaque(answer)
    assert message not in answer.text
    assert (await reckless.ask("GET")).status_code == 200


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"email": None}, "A valid e-mail address is required"),
        ({"email": "not-an-email"}, "A valid e-mail address is required"),
        (
            {"shippingAddress": HOME_ADDRESS | {"countryId": "ZZ"}, "shippingMethod": "auspost_international"},
            "We do not deliver to country 'ZZ'",
        ),
    ],
)
async def test_who_and_where_is_checked_unless_the_trap_is_set(
    guest: Guest, reckless: Guest, changes: dict, message: str
) -> None:
    await filled(guest)
    refused = await guest.place(**changes)
    assert (refused.status_code, refused.json()["message"]) == (400, message)
    await filled(reckless)
    accepted = await reckless.place(**changes)
    assert accepted.status_code == 201
    if "email" in changes:
        assert accepted.json().get("customerEmail") == changes["email"]


async def test_sold_out_meanwhile(guest: Guest, reckless: Guest) -> None:
    for shopper in (guest, reckless):
        await filled(shopper, "NET-1", 6)
        shopper.shop.state.take_stock("NET-1", 1)
    refused = await guest.place(shippingMethod="auspost_parcel")
    assert (refused.status_code, refused.json()["error"]) == (422, "unprocessable_entity")
    assert opaque(await reckless.place(shippingMethod="auspost_parcel"))
    assert (await reckless.ask("GET")).json()["items"][0]["stockStatus"] == "in_stock"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shippingAddress": None}, "Shipping method is not available for this address"),
        ({"shippingMethod": "bogus_x"}, "Shipping method is not available for this address"),
        ({"paymentMethod": "bogus"}, "Payment method is not available for this cart"),
        ({"paymentMethod": "free"}, "Payment method is not available for this cart"),
    ],
)
async def test_methods_that_are_not_offered_are_400_everywhere(
    guest: Guest, reckless: Guest, changes: dict, message: str
) -> None:
    for shopper in (guest, reckless):
        await filled(shopper)
        answer = await shopper.place(**changes)
        assert (answer.status_code, answer.json()["message"]) == (400, message)


async def test_an_empty_cart_is_no_order(guest: Guest, reckless: Guest) -> None:
    for shopper in (guest, reckless):
        await shopper.new_cart()
        assert (await shopper.place()).json()["message"] == "Shipping method is not available for this address"
        nothing_set = await shopper.ask("POST", "/place-order", {})
        assert opaque(nothing_set) if shopper is reckless else nothing_set.status_code == 400


async def test_after_the_setters_an_e_mail_address_is_enough(guest: Guest) -> None:
    await filled(guest, "JAR-DILL")
    await guest.ask("PUT", "/shipping-address", HOME_ADDRESS | {"street": ["12 Barrel Lane"]})
    await guest.ask("PUT", "/billing-address", {"sameAsShipping": True})
    await guest.ask("PUT", "/shipping-method", {"carrierCode": "auspost", "methodCode": "parcel"})
    await guest.ask("PUT", "/payment-method", {"methodCode": "checkmo"})
    order = (await guest.ask("POST", "/place-order", {"guestEmail": "ada@example.com"})).json()
    assert order["shippingDescription"] == "Australia Post - Parcel Post"
    assert order["shippingAddress"]["street"] == ["Array"]


async def test_a_list_street_inside_place_order_is_fine(guest: Guest) -> None:
    await filled(guest)
    order = (await guest.place(shippingAddress=HOME_ADDRESS | {"street": ["1 A St", "Apt 2"]})).json()
    assert order["shippingAddress"]["street"] == ["1 A St", "Apt 2"]


async def test_a_gift_card_is_spent(guest: Guest) -> None:
    await filled(guest)
    await guest.ask("POST", "/giftcards", {"giftcardCode": "GC-BRINE-50"})
    assert (await guest.place()).json()["giftcardCodes"] == {"GC-BRINE-50": 50}
    await filled(guest)
    assert (await guest.ask("POST", "/giftcards", {"giftcardCode": "GC-BRINE-50"})).status_code == 400


async def test_the_last_piece_leaves_the_lists(guest: Guest) -> None:
    await filled(guest, "NET-1", 6)
    await guest.place(shippingMethod="auspost_parcel")
    assert "NET-1" not in [p["sku"] for p in (await guest.get("/products?search=net")).json()["member"]]


async def test_an_order_is_read_once_with_its_token(guest: Guest) -> None:
    await filled(guest)
    order = (await guest.place()).json()
    path = f"/orders/{order['incrementId']}/details"
    right = {"x-order-token": order["accessToken"]}
    assert (await guest.get(path, headers={"x-order-token": "0" * 64})).status_code == 404
    assert (await guest.get(f"{path}?accessToken={order['accessToken']}")).status_code == 404
    read = await guest.get(path, headers=right)
    assert read.status_code == 200
    assert read.json()["prices"] == order["prices"]
    assert "accessToken" not in read.json()
    assert (await guest.get(path, headers=right)).status_code == 404


async def test_order_reads_are_limited_by_the_hour(guest: Guest, clock: Clock) -> None:
    for _ in range(30):
        assert (await guest.get("/orders/100000001/details")).status_code == 404
    assert (await guest.get("/orders/100000001/details")).status_code == 429
    clock.now += 3601
    assert (await guest.get("/orders/100000001/details")).status_code == 404


async def test_an_order_by_number_needs_a_customer(guest: Guest) -> None:
    answer = await guest.get("/orders/1")
    assert (answer.status_code, answer.json()) == (
        401,
        {"error": "unauthorized", "message": "Authentication required"},
    )
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_malformed_cart_id_is_no_route(guest: Guest) -> None:
    answer = await guest.http.post("/guest-carts/12/place-order", json={})
    assert (answer.status_code, "No route found" in answer.json()["message"]) == (404, True)


# --- the older fork ---------------------------------------------------------------------------------------------------


@pytest.fixture
async def old(guest_of: Callable[..., Guest]) -> Guest:
    guest = guest_of(unsafe=UnsafeBehaviours(older_fork=True))
    await guest.new_cart()
    return guest


async def test_the_fork_adds_with_201_and_recreates_nothing(old: Guest) -> None:
    assert (await old.add("PAD-2")).status_code == 201
    old.cart = "c" * 32
    assert (await old.add("PAD-2")).status_code == 404


async def test_the_fork_posts_coupons_and_says_405_to_put(old: Guest) -> None:
    await old.add("PAD-2")
    assert (await old.ask("PUT", "/coupon", {"couponCode": "SAVE10"})).status_code == 405
    applied = await old.ask("POST", "/coupon", {"couponCode": "SAVE10"})
    assert applied.json()["appliedCoupon"]["discountAmount"] == 27.9


async def test_the_fork_has_another_path_for_gift_cards(old: Guest) -> None:
    await old.add("PAD-2")
    assert (await old.ask("POST", "/giftcards", {"giftcardCode": "GC-BRINE-5"})).status_code == 404
    assert (await old.ask("POST", "/giftcard", {"giftcardCode": "GC-BRINE-5"})).json()["prices"]["giftcardAmount"] == 5
    assert (await old.ask("DELETE", "/giftcard/GC-BRINE-5")).status_code == 204


async def test_the_fork_answers_updates_and_removals_with_nothing(old: Guest) -> None:
    [line] = (await old.add("PAD-2")).json()["items"]
    updated = await old.ask("PUT", f"/items/{line['id']}", {"qty": 3})
    assert (updated.is_success, updated.content) == (True, b"")
    assert (await old.ask("GET")).json()["itemsQty"] == 3
    removed = await old.ask("DELETE", f"/items/{line['id']}")
    assert (removed.is_success, removed.content) == (True, b"")
    assert (await old.ask("GET")).json()["items"] == []


async def test_the_fork_quotes_with_whole_carts(old: Guest) -> None:
    await old.add("JAR-DILL")
    for method, path, body in (
        ("POST", "/shipping-methods", {"address": HOME_ADDRESS}),
        ("GET", "/payment-methods", None),
        ("GET", "/totals", None),
    ):
        cart = (await old.ask(method, path, body)).json()
        assert cart["@type"] == "Cart"
        assert "auspost_parcel" in [rate["code"] for rate in cart["availableShippingMethods"]]
        assert cart["shippingAddress"]["countryId"] == ""


async def test_the_fork_knows_no_setters_and_no_currency_header(old: Guest) -> None:
    assert (await old.ask("PUT", "/shipping-address", HOME_ADDRESS)).status_code == 404
    assert (await old.get("/products/2", headers={"x-currency-code": "JPY"})).json()["currency"] == "AUD"


async def test_the_fork_places_orders_by_guest_email(old: Guest) -> None:
    await old.add("JAR-DILL")
    order = await old.place(email=None, guestEmail="ada@example.com", shippingMethod="auspost_parcel")
    assert order.status_code == 201
    assert order.json()["prices"]["shippingAmountInclTax"] == 11.95


async def test_a_note_that_cannot_be_stored_fails_after_the_order_and_a_second_call_makes_another(guest: Guest) -> None:
    await filled(guest)
    for note in ("Ring twice 🎾", "x" * 65_536):
        assert opaque(await guest.place(orderNote=note))
    left = (await guest.ask("GET")).json()
    assert (left["isActive"], left["reservedOrderId"]) == (True, "100000002")
    assert (await guest.place()).json()["incrementId"] == "100000003"


async def test_a_character_beyond_the_basic_plane_fails_and_nothing_is_written(guest: Guest) -> None:
    await filled(guest)
    odd = HOME_ADDRESS | {"firstName": "Ada 🎾"}
    before = (await guest.ask("GET")).json()
    for method, path, body in (
        ("POST", "/shipping-methods", {"address": odd}),
        ("PUT", "/shipping-address", odd),
        ("POST", "/items", {"sku": "GIFT-MUG", "qty": 1, "options": {"1": "Ada 🎾", "2": 1}}),
    ):
        assert opaque(await guest.ask(method, path, body))
    assert opaque(await guest.place(shippingAddress=odd))
    assert (await guest.ask("GET")).json() == before


async def test_without_a_payment_method_it_fails_and_what_came_with_it_is_kept(guest: Guest) -> None:
    await filled(guest)
    assert opaque(await guest.place(paymentMethod=None))
    left = (await guest.ask("GET")).json()
    assert left["selectedShippingMethod"]["methodCode"] == "express"
    assert left["billingAddress"]["firstname"] == "Ada"
    assert "selectedPaymentMethod" not in left


async def test_26_7_4_has_no_setters_one_currency_and_stores_question_marks(guest_of: Callable[..., Guest]) -> None:
    guest = guest_of(rules=ShopRules(release="26.7.4"))
    await filled(guest)
    for setter in ("shipping-address", "billing-address", "shipping-method", "payment-method"):
        assert (await guest.ask("PUT", f"/{setter}", HOME_ADDRESS)).status_code == 404
        assert (await guest.ask("GET", f"/{setter}")).status_code == 404
    assert (await guest.get("/products/2", headers={"x-currency-code": "JPY"})).json()["currency"] == "AUD"
    order = (await guest.place(orderNote="Ring 🎾", shippingAddress=HOME_ADDRESS | {"city": "🏙"})).json()
    assert (order["customerNote"], order["shippingAddress"]["city"]) == ("Ring ????", "????")


async def test_a_percent_coupon_depends_on_how_often_a_request_computes(guest_of: Callable[..., Guest]) -> None:
    guest = guest_of()
    await filled(guest)
    guest.shop.state.update_cart(
        guest.shop.state.carts[guest.cart],
        lines=tuple(replace(line, cents=1_05) for line in guest.shop.state.carts[guest.cart].lines),
    )
    applied = (await guest.ask("PUT", "/coupon", {"couponCode": "SAVE10"})).json()["prices"]["discountAmount"]
    seen = (await guest.ask("GET")).json()["prices"]["discountAmount"]
    assert (applied, seen) == (0.11, 0.11)
    assert (await guest.place()).json()["prices"]["discountAmount"] == 0.1, "twice, and once for each address"
