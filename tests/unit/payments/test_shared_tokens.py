"""Stripe's shared payment tokens: read before anything is asked for, and sent once, under one key."""

import time
from collections.abc import AsyncIterator

import pytest

from storefront_mcp.access.credentials import Secret
from storefront_mcp.commerce.money import Money
from storefront_mcp.payments.provider import ProviderDown, ProviderRefused
from storefront_mcp.payments.stripe.key_probe import PREVIEW_VERSION
from storefront_mcp.payments.stripe.shared_tokens import SharedTokenProvider
from storefront_mcp.payments.tokens import TokenRefusal, TokenRefused
from tests.fakes.stripe import FakeStripe
from tests.fakes.stripe.faults import Fault
from tests.fakes.stripe.tokens import Granted
from tests.unit.payments.providers import HURRIED, PRICE, SECRET

TOKEN = Secret("spt_1")


@pytest.fixture
async def stripe(fake: FakeStripe) -> AsyncIterator[SharedTokenProvider]:
    provider = SharedTokenProvider(
        fake.key, profile="profile_test_pickle", secrets=[SECRET], timeouts=HURRIED, url=fake.url
    )
    yield provider
    await provider.close()


LOOKS_BAD: list[tuple[dict[str, object], TokenRefusal]] = [
    ({"currency": "usd"}, "currency"),
    ({"max_amount": 5499}, "too_small"),
    ({"expires_in": -1.0}, "expired"),
    ({"deactivated": "revoked"}, "revoked"),
    ({"deactivated": "consumed"}, "revoked"),
    ({"deactivated": "resolved"}, "revoked"),
    ({"deactivated": "expired"}, "expired"),
    ({"seller": "profile_test_other"}, "unknown"),
]


@pytest.mark.parametrize(("token", "cause"), LOOKS_BAD)
async def test_a_token_that_does_not_pay_the_total_is_refused_before_anything_is_asked_for(
    stripe: SharedTokenProvider, fake: FakeStripe, token: dict[str, object], cause: TokenRefusal
) -> None:
    await fake.grant(Granted(id="spt_1", **token))  # type: ignore[arg-type]
    with pytest.raises(TokenRefused) as refused:
        await stripe.check_token(TOKEN, PRICE, now=time.time())
    assert refused.value.cause == cause
    assert [(one["method"], one["version"]) for one in await fake.requests()] == [("GET", PREVIEW_VERSION)]


@pytest.mark.parametrize("text", ["", "spt_", "pm_1", "spt_1/../x", "spt_1?a", "spt_é", "spt_" + "1" * 300, "spt_1\n"])
async def test_what_is_no_token_is_never_sent(stripe: SharedTokenProvider, fake: FakeStripe, text: str) -> None:
    with pytest.raises(TokenRefused):
        await stripe.check_token(Secret(text), PRICE, now=time.time())
    assert await fake.requests() == []


async def test_a_token_of_the_exact_total_pays(stripe: SharedTokenProvider, fake: FakeStripe) -> None:
    await fake.grant(Granted(id="spt_1", max_amount=5500))
    await stripe.check_token(TOKEN, PRICE, now=time.time())
    prepared = await stripe.prepare_payment("chk_1", PRICE, key="chk_1:token:1")
    assert prepared.state == "waiting"
    held = await stripe.confirm_payment(prepared.id, TOKEN, key="chk_1:confirm:1")
    assert (held.id, held.state, held.amount) == (prepared.id, "authorized", PRICE)
    assert (await stripe.capture(held.id, key="chk_1:capture:1")).state == "captured"
    assert [one["what"] for one in (await fake.books())["ledger"]] == ["authorized", "captured"]


SOURS: list[tuple[str, TokenRefusal]] = [
    ("spt_expired", "expired"),
    ("spt_max_amount_exceeded", "too_small"),
    ("spt_revoked", "revoked"),
    ("spt_seller_mismatch", "seller"),
    ("resource_missing", "declined"),
]


@pytest.mark.parametrize(("code", "cause"), SOURS)
async def test_a_token_that_went_bad_meanwhile_is_refused_in_the_same_words(
    stripe: SharedTokenProvider, fake: FakeStripe, code: str, cause: TokenRefusal
) -> None:
    await fake.grant(Granted(id="spt_1", sours=code))
    await stripe.check_token(TOKEN, PRICE, now=time.time())
    prepared = await stripe.prepare_payment("chk_1", PRICE, key="t")
    with pytest.raises(TokenRefused) as refused:
        await stripe.confirm_payment(prepared.id, TOKEN, key="c")
    assert refused.value.cause == cause
    assert (await stripe.release(prepared.id, key="x")).state == "released"
    assert (await fake.books())["ledger"] == []


async def test_a_declined_card_is_asked_once(stripe: SharedTokenProvider, fake: FakeStripe) -> None:
    await fake.grant(Granted(id="spt_1", card="declined"))
    prepared = await stripe.prepare_payment("chk_1", PRICE, key="t")
    for _ in range(2):
        with pytest.raises(TokenRefused) as refused:
            await stripe.confirm_payment(prepared.id, TOKEN, key="c")
        assert refused.value.cause == "declined"
    confirms = [one for one in await fake.requests() if one["path"].endswith("/confirm")]
    assert [(one["key"], one["replayed"]) for one in confirms] == [("c", False), ("c", True)]


async def test_a_card_that_needs_its_owner_holds_nothing(stripe: SharedTokenProvider, fake: FakeStripe) -> None:
    await fake.grant(Granted(id="spt_1", card="challenged"))
    prepared = await stripe.prepare_payment("chk_1", PRICE, key="t")
    assert (await stripe.confirm_payment(prepared.id, TOKEN, key="c")).state == "waiting"
    assert (await stripe.release(prepared.id, key="x")).state == "released"


@pytest.mark.parametrize("fault", [Fault.ACTED_LOST, Fault.ACTED_BROKEN, Fault.GARBAGE])
async def test_an_answer_that_was_lost_is_unclear_and_the_payment_tells(
    stripe: SharedTokenProvider, fake: FakeStripe, fault: Fault
) -> None:
    await fake.grant(Granted(id="spt_1"))
    prepared = await stripe.prepare_payment("chk_1", PRICE, key="t")
    await fake.break_next(fault, path="/confirm")
    with pytest.raises(ProviderDown):
        await stripe.confirm_payment(prepared.id, TOKEN, key="c")
    assert (await stripe.payment(prepared.id)).state == "authorized"
    assert [one["what"] for one in (await fake.books())["ledger"]] == ["authorized"]


async def test_a_payment_that_was_canceled_cannot_be_confirmed_any_more(
    stripe: SharedTokenProvider, fake: FakeStripe
) -> None:
    await fake.grant(Granted(id="spt_1"))
    prepared = await stripe.prepare_payment("chk_1", PRICE, key="t")
    await stripe.release(prepared.id, key="x")
    with pytest.raises(TokenRefused):
        await stripe.confirm_payment(prepared.id, TOKEN, key="c")
    assert (await fake.books())["ledger"] == []


async def test_no_error_shows_the_token(stripe: SharedTokenProvider, fake: FakeStripe) -> None:
    token = Secret("spt_verysecret")
    errors: list[BaseException] = []
    for fault in (Fault.DOWN, Fault.LOST, None):
        if fault:
            await fake.break_next(fault)
        with pytest.raises((TokenRefused, ProviderDown)) as caught:
            await stripe.check_token(token, PRICE, now=time.time())
        errors.append(caught.value)
    assert "verysecret" not in " ".join(f"{error!r} {error} {error.__cause__!r}" for error in errors)


async def test_a_total_that_stripe_cannot_express_is_refused(stripe: SharedTokenProvider) -> None:
    with pytest.raises(ProviderRefused):
        await stripe.prepare_payment("chk_1", Money(0, "AUD"), key="t")
