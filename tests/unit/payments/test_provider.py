"""The contract of the provider protocol, for every provider."""

import asyncio
import time

import pytest
from msgspec.structs import replace

from storefront_mcp.commerce.money import Money
from storefront_mcp.payments.provider import EventRefused, Payment, PaymentSession, ProviderRefused
from tests.unit.payments.providers import ProviderCase, session_request


async def held(case: ProviderCase) -> tuple[PaymentSession, Payment]:
    """A page that was paid, and the money it holds."""
    opened = await case.provider.open_session(session_request(), key="chk_1:session:1")
    await case.buyer.pay(opened.id)
    session = await case.provider.session(opened.id)
    assert session.payment is not None
    return session, await case.provider.payment(session.payment)


async def test_a_new_page_can_be_visited_and_holds_nothing(case: ProviderCase) -> None:
    opened = await case.provider.open_session(session_request(), key="chk_1:session:1")

    assert opened.state == "open"
    assert (opened.url or "").startswith("http")
    assert not opened.declined
    assert await case.provider.session(opened.id) in (opened, replace(opened, url=None))


async def test_opening_again_under_the_same_key_gives_the_same_page(case: ProviderCase) -> None:
    order = session_request()
    opened = [await case.provider.open_session(order, key="chk_1:session:1") for _ in range(3)]

    assert opened == [opened[0]] * 3


async def test_opening_at_the_same_time_under_one_key_gives_no_second_page(case: ProviderCase) -> None:
    order = session_request()
    answers = await asyncio.gather(
        *(case.provider.open_session(order, key="chk_1:session:1") for _ in range(5)), return_exceptions=True
    )
    first = await case.provider.open_session(order, key="chk_1:session:1")

    assert {answer.id for answer in answers if isinstance(answer, PaymentSession)} == {first.id}


async def test_another_key_gives_another_page(case: ProviderCase) -> None:
    one = await case.provider.open_session(session_request(), key="chk_1:session:1")
    two = await case.provider.open_session(session_request(), key="chk_1:session:2")

    assert one.id != two.id
    assert one.url != two.url


async def test_a_paid_page_is_complete_and_its_money_is_held_and_not_taken(case: ProviderCase) -> None:
    session, payment = await held(case)

    assert session.state == "complete"
    assert session.url is None
    assert payment.id == session.payment
    assert payment.state == "authorized"
    assert payment.amount == Money(5500, "AUD")
    assert payment.capture_before is None or payment.capture_before > time.time()


async def test_a_declined_try_leaves_the_page_open_and_says_so(case: ProviderCase) -> None:
    order = session_request()
    opened = await case.provider.open_session(order, key="chk_1:session:1")
    await case.buyer.decline(opened.id)
    declined = await case.provider.session(opened.id)

    assert (declined.state, declined.declined) == ("open", True)
    assert declined.url in (None, opened.url)
    assert (await case.provider.open_session(order, key="chk_1:session:1")).url == opened.url
    if declined.payment is not None:
        assert (await case.provider.payment(declined.payment)).state == "waiting"

    await case.buyer.pay(opened.id)
    paid = await case.provider.session(opened.id)
    assert (paid.state, paid.declined) == ("complete", False)


async def test_what_the_bank_still_asks_for_is_neither_paid_nor_declined(case: ProviderCase) -> None:
    opened = await case.provider.open_session(session_request(), key="chk_1:session:1")
    await case.buyer.challenge(opened.id)
    asked = await case.provider.session(opened.id)

    assert (asked.state, asked.declined) == ("open", False)
    if asked.payment is not None:
        assert (await case.provider.payment(asked.payment)).state == "waiting"

    await case.buyer.fail(opened.id)
    assert (await case.provider.session(opened.id)).declined
    await case.buyer.challenge(opened.id)
    await case.buyer.pay(opened.id)
    paid = await case.provider.session(opened.id)
    assert paid.payment is not None
    assert (await case.provider.payment(paid.payment)).state == "authorized"


async def test_an_expired_page_is_over_and_stays_so(case: ProviderCase) -> None:
    opened = await case.provider.open_session(session_request(), key="chk_1:session:1")
    expired = await case.provider.expire_session(opened.id, key="chk_1:expire:1")

    assert (expired.state, expired.url) == ("expired", None)
    assert await case.provider.expire_session(opened.id, key="chk_1:expire:1") == expired
    assert await case.provider.expire_session(opened.id, key="chk_1:expire:2") == expired
    with pytest.raises(AssertionError):
        await case.buyer.pay(opened.id)


async def test_a_person_who_was_faster_has_paid_and_the_page_says_so(case: ProviderCase) -> None:
    session, payment = await held(case)
    expired = await case.provider.expire_session(session.id, key="chk_1:expire:1")

    assert expired == session
    assert (await case.provider.payment(payment.id)).state == "authorized"


async def test_a_page_ends_at_its_time(case: ProviderCase) -> None:
    opened = await case.provider.open_session(session_request(), key="chk_1:session:1")
    await case.buyer.challenge(opened.id)
    await case.buyer.forward(3700)
    ended = await case.provider.session(opened.id)

    assert (ended.state, ended.url) == ("expired", None)
    if ended.payment is not None:
        assert (await case.provider.payment(ended.payment)).state == "released"


async def test_capturing_takes_all_that_is_held_once(case: ProviderCase) -> None:
    _, payment = await held(case)
    captured = await case.provider.capture(payment.id, key="chk_1:capture:1")

    assert (captured.state, captured.amount) == ("captured", Money(5500, "AUD"))
    assert await case.provider.capture(payment.id, key="chk_1:capture:1") == captured
    assert await case.provider.capture(payment.id, key="chk_1:capture:2") == captured
    assert await case.provider.payment(payment.id) == captured


async def test_capturing_a_part_takes_that_and_lets_the_rest_go(case: ProviderCase) -> None:
    _, payment = await held(case)
    with pytest.raises(ProviderRefused):
        await case.provider.capture(payment.id, key="chk_1:capture:1", amount=Money(5501, "AUD"))
    captured = await case.provider.capture(payment.id, key="chk_1:capture:2", amount=Money(5498, "AUD"))

    assert (captured.state, captured.amount) == ("captured", Money(5498, "AUD"))
    assert await case.provider.capture(payment.id, key="chk_1:capture:2", amount=Money(5498, "AUD")) == captured
    assert await case.provider.release(payment.id, key="chk_1:cancel:1") == captured
    assert await case.provider.payment(payment.id) == captured


async def test_releasing_lets_go_for_good(case: ProviderCase) -> None:
    _, payment = await held(case)
    released = await case.provider.release(payment.id, key="chk_1:cancel:1")

    assert released.state == "released"
    assert await case.provider.release(payment.id, key="chk_1:cancel:1") == released
    assert await case.provider.release(payment.id, key="chk_1:cancel:2") == released
    assert (await case.provider.capture(payment.id, key="chk_1:capture:1")).state == "released"


async def test_releasing_what_is_taken_already_says_that_it_is_too_late(case: ProviderCase) -> None:
    _, payment = await held(case)
    captured = await case.provider.capture(payment.id, key="chk_1:capture:1")

    assert await case.provider.release(payment.id, key="chk_1:cancel:1") == captured


async def test_capture_and_release_at_the_same_time_end_in_one_of_the_two(case: ProviderCase) -> None:
    _, payment = await held(case)
    ends = await asyncio.gather(
        case.provider.capture(payment.id, key="chk_1:capture:1"),
        case.provider.release(payment.id, key="chk_1:cancel:1"),
    )

    assert ends[0] == ends[1]
    assert ends[0].state in {"captured", "released"}


@pytest.mark.parametrize(
    "amount", [Money(5500, "JPY"), Money(5500, "USD"), Money(5500, "KWD"), Money(50, "EUR")], ids=str
)
async def test_every_currency_comes_back_as_it_was_sent(case: ProviderCase, amount: Money) -> None:
    opened = await case.provider.open_session(session_request(amount=amount), key="chk_1:session:1")
    await case.buyer.pay(opened.id)
    payment = (await case.provider.session(opened.id)).payment
    assert payment is not None

    assert (await case.provider.payment(payment)).amount == amount
    assert (await case.provider.capture(payment, key="chk_1:capture:1")).amount == amount


async def test_what_does_not_exist_is_refused(case: ProviderCase) -> None:
    for asked in (
        case.provider.session("cs_test_nothing"),
        case.provider.expire_session("cs_test_nothing", key="chk_1:expire:1"),
        case.provider.payment("pi_nothing"),
        case.provider.capture("pi_nothing", key="chk_1:capture:1"),
        case.provider.release("pi_nothing", key="chk_1:cancel:1"),
    ):
        with pytest.raises(ProviderRefused):
            await asked


async def test_what_nobody_signed_is_no_event(case: ProviderCase) -> None:
    body = b'{"id": "evt_1", "object": "event", "type": "x", "data": {"object": {"client_reference_id": "chk_1"}}}'
    for headers in ({}, {"stripe-signature": "t=1,v1=00"}):
        with pytest.raises(EventRefused):
            case.provider.event(body, headers)


async def test_a_provider_has_one_word_for_records(case: ProviderCase) -> None:
    assert case.provider.name.isidentifier()
