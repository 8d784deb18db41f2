"""Closing of open checkouts by an operator while workers work on them."""

import pytest

from storefront_mcp.checkout.closing import LEASE_SECONDS, NotClosable, close_checkout, close_open_checkouts
from storefront_mcp.checkout.operator import NotResolvable, resolve
from storefront_mcp.checkout.record import Checkout
from tests.unit.checkout.environment import STORE, CheckoutEnvironment
from tests.unit.checkout.memory import MemoryRecords
from tests.unit.checkout.test_checkout_flow import placed
from tests.unit.checkout.test_operator import stuck


def lose(records: MemoryRecords, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each of the next leases another worker takes the checkout over, as after a stop of the process."""
    lease, left = records.lease, [None] * times

    async def lost(id_: str, *, now: float, seconds: float) -> Checkout | None:
        held = await lease(id_, now=now, seconds=seconds)
        if held is not None and left:
            left.pop()
            await lease(id_, now=now + seconds + 1, seconds=-seconds - 1)
        return held

    monkeypatch.setattr(records, "lease", lost)


async def test_a_checkout_that_another_worker_took_over_is_not_closed_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    lose(environment.records, 1, monkeypatch)
    with pytest.raises(NotClosable, match="is being worked on at this moment"):
        await close_checkout(environment.records, STORE.id, id_, by="ops", now=environment.clock())
    assert (environment.checkout.state, environment.records.entries) == ("open", [])


async def test_closing_all_tries_what_another_worker_took_over_again(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    monkeypatch.setattr("storefront_mcp.checkout.closing.ROUND_SECONDS", 0.0)
    lose(environment.records, 2, monkeypatch)
    result = await close_open_checkouts(environment.records, STORE.id, by="ops", now=environment.clock)
    assert (result.closed, result.busy) == ((id_,), ())
    assert environment.checkout.state == "closing"


async def test_the_last_of_many_is_leased_from_when_it_is_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = CheckoutEnvironment()
    await placed(environment)
    leased: list[float] = []
    lease = environment.records.lease

    async def seen(id_: str, *, now: float, seconds: float) -> Checkout | None:
        leased.append(now)
        return await lease(id_, now=now, seconds=seconds)

    monkeypatch.setattr(environment.records, "lease", seen)
    began = environment.clock()
    environment.clock.time += 3 * LEASE_SECONDS
    await close_open_checkouts(environment.records, STORE.id, by="ops", now=environment.clock)
    assert leased == [began + 3 * LEASE_SECONDS]


async def test_a_checkout_that_another_worker_took_over_is_not_finished_by_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment, id_ = await stuck(captures=True)
    lose(environment.records, 1, monkeypatch)
    with pytest.raises(NotResolvable, match="is being worked on at this moment"):
        await resolve(environment.records, STORE.id, id_, "no_order", by="nina", now=environment.clock())
    assert (environment.checkout.state, environment.records.entries) == ("needs_human", [])
