"""Sandbox payments in SQL: concurrent writers are serialised."""

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.money import Money
from storefront_mcp.database import Database
from storefront_mcp.database.sandbox import SqlSandboxRepository
from storefront_mcp.payments.sandbox import SandboxPayment

RECORD = SandboxPayment(
    id="a",
    key="k",
    store=StoreId("pickle"),
    checkout="chk_1",
    amount=Money(1, "AUD"),
    title="Pickle Warehouse",
    link_digest="d" * 64,
    expires_at=1_800_000_000,
)


@pytest.fixture
def repositories(opened: Callable[[], Database]) -> tuple[SqlSandboxRepository, SqlSandboxRepository]:
    """The same repository, open in two workers."""
    return SqlSandboxRepository(opened()), SqlSandboxRepository(opened())


async def test_many_who_open_under_one_key_get_one_payment(
    repositories: tuple[SqlSandboxRepository, SqlSandboxRepository],
) -> None:
    records = [replace(RECORD, id=str(n)) for n in range(10)]
    kept = await asyncio.gather(*(repositories[n % 2].open(record, forget=0) for n, record in enumerate(records)))
    assert len({record.id for record in kept}) == 1
    assert await repositories[0].find(kept[0].id) == kept[0]
    assert await repositories[1].open(replace(RECORD, id="b", key="l"), forget=0) == replace(RECORD, id="b", key="l")


async def test_changes_come_one_after_the_other_and_none_is_lost(
    repositories: tuple[SqlSandboxRepository, SqlSandboxRepository],
) -> None:
    await repositories[0].open(RECORD, forget=0)

    def count(record: SandboxPayment) -> SandboxPayment:
        return replace(record, amount=record.amount + Money(1, "AUD"))

    await asyncio.gather(*(repositories[n % 2].change("a", count) for n in range(10)))
    found = await repositories[0].find("a")
    assert found is not None
    assert found.amount == Money(11, "AUD")


async def test_a_step_that_fails_changes_nothing(
    repositories: tuple[SqlSandboxRepository, SqlSandboxRepository],
) -> None:
    await repositories[0].open(RECORD, forget=0)

    def fail(record: SandboxPayment) -> SandboxPayment:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        await repositories[0].change("a", fail)
    assert await repositories[1].find("a") == RECORD
    assert await repositories[1].change("nobody", fail) is None


async def test_what_ended_long_ago_is_forgotten(
    repositories: tuple[SqlSandboxRepository, SqlSandboxRepository],
) -> None:
    await repositories[0].open(RECORD, forget=0)
    await repositories[0].open(replace(RECORD, id="b", key="l"), forget=RECORD.expires_at)
    assert await repositories[0].find("a") == RECORD
    await repositories[0].open(
        replace(RECORD, id="c", key="m", expires_at=RECORD.expires_at + 9), forget=RECORD.expires_at + 1
    )
    assert await repositories[0].find("a") is None
