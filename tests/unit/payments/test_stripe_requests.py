"""What we send to Stripe is what version 16.1 of its library types, and nothing else.

The fake reads every request as the library's own TypedDicts and refuses the rest, so each test of this folder, and of
every other that talks to it, is a test of this.
"""

import socket

import httpx
import pytest
import respx
from stripe.params import PaymentIntentCaptureParams, PaymentIntentRetrieveParams
from stripe.params.checkout import SessionCreateParams

from storefront_mcp.payments.stripe.provider import StripeProvider
from tests.fakes.stripe import FakeStripe
from tests.fakes.stripe.form import read_form
from tests.fakes.stripe.refusals import Refused
from tests.fakes.stripe.typed import hints, typed
from tests.unit.payments.providers import session_request


async def test_a_page_is_asked_for_as_the_design_says(stripe: StripeProvider, fake: FakeStripe) -> None:
    order = session_request(title="Brine & Barrel, order chk_1 für é, 100 % = & +")
    await stripe.open_session(order, key="chk_1:session:1")
    (request,) = await fake.requests()

    assert (request["method"], request["path"], request["key"]) == ("POST", "/v1/checkout/sessions", "chk_1:session:1")
    assert request["params"] == {
        "mode": "payment",
        "ui_mode": "hosted_page",
        "line_items": [
            {
                "quantity": "1",
                "price_data": {
                    "currency": "aud",
                    "unit_amount": "5500",
                    "product_data": {"name": "Brine & Barrel, order chk_1 für é, 100 % = & +"},
                },
            }
        ],
        "client_reference_id": "chk_1",
        "customer_email": "ada@example.com",
        "metadata": {"checkout_id": "chk_1"},
        "payment_intent_data": {"capture_method": "manual", "metadata": {"checkout_id": "chk_1"}},
        "allowed_payment_method_types": ["card"],
        "adaptive_pricing": {"enabled": "false"},
        "automatic_tax": {"enabled": "false"},
        "allow_promotion_codes": "false",
        "expires_at": str(order.expires_at),
        "success_url": order.return_url,
        "cancel_url": order.cancel_url,
    }


async def test_every_write_carries_our_key_and_every_request_one_version(
    stripe: StripeProvider, fake: FakeStripe
) -> None:
    opened = await stripe.open_session(session_request(), key="chk_1:session:1")
    await stripe.expire_session(opened.id, key="chk_1:expire:1")
    for number, step in ((2, stripe.capture), (3, stripe.release)):
        opened = await stripe.open_session(session_request(), key=f"chk_1:session:{number}")
        await fake.pay(opened.id)
        payment = (await stripe.session(opened.id)).payment
        assert payment is not None
        await step(payment, key=f"chk_1:end:{number}")
    requests = await fake.requests()

    assert [request["key"] for request in requests if request["method"] == "POST"] == [
        "chk_1:session:1", "chk_1:expire:1", "chk_1:session:2", "chk_1:end:2", "chk_1:session:3", "chk_1:end:3",
    ]  # fmt: skip
    assert {request["version"] for request in requests} == {"2026-10-28.endive"}
    assert {request["status"] for request in requests} == {200}


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ("payment_method_types[0]=card", "unknown parameter: payment_method_types"),
        ("line_items[0][price_data][unit_price]=3", "unknown parameter: line_items[0][price_data][unit_price]"),
        ("line_items[0][price_data][unit_amount]=3", "required param: line_items[0][price_data][currency]"),
        ("expires_at=soon", "Invalid int: expires_at"),
        ("expires_at=1.5", "Invalid int: expires_at"),
        ("allow_promotion_codes=False", "Invalid bool: allow_promotion_codes"),
        ("mode=pay", "Invalid"),
        ("ui_mode=hosted", "Invalid"),
        ("allowed_payment_method_types[0]=cards", "Invalid"),
        ("adaptive_pricing=false", "Invalid object: adaptive_pricing"),
        ("metadata[checkout_id][x]=1", "metadata"),
        ("customer_email=", "empty string for 'customer_email'"),
        ("idempotency_key=1", "unknown parameter: idempotency_key"),
    ],
)
def test_what_the_library_does_not_type_is_refused(form: str, says: str) -> None:
    with pytest.raises(Refused) as refused:
        typed(read_form(form), SessionCreateParams)

    assert says in str(refused.value)


def test_what_it_types_is_read_with_its_types() -> None:
    form = "expires_at=17&allow_promotion_codes=false&metadata[a]=1&expand[0]=payment_intent&line_items[0][quantity]=2"

    assert typed(read_form(form), SessionCreateParams) == {
        "expires_at": 17,
        "allow_promotion_codes": False,
        "metadata": {"a": "1"},
        "expand": ["payment_intent"],
        "line_items": [{"quantity": 2}],
    }
    assert typed(read_form("amount_to_capture=5&metadata="), PaymentIntentCaptureParams) == {
        "amount_to_capture": 5,
        "metadata": "",
    }
    assert "expand" in hints(PaymentIntentRetrieveParams)


async def test_without_the_key_nobody_gets_in(fake: FakeStripe) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(
            f"{fake.url}/v1/payment_intents/pi_1", headers={"authorization": "Bearer sk_test_other"}
        )

    assert answer.status_code == 401


async def test_without_another_address_it_is_stripe_that_is_called_without_telemetry() -> None:
    stripe = StripeProvider("sk_test_fake", secrets=[])
    shape = {"id": "pi_1", "object": "payment_intent", "status": "canceled", "amount": 5, "currency": "aud"}
    with respx.mock() as router:
        asked = router.get("https://api.stripe.com/v1/payment_intents/pi_1")
        asked.mock(return_value=httpx.Response(200, json=shape, headers={"request-id": "req_1"}))
        for _ in range(2):
            assert (await stripe.payment("pi_1")).state == "released"
    headers = asked.calls.last.request.headers
    await stripe.close()

    assert headers["authorization"] == "Bearer sk_test_fake"
    assert "x-stripe-client-telemetry" not in headers
    assert "telemetry_id" not in headers["x-stripe-client-user-agent"]
    assert socket.gethostname() not in str(headers)
