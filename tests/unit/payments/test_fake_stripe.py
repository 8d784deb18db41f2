"""The fake Stripe is as strict as Stripe: idempotency keys, bounds, the page, webhooks, and its ledger."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from storefront_mcp.commerce.money import Money
from storefront_mcp.demo.models import PaymentRefused
from storefront_mcp.payments.stripe.events import read_event
from storefront_mcp.payments.stripe.provider import StripeProvider
from tests.fakes.stripe import FakeStripe, running
from tests.fakes.stripe.faults import Chances, Fault, Faults
from tests.fakes.stripe.ledger import HOLD
from tests.fakes.stripe.module import StripeModule
from tests.fakes.stripe.posting import Post
from tests.serving import served
from tests.unit.payments.providers import HURRIED, session_request

pytestmark = pytest.mark.slow

SECRET = "whsec_post"


class Letterbox:
    """Where webhooks arrive; every body is verified."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.ids: list[str] = []
        self.status = 200

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for stage in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{stage}.complete"})
            return
        body = (await receive())["body"]
        event = read_event(body, dict(scope["headers"])[b"stripe-signature"].decode(), secrets=[SECRET])
        self.kinds.append(event.kind)
        self.ids.append(event.id)
        await send({"type": "http.response.start", "status": self.status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def box() -> Letterbox:
    return Letterbox()


@pytest.fixture
def address(box: Letterbox) -> Iterator[str]:
    with served(box) as url:
        yield f"{url}/webhooks/stripe"


@pytest.fixture
async def http(fake: FakeStripe) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the account without the library."""
    headers = {"authorization": f"Bearer {fake.key}"}
    async with httpx.AsyncClient(base_url=fake.url, headers=headers, trust_env=False) as http:
        yield http


PAID = ["payment_intent.created", "payment_intent.amount_capturable_updated", "checkout.session.completed"]


async def test_every_event_arrives_once_and_signed(
    stripe: StripeProvider, fake: FakeStripe, box: Letterbox, address: str
) -> None:
    await fake.post(Post(url=address, secret=SECRET))
    opened = await stripe.open_session(session_request(), key="k1")
    await fake.pay(opened.id)
    await stripe.expire_session((await stripe.open_session(session_request(), key="k2")).id, key="e2")
    await fake.settled()

    assert sorted(box.kinds) == sorted([*PAID, "checkout.session.expired"])
    assert len(set(box.ids)) == 4
    await fake.again(box.ids[0])
    await fake.settled()
    assert box.ids.count(box.ids[0]) == 2


async def test_events_are_lost_doubled_and_shuffled_as_the_seed_says(
    stripe: StripeProvider, fake: FakeStripe, box: Letterbox, address: str
) -> None:
    await fake.post(
        Post(url=address, secret=SECRET, drop=0.3, duplicate=0.3, delay=0.5, reorder=0.5, seconds=0.05, seed=4)
    )
    for number in range(8):
        opened = await stripe.open_session(session_request(), key=f"k{number}")
        await fake.pay(opened.id)
    sent = await fake.settled()
    happened = [event["id"] for event in await fake.events()]

    assert len(happened) == 24
    assert 0 < len({entry["event"] for entry in sent if entry["status"] == "dropped"}) < 24
    assert set(box.ids) == {entry["event"] for entry in sent if entry["status"] == 200}
    assert len(box.ids) > len(set(box.ids))
    assert box.ids != sorted(box.ids)


async def test_an_event_that_is_not_taken_is_sent_again(
    stripe: StripeProvider, fake: FakeStripe, box: Letterbox, address: str
) -> None:
    box.status = 500
    await fake.post(Post(url=address, secret=SECRET, tries=2))
    await fake.decline((await stripe.open_session(session_request(), key="k1")).id)
    await fake.settled()

    assert sorted(box.kinds) == ["payment_intent.created"] * 2 + ["payment_intent.payment_failed"] * 2


async def test_the_page_can_be_used_by_hand(stripe: StripeProvider, fake: FakeStripe, http: httpx.AsyncClient) -> None:
    opened = await stripe.open_session(session_request(title="<Brine> & Barrel"), key="k1")
    assert opened.url is not None
    shown = (await http.get(opened.url)).text
    assert "&lt;Brine&gt; &amp; Barrel" in shown
    assert "5500 AUD" in shown
    assert shown.count("<button") == 4

    declined = await http.post(opened.url, data={"act": "decline"})
    assert (declined.status_code, declined.headers["location"]) == (303, opened.url)
    assert "declined" in (await http.get(opened.url)).text
    back = await http.post(opened.url, data={"act": "back"})
    assert back.headers["location"] == "https://shop.example/pay/tok"
    await http.post(opened.url, data={"act": "challenge"})
    assert "Complete authentication" in (await http.get(opened.url)).text
    paid = await http.post(opened.url, data={"act": "pay"})
    assert (paid.status_code, paid.headers["location"]) == (303, "https://shop.example/pay/tok?done=1")

    assert "complete" in (await http.get(opened.url)).text
    assert (await http.post(opened.url, data={"act": "pay"})).status_code == 400
    assert (await http.get("/c/pay/cs_none")).status_code == 404


async def test_a_key_is_good_for_a_day_and_for_one_request(http: httpx.AsyncClient, fake: FakeStripe) -> None:
    async with asyncio.timeout(60):
        stripe = StripeProvider(fake.key, secrets=[], timeouts=HURRIED, url=fake.url)
        opened = await stripe.open_session(session_request(), key="k1")
        path, key = f"/v1/checkout/sessions/{opened.id}/expire", {"idempotency-key": "k1"}
        other = await http.post(path, headers=key)
        assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")
        assert "idempotent-replayed" not in other.headers
        await fake.forward(25 * 3600)
        late = await http.post(path, headers=key)
        assert "can be expired" in late.json()["error"]["message"]
        assert (await http.post(path, headers=key)).headers["idempotent-replayed"] == "true"
        long = await http.post(path, headers={"idempotency-key": "k" * 256})
        assert long.status_code == 400
        await stripe.close()


async def test_a_request_that_is_refused_for_its_form_does_not_use_up_the_key(http: httpx.AsyncClient) -> None:
    for _ in range(2):
        answer = await http.post("/v1/checkout/sessions", data={"color": "red"}, headers={"idempotency-key": "k1"})
        assert answer.json()["error"]["code"] == "parameter_unknown"
        assert "idempotent-replayed" not in answer.headers
    for form in ("a=1&a=2", "a=1&a[b]=2"):
        answer = await http.post("/v1/checkout/sessions", content=form)
        assert answer.status_code == 400
    assert (await http.get("/v1/charges")).status_code == 404
    assert (await http.get("/elsewhere")).status_code == 404


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"mode": "subscription"}, "hosted pages"),
        ({"payment_intent_data[capture_method]": "automatic"}, "manual capture"),
        ({"success_url": "shop"}, "Not a valid URL"),
        ({"client_reference_id": "x" * 201}, "Invalid string"),
        ({"line_items[1][price]": "price_1"}, "prices in one currency"),
        ({"line_items[0][price_data][currency]": "AUD"}, "Invalid currency"),
        ({"line_items[0][price_data][unit_amount]": "0"}, "greater than 0"),
        (
            {"line_items[0][price_data][currency]": "kwd", "line_items[0][price_data][unit_amount]": "5"},
            "divisible by 10",
        ),
    ],
)
async def test_a_page_that_stripe_would_not_open_is_refused(
    http: httpx.AsyncClient, changes: dict[str, str], says: str
) -> None:
    form = {
        "mode": "payment",
        "ui_mode": "hosted_page",
        "payment_intent_data[capture_method]": "manual",
        "success_url": "https://shop.example/",
        "cancel_url": "https://shop.example/",
        "line_items[0][price_data][currency]": "aud",
        "line_items[0][price_data][unit_amount]": "50",
        "line_items[0][price_data][product_data][name]": "x",
    }
    assert (await http.post("/v1/checkout/sessions", data=form)).status_code == 200
    refused = await http.post("/v1/checkout/sessions", data=form | changes)

    assert refused.status_code == 400
    assert says in refused.json()["error"]["message"]


async def test_held_money_goes_back_when_the_bank_says_so(stripe: StripeProvider, fake: FakeStripe) -> None:
    payments = []
    for number in range(2):
        opened = await stripe.open_session(session_request(), key=f"k{number}")
        await fake.pay(opened.id)
        payments.append(str((await stripe.session(opened.id)).payment))
    await fake.lapse(payments[0])
    assert [(await stripe.payment(payment)).state for payment in payments] == ["released", "authorized"]
    await fake.forward(HOLD + 1)

    assert [(await stripe.payment(payment)).state for payment in payments] == ["released", "released"]
    assert [entry["what"] for entry in (await fake.books())["ledger"]] == ["authorized", "authorized"] + [
        "released"
    ] * 2
    assert {payment["cancellation_reason"] for payment in (await fake.books())["payments"]} == {"expired"}


async def test_a_part_that_is_not_captured_is_let_go(
    stripe: StripeProvider, fake: FakeStripe, http: httpx.AsyncClient
) -> None:
    opened = await stripe.open_session(session_request(), key="k1")
    await fake.pay(opened.id)
    path = f"/v1/payment_intents/{(await stripe.session(opened.id)).payment}/capture"
    assert (await http.post(path, data={"amount_to_capture": "5501"})).status_code == 400
    assert (await http.post(path, data={"amount_to_capture": "5000"})).json()["amount_received"] == 5000

    assert [(entry["what"], entry["amount"]) for entry in (await fake.books())["ledger"]] == [
        ("authorized", 5500), ("captured", 5000), ("released", 500),
    ]  # fmt: skip


async def test_one_seed_breaks_the_same_requests_every_time(fake: FakeStripe, http: httpx.AsyncClient) -> None:
    def drawn(seed: int) -> list[Fault | None]:
        faults = Faults()
        faults.chances = Chances(rates={Fault.LOST: 0.2, Fault.BROKEN: 0.2}, seed=seed)
        return [faults.draw("POST", "/v1/x", f"k{number % 10}")[0] for number in range(50)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert {None, Fault.LOST, Fault.BROKEN} == set(drawn(1))
    await fake.break_by_chance({Fault.DOWN: 1.0}, seed=1)
    assert (await http.get("/v1/payment_intents/pi_1")).status_code == 503
    await fake.mend()
    assert (await http.get("/v1/payment_intents/pi_1")).status_code == 404


async def test_a_control_route_that_is_not_there_says_so(fake: FakeStripe) -> None:
    async with httpx.AsyncClient(base_url=f"{fake.url}/_test/", trust_env=False) as http:
        assert (await http.get("nothing")).status_code == 404
        assert (await http.put("post", content=b"{")).status_code == 400
        assert (await http.post("events/evt_none/again")).status_code == 404
        assert (await http.post("sessions/cs_none/pay")).status_code == 404


async def test_sessions_may_be_short_when_a_run_wants_them_short() -> None:
    async with running(shortest=1) as fake:
        stripe = StripeProvider(fake.key, secrets=[], timeouts=HURRIED, url=fake.url)
        opened = await stripe.open_session(session_request(expires_at=int(time.time()) + 5), key="k1")
        assert opened.state == "open"
        await stripe.close()


@pytest.fixture
def process() -> Iterator[str]:
    """The address of a fake in a process of its own."""
    command = [sys.executable, "-m", "tests.fakes.stripe", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.mark.slow
async def test_it_runs_as_a_process_of_its_own(process: str) -> None:
    fake = FakeStripe(process)
    stripe = StripeProvider(fake.key, secrets=[], url=fake.url)
    opened = await stripe.open_session(session_request(), key="k1")
    await fake.pay(opened.id)
    assert [entry["checkout"] for entry in (await fake.books())["ledger"]] == ["chk_1"]
    await stripe.close()
    await fake.close()


# The shop's payment module --------------------------------------------------------------------------------------------


async def authorized(stripe: StripeProvider, fake: FakeStripe, amount: Money) -> dict[str, str]:
    """What place-order is given."""
    opened = await stripe.open_session(session_request(amount=amount), key="k1")
    await fake.pay(opened.id)
    return {"stripe_payment_intent_id": str((await stripe.session(opened.id)).payment)}


@pytest.mark.parametrize(
    "amount", [Money(5500, "AUD"), Money(5500, "JPY"), Money(5500, "ISK"), Money(5500, "KWD")], ids=str
)
async def test_the_module_takes_the_orders_amount(stripe: StripeProvider, fake: FakeStripe, amount: Money) -> None:
    data = await authorized(stripe, fake, amount)
    module = StripeModule(fake.url, fake.key)
    for _ in range(2):
        await module.take(amount=amount.minor, currency=amount.currency, data=data)

    assert [entry["what"] for entry in (await fake.books())["ledger"]] == ["authorized", "captured"]
    assert (await stripe.payment(data["stripe_payment_intent_id"])).amount == amount


@pytest.mark.parametrize("other", [Money(5501, "AUD"), Money(5500, "NZD")], ids=str)
async def test_the_module_lets_go_of_any_other_amount(stripe: StripeProvider, fake: FakeStripe, other: Money) -> None:
    data = await authorized(stripe, fake, Money(5500, "AUD"))
    module = StripeModule(fake.url, fake.key)
    for _ in range(2):
        with pytest.raises(PaymentRefused, match="not the order's"):
            await module.take(amount=other.minor, currency=other.currency, data=data)

    assert [entry["what"] for entry in (await fake.books())["ledger"]] == ["authorized", "released"]
    with pytest.raises(PaymentRefused, match="canceled"):
        await module.take(amount=5500, currency="AUD", data=data)


async def test_the_module_takes_nothing_that_is_not_held(stripe: StripeProvider, fake: FakeStripe) -> None:
    module = StripeModule(fake.url, fake.key)
    opened = await stripe.open_session(session_request(), key="k1")
    await fake.decline(opened.id)
    waiting = {"stripe_payment_intent_id": str((await stripe.session(opened.id)).payment)}
    for data in ({}, {"stripe_payment_intent_id": "../x"}, {"stripe_payment_intent_id": "pi_none"}, waiting):
        with pytest.raises(PaymentRefused):
            await module.take(amount=5500, currency="AUD", data=data)


async def test_what_the_module_does_not_know_is_no_refusal(stripe: StripeProvider, fake: FakeStripe) -> None:
    data = await authorized(stripe, fake, Money(5500, "AUD"))
    module = StripeModule(fake.url, fake.key)
    for fault in (Fault.DOWN, Fault.ACTED_LOST):
        await fake.break_next(fault, path="/v1/payment_intents")
        with pytest.raises(httpx.HTTPError):
            await module.take(amount=5500, currency="AUD", data=data)
