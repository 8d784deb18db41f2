"""Manual resolution of a checkout that needs an operator."""

import pytest

from storefront_mcp.checkout.operator import NotResolvable, Verdict, resolve
from storefront_mcp.checkout.steps import MAX_PAID_PLACE_ATTEMPTS, MAX_PLACE_ATTEMPTS
from tests.unit.checkout.environment import STORE, CheckoutEnvironment
from tests.unit.checkout.test_checkout_flow import pay, placed


async def stuck(*, captures: bool) -> tuple[CheckoutEnvironment, str]:
    """The shop began to make the order and broke off, as often as it was asked."""
    environment = CheckoutEnvironment(captures=captures)
    id_ = await placed(environment)
    await pay(environment, id_)
    environment.trouble.coming = (["fine"] * 4 + ["half"]) * (
        MAX_PAID_PLACE_ATTEMPTS if captures else MAX_PLACE_ATTEMPTS
    )
    await environment.settle()
    return environment, id_


async def says(environment: CheckoutEnvironment, id_: str, verdict: Verdict, order: str | None = None) -> None:
    await resolve(environment.records, STORE.id, id_, verdict, order=order, by="nina", now=environment.clock())
    await environment.settle()


async def test_an_order_that_was_found_after_all_completes_the_checkout() -> None:
    environment, id_ = await stuck(captures=True)
    await says(environment, id_, "ordered", order="100000007")
    shown = await environment.agent.status(id_)
    assert shown.status == "completed"
    assert environment.checkout.order_number == "100000007"
    assert environment.checkout.problem is not None
    assert environment.checkout.problem.endswith("(finished as ordered by nina)")


async def test_who_finished_it_how_is_on_record_with_it() -> None:
    environment, id_ = await stuck(captures=True)
    await says(environment, id_, "ordered", order="100000007")
    (entry,) = environment.records.entries
    assert (entry.what, entry.subject, entry.store) == ("operator.acted", "checkout.finished", STORE.id)
    assert (entry.who.kind, entry.who.id, entry.outcome) == ("operator", "nina", "ok")
    assert entry.details == {"checkout": id_, "verdict": "ordered", "order": "100000007", "state": "capturing"}
    with pytest.raises(NotResolvable):
        await says(environment, id_, "ordered", order="100000008")
    assert len(environment.records.entries) == 1


async def test_money_that_was_given_back_by_hand_ends_the_checkout() -> None:
    environment, id_ = await stuck(captures=True)
    await says(environment, id_, "no_order")
    assert environment.checkout.state == "needs_human", "what was taken cannot be let go, so this is no end"
    await says(environment, id_, "refunded")
    shown = await environment.agent.status(id_)
    assert (shown.status, shown.notice) == ("failed", "The order could not be made, and the payment was given back.")


async def test_held_money_is_let_go_when_there_is_no_order() -> None:
    environment, id_ = await stuck(captures=False)
    # Without money taken it did not need a person; one may have parked it.
    assert environment.checkout.state == "failed"
    with pytest.raises(NotResolvable, match="is failed"):
        await says(environment, id_, "no_order")


async def test_only_a_checkout_that_nobody_works_on_can_be_finished() -> None:
    environment, id_ = await stuck(captures=True)
    await environment.records.lease(id_, now=environment.clock(), seconds=60)
    with pytest.raises(NotResolvable, match="worked on"):
        await says(environment, id_, "refunded")


async def test_an_unknown_checkout_cannot_be_finished() -> None:
    with pytest.raises(NotResolvable, match="no checkout"):
        await says(CheckoutEnvironment(), "chk_nope", "refunded")
