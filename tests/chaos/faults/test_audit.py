"""What the audit of a fault run excuses."""

from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.checkout.record import Checkout
from storefront_mcp.checkout.steps import MAX_PAID_PLACE_ATTEMPTS
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order
from tests.chaos.faults.audit import CAPTURE, FEW, INVARIANTS, STUCK, Books, excused, is_dearer, several, violations
from tests.unit.checkout.environment import CheckoutEnvironment
from tests.unit.checkout.test_checkout_flow import pay, placed


async def charged_without_order(*, reprices: bool = False) -> tuple[Checkout, Books]:
    """A shop whose module takes the money and then fails, at each try; and what the provider wrote down.

    One that `reprices` fails once, and then wants another price.
    """
    environment = CheckoutEnvironment(captures=True)
    await pay(environment, await placed(environment))
    environment.trouble.coming = (["fine"] * 4 + ["half"]) * MAX_PAID_PLACE_ATTEMPTS
    place_order = environment.shop.place_order

    async def place_and_reprice(*asked: Any) -> Order:
        try:
            return await place_order(*asked)
        finally:
            environment.shop.price = 3000

    with pytest.MonkeyPatch.context() as patch:
        if reprices:
            patch.setattr(environment.shop, "place_order", place_and_reprice)
        await environment.settle()
    stuck = environment.checkout
    captured = {"what": "captured", "payment": stuck.payment, "checkout": stuck.id, "amount": 5500, "currency": "aud"}
    return stuck, Books(orders=[], ledger=[captured])


async def test_a_shop_that_took_the_money_twice_without_an_order_is_a_persons_matter_and_no_fault() -> None:
    stuck, books = await charged_without_order()
    assert excused(stuck, books), stuck.problem
    refunded = replace(stuck, state="failed")
    assert not any(violations([refunded], books, refunded={str(stuck.payment): stuck.reason}).values())


async def test_nor_is_one_whose_price_changed_between_the_money_and_the_order() -> None:
    stuck, books = await charged_without_order(reprices=True)
    assert stuck.place_try == 1
    assert excused(stuck, books), stuck.problem


async def test_one_failure_in_a_thousand_may_need_a_person_whatever_becomes_of_prices() -> None:
    (failed, books), (changed, _) = await charged_without_order(), await charged_without_order(reprices=True)
    several = {str(number): failed.reason for number in range(2)}
    assert not violations([], books, refunded={str(number): changed.reason for number in range(99)})[FEW]
    assert violations([], books, refunded=several)[FEW] == ["2 of 0"]


async def test_an_order_that_became_dearer_waits_for_a_person_and_no_other_order_does() -> None:
    stuck, _ = await charged_without_order()
    dearer = replace(stuck, taken=None, order_number="1", order_total=Money(5501, "AUD"))
    assert is_dearer(dearer)
    for change in ({"order_total": Money(5500, "AUD")}, {"taken": Money(5500, "AUD")}, {"state": "capturing"}):
        assert not is_dearer(replace(dearer, **change))


async def test_who_asks_again_after_an_expiry_rightly_gets_another_checkout() -> None:
    first, _ = await charged_without_order()
    expired = replace(first, id="chk_1", pay_key="page 1", state="expired", created_at=0.0, ended_at=60.0)
    late, early = (replace(first, id="chk_2", pay_key="page 2", created_at=at) for at in (60.5, 59.5))
    wish = frozenset({("chk_1", "/pay/1"), ("page 2", "/pay/2")})
    assert not several([expired, late], [wish])
    assert several([expired, early], [wish])
    assert several([replace(expired, state="failed"), late], [wish])
    assert several([], [wish]), "nobody knows them"


@pytest.mark.parametrize(
    "changes", [{"state": "placing"}, {"taken": None}, {"place_try": 1}], ids=["unfinished", "unseen", "tried once"]
)
async def test_nothing_else_is_excused(changes: dict[str, Any]) -> None:
    stuck, books = await charged_without_order()
    stuck = replace(stuck, **changes)
    assert not excused(stuck, books)
    found = violations([stuck], books, refunded={})
    assert [name for name in INVARIANTS if found[name]] == [CAPTURE, STUCK]
