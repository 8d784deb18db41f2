"""Failures of Stripe: a step is down or refused, and its repetition acts once."""

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import respx
import stripe as library

from storefront_mcp.payments.provider import Payment, ProviderDown, ProviderRefused
from storefront_mcp.payments.stripe.provider import MAX_KEYS_PER_STEP, StripeProvider, StripeTimeouts
from tests.fakes.stripe import FakeStripe
from tests.fakes.stripe.faults import Fault
from tests.serving import free_port
from tests.unit.payments.providers import HURRIED, SECRET, session_request

ALL = sorted(Fault)
HURTING = [fault for fault in ALL if fault not in {Fault.SLOW, Fault.ACTED_SLOW}]
API = "https://api.stripe.test"


async def held(stripe: StripeProvider, fake: FakeStripe) -> str:
    """The id of a payment that is held."""
    opened = await stripe.open_session(session_request(), key="chk_1:session:1")
    await fake.pay(opened.id)
    payment = (await stripe.session(opened.id)).payment
    assert payment is not None
    return payment


async def patiently(step: Any) -> Any:
    """Take a step until the provider is no longer down."""
    for _ in range(5):
        try:
            return await step()
        except ProviderDown:
            continue
    raise AssertionError("the provider stays down")


async def ledger(fake: FakeStripe) -> list[str]:
    return [entry["what"] for entry in (await fake.books())["ledger"]]


@pytest.mark.parametrize("fault", HURTING)
async def test_a_capture_that_failed_in_any_way_takes_the_money_once(
    stripe: StripeProvider, fake: FakeStripe, fault: Fault
) -> None:
    payment = await held(stripe, fake)
    await fake.break_next(fault, path="/capture")
    with pytest.raises(ProviderDown):
        await stripe.capture(payment, key="chk_1:capture:1")

    captured: Payment = await patiently(lambda: stripe.capture(payment, key="chk_1:capture:1"))

    assert captured.state == "captured"
    assert await ledger(fake) == ["authorized", "captured"]


@pytest.mark.parametrize("fault", HURTING)
async def test_a_release_that_failed_in_any_way_lets_go_once(
    stripe: StripeProvider, fake: FakeStripe, fault: Fault
) -> None:
    payment = await held(stripe, fake)
    await fake.break_next(fault, path="/cancel")
    with pytest.raises(ProviderDown):
        await stripe.release(payment, key="chk_1:cancel:1")

    assert (await patiently(lambda: stripe.release(payment, key="chk_1:cancel:1"))).state == "released"
    assert await ledger(fake) == ["authorized", "released"]


@pytest.mark.parametrize("fault", HURTING)
async def test_a_page_that_failed_in_any_way_can_be_opened_and_closed(
    stripe: StripeProvider, fake: FakeStripe, fault: Fault
) -> None:
    order = session_request()
    await fake.break_next(fault, method="POST")
    with pytest.raises(ProviderDown):
        await stripe.open_session(order, key="chk_1:session:1")
    opened = await patiently(lambda: stripe.open_session(order, key="chk_1:session:1"))

    assert await stripe.open_session(order, key="chk_1:session:1") == opened

    await fake.break_next(fault, path="/expire")
    with pytest.raises(ProviderDown):
        await stripe.expire_session(opened.id, key="chk_1:expire:1")
    assert (await patiently(lambda: stripe.expire_session(opened.id, key="chk_1:expire:1"))).state == "expired"


@pytest.mark.parametrize("fault", HURTING)
async def test_a_read_that_failed_is_down_and_nothing_more(
    stripe: StripeProvider, fake: FakeStripe, fault: Fault
) -> None:
    payment = await held(stripe, fake)
    await fake.break_next(fault, method="GET")
    with pytest.raises(ProviderDown):
        await stripe.payment(payment)

    assert (await stripe.payment(payment)).state == "authorized"


async def test_keys_that_keep_failures_are_left_behind_one_by_one(stripe: StripeProvider, fake: FakeStripe) -> None:
    order = session_request()
    for _ in range(MAX_KEYS_PER_STEP - 1):
        await fake.break_next(Fault.ACTED_BROKEN, method="POST")
        with pytest.raises(ProviderDown):
            await stripe.open_session(order, key="chk_1:session:1")
    opened = await stripe.open_session(order, key="chk_1:session:1")
    keys = [request["key"] for request in await fake.requests()]

    assert keys[-MAX_KEYS_PER_STEP:] == [
        "chk_1:session:1",
        "chk_1:session:1~1",
        "chk_1:session:1~2",
        "chk_1:session:1~3",
    ]
    assert await stripe.open_session(order, key="chk_1:session:1") == opened


async def test_when_every_key_keeps_a_failure_the_provider_is_down(stripe: StripeProvider, fake: FakeStripe) -> None:
    order = session_request()
    await fake.break_next(Fault.BROKEN, times=MAX_KEYS_PER_STEP, method="POST")
    for _ in range(MAX_KEYS_PER_STEP + 2):
        with pytest.raises(ProviderDown, match="500"):
            await stripe.open_session(order, key="chk_1:session:1")

    assert (await fake.books())["sessions"] == []


async def test_a_refusal_that_a_key_keeps_does_not_outlive_its_reason(stripe: StripeProvider, fake: FakeStripe) -> None:
    opened = await stripe.open_session(session_request(), key="chk_1:session:1")
    await fake.decline(opened.id)
    payment = (await stripe.session(opened.id)).payment
    assert payment is not None
    for step in (stripe.capture, stripe.release):
        with pytest.raises(ProviderRefused, match="payment_intent_unexpected_state"):
            await step(payment, key=f"chk_1:{step.__name__}:1")
    await fake.pay(opened.id)

    assert (await stripe.capture(payment, key="chk_1:capture:1")).state == "captured"
    assert (await stripe.release(payment, key="chk_1:release:1")).state == "captured"


@pytest.mark.slow
async def test_a_key_in_use_is_down_and_the_first_wins(stripe: StripeProvider, fake: FakeStripe) -> None:
    order = session_request()
    await fake.break_next(Fault.SLOW, method="POST", seconds=0.5)
    first = asyncio.create_task(stripe.open_session(order, key="chk_1:session:1"))
    while not await fake.requests():  # noqa: ASYNC110 - the other side is a server, which raises no event here
        await asyncio.sleep(0)
    with pytest.raises(ProviderDown, match="409"):
        await stripe.open_session(order, key="chk_1:session:1")

    assert await stripe.open_session(order, key="chk_1:session:2") != await first


async def test_a_key_for_another_wish_is_refused(stripe: StripeProvider) -> None:
    await stripe.open_session(session_request(expires_at=int(time.time()) + 3600), key="chk_1:session:1")

    with pytest.raises(ProviderRefused, match="IdempotencyError"):
        await stripe.open_session(session_request(expires_at=int(time.time()) + 7200), key="chk_1:session:1")


@pytest.mark.slow
@pytest.mark.parametrize("fault", [Fault.SLOW, Fault.ACTED_SLOW])
async def test_a_slow_answer_ends_in_time_and_the_step_can_be_repeated(fake: FakeStripe, fault: Fault) -> None:
    patience = StripeTimeouts(connect=1, read=5, total=0.3, repeats=0)
    stripe = StripeProvider(fake.key, secrets=[SECRET], timeouts=patience, url=fake.url)
    order = session_request()
    await fake.break_next(fault, method="POST", seconds=0.6)
    with pytest.raises(ProviderDown, match=r"no answer in 0\.3 s"):
        await stripe.open_session(order, key="chk_1:session:1")

    assert (await patiently_slow(lambda: stripe.open_session(order, key="chk_1:session:1"))).state == "open"
    assert len((await fake.books())["sessions"]) == 1
    await stripe.close()


async def patiently_slow(step: Any) -> Any:
    """Take a step until the one before it, still under way at the other end, is over."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            return await step()
        except ProviderDown:
            await asyncio.sleep(0.02)
    raise AssertionError("the provider stays down")


@pytest.mark.slow
async def test_the_library_repeats_what_was_lost_under_the_same_key(fake: FakeStripe) -> None:
    stripe = StripeProvider(fake.key, secrets=[SECRET], timeouts=StripeTimeouts(repeats=1), url=fake.url)
    await fake.break_next(Fault.ACTED_LOST, method="POST")
    opened = await stripe.open_session(session_request(), key="chk_1:session:1")
    requests = await fake.requests()

    assert [(request["key"], request["replayed"]) for request in requests] == [
        ("chk_1:session:1", False),
        ("chk_1:session:1", True),
    ]
    assert [session["id"] for session in (await fake.books())["sessions"]] == [opened.id]
    await stripe.close()


async def test_nobody_at_home_is_down() -> None:
    stripe = StripeProvider("sk_test_fake", secrets=[], timeouts=HURRIED, url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ProviderDown, match="ConnectError"):
        await stripe.payment("pi_1")
    await stripe.close()


@pytest.mark.parametrize(
    ("changes", "named", "cause"),
    [
        ({"email": "ada@nowhere"}, "customer_email", "email"),
        ({"expires_at": int(time.time()) + 60}, "expires_at", "expiry"),
        ({"expires_at": int(time.time()) + 100_000}, "expires_at", "expiry"),
        ({"return_url": "javascript:alert(1)"}, "success_url", "configuration"),
    ],
)
async def test_a_wish_that_stripe_does_not_take_is_refused_by_the_name_of_the_field(
    stripe: StripeProvider, changes: dict[str, Any], named: str, cause: str
) -> None:
    with pytest.raises(ProviderRefused, match=f"400.*param {named}") as refused:
        await stripe.open_session(session_request(**changes), key="chk_1:session:1")
    assert refused.value.cause == cause


async def test_neither_keys_nor_addresses_are_said_or_logged(
    fake: FakeStripe, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stranger = StripeProvider("sk_test_SECRETSECRET", secrets=[SECRET], timeouts=HURRIED, url=fake.url)
    stripe = StripeProvider(fake.key, secrets=[SECRET], timeouts=HURRIED, url=fake.url)
    # A traceback shows lines of source, so this one must not have the address in it.
    order = session_request(email="ada@nowhere")
    for provider, said in ((stranger, ProviderDown), (stripe, ProviderRefused)):
        with pytest.raises(said) as refused:
            await provider.open_session(order, key="chk_1:session:1")
        logging.getLogger("storefront").error("refused", exc_info=refused.value)
        assert refused.value.__cause__ is None
        assert refused.value.__suppress_context__
        await provider.close()

    assert "ProviderRefused" in caplog.text
    assert "ProviderDown" in caplog.text
    for secret in ("ada@nowhere", "CRET", "sk_test"):
        assert secret not in caplog.text


def test_the_library_tells_nothing_of_its_own_and_leaves_no_file() -> None:
    StripeProvider("sk_test_fake", secrets=[])

    assert library.enable_telemetry is False


@pytest.mark.slow
def test_shops_without_stripe_do_not_load_its_library() -> None:
    code = "import sys, storefront_mcp.app, storefront_mcp.payments.provider; sys.exit('stripe' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


# What a fake would not say --------------------------------------------------------------------------------------------


@pytest.fixture
def script() -> Iterator[respx.Router]:
    """Answers of our own making."""
    with respx.mock(base_url=API) as router:
        yield router


@pytest.fixture
async def scripted(script: respx.Router) -> AsyncIterator[StripeProvider]:
    provider = StripeProvider("sk_test_fake", secrets=[], timeouts=HURRIED, url=API)
    yield provider
    await provider.close()


def refusal(**error: Any) -> dict[str, Any]:
    return {"error": {"type": "invalid_request_error", "message": "ada@example.com said no", **error}}


@pytest.mark.parametrize(
    ("status", "body", "raised"),
    [
        (400, refusal(), ProviderRefused),
        (401, refusal(), ProviderDown),
        (402, refusal(type="card_error", code="card_declined"), ProviderRefused),
        (403, refusal(), ProviderDown),
        (404, refusal(), ProviderRefused),
        (400, refusal(code="rate_limit"), ProviderDown),
        (409, refusal(code="idempotency_key_in_use"), ProviderDown),
        (424, refusal(), ProviderDown),
        (429, refusal(code="lock_timeout"), ProviderDown),
        (500, refusal(), ProviderDown),
        (503, refusal(), ProviderDown),
        (302, {}, ProviderDown),
        (502, "<html>Bad gateway</html>", ProviderDown),
        (404, "<html>Not here</html>", ProviderDown),
        (200, "<html>Welcome</html>", ProviderDown),
        (200, "", ProviderDown),
        (200, [], ProviderDown),
        (200, [{"id": "pi_1"}], ProviderDown),
        (200, {}, ProviderDown),
        (200, 3, ProviderDown),
        (200, None, ProviderDown),
        (200, "ada@example.com", ProviderDown),
        (200, {"id": "pi_1", "object": "payment_intent", "status": "succeeded"}, ProviderDown),
        (200, {"id": "pi_1", "status": "succeeded", "amount": "5", "currency": "aud"}, ProviderDown),
        (200, {"id": "pi_1", "status": 5, "amount": 5, "currency": "aud"}, ProviderDown),
        (200, {"id": "pi_1", "status": "canceled", "amount": 550, "currency": "isk"}, ProviderDown),
    ],
)
async def test_every_answer_is_down_or_refused_without_a_word_of_it(
    scripted: StripeProvider, script: respx.Router, status: int, body: Any, raised: type[Exception]
) -> None:
    content = {"text": body} if isinstance(body, str) else {"json": body}
    script.get("/v1/payment_intents/pi_1").mock(return_value=httpx.Response(status, **content))
    with pytest.raises(raised) as failed:
        await scripted.payment("pi_1")

    assert "ada@" not in str(failed.value)
    assert str(failed.value)


async def test_bytes_that_are_no_text_are_down(scripted: StripeProvider, script: respx.Router) -> None:
    script.get("/v1/payment_intents/pi_1").mock(return_value=httpx.Response(200, content=b"\xff\xfe{"))

    with pytest.raises(ProviderDown):
        await scripted.payment("pi_1")


async def test_a_session_whose_payment_was_not_unfolded_still_names_it(
    scripted: StripeProvider, script: respx.Router
) -> None:
    shape = {
        "id": "cs_1",
        "object": "checkout.session",
        "status": "open",
        "url": "https://x.test",
        "payment_intent": "pi_1",
    }
    script.get("/v1/checkout/sessions/cs_1").mock(return_value=httpx.Response(200, json=shape))
    session = await scripted.session("cs_1")

    assert (session.payment, session.declined) == ("pi_1", False)


async def test_a_page_that_stays_open_was_not_closed(scripted: StripeProvider, script: respx.Router) -> None:
    script.post("/v1/checkout/sessions/cs_1/expire").mock(return_value=httpx.Response(400, json=refusal(code="odd")))
    shape = {"id": "cs_1", "object": "checkout.session", "status": "open", "url": "https://x.test"}
    script.get("/v1/checkout/sessions/cs_1").mock(return_value=httpx.Response(200, json=shape))

    with pytest.raises(ProviderRefused, match="odd"):
        await scripted.expire_session("cs_1", key="chk_1:expire:1")


@pytest.mark.parametrize(
    ("charge", "before"),
    [
        (None, None),
        ("ch_1", None),
        ({"id": "ch_1", "payment_method_details": None}, None),
        ({"id": "ch_1", "payment_method_details": {"card": None}}, None),
        ({"id": "ch_1", "payment_method_details": {"card": {}}}, None),
        ({"id": "ch_1", "payment_method_details": {"card": {"capture_before": 1_800_000_000}}}, 1_800_000_000),
    ],
)
async def test_the_end_of_a_hold_is_known_or_not(
    scripted: StripeProvider, script: respx.Router, charge: Any, before: int | None
) -> None:
    shape = {"id": "pi_1", "object": "payment_intent", "status": "requires_capture", "amount": 5, "currency": "aud"}
    answer = httpx.Response(200, json=shape | {"latest_charge": charge, "amount_capturable": 5})
    script.get("/v1/payment_intents/pi_1").mock(return_value=answer)

    assert (await scripted.payment("pi_1")).capture_before == before
