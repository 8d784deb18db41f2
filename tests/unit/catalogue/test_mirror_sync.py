"""A mirror becomes like its shop and stays so, whatever the shop, the disk or the machine does meanwhile."""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from msgspec.structs import replace

from storefront_mcp.catalogue.mirror_generation import MirrorStorageFailed
from storefront_mcp.catalogue.mirror_sync import MirrorSync, next_sweep
from storefront_mcp.catalogue.mirror_work import SyncClocks, SyncPolicy
from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.errors import ShopBusy, ShopDown, ShopRefused
from storefront_mcp.commerce.ids import CategoryId
from storefront_mcp.commerce.product import Product
from storefront_mcp.records.catalogue_changes import EVERYTHING
from tests.fakes.memory_index import MemoryDisk, MemoryIndexWriter, nothing
from tests.fakes.memory_lister import MemoryLister, ShelfProduct

pytestmark = pytest.mark.slow

NOON = 1_796_040_000.0
"""Some day at 12:00 UTC."""
DAY = 86_400


class Crash(BaseException):
    """The process is gone."""


BENCHES: list["MirrorBench"] = []
"""Those of the test that runs."""


class MirrorBench:
    """A shop, a disk, a clock, and the mirror between them, which can be killed and started again."""

    def __init__(self, folder: Path, count: int = 25, *, size: int = 10, dated: bool = True) -> None:
        self.now = NOON
        self.folder = folder / "store" / "view"
        self.shop = MemoryLister(count, now=lambda: self.now, size=size, dated=dated)
        self.disk = MemoryDisk()
        self.wanted: list[str] = []
        self.told: dict[str, Any] = {}
        self.problems: list[str] = []
        self.slept: list[float] = []
        self.stops_at: float | None = None
        self.stopped = asyncio.Event()
        BENCHES.append(self)
        self.start()

    def start(self) -> None:
        """A new process."""
        self.opened = False
        if isinstance(self.disk.locked_by, MemoryIndexWriter):
            self.disk.locked_by = None
        self.sync = MirrorSync(
            self.shop,
            self.folder,
            self.disk.writer,
            requests=self._take,
            report=self._report,
            policy=SyncPolicy(),
            clocks=SyncClocks(clock=lambda: self.now, now=lambda: self.now, sleep=self._sleep),
        )

    def restart(self) -> None:
        """The process ends, and another begins."""
        self.sync.close()
        self.start()

    async def work(self, seconds: float = 300.0) -> None:
        """Let it go on for so long; the disk's refusals are raised."""
        end = self.now + seconds
        if not self.opened:
            await self.sync.open()
            self.opened = True
        while self.now < end:
            await self.sync.turn()

    async def run(self, seconds: float) -> None:
        """As the writer's process does it, until so long has passed."""
        end = self.now + seconds

        self.stops_at, self.stopped = end, asyncio.Event()
        running = asyncio.create_task(self.sync.run())
        await self.stopped.wait()
        self.stops_at = None
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    def shown(self) -> dict[str, Product]:
        return {key: one.product for key, one in self.disk.shown.items()}

    async def _take(self) -> list[str]:
        taken, self.wanted = self.wanted, []
        return taken

    def _report(self, fields: Mapping[str, Any]) -> None:
        self.told |= fields
        if fields.get("problem"):
            self.problems.append(fields["problem"])

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += max(seconds, 0.001)
        if self.stops_at is not None and self.now >= self.stops_at:
            self.stopped.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    yield
    while BENCHES:
        BENCHES.pop().sync.close()


@pytest.fixture
def bench(tmp_path: Path) -> MirrorBench:
    return MirrorBench(tmp_path)


# The first sweep ------------------------------------------------------------------------------------------------------


async def test_a_first_sweep_shows_everything_at_once_and_tells_how_far_it_is(bench: MirrorBench) -> None:
    seen: list[tuple[int, int]] = []
    bench.shop.step = lambda _name: seen.append((len(bench.shown()), bench.told.get("read", 0)))

    await bench.work(3)

    assert bench.shown() == bench.shop.truth
    assert {shown for shown, _ in seen} == {0}
    assert [read for _, read in seen] == [0, 0, 10, 20, 25]
    assert bench.told["generation"] == bench.disk.current
    assert (bench.told["products"], bench.told["read"], bench.told["total"]) == (25, 25, 25)
    assert not bench.told["building"]
    assert bench.told["as_of"] >= NOON
    assert bench.told["bytes_used"] > 0


async def test_documents_name_their_categories_and_those_above(bench: MirrorBench) -> None:
    await bench.work(3)

    found = bench.disk.shown["00001"].categories

    assert [(one.name, one.direct) for one in found] == [("Paddles", True), ("Gear", False)]


async def test_a_category_that_is_new_is_asked_for(bench: MirrorBench) -> None:
    await bench.work(3)
    bench.shop.tree += (Category(id=CategoryId("9"), name="Nets"),)
    bench.shop.change("00002", category=CategoryId("9"))
    bench.now += 400

    await bench.work(200)

    assert [one.name for one in bench.disk.shown["00002"].categories] == ["Nets"]


async def test_what_vanishes_while_pages_are_read_hides_nobody_else(bench: MirrorBench) -> None:
    def vanish(name: str) -> None:
        if name == "page" and len(bench.shop.products) == 25 and bench.shop.calls.count("page") == 2:
            for key in ("00001", "00002", "00003"):
                del bench.shop.products[key]

    bench.shop.step = vanish
    await bench.work(3)

    assert set(bench.shop.truth) <= set(bench.shown())
    bench.shop.step = nothing
    await bench.work(400)
    assert bench.shown() == bench.shop.truth


async def test_a_product_that_cannot_be_read_is_counted_and_holds_nobody_up(bench: MirrorBench) -> None:
    bench.shop.change("00004", unreadable=True)

    await bench.work(900)

    assert bench.shown() == bench.shop.truth
    assert bench.told["unreadable"] == 1
    assert len(bench.shop.calls) < 100


async def test_what_is_not_sold_is_in_no_mirror_and_does_not_make_a_sweep_look_twice(bench: MirrorBench) -> None:
    bench.shop.change("00004", unsold=True)

    await bench.work(3)

    assert bench.shown() == bench.shop.truth
    assert "brief_page" not in bench.shop.calls[: bench.shop.calls.index("changes")]
    assert (bench.told["products"], bench.told["read"], bench.told["unreadable"]) == (24, 25, 0)


async def test_what_is_sold_no_more_leaves_with_the_next_look(bench: MirrorBench) -> None:
    await bench.work(3)
    bench.shop.change("00004", by_stock=True, unsold=True)

    await bench.work(200)

    assert bench.shown() == bench.shop.truth


# What changes ---------------------------------------------------------------------------------------------------------


async def test_changes_are_seen_within_the_poll_and_nothing_is_written_for_what_is_the_same(bench: MirrorBench) -> None:
    await bench.work(3)
    puts = bench.disk.puts
    bench.shop.change("00007", price=900, name="Cheaper")

    await bench.work(90)

    assert bench.shown() == bench.shop.truth
    assert bench.disk.puts == puts + 1
    assert NOON < bench.told["as_of"] <= bench.now


async def test_an_old_shop_that_tells_everything_as_changed_costs_no_writes(tmp_path: Path) -> None:
    bench = MirrorBench(tmp_path, dated=False)
    await bench.work(3)
    commits = bench.disk.commits

    await bench.work(600)

    assert bench.disk.commits == commits
    assert bench.shown() == bench.shop.truth


async def test_stock_and_prices_that_move_without_a_date_are_seen_by_the_short_list(bench: MirrorBench) -> None:
    await bench.work(3)
    bench.shop.change("00005", by_stock=True, price=700)
    bench.shop.change("00006", by_stock=True, stock=0)

    await bench.work(200)

    assert bench.shown() == bench.shop.truth
    assert not bench.shown()["00006"].in_stock
    assert bench.told["stock_as_of"] > NOON


async def test_what_is_sold_out_stays_and_comes_back(bench: MirrorBench) -> None:
    await bench.work(3)
    bench.shop.change("00006", by_stock=True, stock=0)
    await bench.work(200)
    bench.shop.change("00006", by_stock=True, stock=3)

    await bench.work(200)

    assert bench.shown()["00006"].in_stock


async def test_stock_of_single_variants_is_looked_at_in_turn(bench: MirrorBench) -> None:
    bench.shop.products["00003"].variants = {"TEE-S": 2, "TEE-M": 1}
    await bench.work(3)
    bench.shop.change("00003", by_stock=True, variants={"TEE-S": 2, "TEE-M": 0})

    await bench.work(1500)

    assert bench.shown() == bench.shop.truth


async def test_what_was_deleted_goes_only_when_its_own_page_says_so(bench: MirrorBench) -> None:
    await bench.work(3)
    del bench.shop.products["00008"]
    bench.shop.change("00009", listed=False)

    await bench.work(200)

    assert "00008" not in bench.shown()
    assert "00009" in bench.shown()
    assert {"read 00008", "read 00009"} <= set(bench.shop.calls)


async def test_many_that_vanish_at_once_are_believed_at_the_second_look(tmp_path: Path) -> None:
    bench = MirrorBench(tmp_path, 120, size=50)
    await bench.work(3)
    hidden = bench.shop.products
    bench.shop.products = {}

    await bench.work(61)
    assert len(bench.shown()) == 120
    assert "looked at once more" in bench.problems[-1]
    bench.shop.products = hidden
    await bench.work(200)
    assert bench.shown() == bench.shop.truth
    assert bench.told["problem"] is None

    bench.shop.products = {"00001": hidden["00001"]}
    await bench.work(400)
    assert set(bench.shown()) == {"00001"}


async def test_a_price_with_dates_is_read_again_when_they_come(bench: MirrorBench) -> None:
    boundary = int(NOON) + 2000
    bench.shop.change("00002", reprices=(boundary,))
    await bench.work(1900)
    calls = len([one for one in bench.shop.calls if one == "read 00002"])
    assert calls == 0

    def flip(name: str) -> None:
        if bench.now >= boundary + 200:
            bench.shop.products["00002"].price = 1

    bench.shop.step = flip
    await bench.work(900)

    assert bench.shown()["00002"].price.minor == 1
    assert bench.shop.calls.count("read 00002") >= 2


async def test_requests_are_read_at_once_by_any_name_and_each_once(bench: MirrorBench) -> None:
    bench.shop.products["00003"].variants = {"TEE-S": 2, "TEE-M": 1}
    await bench.work(3)
    hidden = ShelfProduct(key="00030", listed=False)
    bench.shop.products["00030"] = hidden
    bench.shop.products["00031"] = ShelfProduct(key="00031")
    bench.shop.change("00003", by_stock=True, variants={"TEE-S": 0, "TEE-M": 1})
    bench.shop.change("00002", by_stock=True, price=5)
    bench.shop.calls.clear()
    bench.wanted = ["tee-m", "SKU-00002", "SKU-00002", "SKU-00031", "SKU-00030", "SKU-99999"]

    await bench.work(8)

    shown = bench.shown()
    assert not shown["00003"].variants[0].in_stock
    assert shown["00002"].price.minor == 5
    assert "00031" in shown
    assert "00030" not in shown
    assert bench.shop.calls.count("read 00002") == 1


async def test_a_storm_of_requests_becomes_one_sweep(bench: MirrorBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront_mcp.catalogue.mirror_sync.MAX_WAITING", 100)
    await bench.work(3)
    first = bench.told["generation"]
    bench.wanted = [f"SKU-{number:05}" for number in range(10_000)]

    await bench.work(3)

    assert bench.told["generation"] > first


async def test_a_request_for_everything_sweeps_at_once(bench: MirrorBench) -> None:
    await bench.work(3)
    first = bench.told["generation"]
    bench.wanted = [EVERYTHING]

    await bench.work(3)

    assert bench.told["generation"] > first
    assert list(bench.disk.generations) == [bench.told["generation"]]
    assert len(list(bench.folder.glob("ledger-*.sqlite"))) == 1


# The daily sweep ------------------------------------------------------------------------------------------------------


async def test_a_sweep_a_day_heals_what_no_date_tells_and_keeps_what_no_list_shows(bench: MirrorBench) -> None:
    await bench.work(3)
    first = bench.told["generation"]
    bench.shop.change("00006", by_stock=True, stock=0)
    await bench.work(200)
    bench.shop.products["00001"].name = "Renamed by an import"
    bench.shop.tree = (Category(id=CategoryId("2"), name="Everything", children=bench.shop.tree[0].children),)
    bench.now += DAY

    await bench.work(100)

    assert bench.told["generation"] > first
    assert bench.shown() == bench.shop.truth
    assert "00006" in bench.shown()
    assert [one.name for one in bench.disk.shown["00006"].categories] == ["Paddles", "Everything"]


async def test_what_is_read_stays_current_while_a_long_sweep_is_under_way(tmp_path: Path) -> None:
    bench = MirrorBench(tmp_path, 60, size=2)
    await bench.work(3)
    first = bench.told["generation"]
    seen: list[int] = []

    def slowly(name: str) -> None:
        bench.now += 20
        if name == "page":
            seen.append(bench.shown()["00001"].price.minor)
            if bench.shop.calls.count("page") == 35:
                bench.shop.change("00001", price=77)

    bench.wanted = [EVERYTHING]
    bench.shop.step = slowly
    await bench.work(30)

    assert bench.told["generation"] > first
    assert seen[0] == 1000
    assert seen[-1] == 77
    assert bench.shown() == bench.shop.truth


async def test_a_sweep_that_finds_next_to_nothing_is_not_believed_before_another_agrees(tmp_path: Path) -> None:
    bench = MirrorBench(tmp_path, 60)
    await bench.work(3)
    first = bench.told["generation"]
    everything = dict(bench.shop.products)
    for key in list(everything)[5:]:
        bench.shop.products[key] = ShelfProduct(key=key, listed=False)
    bench.now += DAY

    await bench.work(30)
    assert bench.told["generation"] == first
    assert "kept until another sweep agrees" in bench.problems[-1]
    assert not bench.told["building"]

    bench.now += 3700
    await bench.work(200)
    assert bench.told["generation"] > first
    assert set(bench.shown()) == set(everything)


async def test_a_sweep_that_an_operator_asked_for_is_believed(tmp_path: Path) -> None:
    bench = MirrorBench(tmp_path, 60)
    await bench.work(3)
    bench.shop.products = {"00001": bench.shop.products["00001"]}
    bench.wanted = [EVERYTHING]

    await bench.work(10)

    assert set(bench.shown()) == {"00001"}


@pytest.mark.parametrize(("last", "hour", "due"), [(0, 3, 3), (1, 3, 3), (2.5, 3, 27), (3, 3, 27), (23, 0, 24)])
def test_the_next_sweep_is_at_its_hour_and_not_twice(last: float, hour: int, due: float) -> None:
    assert next_sweep(last * 3600, hour) == due * 3600


# A shop that is slow, limited, half down ------------------------------------------------------------------------------


async def test_a_shop_that_is_busy_gets_the_pause_it_asks_for(bench: MirrorBench) -> None:
    answers = iter([ShopBusy(retry_after=17, internal="GET /products: 429")])

    def refuse(name: str) -> None:
        if name == "page" and (error := next(answers, None)) is not None:
            raise error

    bench.shop.step = refuse
    await bench.work(30)

    assert 17 in bench.slept
    assert bench.problems == ["the shop is busy: GET /products: 429"]
    assert bench.told["problem"] is None
    assert bench.shown() == bench.shop.truth


async def test_a_shop_that_is_half_down_is_asked_less_and_less_and_nothing_is_lost(bench: MirrorBench) -> None:
    await bench.work(3)

    def refuse(name: str) -> None:
        raise ShopDown(internal="GET /products: 502")

    bench.shop.step = refuse
    bench.restart()
    bench.shop.calls.clear()
    await bench.run(3000)
    calls = len(bench.shop.calls)
    assert bench.shown() == bench.shop.truth
    assert bench.told["as_of"] < bench.now - 2900
    assert "502" in bench.told["problem"]
    assert max(bench.slept) == 300.0
    assert calls < 40

    bench.shop.step = nothing
    bench.restart()
    await bench.work(100)
    assert bench.told["problem"] is None
    assert bench.told["as_of"] > bench.now - 100


async def test_answers_that_become_slow_are_asked_for_less_often(tmp_path: Path) -> None:
    bench = MirrorBench(tmp_path, 300)
    took = 0.5

    def answer(name: str) -> None:
        bench.now += took

    bench.shop.step = answer
    await bench.work(3)
    first = bench.told["generation"]
    assert max(bench.slept) <= 1.0

    took = 5.0
    bench.wanted = [EVERYTHING]
    await bench.work(10)

    assert max(bench.slept) >= 5.0
    assert bench.told["generation"] > first


async def test_a_shop_that_refuses_the_list_is_told_of_and_asked_again_later(bench: MirrorBench) -> None:
    def refuse(name: str) -> None:
        raise ShopRefused("no", internal="GET /products: 400")

    bench.shop.step = refuse
    await bench.run(100)
    assert bench.problems[-1] == "the shop refuses: GET /products: 400"

    bench.shop.step = nothing
    await bench.run(300)
    assert bench.shown() == bench.shop.truth


# Disk, locks, crashes -------------------------------------------------------------------------------------------------


async def test_a_full_disk_keeps_what_readers_have_and_is_told_of(bench: MirrorBench) -> None:
    await bench.work(3)
    bench.shop.change("00001", price=1)
    before = bench.shown()
    bench.disk.full = True

    bench.restart()
    await bench.run(200)
    assert bench.shown() == before
    assert "No space left" in bench.told["problem"]

    bench.disk.full = False
    await bench.run(700)
    assert bench.shown() == bench.shop.truth
    assert bench.told["problem"] is None


async def test_a_sweep_is_not_begun_without_the_space_for_it(
    bench: MirrorBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(bench.folder.anchor)._replace(free=10 * 2**20)
    monkeypatch.setattr("storefront_mcp.catalogue.mirror_generation.shutil.disk_usage", lambda _path: usage)

    with pytest.raises(MirrorStorageFailed, match="10 MB are free"):
        await bench.work(3)
    assert bench.shop.calls == []


async def test_a_second_writer_waits_until_the_first_is_gone(bench: MirrorBench) -> None:
    other = object()
    bench.disk.locked_by = other
    await bench.run(30)
    assert bench.problems[-1] == "it cannot be written: another process writes the index"
    assert bench.shown() == {}

    bench.disk.locked_by = None
    await bench.run(300)
    assert bench.shown() == bench.shop.truth


async def test_an_index_that_is_gone_is_built_anew(bench: MirrorBench) -> None:
    await bench.work(3)
    bench.sync.close()
    bench.disk.current = None
    bench.disk.generations = {}
    bench.start()

    await bench.work(3)

    assert bench.shown() == bench.shop.truth


async def test_folders_of_another_release_or_other_settings_go_when_nobody_writes_there_any_more(
    bench: MirrorBench,
) -> None:
    await bench.work(3)
    stranger = bench.folder.with_name("other")
    stranger.mkdir()
    bench.restart()
    await bench.work(3)
    assert stranger.is_dir()
    bench.now += 30 * DAY + max(0.0, time.time() - NOON)
    bench.restart()
    await bench.work(3)
    assert not stranger.is_dir()


async def test_a_crash_at_any_step_of_a_sweep_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    """Each step of the writer and each answer of the shop in turn is the last thing that the process does."""

    def scenario(folder: Path) -> MirrorBench:
        bench = MirrorBench(folder, 12, size=4)
        bench.shop.products["00002"].variants = {"TEE-S": 1}
        return bench

    steps = 0

    async def life(folder: Path, last: int) -> int:
        bench = scenario(folder)
        count = 0

        def step(name: str) -> None:
            nonlocal count
            count += 1
            if count == last:
                raise Crash(name)

        bench.disk.step = bench.shop.step = step
        try:
            await bench.work(3)
            bench.shop.change("00003", by_stock=True, stock=0)
            del bench.shop.products["00004"]
            await bench.work(130)
            bench.wanted = [EVERYTHING]
            await bench.work(10)
        except Crash:
            assert len(bench.shown()) in {0, 11, 12}
            bench.disk.step = bench.shop.step = nothing
            bench.restart()
            await bench.work(135)
            assert bench.shown() == {
                key: one
                for key, one in bench.shop.truth.items()
                if key in bench.shown() or bench.shop.products[key].in_stock
            }
            assert set(bench.disk.shown) <= set(bench.shop.products)
        return count

    steps = await life(tmp_path / "whole", -1)
    assert steps > 30
    for last in range(1, steps + 1):
        await life(tmp_path / str(last), last)


async def test_a_sweep_goes_on_where_it_was_and_begins_anew_after_a_day(tmp_path: Path) -> None:
    bench = MirrorBench(tmp_path, 60)

    def crash(name: str) -> None:
        bench.now += 2
        if bench.shop.calls.count("page") == 4:
            raise Crash

    bench.shop.step = crash
    with pytest.raises(Crash):
        await bench.work(3)
    bench.shop.step = nothing
    bench.shop.calls.clear()
    bench.restart()
    await bench.work(3)
    assert bench.shop.calls.count("page") == 3
    assert bench.shown() == bench.shop.truth

    again = MirrorBench(tmp_path / "again", 60)

    def crash_again(name: str) -> None:
        again.now += 2
        if again.shop.calls.count("page") == 4:
            raise Crash

    again.shop.step = crash_again
    with pytest.raises(Crash):
        await again.work(3)
    again.now += DAY
    again.shop.step = nothing
    again.shop.calls.clear()
    again.restart()
    await again.work(3)
    assert again.shop.calls.count("page") == 6
    assert again.shown() == again.shop.truth


Change = tuple[str, int, int]
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["price", "stock", "delete", "add", "hide", "rename", "wait", "crash", "sweep"]),
        st.integers(1, 14),
        st.integers(0, 3),
    ),
    max_size=25,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20)
@given(changes=CHANGES)
def test_after_any_changes_and_crashes_the_mirror_is_the_shop(
    changes: list[Change], tmp_path_factory: pytest.TempPathFactory
) -> None:
    asyncio.run(_live_through(changes, tmp_path_factory.mktemp("mirror")))


async def _live_through(changes: list[Change], folder: Path) -> None:
    bench = MirrorBench(folder, 10, size=4)
    await bench.work(3)
    acts: dict[str, Callable[[str, int], object]] = {
        "price": lambda key, much: bench.shop.change(key, price=100 + much),
        "stock": lambda key, much: bench.shop.change(key, by_stock=True, stock=much),
        "hide": lambda key, much: bench.shop.change(key, listed=bool(much)),
        "rename": lambda key, much: bench.shop.change(key, name=f"Name {much}"),
        "delete": lambda key, _much: bench.shop.products.pop(key),
    }
    for act, number, much in changes:
        key = f"{number:05}"
        if act == "add":
            bench.shop.products.setdefault(key, ShelfProduct(key=key, stock=1 + much, changed=bench.now))
        elif act == "wait":
            await bench.work(1 + 40 * much)
        elif act == "sweep":
            bench.wanted = [EVERYTHING]
        elif act == "crash":
            countdown = 1 + number + much

            def step(name: str) -> None:
                nonlocal countdown
                countdown -= 1
                if countdown == 0:
                    raise Crash

            bench.disk.step = bench.shop.step = step
            try:
                await bench.work(70)
            except Crash:
                bench.restart()
            bench.disk.step = bench.shop.step = nothing
        elif key in bench.shop.products:
            acts[act](key, much)
    await bench.work(1200)
    shown, truth = bench.shown(), bench.shop.truth
    assert set(shown) <= set(truth)
    # How many pieces there are is told by no list.
    assert {key: replace(truth[key], stock=None) for key in shown} == {
        key: replace(one, stock=None) for key, one in shown.items()
    }
    listed = {key for key, one in bench.shop.products.items() if one.listed and one.in_stock}
    assert listed <= set(shown)


async def test_a_large_catalogue_costs_one_question_for_each_page_and_few_commits(tmp_path: Path) -> None:
    bench = MirrorBench(tmp_path, 5_000, size=100)
    shown = list(bench.shop.products.values())
    bench.shop._shown = lambda: shown  # type: ignore[method-assign]
    bench.shop.step = lambda _name: setattr(bench, "now", bench.now + 0.2)

    await bench.work(1)

    assert bench.told["products"] == 5_000
    assert bench.shop.calls.count("page") == 50
    assert len(bench.shop.calls) == 52
    assert bench.disk.commits <= 50 * 0.2 + 3
