"""A checkout that needs a person is finished either way, and no other one can be."""

import pytest

from storefront_mcp.checkout.finishing import NotToFinish, Verdict, finish
from tests.checkout.test_the_whole_way import pay, placed
from tests.checkout.world import STORE, World


async def stuck(*, captures: bool) -> tuple[World, str]:
    """Twice the shop began to make the order and broke off."""
    world = World(captures=captures)
    id_ = await placed(world)
    await pay(world, id_)
    world.trouble.coming = ["fine"] * 4 + ["half"] + ["fine"] * 4 + ["half"]
    await world.settle()
    return world, id_


async def says(world: World, id_: str, verdict: Verdict, order: str | None = None) -> None:
    await finish(world.records, STORE.id, id_, verdict, order=order, by="nina", now=world.clock())
    await world.settle()


async def test_an_order_that_was_found_after_all_completes_the_checkout() -> None:
    world, id_ = await stuck(captures=True)
    await says(world, id_, "ordered", order="100000007")
    shown = await world.desk.status(id_)
    assert shown.status == "completed"
    assert world.checkout.order_number == "100000007"
    assert world.checkout.problem is not None
    assert world.checkout.problem.endswith("(finished as ordered by nina)")


async def test_who_finished_it_how_is_on_record_with_it() -> None:
    world, id_ = await stuck(captures=True)
    await says(world, id_, "ordered", order="100000007")
    (entry,) = world.records.entries
    assert (entry.what, entry.subject, entry.store) == ("operator.acted", "checkout.finished", STORE.id)
    assert (entry.who.kind, entry.who.id, entry.outcome) == ("operator", "nina", "ok")
    assert entry.details == {"checkout": id_, "verdict": "ordered", "order": "100000007", "state": "capturing"}
    with pytest.raises(NotToFinish):
        await says(world, id_, "ordered", order="100000008")
    assert len(world.records.entries) == 1


async def test_money_that_was_given_back_by_hand_ends_the_checkout() -> None:
    world, id_ = await stuck(captures=True)
    await says(world, id_, "no_order")
    assert world.checkout.state == "needs_human", "what was taken cannot be let go, so this is no end"
    await says(world, id_, "refunded")
    shown = await world.desk.status(id_)
    assert (shown.status, shown.notice) == ("failed", "The order could not be made, and the payment was given back.")


async def test_held_money_is_let_go_when_there_is_no_order() -> None:
    world, id_ = await stuck(captures=False)
    # Without money taken it did not need a person; one may have parked it.
    assert world.checkout.state == "failed"
    with pytest.raises(NotToFinish, match="is failed"):
        await says(world, id_, "no_order")


async def test_only_a_checkout_that_nobody_works_on_can_be_finished() -> None:
    world, id_ = await stuck(captures=True)
    await world.records.lease(id_, now=world.clock(), seconds=60)
    with pytest.raises(NotToFinish, match="worked on"):
        await says(world, id_, "refunded")


async def test_an_unknown_checkout_cannot_be_finished() -> None:
    with pytest.raises(NotToFinish, match="no checkout"):
        await says(World(), "chk_nope", "refunded")
