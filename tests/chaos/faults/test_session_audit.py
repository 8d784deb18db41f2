"""What the audit of a fault run holds against checkout sessions."""

import pytest
from msgspec.structs import replace

from storefront_mcp.checkout.context import pay_key
from storefront_mcp.checkout.record import Checkout
from tests.chaos.faults.a2a_people import ShownTask
from tests.chaos.faults.session_agents import Shown
from tests.chaos.faults.session_audit import not_agreed, untrue, untrue_tasks
from tests.chaos.faults.tally import Ended, SessionHistory, Tally
from tests.unit.checkout.environment import CheckoutEnvironment
from tests.unit.checkout.test_checkout_flow import pay, placed

CART, PATH = "cart_" + "a" * 26, "/pay/token"


async def ordered() -> tuple[Checkout, Shown]:
    """A placed checkout behind the page, and its session as it should be told."""
    environment = CheckoutEnvironment()
    await pay(environment, await placed(environment))
    await environment.settle()
    checkout = replace(environment.checkout, pay_key=pay_key("token"))
    total = checkout.totals.total
    return checkout, Shown(
        id=f"{CART}.1",
        status="completed",
        url="",
        total=total.minor,
        currency=total.currency,
        goods=(),
        codes=(),
        order=checkout.order_number,
    )


def told(shown: Shown, checkout: Checkout, *ended: Ended, total: int | None = None) -> list[str]:
    history = SessionHistory()
    history.pages[PATH] = {(shown.total, shown.currency)}
    history.ended.update(ended)
    sessions = {("demo", shown.id): history}
    found = untrue(sessions, {("demo", shown.id): shown}, {PATH: CART}, [checkout])
    confirmed = {PATH: {checkout.totals.total.minor if total is None else total}}
    return [*found, *not_agreed(sessions, confirmed, [checkout])]


async def test_a_session_that_tells_its_order_is_true() -> None:
    checkout, shown = await ordered()
    assert checkout.state == "placed"
    early = Ended("completed", None, shown.total, shown.currency)
    assert told(shown, checkout, early) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"order": "no such order"},
        {"total": 1},
        {"status": "canceled"},
        {"status": "incomplete"},
        {"status": "in_progress"},
    ],
    ids=str,
)
async def test_whatever_else_it_tells_is_untrue(changes: dict[str, object]) -> None:
    checkout, shown = await ordered()
    assert told(replace(shown, **changes), checkout)


async def test_an_order_that_nobody_made_is_untrue() -> None:
    checkout, shown = await ordered()
    assert told(shown, replace(checkout, state="expired"))


async def test_an_end_that_changes_is_untrue() -> None:
    checkout, shown = await ordered()
    assert told(shown, checkout, Ended("canceled", None, shown.total, shown.currency))
    assert told(shown, checkout, Ended("completed", shown.order, 1, shown.currency))


async def test_what_is_in_the_cart_of_a_canceled_session_may_change() -> None:
    checkout, shown = await ordered()
    canceled, gone = replace(shown, status="canceled"), replace(checkout, state="canceled")
    assert told(canceled, gone, Ended("canceled", None, 1, shown.currency)) == []


async def test_an_order_of_another_amount_than_the_buyer_confirmed_was_not_agreed_to() -> None:
    checkout, shown = await ordered()
    assert told(shown, checkout, total=1)


async def test_a_price_that_changed_on_the_payment_page_may_be_another_than_was_told() -> None:
    checkout, shown = await ordered()
    history = SessionHistory()
    history.pages[PATH] = {(1, shown.currency)}
    sessions, confirmed = {("demo", shown.id): history}, {PATH: {shown.total}}
    assert list(not_agreed(sessions, confirmed, [checkout]))
    changed = replace(checkout, before=replace(checkout.totals.total, minor=1))
    assert list(not_agreed(sessions, confirmed, [changed])) == []


def test_what_is_somebody_elses_is_noticed() -> None:
    tally = Tally()
    tally.look_for_strangers("ada0123456789", f'{{"id": "{CART}", "email": "ada0123456789@example.com"}}')
    assert tally.strangers == []
    tally.look_for_strangers("ada1111111111", f'{{"id": "{CART}", "email": "ada0123456789@example.com"}}')
    assert len(tally.strangers) == 2


@pytest.mark.parametrize(
    ("state", "order", "true"),
    [
        ("completed", "", True),
        ("completed", None, True),
        ("completed", "no such order", False),
        ("canceled", None, False),
    ],
)
async def test_a_task_tells_its_order(state: str, order: str | None, *, true: bool) -> None:
    checkout, _ = await ordered()
    shown = ShownTask(state, checkout.order_number if order == "" else order)
    found = list(untrue_tasks({("demo", "t"): {PATH}}, {("demo", "t"): shown}, [checkout]))
    assert (found == []) is true
    unpaid = list(untrue_tasks({("demo", "t"): {PATH}}, {("demo", "t"): shown}, [replace(checkout, state="expired")]))
    assert (unpaid == []) is (state != "completed")
