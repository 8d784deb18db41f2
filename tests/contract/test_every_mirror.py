"""A mirror is like its shop, whichever software keeps it, and stays so while its staff and buyers change it."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from storefront_mcp.catalogue.mirror_sync import MirrorSync
from storefront_mcp.catalogue.mirror_work import SyncClocks, SyncPolicy
from storefront_mcp.commerce.product import Product
from tests.contract.shops.contract_shop import ContractShop
from tests.fakes.demo_faults import DemoFault
from tests.fakes.memory_index import MemoryDisk

pytestmark = pytest.mark.slow

HALF_AN_HOUR = 1800.0


class MirrorBench:
    """A shop, a mirror of it in memory, and a clock that only pauses move."""

    def __init__(self, shop: ContractShop, folder: Path) -> None:
        assert shop.lister is not None
        self.now = time.time()
        self.disk = MemoryDisk()
        self.told: dict[str, Any] = {}
        self.sync = MirrorSync(
            shop.lister,
            folder,
            self.disk.writer,
            requests=self._take,
            report=self._report,
            policy=SyncPolicy(),
            clocks=SyncClocks(clock=lambda: self.now, now=lambda: self.now, sleep=self._sleep),
        )

    async def work(self, seconds: float) -> None:
        """Let it go on for so long."""
        end = self.now + seconds
        while self.now < end:
            await self.sync.turn()

    @property
    def shown(self) -> dict[str, Product]:
        """What searches find, by SKU."""
        return {one.product.sku: one.product for one in self.disk.shown.values()}

    async def _take(self) -> list[str]:
        return []

    def _report(self, fields: Mapping[str, Any]) -> None:
        self.told |= fields

    async def _sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.001)
        await asyncio.sleep(0)


@pytest.fixture
def bench(every: ContractShop, tmp_path: Path) -> Iterator[MirrorBench]:
    made = MirrorBench(every, tmp_path / "store" / "view")
    yield made
    made.sync.close()


async def test_it_is_whole_after_one_sweep_though_the_shop_fails_meanwhile(
    every: ContractShop, bench: MirrorBench
) -> None:
    await bench.sync.open()
    every.fail_next(DemoFault.BEFORE, times=2)
    await bench.sync.turn()

    assert len(bench.shown) >= 300
    assert bench.told["products"] == bench.told["read"] == bench.told["total"] == len(bench.shown)
    assert (bench.told["unreadable"], bench.told["problem"], bench.told["building"]) == (0, None, False)
    assert (await every.backend.product("PAD-2")).price == bench.shown["PAD-2"].price


async def test_it_follows_stock_names_and_what_is_sold_at_all(every: ContractShop, bench: MirrorBench) -> None:
    await bench.sync.open()
    await bench.sync.turn()
    before = len(bench.shown)

    every.sell_out("PAD-1")
    every.sell_out("TEE-BLACK-M")
    if every.rename is not None:
        every.rename("PAD-2", "Paddle of another name")
    if every.withdraw is not None:
        every.withdraw("PAD-4")
    await bench.work(HALF_AN_HOUR)

    assert bench.shown["PAD-1"].in_stock is False
    (variant,) = [one for one in bench.shown[every.family].variants if one.sku == "TEE-BLACK-M"]
    assert variant.in_stock is False
    assert every.rename is None or bench.shown["PAD-2"].name == "Paddle of another name"
    assert ("PAD-4" in bench.shown) is (every.withdraw is None)
    assert len(bench.shown) == before - (every.withdraw is not None)


async def test_a_quiet_shop_is_asked_little_and_nothing_is_written(every: ContractShop, bench: MirrorBench) -> None:
    await bench.sync.open()
    await bench.sync.turn()
    commit, products = bench.told["commit"], dict(bench.shown)

    await bench.work(300)

    assert bench.told["commit"] == commit
    assert bench.shown == products
