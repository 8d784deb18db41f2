"""What the conformance suite of UCP's authors asks of a shop whose buyers pay on a page, by the names of its tests.

The suite is a repository of its own and in no package registry, so it is not run here: each test below asks what one
or some of its tests ask, over REST as it does, in each release. It takes refusals with 4xx and answers with messages;
ours are the latter.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fakes.ucp_agent import RELEASES, Refused, UcpAgent
from tests.journeys.test_platforms_shop_by_ucp import ADA, BRISBANE, JAR, TEE, amounts, codes, shipping

NOT_ASKED = {
    "ap2_test, card_credential_test, payment_terms_test, binding_test": "no payment handler is configured",
    "checkout_lifecycle_test": "test_complete_checkout and what follows it need a handler that takes the suite's token",
    "order_test, webhook_test, webhook_structure_test, invalid_input_test": "the order capability is not offered",
    "business_logic_test": "test_buyer_consent: not offered; test_multiple_discounts_accepted: a cart takes one code",
    "fulfillment_test": "test_known_customer_*: a guest is not known; free shipping: the demo has no such rule",
    "validation_test": "test_payment_failure: 402 is of an older release; test_complete_without_fulfillment: so is 400",
    "protocol_test": "test_discovery_urls: nothing leaves loopback; test_version_negotiation: by profile, elsewhere",
}
"""Modules of the suite, and why tests of theirs are not asked here. The others are."""
NO_INSTRUMENT: dict[str, Any] = {"payment": {"instruments": []}}


@pytest.fixture(params=RELEASES)
async def platform(request: pytest.FixtureRequest, demo: str) -> AsyncIterator[UcpAgent]:
    async with UcpAgent(demo, request.param, "rest") as agent:
        yield agent


async def begun(platform: UcpAgent, **more: Any) -> Any:
    return await platform.call("create_checkout", {"line_items": [JAR], **more})


async def updated(platform: UcpAgent, checkout: Any, quantity: int = 2, **more: Any) -> Any:
    """As the suite updates: each line with what the answer said of it, and members that only we write."""
    lines = [{**line, "quantity": quantity} for line in checkout["line_items"]]
    sent = {"id": checkout["id"], "currency": checkout["currency"], "line_items": lines, **more}
    return await platform.call("update_checkout", sent, id_=checkout["id"])


async def test_discovery(platform: UcpAgent) -> None:
    path = "/.well-known/ucp" if platform.release == RELEASES[0] else f"/.well-known/ucp/{platform.release}"
    profile = (await platform.client.get(path)).json()["ucp"]
    assert profile["version"] == platform.release
    offered = {"dev.ucp.shopping." + name for name in ("checkout", "discount", "fulfillment", "cart")}
    assert offered <= set(profile["capabilities"])
    (rest,) = [one for one in profile["services"]["dev.ucp.shopping"] if one["transport"] == "rest"]
    assert (rest["version"], rest["endpoint"]) == (platform.release, platform.base)
    assert profile["payment_handlers"] == {}


async def test_create_get_update_and_cancel_checkout(platform: UcpAgent) -> None:
    checkout = await begun(platform)
    assert (await platform.call("get_checkout", id_=checkout["id"]))["id"] == checkout["id"]
    assert (await updated(platform, checkout, 3))["line_items"][0]["quantity"] == 3
    assert (await platform.call("cancel_checkout", id_=checkout["id"]))["status"] == "canceled"


async def test_a_canceled_checkout_is_not_canceled_updated_or_completed_again(platform: UcpAgent) -> None:
    checkout = await begun(platform)
    over = await platform.call("cancel_checkout", id_=checkout["id"])
    assert (await platform.call("cancel_checkout", id_=checkout["id"]))["status"] == "canceled"
    late = await updated(platform, checkout, 5)
    completed = await platform.call("complete_checkout", NO_INSTRUMENT, id_=checkout["id"])
    for answer in (late, completed):
        assert (answer["status"], answer["line_items"]) == ("canceled", over["line_items"])
    assert "error" in {kind for kind, _ in codes(late)}


async def test_escalation_flow(platform: UcpAgent) -> None:
    checkout = await begun(platform, buyer=ADA, fulfillment=shipping("auspost_parcel"))
    asked = await platform.call("complete_checkout", NO_INSTRUMENT, id_=checkout["id"])
    assert asked["status"] == "requires_escalation"
    assert asked["continue_url"]
    assert asked["messages"][0]["severity"] == "requires_buyer_input"


@pytest.mark.parametrize(
    ("name", "payload", "other"),
    [
        ("create_checkout", {"line_items": [JAR]}, {"line_items": [JAR], "currency": "EUR"}),
        ("update_checkout", {"line_items": [TEE]}, {"line_items": [JAR]}),
        ("complete_checkout", NO_INSTRUMENT, {**NO_INSTRUMENT, "signals": {"dev.ucp.user_agent": "another"}}),
        ("cancel_checkout", None, None),
    ],
)
async def test_idempotency_of_create_update_complete_and_cancel(
    platform: UcpAgent, name: str, payload: Any, other: Any
) -> None:
    id_ = "" if name == "create_checkout" else (await begun(platform))["id"]
    key = f"7d3b8c1e-4f59-4a70-b3a3-{name}-{platform.release}-{id_}"
    first = await platform.call(name, payload, id_=id_, key=key)
    assert await platform.call(name, payload, id_=id_, key=key) == first
    if other is not None:
        with pytest.raises(Refused) as refused:
            await platform.call(name, other, id_=id_, key=key)
        assert refused.value.status == 409


async def test_totals_are_the_shops_whatever_the_platform_says(platform: UcpAgent) -> None:
    line = {"item": {"id": "JAR-DILL", "title": "Wrong Title", "price": 1}, "quantity": 1}
    one = await begun(platform, line_items=[line], totals=[{"type": "total", "amount": 1}])
    price = one["line_items"][0]["item"]["price"]
    assert price > 1
    assert one["line_items"][0]["item"]["title"] != "Wrong Title"
    assert amounts(one["line_items"][0]) == amounts(one) == {"subtotal": price, "total": price}
    assert amounts(await updated(platform, one, 2))["total"] == 2 * price


async def test_one_code_takes_off_and_an_unknown_one_does_not(platform: UcpAgent) -> None:
    checkout = await begun(platform)
    plain = amounts(checkout)["total"]
    both = await updated(platform, checkout, discounts={"codes": ["SAVE10", "INVALID_CODE"]})
    assert [one["code"] for one in both["discounts"]["applied"]] == ["SAVE10"]
    assert amounts(both)["total"] == plain - both["discounts"]["applied"][0]["amount"] < plain
    assert amounts(both)["discount"] < 0
    unknown = await updated(platform, checkout, discounts={"codes": ["INVALID_CODE_123"]})
    assert "discount" not in amounts(unknown)


async def test_fulfillment_flow(platform: UcpAgent) -> None:
    checkout = await begun(platform)
    method = {
        "type": "shipping",
        "id": "method_1",
        "line_item_ids": [checkout["line_items"][0]["id"]],
        "destinations": [BRISBANE],
        "selected_destination_id": BRISBANE["id"],
    }
    quoted = await updated(platform, checkout, fulfillment={"methods": [method]})
    (group,) = quoted["fulfillment"]["methods"][0]["groups"]
    option = group["options"][0]
    chosen = {"id": group["id"], "line_item_ids": group["line_item_ids"], "selected_option_id": option["id"]}
    final = await updated(platform, quoted, fulfillment={"methods": [{**method, "groups": [chosen]}]})
    assert amounts(final)["total"] == amounts(checkout)["total"] + amounts(option)["total"]


async def test_dynamic_fulfillment(platform: UcpAgent) -> None:
    checkout = await begun(platform)
    offered = []
    for country, postcode in (("AU", "4000"), ("NZ", "1010")):
        there = {"id": f"dest_{country}", "address_country": country, "postal_code": postcode}
        methods = [{"type": "shipping", "destinations": [there], "selected_destination_id": there["id"]}]
        answer = await updated(platform, checkout, fulfillment={"methods": methods})
        offered.append({one["id"] for one in answer["fulfillment"]["methods"][0]["groups"][0]["options"]})
    assert offered[0] != offered[1]


async def test_unknown_customer_no_address(platform: UcpAgent) -> None:
    checkout = await begun(platform, buyer={"full_name": "Unknown Person", "email": "unknown@example.com"})
    answer = await updated(platform, checkout, fulfillment={"methods": [{"id": "method_1", "type": "shipping"}]})
    assert not answer["fulfillment"]["methods"][0].get("destinations")


@pytest.mark.parametrize(
    ("line", "accepted"),
    [
        ({"item": {"id": "NO-SUCH-THING"}, "quantity": 1}, {"not_found", "item_unavailable"}),
        ({"item": {"id": "TEE"}, "quantity": 1}, {"item_unavailable"}),
        ({"item": {"id": "TEE-BLACK-M"}, "quantity": 10001}, {"out_of_stock", "item_unavailable"}),
    ],
)
async def test_what_cannot_be_had_is_a_message_with_code_content_and_severity(
    platform: UcpAgent, line: Any, accepted: set[str]
) -> None:
    checkout = await begun(platform, line_items=[JAR, line])
    errors = [one for one in checkout["messages"] if one["type"] == "error"]
    assert all(one["code"] and one["content"] and one["severity"] for one in errors)
    assert {one["code"] for one in errors} & accepted
    assert checkout["ucp"]["status"] == "success"
    assert "order" not in checkout


async def test_an_update_beyond_the_stock_leaves_what_can_be_had(platform: UcpAgent) -> None:
    checkout = await begun(platform)
    answer = await updated(platform, checkout, 10001)
    assert ("error", "item_unavailable") in codes(answer)
    assert answer["line_items"][0]["quantity"] < 10001


async def test_conversion_uses_cart_contents_over_payload(platform: UcpAgent) -> None:
    cart = await platform.call("create_cart", {"line_items": [JAR], "discounts": {"codes": ["SAVE10"]}})
    first = await platform.call("create_checkout", {"cart_id": cart["id"], "line_items": [{**JAR, "quantity": 9}]})
    assert [(one["item"]["id"], one["quantity"]) for one in first["line_items"]] == [("JAR-DILL", 2)]
    assert first["discounts"]["codes"] == ["SAVE10"]
    again = await platform.call("create_checkout", {"cart_id": cart["id"]})
    assert again["id"] == first["id"]


async def test_cancel_returns_the_cart_state_before_deletion(platform: UcpAgent) -> None:
    cart = await platform.call("create_cart", {"line_items": [{**JAR, "quantity": 3}]})
    gone = await platform.call("cancel_cart", id_=cart["id"])
    assert (gone["id"], gone["line_items"]) == (cart["id"], cart["line_items"])
