"""Checkout sessions over the protocol, from the first line to the order."""

from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.access.rate_limits import LimitExceeded, RateLimit
from storefront_mcp.calls.errors import RateLimited
from storefront_mcp.commerce.errors import CheckoutNotFound
from storefront_mcp.commerce.order import OrderProgress, ShippedItem, ShippedParcel
from tests.fakes.memory_backend import roadmap
from tests.unit.acp.environment import AGENT, BUYER, CREATE, SHIPPING, TWO_DILL, WHOLE, AcpStore


@pytest.fixture
def store() -> AcpStore:
    return AcpStore()


async def test_an_agent_fills_a_session_and_the_buyer_pays_on_the_stores_page(store: AcpStore) -> None:
    first = await store.create(CREATE)
    assert (first["status"], first["currency"], first["locale"]) == ("not_ready_for_payment", "aud", "en")
    assert first.codes == [("missing", "$.buyer.email"), ("missing", "$.fulfillment_details.address")]
    assert [(line["item"]["id"], line["quantity"], line["name"]) for line in first["line_items"]] == [
        ("DILL", 2, "Dill pickles")
    ]

    second = await store.update(first, {"buyer": BUYER, "fulfillment_details": WHOLE["fulfillment_details"]})
    assert [option["id"] for option in second["fulfillment_options"]] == ["post", "van"]
    assert second.codes == [("missing", "$.selected_fulfillment_options")]
    assert second["fulfillment_details"]["address"]["line_one"] == "1 Brine St"

    third = await store.update(first, {"selected_fulfillment_options": SHIPPING})
    assert third["status"] == "requires_escalation"
    assert third["selected_fulfillment_options"][0]["option_id"] == "van"
    assert [message["resolution"] for message in third["messages"]] == ["requires_buyer_input"]
    assert third.codes == [("approval_required", None)]
    assert third["continue_url"].startswith("https://pickle.example/pay/")
    assert third.amount("total") == third.amount("subtotal") + third.amount("fulfillment")

    asked = await store.ask("POST", f"/checkout_sessions/{first['id']}/complete", {"payment_data": {"handler_id": "x"}})
    assert (asked.status, asked["status"], asked["continue_url"]) == (200, "requires_escalation", third["continue_url"])

    await store.pay(third)
    done = await store.ask("POST", f"/checkout_sessions/{first['id']}/complete", {"payment_data": {}})
    assert (done.status, done["status"], done["messages"]) == (200, "completed", [])
    assert done["order"]["order_number"] == "10001"
    assert done["order"]["checkout_session_id"] == first["id"]
    assert done["order"]["line_items"][0]["quantity"] == {"ordered": 2, "current": 2}
    assert "continue_url" not in done.body
    assert "buyer" not in done.body
    assert (await store.ask("GET", f"/checkout_sessions/{first['id']}")).body == done.body


@pytest.mark.parametrize(
    "lines",
    [
        {"line_items": TWO_DILL},
        {"items": [{"id": "DILL", "quantity": 2}]},
        {"items": [{"item": {"id": "DILL"}, "quantity": 2}]},
        {"line_items": [{"item": {"id": "DILL", "quantity": 2}}]},
        {"line_items": [{"item": {"id": "DILL"}}, {"item": {"id": "DILL"}}]},
    ],
)
async def test_lines_are_read_in_the_shapes_of_every_version(store: AcpStore, lines: dict[str, Any]) -> None:
    session = await store.create({**lines, "currency": "aud"})

    assert [(line["item"]["id"], line["quantity"]) for line in session["line_items"]] == [("DILL", 2)]


async def test_what_is_null_is_cleared_and_what_is_absent_is_left(store: AcpStore) -> None:
    session = await store.create({**WHOLE, "selected_fulfillment_options": SHIPPING})
    assert session["status"] == "requires_escalation"
    assert (await store.update(session, {}))["status"] == "requires_escalation"

    cleared = await store.update(session, {"buyer": None})
    assert "buyer" not in cleared.body
    assert ("missing", "$.buyer.email") in cleared.codes
    again = await store.update(session, {"buyer": BUYER, "selected_fulfillment_options": None})
    assert "selected_fulfillment_options" not in again.body
    assert again.codes[0] == ("missing", "$.selected_fulfillment_options")


async def test_contact_and_name_come_from_wherever_they_were_sent(store: AcpStore) -> None:
    details = {"name": "Ada King Lovelace", "email": "ada@example.com", "phone_number": "+61 3 5550 0000"}
    address = {name: value for name, value in WHOLE["fulfillment_details"]["address"].items() if name != "name"}
    session = await store.create({**CREATE, "fulfillment_details": {**details, "address": address}})

    assert session["buyer"] == {"email": "ada@example.com", "phone_number": "+61 3 5550 0000"}
    assert session["fulfillment_details"]["name"] == "Ada King Lovelace"
    named = await store.update(session, {"buyer": {"email": "ada@example.com", "full_name": "Ada Byron"}})
    assert (named["buyer"]["first_name"], named["buyer"]["last_name"]) == ("Ada", "Byron")


async def test_the_address_and_the_choice_of_older_versions_are_read(store: AcpStore) -> None:
    address = WHOLE["fulfillment_details"]["address"]
    session = await store.create(
        {**CREATE, "buyer": BUYER, "fulfillment_address": address, "fulfillment_option_id": "van"}
    )
    assert session["status"] == "requires_escalation"
    nested = [{"type": "shipping", "shipping": {"option_id": "post", "item_ids": []}}]
    assert (await store.update(session, {"selected_fulfillment_options": nested}))["selected_fulfillment_options"][0][
        "option_id"
    ] == "post"


async def test_discounts_are_positive_and_refused_codes_are_told_with_their_reason(store: AcpStore) -> None:
    session = await store.create({**CREATE, "discounts": {"codes": ["NONSENSE", "TEN"]}})

    assert session.amount("discount") == 200
    assert session.amount("total") == 1_800
    assert session["discounts"]["rejected"][0]["code"] == "NONSENSE"
    assert session["discounts"]["rejected"][0]["reason"] == "discount_code_invalid"
    assert ("discount_code_invalid", "$.discounts.codes[0]") in session.codes
    cleared = await store.update(session, {"coupons": []})
    assert "discounts" not in cleared.body
    assert cleared.amount("total") == 2_000


async def test_a_code_that_met_the_limit_of_tries_is_not_called_invalid(store: AcpStore) -> None:
    limit = LimitExceeded(rule="coupons", rate=RateLimit(6, 5.0), wait=5.0)
    store.here.shelf.before["apply_coupon"] = [RateLimited(limit)]
    session = await store.create({**CREATE, "discounts": {"codes": ["TEN"]}})
    assert ("rate_limited", "$.discounts.codes[0]") in session.codes
    assert session["discounts"] == {"codes": ["TEN"], "rejected": []}
    tried = await store.update(session, {"buyer": BUYER})
    assert tried.amount("discount") == 200
    assert ("rate_limited", "$.discounts.codes[0]") not in tried.codes


@pytest.mark.parametrize("path", ["/checkout_sessions", "/carts"])
async def test_nothing_is_begun_with_none_of_an_item(store: AcpStore, path: str) -> None:
    body = {**CREATE, "line_items": [{"item": {"id": "DILL"}, "quantity": 0}]}
    refused = await store.ask("POST", path, body)
    assert (refused.status, refused["param"]) == (400, "$.line_items[0].quantity")
    assert refused["message"] == "quantity is a whole number from 1 on."


async def test_a_refused_code_says_nothing_of_a_payment_page(store: AcpStore) -> None:
    session = await store.create({**WHOLE, "selected_fulfillment_options": SHIPPING})
    refused = await store.update(session, {"discounts": {"codes": ["NONSENSE"]}})
    assert ("discount_code_invalid", "$.discounts.codes[0]") in refused.codes
    assert refused["continue_url"].startswith("https://pickle.example/pay/")
    again = await store.ask("POST", f"/checkout_sessions/{session['id']}/complete", {})
    for answer in (refused, again):
        assert "payment page" not in "".join(message["content"] for message in answer["messages"])


async def test_no_session_is_begun_while_none_leads_to_an_order(store: AcpStore) -> None:
    before = await store.create()
    store.under = roadmap("p1_browse", "p2_cart", p3_checkout="paused")
    refused = await store.ask("POST", "/checkout_sessions", WHOLE)
    assert (refused.status, refused["type"], refused["code"]) == (503, "service_unavailable", "tool_not_open")
    assert int(refused.headers["retry-after"]) > 0
    assert len(store.here.handles.records) == 1, "no cart was made for it"
    assert (await store.ask("GET", f"/checkout_sessions/{before['id']}")).status == 200


@pytest.mark.parametrize(("codes", "used"), [(["NONSENSE"], None), (["NONSENSE", "TEN"], ["TEN"])])
async def test_an_order_names_no_code_that_it_was_not_made_with(
    store: AcpStore, codes: list[str], used: list[str] | None
) -> None:
    session = await store.create({**WHOLE, "discounts": {"codes": codes}, "selected_fulfillment_options": SHIPPING})
    assert session["discounts"]["rejected"][0]["code"] == "NONSENSE"
    await store.pay(session)
    done = await store.ask("GET", f"/checkout_sessions/{session['id']}")
    assert done["status"] == "completed"
    assert done.body.get("discounts", {}).get("codes") == used


async def test_a_shops_no_is_a_session_with_messages(store: AcpStore) -> None:
    session = await store.create({**CREATE, "line_items": [*TWO_DILL, {"item": {"id": "NOTHING"}}]})

    assert ("not_found", "$.line_items[1]") in session.codes
    assert len(session["line_items"]) == 1
    more = await store.create({**CREATE, "line_items": [{"item": {"id": "DILL"}, "quantity": 99}]})
    assert ("limited_availability", "$.line_items[0]") in more.codes
    assert more["line_items"][0]["quantity"] == 20


async def test_what_ships_nothing_needs_no_choice(store: AcpStore) -> None:
    session = await store.create({**CREATE, "buyer": BUYER, "items": [], "line_items": [{"item": {"id": "VOUCHER"}}]})

    assert [option["type"] for option in session["fulfillment_options"]] == ["digital"]


async def test_a_session_is_canceled_once(store: AcpStore) -> None:
    session = await store.create({**WHOLE, "selected_fulfillment_options": SHIPPING})
    path = f"/checkout_sessions/{session['id']}/cancel"
    canceled = await store.ask("POST", path)
    assert (canceled.status, canceled["status"]) == (200, "canceled")
    assert "continue_url" not in canceled.body

    for _ in range(2):
        again = await store.ask("POST", path, key="twice")
        assert (again.status, again["code"], again.headers["allow"]) == (405, "conflict", "")


async def test_a_session_whose_order_is_made_is_not_canceled(store: AcpStore) -> None:
    session = await store.create({**WHOLE, "selected_fulfillment_options": SHIPPING})
    await store.pay(session)

    refused = await store.ask("POST", f"/checkout_sessions/{session['id']}/cancel")
    assert refused.status == 405
    late = await store.update(session, {"line_items": [{"item": {"id": "DILL"}, "quantity": 5}]})
    assert late["status"] == "completed"
    assert late["line_items"][0]["quantity"] == 2


async def test_a_session_that_is_paid_while_it_is_canceled_is_not_canceled(
    store: AcpStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await store.create({**WHOLE, "selected_fulfillment_options": SHIPPING})
    cancel = store.here.agent.cancel

    async def too_late(checkout: str) -> Any:
        await store.pay(session)
        return await cancel(checkout)

    monkeypatch.setattr(store.here.agent, "cancel", too_late)
    refused = await store.ask("POST", f"/checkout_sessions/{session['id']}/cancel")
    assert (refused.status, refused["code"]) == (405, "conflict")


async def test_a_session_is_there_for_the_key_that_began_it_and_for_no_other(store: AcpStore) -> None:
    session = await store.create({**WHOLE, "selected_fulfillment_options": SHIPPING})
    path, cart = f"/checkout_sessions/{session['id']}", session["id"].partition(".")[0]
    store.caller = replace(AGENT, principal="k2")
    for method, below, body in (
        ("GET", "", None),
        ("POST", "", {}),
        ("POST", "/complete", {}),
        ("POST", "/cancel", None),
    ):
        other = await store.ask(method, path + below, body)
        assert (other.status, other["code"]) == (404, "not_found")
    assert (await store.ask("POST", "/checkout_sessions", {**CREATE, "cart_id": cart})).status == 404
    with pytest.raises(CheckoutNotFound):
        await store.here.sessions.read(store.here.runner(), session["id"])
    store.caller = AGENT
    assert (await store.ask("GET", path))["continue_url"] == session["continue_url"]


async def test_a_session_expires(store: AcpStore) -> None:
    session = await store.create(CREATE)
    store.here.pass_time(hours=7)

    assert (await store.ask("GET", f"/checkout_sessions/{session['id']}"))["status"] == "expired"


async def test_a_cart_that_was_begun_with_the_stores_tools_is_bought_here(store: AcpStore) -> None:
    runner = store.here.runner()
    cart = await runner.run("create_cart")
    await runner.run("add_to_cart", cart_id=cart.cart_id, sku="DILL", quantity=3)

    session = await store.create({**WHOLE, "line_items": [], "cart_id": cart.cart_id})
    assert session["line_items"][0]["quantity"] == 3
    paid = await store.update(session, {"selected_fulfillment_options": SHIPPING})
    await store.pay(paid)
    assert (await store.ask("GET", f"/checkout_sessions/{session['id']}"))["status"] == "completed"


# Carts --------------------------------------------------------------------------------------------------------------


async def test_a_cart_is_made_changed_and_emptied(store: AcpStore) -> None:
    made = await store.ask("POST", "/carts", {"line_items": TWO_DILL})
    assert (made.status, made["currency"], made.amount("total")) == (201, "aud", 2_000)
    path = f"/carts/{made['id']}"
    assert made["continue_url"] == f"https://pickle.example/cart/{made['id']}"

    changed = await store.ask("PUT", path, {"line_items": [{"item": {"id": "BREAD"}}]})
    assert (changed.status, [line["item"]["id"] for line in changed["line_items"]]) == (200, ["BREAD"])
    assert (await store.ask("PUT", path, {}))["line_items"] == changed["line_items"]
    canceled = await store.ask("POST", f"{path}/cancel")
    assert (canceled.status, canceled["line_items"]) == (200, changed["line_items"])
    assert (await store.ask("GET", path))["line_items"] == []


async def test_a_cart_of_the_protocol_is_the_stores_own(store: AcpStore) -> None:
    made = await store.ask("POST", "/carts", {"items": [{"id": "DILL"}, {"id": "NOTHING"}]})

    assert made.codes == [("not_found", "$.line_items[1]")]
    seen = await store.here.runner().run("view_cart", cart_id=made["id"])
    assert [line.sku for line in seen.lines] == ["DILL"]


async def test_a_session_tells_what_became_of_its_order(store: AcpStore) -> None:
    session = await store.update(await store.create(), {"selected_fulfillment_options": SHIPPING})
    await store.pay(session)
    path = f"/checkout_sessions/{session['id']}"
    order = (await store.ask("GET", path))["order"]
    assert (order["status"], "fulfillments" in order) == ("confirmed", False)

    parcel = ShippedParcel(items=(ShippedItem(name="Dill pickles", quantity=2),))
    number = order["order_number"]
    store.here.shelf.progress[number] = OrderProgress(number=number, status="complete", parcels=(parcel,))
    order = (await store.ask("GET", path))["order"]
    assert (order["status"], len(order["fulfillments"])) == ("shipped", 1)
    assert order["line_items"][0]["quantity"] == {"ordered": 2, "current": 2, "fulfilled": 2}
