"""An agent pays by a token: once, or not at all, whatever goes wrong at whichever step."""

import asyncio
import contextlib

import pytest

from storefront_mcp.access.credentials import Secret
from storefront_mcp.checkout.token_payment import MAX_TOKEN_TRIES, TokenProblem
from storefront_mcp.commerce.errors import CartBeingOrdered, PaymentDown, ShopBusy, ShopError
from tests.unit.checkout.environment import DRAFT, HANDLE, CheckoutEnvironment, Killed

GOOD, OTHER = Secret("good"), Secret("other")


@pytest.fixture
def environment() -> CheckoutEnvironment:
    return CheckoutEnvironment(captures=False)


async def placed(environment: CheckoutEnvironment) -> str:
    view = await environment.agent.place(HANDLE, DRAFT, key=None, dry_run=False)
    assert view.checkout_id is not None
    return view.checkout_id


async def pay(environment: CheckoutEnvironment, id_: str, token: Secret) -> TokenProblem | None:
    """The total that the agent was told."""
    return await environment.tokens.pay(id_, token, total=environment.checkout.totals.total)


async def test_a_token_pays_an_order_without_the_page(environment: CheckoutEnvironment) -> None:
    id_ = await placed(environment)
    assert await environment.tokens.accepts(id_)
    assert await pay(environment, id_, GOOD) is None
    assert environment.checkout.state == "placed"
    assert [step.state for step in environment.checkout.steps] == [
        "authorizing",
        "authorized",
        "placing",
        "capturing",
        "placed",
    ]
    assert environment.provider.sessions == {}
    assert not await environment.tokens.accepts(id_)
    assert environment.violations() == []


@pytest.mark.parametrize(("token", "cause"), [("small", "too_small"), ("declined", "declined")])
async def test_a_token_that_pays_nothing_leaves_the_checkout_open_for_another(
    environment: CheckoutEnvironment, token: str, cause: str
) -> None:
    id_ = await placed(environment)
    assert await pay(environment, id_, Secret(token)) == cause
    assert environment.checkout.state == "open"
    assert {payment.state for payment in environment.provider.payments.values()} <= {"released"}
    assert await pay(environment, id_, GOOD) is None
    assert environment.checkout.state == "placed"
    assert environment.violations() == []


async def test_a_token_that_is_too_small_leaves_the_page_as_it_is(environment: CheckoutEnvironment) -> None:
    id_ = await placed(environment)
    await environment.buyer.pay(environment.token(environment.checkout.id), total_shown=5500)
    before = environment.checkout
    assert await pay(environment, id_, Secret("small")) == "too_small"
    assert environment.checkout.session == before.session
    assert environment.provider.sessions[before.session or ""].state == "open"
    assert environment.provider.payments == {}


async def test_a_bank_that_wants_to_see_the_buyer_leads_to_the_page(environment: CheckoutEnvironment) -> None:
    id_ = await placed(environment)
    assert await pay(environment, id_, Secret("challenged")) == "challenged"
    assert [payment.state for payment in environment.provider.payments.values()] == ["released"]
    assert not await environment.tokens.accepts(id_)
    assert await pay(environment, id_, GOOD) == "not_payable"
    assert (await environment.agent.status(id_)).continue_url is not None
    await environment.buyer.pay(environment.token(environment.checkout.id), total_shown=5500)
    environment.provider.pay(environment.checkout.session or "")
    await environment.settle()
    assert environment.checkout.state == "placed"
    assert environment.violations() == []


async def test_two_tokens_at_once_pay_one_order(environment: CheckoutEnvironment) -> None:
    id_ = await placed(environment)
    results = await asyncio.gather(*(pay(environment, id_, token) for token in (GOOD, OTHER)), return_exceptions=True)
    assert [one for one in results if one is not None and not isinstance(one, ShopBusy)] == []
    await environment.settle()
    held = [payment for payment in environment.provider.payments.values() if payment.state != "released"]
    assert [payment.state for payment in held] == ["captured"]
    assert len(environment.shop.orders) == 1
    assert environment.violations() == []


async def test_the_page_that_was_open_is_closed_before_a_token_pays(environment: CheckoutEnvironment) -> None:
    id_ = await placed(environment)
    await environment.buyer.pay(environment.token(environment.checkout.id), total_shown=5500)
    session = environment.checkout.session or ""
    assert await pay(environment, id_, GOOD) is None
    assert not environment.provider.pay(session)
    assert environment.checkout.state == "placed"
    assert environment.violations() == []


async def test_a_page_that_was_paid_in_the_last_moment_counts_and_the_token_pays_nothing(
    environment: CheckoutEnvironment,
) -> None:
    id_ = await placed(environment)
    await environment.buyer.pay(environment.token(environment.checkout.id), total_shown=5500)
    environment.provider.pay(environment.checkout.session or "")
    assert await pay(environment, id_, GOOD) is None
    assert environment.checkout.state == "placed"
    assert len(environment.provider.payments) == 1
    assert environment.violations() == []


STEPS = ["the token is read", "the payment is prepared", "the token is sent", "the cart is quoted again"]


@pytest.mark.parametrize("kind", ["down", "unclear", "killed before", "killed after", "frozen"])
@pytest.mark.parametrize("step", range(len(STEPS)), ids=STEPS)
async def test_a_worker_that_is_killed_at_each_step_charges_once_or_not_at_all(
    environment: CheckoutEnvironment, step: int, kind: str
) -> None:
    id_ = await placed(environment)
    environment.trouble.coming = ["fine"] * step + [kind]
    with contextlib.suppress(Killed, ShopError):
        await pay(environment, id_, GOOD)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)
    environment.trouble.coming = []
    environment.start()
    environment.clock.time += environment.context.policy.lease_seconds + 1
    await environment.reconciler.run_once()
    if environment.checkout.state == "open":
        assert {payment.state for payment in environment.provider.payments.values()} <= {"released", "waiting"}
        assert await pay(environment, id_, OTHER) is None
    await environment.settle()
    assert environment.checkout.state == "placed"
    assert len(environment.shop.orders) == 1
    assert sum(payment.state in {"authorized", "captured"} for payment in environment.provider.payments.values()) == 1
    assert environment.violations() == []


async def test_another_token_is_not_sent_while_the_first_is_unclear(environment: CheckoutEnvironment) -> None:
    id_ = await placed(environment)
    environment.trouble.coming = ["fine", "fine", "unclear"]
    assert await pay(environment, id_, GOOD) is None
    assert environment.checkout.state == "authorizing"
    assert await pay(environment, id_, OTHER) is None
    with pytest.raises(CartBeingOrdered):
        await environment.agent.cancel(id_)
    await environment.buyer.pay(environment.token(environment.checkout.id), total_shown=5500)
    assert (len(environment.provider.payments), environment.provider.sessions) == (1, {})
    assert (await environment.agent.status(id_)).status == "completed"
    assert environment.violations() == []


async def test_nothing_is_asked_for_while_the_provider_does_not_answer(environment: CheckoutEnvironment) -> None:
    id_ = await placed(environment)
    environment.trouble.coming = ["down"]
    with pytest.raises(PaymentDown):
        await pay(environment, id_, GOOD)
    assert (environment.checkout.state, environment.provider.payments) == ("open", {})


async def test_tokens_are_not_tried_without_end(environment: CheckoutEnvironment) -> None:
    id_ = await placed(environment)
    for _ in range(MAX_TOKEN_TRIES):
        assert await pay(environment, id_, Secret("declined")) == "declined"
    assert await pay(environment, id_, GOOD) == "not_payable"
    assert environment.checkout.state == "open"


async def test_a_total_that_the_provider_does_not_take_is_left_to_the_page(environment: CheckoutEnvironment) -> None:
    environment.shop.price, environment.shop.quantity = 2751, 1
    id_ = await placed(environment)
    assert await pay(environment, id_, GOOD) == "not_payable"
    assert (environment.checkout.state, environment.provider.payments) == ("open", {})


async def test_a_total_that_the_page_has_changed_meanwhile_is_not_charged(environment: CheckoutEnvironment) -> None:
    id_ = await placed(environment)
    told = environment.checkout.totals.total
    environment.shop.price = 2800
    await environment.buyer.pay(environment.token(environment.checkout.id), total_shown=5500)
    assert environment.checkout.totals.total != told
    assert await environment.tokens.pay(id_, GOOD, total=told) == "changed"
    assert (environment.checkout.state, environment.provider.payments) == ("open", {})


async def test_a_price_that_changed_lets_the_money_go(environment: CheckoutEnvironment) -> None:
    id_ = await placed(environment)
    environment.shop.price = 2800
    await pay(environment, id_, GOOD)
    await environment.settle()
    assert environment.checkout.state == "failed"
    assert environment.violations() == []


async def test_the_token_is_nowhere_on_record(
    environment: CheckoutEnvironment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    id_ = await placed(environment)
    environment.trouble.coming = ["fine", "fine", "unclear"]
    await pay(environment, id_, Secret("spt_verysecret"))
    assert "verysecret" not in repr(environment.records.checkouts)
    assert "verysecret" not in caplog.text
    await environment.settle()
    assert "verysecret" not in repr(environment.records.checkouts) + caplog.text
