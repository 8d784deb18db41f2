"""Checkouts of signed-in customers: whose they are, and orders in their name that never leave a payment without one."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.checkout.steps import AS_GUEST_REASON
from storefront_mcp.commerce.account_errors import CustomerCartInUse
from storefront_mcp.commerce.cart import CartLine
from storefront_mcp.commerce.customers import SessionOver
from storefront_mcp.commerce.errors import CheckoutNotFound, OrderRefused, ShopDown, ShopOutcomeUnknown
from storefront_mcp.commerce.ids import CartId, LineId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderDraft, OrderSettlement
from tests.fakes.memory_accounts import MemoryAccount, MemoryAccounts
from tests.unit.checkout.environment import DRAFT, HANDLE, CheckoutEnvironment

LINE = CartLine(
    line_id=LineId("1"), sku=Sku("TEE"), name="Tee", quantity=1, price=Money(2500, "AUD"), total=Money(2500, "AUD")
)


class FailingAccount(MemoryAccount):
    """An account whose first orders fail, in turn, as they are told to.

    `lost` ones were made all the same; with `ends` the session is over then.
    """

    def __init__(self, *failures: Exception, lost: bool = False, ends: bool = False) -> None:
        super().__init__()
        self.failures = list(failures)
        self.lost = lost
        self.ends = ends

    async def place_order(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement, total: Money) -> Order:
        if self.failures:
            failure = self.failures.pop(0)
            if self.lost:
                await super().place_order(cart, draft, settlement, total)
            self.over = self.ends
            raise failure
        return await super().place_order(cart, draft, settlement, total)


def signed_in(account: MemoryAccount, **policy: Any) -> CheckoutEnvironment:
    environment = CheckoutEnvironment(captures=False, **policy)
    environment.context = replace(environment.context, accounts=MemoryAccounts({"grant-ada": account}))
    environment.start()
    environment.agent = environment.agent.for_customer("subject-ada", environment.lock_cart)
    return environment


async def paid(environment: CheckoutEnvironment) -> str:
    shown = await environment.agent.place(HANDLE, DRAFT, key=None, dry_run=False, grant="grant-ada")
    id_, _, _ = (shown.checkout_id or "").partition(".")
    await environment.buyer.pay(environment.token(id_), total_shown=shown.totals.total.minor)
    assert environment.provider.pay(environment.checkout.session or "")
    return id_


async def test_a_paid_checkout_becomes_an_order_in_the_customers_name() -> None:
    account = MemoryAccount()
    environment = signed_in(account)
    id_ = await paid(environment)
    await environment.settle()

    assert account.placed == [(CartId("secret-1"), id_)]
    assert environment.shop.orders == []
    assert (environment.checkout.state, environment.checkout.order_number) == ("placed", "C1")


REFUSALS: Sequence[Exception] = (SessionOver(), CustomerCartInUse([LINE]), OrderRefused("another price"))


@pytest.mark.parametrize("failure", REFUSALS, ids=lambda failure: type(failure).__name__)
async def test_what_cannot_be_in_the_customers_name_is_the_order_of_a_guest(failure: Exception) -> None:
    account = FailingAccount(failure)
    environment = signed_in(account)
    id_ = await paid(environment)
    await environment.settle()

    assert account.placed == []
    assert [reference for reference, _, _ in environment.shop.orders] == [id_]
    assert (environment.checkout.state, environment.checkout.reason) == ("placed", AS_GUEST_REASON)
    assert environment.violations() == []


async def test_a_session_that_ended_before_the_payment_costs_no_order() -> None:
    account = MemoryAccount()
    environment = signed_in(account)
    id_ = await paid(environment)
    environment.context.accounts.accounts.clear()  # type: ignore[union-attr]
    await environment.settle()

    assert [reference for reference, _, _ in environment.shop.orders] == [id_]
    assert environment.violations() == []


async def test_an_outage_waits_and_then_orders_in_the_customers_name() -> None:
    account = FailingAccount(ShopDown(), ShopDown())
    environment = signed_in(account)
    await paid(environment)
    await environment.settle()

    assert len(account.placed) == 1
    assert environment.shop.orders == []


async def test_a_lost_answer_is_looked_up_in_the_account_and_not_ordered_again() -> None:
    account = FailingAccount(ShopOutcomeUnknown(over=True), lost=True)
    environment = signed_in(account)
    await paid(environment)
    await environment.settle()

    assert len(account.placed) == 1
    assert environment.shop.orders == []
    assert (environment.checkout.state, environment.checkout.order_number) == ("placed", "C1")


async def test_a_lost_answer_and_a_lost_session_need_a_person_and_never_a_second_order() -> None:
    account = FailingAccount(ShopOutcomeUnknown(over=True), lost=True, ends=True)
    environment = signed_in(account)
    await paid(environment)
    await environment.settle()

    assert environment.checkout.state == "needs_human"
    assert environment.shop.orders == []
    assert len(account.placed) == 1


async def test_a_customers_checkout_is_found_by_nobody_else() -> None:
    environment = signed_in(MemoryAccount())
    shown = await environment.agent.place(HANDLE, DRAFT, key=None, dry_run=False)
    assert shown.checkout_id is not None
    guest, owner = environment.agent, environment.checkout.owner
    assert owner == "subject-ada"
    environment.start()
    for stranger in (environment.agent, environment.agent.for_customer("subject-bo", environment.lock_cart)):
        with pytest.raises(CheckoutNotFound):
            await stranger.status(shown.checkout_id)
        with pytest.raises(CheckoutNotFound):
            await stranger.cancel(shown.checkout_id)
    assert (await guest.status(shown.checkout_id)).status == "requires_escalation"


async def test_an_order_of_a_guest_and_one_in_the_customers_name_are_two_wishes() -> None:
    environment = signed_in(MemoryAccount())
    as_guest = await environment.agent.place(HANDLE, DRAFT, key=None, dry_run=False)
    as_customer = await environment.agent.place(HANDLE, DRAFT, key=None, dry_run=False, grant="grant-ada")
    again = await environment.agent.place(HANDLE, DRAFT, key=None, dry_run=False, grant="grant-ada")
    assert as_guest.checkout_id != as_customer.checkout_id
    assert again.checkout_id == as_customer.checkout_id
