"""Amounts to and from Stripe: exact, or refused in a sentence."""

import pytest
from hypothesis import given, strategies as st

from storefront_mcp.commerce.money import EXPONENTS, Money
from storefront_mcp.payments.provider import ProviderRefused
from storefront_mcp.payments.stripe.amounts import NotPayable, from_stripe, to_stripe
from storefront_mcp.payments.stripe.objects import PaymentIntent
from storefront_mcp.payments.stripe.provider import StripeProvider
from tests.fakes.stripe import FakeStripe
from tests.unit.payments.providers import session_request

CURRENCIES = sorted({*EXPONENTS, "AUD", "EUR", "USD", "MGA", "HUF", "TWD"})
AMOUNTS = st.builds(Money, st.integers(-10, 10**12), st.sampled_from(CURRENCIES))


@given(AMOUNTS)
def test_what_can_be_sent_comes_back_the_same(amount: Money) -> None:
    try:
        number, currency = to_stripe(amount)
    except NotPayable:
        assert amount.minor <= 0 or amount.minor % 100
        return

    assert currency == amount.currency.lower()
    assert from_stripe(number, currency) == amount


@given(st.integers(0, 10**12), st.sampled_from(CURRENCIES))
def test_what_stripe_says_is_one_amount_or_none(number: int, currency: str) -> None:
    try:
        amount = from_stripe(number, currency.lower())
    except NotPayable:
        assert number % 100
        return

    assert amount.currency == currency
    if number and not (amount.minor % 10 and EXPONENTS.get(currency) == 3):
        assert to_stripe(amount) == (number, currency.lower())


@pytest.mark.parametrize(
    ("amount", "number"),
    [
        (Money(5, "JPY"), 5),
        (Money(5, "AUD"), 5),
        (Money(5, "HUF"), 5),
        (Money(5120, "KWD"), 5120),
        (Money(5, "ISK"), 500),
        (Money(5, "UGX"), 500),
        (Money(500, "MGA"), 5),
    ],
)
def test_the_amounts_are_those_of_stripes_own_page(amount: Money, number: int) -> None:
    assert to_stripe(amount) == (number, amount.currency.lower())
    assert from_stripe(number, amount.currency.lower()) == amount


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        (Money(0, "AUD"), "AUD 0.00 cannot be paid, there is nothing to pay"),
        (Money(-5, "AUD"), "AUD -0.05 cannot be paid, there is nothing to pay"),
        (
            Money(5124, "KWD"),
            "KWD 5.124 cannot be paid by card, whose networks want the last of three decimals to be 0",
        ),
        (Money(520, "MGA"), "MGA 5.20 is a fraction of what Stripe counts"),
    ],
)
async def test_what_cannot_be_paid_is_refused_before_stripe_hears_of_it(
    stripe: StripeProvider, fake: FakeStripe, amount: Money, sentence: str
) -> None:
    with pytest.raises(ProviderRefused) as refused:
        await stripe.open_session(session_request(amount=amount), key="chk_1:session:1")

    assert str(refused.value) == sentence
    assert await fake.requests() == []


@pytest.mark.parametrize("amount", [Money(7, "ISK"), Money(7, "UGX"), Money(700, "MGA"), Money(70, "BHD")], ids=str)
async def test_odd_currencies_come_back_from_stripe_as_they_were_sent(
    stripe: StripeProvider, fake: FakeStripe, amount: Money
) -> None:
    opened = await stripe.open_session(session_request(amount=amount), key="chk_1:session:1")
    await fake.pay(opened.id)
    payment = (await stripe.session(opened.id)).payment
    assert payment is not None

    assert (await stripe.payment(payment)).amount == amount
    assert (await stripe.capture(payment, key="chk_1:capture:1")).amount == amount


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (Money(49, "AUD"), "too_small"),
        (Money(49, "JPY"), "too_small"),
        (Money(100_000_000, "AUD"), "too_large"),
        (Money(5000, "IQD"), "currency"),
        (Money(5000, "XXX"), "currency"),
    ],
    ids=str,
)
async def test_what_stripe_does_not_take_is_refused(stripe: StripeProvider, amount: Money, code: str) -> None:
    with pytest.raises(ProviderRefused, match=code) as refused:
        await stripe.open_session(session_request(amount=amount), key="chk_1:session:1")
    assert refused.value.cause == code


@pytest.mark.parametrize(
    ("amount", "cause"),
    [
        (Money(49, "AUD"), "too_small"),
        (Money(29, "GBP"), "too_small"),
        (Money(0, "KRW"), "too_small"),
        (Money(100_000_000, "AUD"), "too_large"),
        (Money(5124, "KWD"), "step"),
        (Money(520, "MGA"), "step"),
        (Money(50, "AUD"), None),
        (Money(99_999_999, "AUD"), None),
        (Money(150_000_000, "IDR"), None),
        (Money(5120, "KWD"), None),
        (Money(1, "ISK"), None),
    ],
    ids=str,
)
async def test_what_can_never_be_paid_is_known_without_asking(
    stripe: StripeProvider, fake: FakeStripe, amount: Money, cause: str | None
) -> None:
    if cause is None:
        stripe.check_amount(amount)
    else:
        with pytest.raises(ProviderRefused) as refused:
            stripe.check_amount(amount)
        assert refused.value.cause == cause
    assert await fake.requests() == []


@pytest.mark.parametrize(
    ("status", "state", "minor"),
    [
        ("requires_payment_method", "waiting", 300),
        ("requires_confirmation", "waiting", 300),
        ("requires_action", "waiting", 300),
        ("processing", "waiting", 300),
        ("something_new", "waiting", 300),
        ("requires_capture", "authorized", 200),
        ("succeeded", "captured", 100),
        ("canceled", "released", 300),
    ],
)
def test_a_status_says_which_amount_counts(status: str, state: str, minor: int) -> None:
    intent = PaymentIntent("pi_1", status, 300, "aud", amount_capturable=200, amount_received=100)

    assert (intent.payment().state, intent.payment().amount) == (state, Money(minor, "AUD"))
