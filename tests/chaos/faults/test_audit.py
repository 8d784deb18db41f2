"""What the audit of a fault run excuses."""

from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.checkout.record import Checkout
from storefront_mcp.checkout.steps import MAX_PAID_PLACE_ATTEMPTS
from tests.chaos.faults.audit import CAPTURE, INVARIANTS, STUCK, Books, excused, violations
from tests.unit.checkout.environment import CheckoutEnvironment
from tests.unit.checkout.test_checkout_flow import pay, placed


async def charged_without_order() -> tuple[Checkout, Books]:
    """A shop whose module takes the money and then fails, at each try; and what the provider wrote down."""
    environment = CheckoutEnvironment(captures=True)
    await pay(environment, await placed(environment))
    environment.trouble.coming = (["fine"] * 4 + ["half"]) * MAX_PAID_PLACE_ATTEMPTS
    await environment.settle()
    stuck = environment.checkout
    captured = {"what": "captured", "payment": stuck.payment, "checkout": stuck.id, "amount": 5500, "currency": "aud"}
    return stuck, Books(orders=[], ledger=[captured])


async def test_a_shop_that_took_the_money_twice_without_an_order_is_a_persons_matter_and_no_fault() -> None:
    stuck, books = await charged_without_order()
    assert excused(stuck, books), stuck.problem
    refunded = replace(stuck, state="failed")
    assert not any(violations([refunded], books, refunded={str(stuck.payment)}).values())


@pytest.mark.parametrize(
    "changes", [{"state": "placing"}, {"taken": None}, {"place_try": 1}], ids=["unfinished", "unseen", "tried once"]
)
async def test_nothing_else_is_excused(changes: dict[str, Any]) -> None:
    stuck, books = await charged_without_order()
    stuck = replace(stuck, **changes)
    assert not excused(stuck, books)
    found = violations([stuck], books, refunded=set())
    assert [name for name in INVARIANTS if found[name]] == [CAPTURE, STUCK]
