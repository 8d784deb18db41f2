"""A mirror kept in the real index: whatever the shop does, several readers see each product once, as it is."""

import asyncio
from pathlib import Path

import pytest

from storefront_mcp.app.mirror_engine import index_opener, index_writer
from storefront_mcp.catalogue.index import IndexLocked
from storefront_mcp.catalogue.mirror_sync import MirrorSync
from storefront_mcp.catalogue.mirror_work import SyncClocks, SyncPolicy
from storefront_mcp.records.catalogue_changes import EVERYTHING
from tests.fakes.memory_lister import MemoryLister

pytestmark = pytest.mark.slow
START = 1_796_040_000.0


class RealBench:
    """A shop, the real index on disk, and a clock."""

    def __init__(self, folder: Path, count: int) -> None:
        self.now = START
        self.folder = folder / "pickle" / "view"
        self.shop = MemoryLister(count, now=lambda: self.now, size=20)
        self.wanted: list[str] = []
        self.sync = self.new_sync()
        self.opened = False

    def new_sync(self) -> MirrorSync:
        return MirrorSync(
            self.shop,
            self.folder,
            index_writer("en-AU"),
            requests=self._take,
            report=lambda _fields: None,
            policy=SyncPolicy(),
            clocks=SyncClocks(clock=lambda: self.now, now=lambda: self.now, sleep=self._sleep),
        )

    async def work(self, seconds: float) -> None:
        end = self.now + seconds
        if not self.opened:
            await self.sync.open()
            self.opened = True
        while self.now < end:
            await self.sync.turn()

    async def _take(self) -> list[str]:
        taken, self.wanted = self.wanted, []
        return taken

    async def _sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.001)
        await asyncio.sleep(0)


async def test_every_reader_sees_each_product_once_and_as_it_is(tmp_path: Path) -> None:
    bench = RealBench(tmp_path, 60)
    bench.shop.products["00003"].variants = {"TEE-S": 2, "TEE-M": 1}
    await bench.work(3)
    readers = [index_opener(bench.folder, "en-AU")() for _ in range(3)]
    assert [one.size for one in readers] == [60] * 3

    for turn in range(4):
        bench.shop.change(f"{turn + 10:05}", price=100 + turn, name=f"Racket {turn}")
        bench.shop.change(f"{turn + 20:05}", by_stock=True, stock=0)
        del bench.shop.products[f"{turn + 30:05}"]
        if turn == 2:
            bench.wanted = [EVERYTHING]
        await bench.work(200)
        for reader in readers[: turn + 1]:
            reader.refresh()
            shown = {key: reader.find(f"SKU-{key}") for key in bench.shop.products}
            assert {key: one and one.product for key, one in shown.items()} == bench.shop.truth
            assert reader.size == len(bench.shop.products)
            assert reader.find(f"SKU-{turn + 30:05}") is None
            variant = reader.find("TEE-M")
            assert variant is not None
            assert variant.key == "00003"
    bench.sync.close()


async def test_a_second_writer_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    bench = RealBench(tmp_path, 5)
    await bench.work(2)
    second = bench.new_sync()

    with pytest.raises(IndexLocked):
        await second.open()
    second.close()
    bench.sync.close()
    await second.open()
    second.close()


async def test_a_writer_that_stops_in_the_middle_of_a_sweep_goes_on_there(tmp_path: Path) -> None:
    bench = RealBench(tmp_path, 90)

    class Stop(BaseException):
        """The process ends."""

    def stop(_name: str) -> None:
        bench.now += 2
        if bench.shop.calls.count("page") == 4:
            raise Stop

    bench.shop.step = stop
    with pytest.raises(Stop):
        await bench.work(5)
    bench.sync.close()
    bench.shop.step = lambda _name: None
    bench.shop.calls.clear()
    bench.sync, bench.opened = bench.new_sync(), False
    await bench.work(5)

    assert bench.shop.calls.count("page") == 2
    assert index_opener(bench.folder, "en-AU")().size == 90
    bench.sync.close()
