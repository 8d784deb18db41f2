"""The sandbox's book, on SQLite and on PostgreSQL: one writer at a time, whoever writes."""

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.sandbox import DatabaseSandbox
from storefront_mcp.payments.sandbox import Slip

SLIP = Slip(
    id="a",
    key="k",
    store=StoreId("pickle"),
    checkout="chk_1",
    amount=Money(1, "AUD"),
    title="Pickle Warehouse",
    return_url="https://pickle.example/pay/t?done=1",
    cancel_url="https://pickle.example/pay/t",
    expires_at=1_800_000_000,
)


@pytest.fixture
def books(opened: Callable[[], Database]) -> tuple[DatabaseSandbox, DatabaseSandbox]:
    """The same book, open in two workers."""
    return DatabaseSandbox(opened()), DatabaseSandbox(opened())


async def test_many_who_open_under_one_key_get_one_slip(books: tuple[DatabaseSandbox, DatabaseSandbox]) -> None:
    slips = [replace(SLIP, id=str(n)) for n in range(10)]
    kept = await asyncio.gather(*(books[n % 2].open(slip, forget=0) for n, slip in enumerate(slips)))
    assert len({slip.id for slip in kept}) == 1
    assert await books[0].find(kept[0].id) == kept[0]
    assert await books[1].open(replace(SLIP, id="b", key="l"), forget=0) == replace(SLIP, id="b", key="l")


async def test_changes_come_one_after_the_other_and_none_is_lost(
    books: tuple[DatabaseSandbox, DatabaseSandbox],
) -> None:
    await books[0].open(SLIP, forget=0)

    def count(slip: Slip) -> Slip:
        return replace(slip, amount=slip.amount + Money(1, "AUD"))

    await asyncio.gather(*(books[n % 2].change("a", count) for n in range(10)))
    found = await books[0].find("a")
    assert found is not None
    assert found.amount == Money(11, "AUD")


async def test_a_step_that_fails_changes_nothing(books: tuple[DatabaseSandbox, DatabaseSandbox]) -> None:
    await books[0].open(SLIP, forget=0)

    def fail(slip: Slip) -> Slip:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        await books[0].change("a", fail)
    assert await books[1].find("a") == SLIP
    assert await books[1].change("nobody", fail) is None


async def test_what_ended_long_ago_is_forgotten(books: tuple[DatabaseSandbox, DatabaseSandbox]) -> None:
    await books[0].open(SLIP, forget=0)
    await books[0].open(replace(SLIP, id="b", key="l"), forget=SLIP.expires_at)
    assert await books[0].find("a") == SLIP
    await books[0].open(replace(SLIP, id="c", key="m", expires_at=SLIP.expires_at + 9), forget=SLIP.expires_at + 1)
    assert await books[0].find("a") is None
