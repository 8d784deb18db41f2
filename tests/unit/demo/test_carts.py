"""Filling a guest cart: lines, options, coupons, gift cards, quotes and setters."""

import pytest

from tests.fakes.demo_shop import demo_shop
from tests.unit.demo.conftest import HOME_ADDRESS, Clock, Guest

UNKNOWN = "a" * 32


@pytest.fixture(autouse=True)
async def _with_a_cart(guest: Guest) -> None:
    await guest.new_cart()


async def test_a_new_cart_is_empty_and_answered_with_201(guest: Guest) -> None:
    answer = await guest.http.post("/guest-carts", json={})
    cart = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/rest/v2/carts/{cart['id']}"
    assert len(cart["maskedId"]) == 32
    assert (cart["items"], cart["cartRecreated"], cart["prices"]["grandTotal"]) == ([], False, 0)


async def test_a_post_needs_a_content_type_even_without_a_body(guest: Guest) -> None:
    answer = await guest.http.post("/guest-carts")
    assert (answer.status_code, answer.json()["code"]) == (415, 415)
    odd = await guest.http.post("/guest-carts", content="a=b", headers={"content-type": "text/plain"})
    assert odd.status_code == 415


async def test_broken_json_is_refused(guest: Guest) -> None:
    answer = await guest.http.post(
        f"/guest-carts/{guest.cart}/items", content="{bad", headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["message"]) == (400, "Invalid JSON in request body")


async def test_adding_answers_200_and_the_same_sku_grows_its_line(guest: Guest) -> None:
    await guest.add("PAD-2")
    answer = await guest.add("PAD-2", "2")
    assert answer.status_code == 200
    [line] = answer.json()["items"]
    assert (line["qty"], line["priceInclTax"], line["rowTotalInclTax"]) == (3, 279, 837)
    assert (await guest.ask("GET")).json()["prices"] == answer.json()["prices"]


async def test_a_variant_becomes_a_line_of_its_parent_at_the_parents_price(guest: Guest) -> None:
    [line] = (await guest.add("TEE-BLACK-M")).json()["items"]
    assert (line["sku"], line["name"], line["productType"]) == ("TEE-BLACK-M", "Club Tee", "configurable")
    assert line["priceInclTax"] == 25
    assert line["options"] == [{"label": "Colour", "value": "Black"}, {"label": "Size", "value": "M"}]


async def test_custom_options_add_their_surcharges(guest: Guest) -> None:
    [line] = (await guest.add("GIFT-MUG", options={"1": "ADA", "2": 2})).json()["items"]
    assert line["priceInclTax"] == 27
    assert line["options"] == [{"label": "Engraving", "value": "ADA"}, {"label": "Mug size", "value": "Large"}]


async def test_an_unknown_choice_is_accepted_and_dropped(guest: Guest) -> None:
    answer = await guest.add("GIFT-MUG", options={"1": "ADA", "2": 999})
    [line] = answer.json()["items"]
    assert (answer.status_code, line["priceInclTax"]) == (200, 24)
    assert line["options"] == [{"label": "Engraving", "value": "ADA"}]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"sku": "NOPE"}, 400, "Product with SKU 'NOPE' not found"),
        ({"qty": 1}, 400, "Product with SKU '' not found"),
        ({"sku": "TEE"}, 400, "Failed to add product: Please specify the product's option(s)."),
        ({"sku": "PAD-2", "qty": 0}, 400, "Quantity must be greater than zero"),
        ({"sku": "PAD-2", "qty": "some"}, 400, "Quantity must be greater than zero"),
        ({"sku": "PAD-2", "qty": 100000}, 400, "Quantity cannot exceed 10,000"),
        ({"sku": "PAD-3"}, 422, "This product is currently out of stock."),
        ({"sku": "NET-1", "qty": 7}, 422, 'The requested quantity for "Portable Net" is not available.'),
        (
            {"sku": "GIFT-MUG"},
            400,
            "Failed to add product: Please specify the product required option <em>Engraving</em>.",
        ),
        (
            {"sku": "GIFT-MUG", "options": {"1": "A" * 21, "2": 1}},
            400,
            "Failed to add product: The text is too long",
        ),
        (
            {"sku": "GIFT-MUG", "options": {"1": "ADA", "2": None}},
            400,
            "Failed to add product: Please specify the product required option <em>Mug size</em>.",
        ),
    ],
)
async def test_what_cannot_be_added_says_why(guest: Guest, body: dict, status: int, message: str) -> None:
    answer = await guest.ask("POST", "/items", body)
    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert (await guest.ask("GET")).json()["items"] == []


async def test_half_a_piece_is_cut_to_a_whole_number(guest: Guest) -> None:
    assert (await guest.add("PAD-2", 1.5)).json()["itemsQty"] == 1


async def test_adding_to_a_dead_cart_answers_200_with_another_cart(guest: Guest) -> None:
    guest.cart = UNKNOWN
    answer = await guest.add("JAR-DILL")
    cart = answer.json()
    assert (answer.status_code, cart["cartRecreated"], cart["itemsQty"]) == (200, True, 1)
    assert cart["maskedId"] != UNKNOWN
    assert (await guest.ask("GET")).status_code == 404


async def test_a_line_is_changed_without_a_look_at_the_stock_and_removed(guest: Guest) -> None:
    [line] = (await guest.add("NET-1")).json()["items"]
    changed = await guest.ask("PUT", f"/items/{line['id']}", {"qty": 500})
    assert (changed.status_code, changed.json()["itemsQty"]) == (200, 500)
    assert changed.json()["items"][0]["stockStatus"] == "in_stock"
    removed = await guest.ask("DELETE", f"/items/{line['id']}")
    assert (removed.status_code, removed.json()["items"]) == (200, [])


async def test_unknown_lines_and_carts_are_not_found(guest: Guest) -> None:
    for method, body in (("PUT", {"qty": 1}), ("DELETE", None)):
        answer = await guest.ask(method, "/items/999999", body)
        assert (answer.status_code, answer.json()["message"]) == (404, "Cart item with ID '999999' not found")
    assert (await guest.get("/guest-carts/12")).json()["message"] == "Not Found"
    guest.cart = UNKNOWN
    for method, path, body in (("PUT", "/items/1", {"qty": 1}), ("PUT", "/coupon", {"couponCode": "SAVE10"})):
        assert (await guest.ask(method, path, body)).status_code == 404


async def test_a_coupon_takes_ten_percent_off_and_is_echoed_as_typed(guest: Guest) -> None:
    await guest.add("PAD-2", 2)
    cart = (await guest.ask("PUT", "/coupon", {"code": "save10"})).json()
    assert cart["appliedCoupon"] == {"code": "save10", "discountAmount": 55.8}
    assert cart["prices"]["grandTotal"] == 502.2
    assert cart["prices"]["taxAmount"] == 45.65
    assert cart["items"][0]["discountPercent"] == 10
    for _ in range(2):
        assert (await guest.ask("DELETE", "/coupon")).status_code == 204
    assert (await guest.ask("GET")).json()["prices"]["grandTotal"] == 558


async def test_guests_put_coupons(guest: Guest) -> None:
    answer = await guest.ask("POST", "/coupon", {"couponCode": "SAVE10"})
    assert (answer.status_code, answer.json()["error"]) == (405, "method_not_allowed")
    assert "Allow: PUT, DELETE" in answer.json()["message"]


async def test_an_unknown_coupon_keeps_the_earlier_one_and_a_failing_one_removes_it(guest: Guest) -> None:
    await guest.add("JAR-DILL")
    await guest.ask("PUT", "/coupon", {"couponCode": "SAVE10"})
    assert (await guest.ask("PUT", "/coupon", {"couponCode": "NOPE"})).json()["error"] == "invalid_coupon"
    assert "appliedCoupon" in (await guest.ask("GET")).json()
    for failing in ("LASTSUMMER", "BIGDILL20"):
        await guest.ask("PUT", "/coupon", {"couponCode": "SAVE10"})
        refused = await guest.ask("PUT", "/coupon", {"couponCode": failing})
        assert refused.json()["message"] == f"Coupon code '{failing}' could not be applied"
        assert "appliedCoupon" not in (await guest.ask("GET")).json()
    assert (await guest.ask("PUT", "/coupon", {})).json()["message"] == "Coupon code is required"


async def test_a_coupon_with_a_minimum_stops_applying_when_the_cart_shrinks(guest: Guest) -> None:
    [line] = (await guest.add("PAD-2")).json()["items"]
    assert (await guest.ask("PUT", "/coupon", {"couponCode": "BIGDILL20"})).json()["prices"]["discountAmount"] == 20
    await guest.add("JAR-DILL")
    smaller = (await guest.ask("DELETE", f"/items/{line['id']}")).json()
    assert "appliedCoupon" not in smaller
    assert smaller["prices"]["discountAmount"] is None


async def test_the_twenty_first_coupon_of_a_minute_is_429_without_retry_after(guest: Guest, clock: Clock) -> None:
    await guest.add("JAR-DILL")
    for number in range(20):
        assert (await guest.ask("PUT", "/coupon", {"couponCode": f"X{number}"})).status_code == 400
    limited = await guest.ask("PUT", "/coupon", {"couponCode": "SAVE10"})
    assert (limited.status_code, limited.json()["error"]) == (429, "too_many_requests")
    assert "retry-after" not in limited.headers
    clock.now += 61
    assert (await guest.ask("PUT", "/coupon", {"couponCode": "SAVE10"})).status_code == 200


async def test_a_gift_card_pays_and_is_taken_back(guest: Guest) -> None:
    await guest.add("PAD-2")
    cart = (await guest.ask("POST", "/giftcards", {"giftcardCode": "GC-BRINE-50"})).json()
    assert cart["appliedGiftcards"] == [{"code": "GC-BRINE-50", "balance": 50, "appliedAmount": 50}]
    assert (cart["prices"]["giftcardAmount"], cart["prices"]["grandTotal"]) == (50, 229)
    again = await guest.ask("POST", "/giftcards", {"giftcardCode": "GC-BRINE-50"})
    assert (again.status_code, again.json()["message"]) == (400, 'Gift card "GC-BRINE-50" is already applied')
    assert (await guest.ask("DELETE", "/giftcards/GC-BRINE-50")).status_code == 204
    assert (await guest.ask("DELETE", "/giftcards/GC-BRINE-50")).status_code == 400
    assert (await guest.ask("POST", "/giftcards", {"giftcardCode": "NOPE"})).status_code == 400
    assert (await guest.ask("POST", "/giftcards", {})).status_code == 400


async def test_a_cart_paid_by_gift_card_is_free(guest: Guest) -> None:
    await guest.add("JAR-DILL")
    cart = (await guest.ask("POST", "/giftcards", {"giftcardCode": "GC-BRINE-50"})).json()
    assert (cart["prices"]["giftcardAmount"], cart["prices"]["grandTotal"]) == (9.5, 0)
    assert [method["code"] for method in cart["availablePaymentMethods"]] == ["checkmo", "banktransfer", "free"]


async def quoted(guest: Guest, **address: object) -> dict[str, float]:
    answer = await guest.ask("POST", "/shipping-methods", {"address": address})
    assert answer.headers["content-type"] == "application/json"
    return {rate["code"]: rate["price"] for rate in answer.json()}


async def test_carriers_ask_by_state_and_weight(guest: Guest) -> None:
    await guest.add("JAR-DILL")
    near = await quoted(guest, countryId="AU", postcode="3056", region="VIC")
    assert near == {"auspost_parcel": 9.95, "auspost_express": 15.45, "brinebike_sameday": 14.5}
    assert await quoted(guest, countryId="AU", postcode="2000") == {"auspost_parcel": 11.95, "auspost_express": 17.45}
    far = await quoted(guest, countryId="AU", region="Western Australia")
    assert far["auspost_parcel"] == 15.95
    assert await quoted(guest, countryId="NZ", postcode="6011") == {"auspost_international": 19.95}
    await guest.add("JAR-DILL-L", 2)
    assert (await quoted(guest, countryId="AU", postcode="2000"))["auspost_parcel"] > 11.95


async def test_parcels_are_free_from_150_dollars_within_australia(guest: Guest) -> None:
    await guest.add("PAD-2")
    assert (await quoted(guest, countryId="AU", postcode="6000"))["auspost_parcel"] == 0
    assert (await quoted(guest, countryId="NZ"))["auspost_international"] > 0


async def test_without_an_address_nothing_is_offered_and_an_unknown_country_is(guest: Guest) -> None:
    await guest.add("JAR-DILL")
    assert (await guest.ask("POST", "/shipping-methods", {"countryId": "AU"})).json() == []
    assert await quoted(guest, countryId="ZZ") == {"auspost_international": 34.95}


@pytest.mark.parametrize(
    ("street", "stored"),
    [("1 Byron St\nApt 2", ["1 Byron St", "Apt 2"]), (["1 Byron St", "Apt 2"], ["Array"]), (None, ["Array"])],
)
async def test_a_quote_writes_its_address_on_the_cart(guest: Guest, street: object, stored: list[str]) -> None:
    await guest.add("JAR-DILL")
    address = {"countryId": "AU", "postcode": "3000", "region": "vic"} | ({"street": street} if street else {})
    await quoted(guest, **address)
    cart = (await guest.ask("GET")).json()
    kept = cart["shippingAddress"]
    assert (kept["street"], kept["region"], kept["firstname"]) == (stored, "Victoria", "")
    assert len(cart["availableShippingMethods"]) == 3


async def test_parcels_that_leave_australia_carry_no_gst(guest: Guest) -> None:
    await guest.add("PAD-2")
    await quoted(guest, countryId="NZ", postcode="6011")
    prices = (await guest.ask("GET")).json()["prices"]
    assert (prices["taxAmount"], prices["subtotal"], prices["subtotalInclTax"]) == (0, 279, 279)


async def test_the_currency_is_not_remembered_by_the_cart(guest: Guest) -> None:
    await guest.http.post(f"/guest-carts/{guest.cart}/items", json={"sku": "PAD-2"}, headers={"x-currency-code": "NZD"})
    kiwi = (await guest.get(f"/guest-carts/{guest.cart}", headers={"x-currency-code": "NZD"})).json()
    assert (kiwi["currency"], kiwi["prices"]["grandTotal"], kiwi["prices"]["baseGrandTotal"]) == ("NZD", 304.11, 279)
    assert (await guest.ask("GET")).json()["currency"] == "AUD"


async def test_totals_and_payment_methods_are_bare(guest: Guest) -> None:
    await guest.add("PAD-2")
    totals = await guest.ask("GET", "/totals")
    assert totals.headers["content-type"] == "application/json"
    assert totals.json() == (await guest.ask("GET")).json()["prices"]
    assert [method["code"] for method in (await guest.ask("GET", "/payment-methods")).json()] == [
        "prepaid",
        "checkmo",
        "banktransfer",
    ]


async def test_setters_choose_address_and_methods(guest: Guest) -> None:
    await guest.add("JAR-DILL")
    early = await guest.ask("PUT", "/shipping-method", {"carrierCode": "auspost", "methodCode": "parcel"})
    assert early.json()["message"] == "Shipping method is not available for this address"
    copied = await guest.ask("PUT", "/billing-address", {"sameAsShipping": True})
    assert copied.json()["message"] == "Cart has no shipping address to copy"
    short = await guest.ask("PUT", "/shipping-address", {"countryId": "AU"})
    assert short.json()["message"] == (
        "Missing required address fields: firstName, lastName, street, city, postcode, telephone"
    )
    await guest.ask("PUT", "/shipping-address", HOME_ADDRESS)
    await guest.ask("PUT", "/billing-address", {"sameAsShipping": True})
    await guest.ask("PUT", "/shipping-method", {"carrierCode": "auspost", "methodCode": "parcel"})
    cart = (await guest.ask("PUT", "/payment-method", {"methodCode": "checkmo"})).json()
    assert cart["selectedShippingMethod"]["price"] == 9.95
    assert cart["selectedPaymentMethod"]["code"] == "checkmo"
    assert cart["billingAddress"]["street"] == cart["shippingAddress"]["street"] == ["12 Barrel Lane", "Unit 3"]
    assert (cart["prices"]["shippingAmountInclTax"], cart["prices"]["grandTotal"]) == (9.95, 19.45)
    for path, body in (
        ("/shipping-method", {"carrierCode": "bogus", "methodCode": "x"}),
        ("/payment-method", {"methodCode": "free"}),
    ):
        assert (await guest.ask("PUT", path, body)).status_code == 400


async def test_a_setter_shows_the_street_it_did_not_store(guest: Guest) -> None:
    await guest.add("JAR-DILL")
    answer = await guest.ask("PUT", "/shipping-address", HOME_ADDRESS | {"street": ["12 Barrel Lane"]})
    assert answer.json()["shippingAddress"]["street"] == ["12 Barrel Lane"]
    assert (await guest.ask("GET")).json()["shippingAddress"]["street"] == ["Array"]


async def test_masked_ids_come_from_the_given_source() -> None:
    ids = iter(["b" * 32])
    guest = Guest(demo_shop(token=lambda: next(ids)))
    assert await guest.new_cart() == "b" * 32
    await guest.http.aclose()
