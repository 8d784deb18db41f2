"""What one worker learns, all know: by webhook, by command, and by what carts show."""

from collections.abc import Iterable, Sequence

import pytest
from msgspec.structs import replace

from storefront_mcp.catalogue.cache_changes import MAX_KNOWN_PRICES, MAX_PENDING, CatalogueChangeWatch
from storefront_mcp.commerce.cart import Cart, CartLine, CartTotals
from storefront_mcp.commerce.guest_carts import CartObserver
from storefront_mcp.commerce.ids import CartId, LineId, Sku, StoreId
from storefront_mcp.commerce.product import TierPrice
from storefront_mcp.commerce.search import SearchQuery
from storefront_mcp.records.catalogue_changes import EVERYTHING, CatalogueChange
from tests.fakes.memory_backend import aud
from tests.unit.catalogue.conftest import CacheBench

PICKLE = StoreId("pickle")


class MemoryChanges:
    """`CatalogueChanges` in a list."""

    def __init__(self) -> None:
        self.rows: list[CatalogueChange] = []
        self.down = False

    def append(self, store: StoreId, names: Iterable[str], *, now: float) -> None:
        if self.down:
            raise OSError
        for name in names:
            self.rows.append(CatalogueChange(number=len(self.rows) + 1, store=store, name=name, at=now))

    def last(self) -> int:
        return len(self.rows)

    def list_after(self, number: int, *, store: StoreId | None = None, limit: int) -> Sequence[CatalogueChange]:
        if self.down:
            raise OSError
        return [row for row in self.rows if row.number > number][:limit]


class Worker:
    """A cache with its watch, over a record that others share."""

    def __init__(self, record: MemoryChanges) -> None:
        self.bench = CacheBench()
        self.watch = CatalogueChangeWatch(record, now=self.bench.clock.unix)
        self.observer: CartObserver = self.watch.add(PICKLE, self.bench.cache)

    async def calls(self, key: str = "PAD-2") -> int:
        await self.bench.reader.product(key)
        return self.bench.shop.total


@pytest.fixture
def record() -> MemoryChanges:
    return MemoryChanges()


@pytest.fixture
async def pair(record: MemoryChanges) -> tuple[Worker, Worker]:
    workers = Worker(record), Worker(record)
    for worker in workers:
        await worker.watch.poll()
        await worker.calls()
        worker.bench.clock.advance(1)
    return workers


def cart(sku: str, price: int) -> Cart:
    line = CartLine(line_id=LineId("1"), sku=Sku(sku), name="It", quantity=1, price=aud(price), total=aud(price))
    return Cart(cart_id=CartId("c"), lines=(line,), totals=CartTotals(subtotal=aud(price), total=aud(price)))


async def test_a_change_is_known_here_at_once_and_elsewhere_with_the_next_look(pair: tuple[Worker, Worker]) -> None:
    here, there = pair
    here.watch.report(PICKLE, ["PAD-2", ""])

    assert (await here.calls(), await there.calls()) == (2, 1)
    await here.watch.poll()
    await there.watch.poll()
    assert await there.calls() == 2


async def test_a_refresh_of_everything_is_asked_anew_everywhere(
    pair: tuple[Worker, Worker], record: MemoryChanges
) -> None:
    here, there = pair
    record.append(PICKLE, [EVERYTHING], now=here.bench.clock.unix())
    for worker in pair:
        await worker.watch.poll()
        worker.bench.clock.advance(1)

    assert (await here.calls(), await there.calls()) == (2, 2)


async def test_a_storm_of_ten_thousand_changes_is_one(pair: tuple[Worker, Worker], record: MemoryChanges) -> None:
    here, there = pair
    for number in range(10_000):
        here.watch.report(PICKLE, [f"SKU-{number}"])
    await here.watch.poll()
    await there.watch.poll()

    assert [row.name for row in record.rows] == [""]
    there.bench.clock.advance(1)
    assert await there.calls() == 2


async def test_the_same_change_told_a_thousand_times_is_written_once(
    pair: tuple[Worker, Worker], record: MemoryChanges
) -> None:
    for _ in range(MAX_PENDING + 1):
        pair[0].watch.report(PICKLE, ["PAD-2"])
    await pair[0].watch.poll()

    assert [row.name for row in record.rows] == ["PAD-2"]


async def test_a_worker_that_starts_late_forgets_only_what_was_asked_for_before(record: MemoryChanges) -> None:
    late = Worker(record)
    record.append(PICKLE, [EVERYTHING], now=late.bench.clock.unix() - 10)
    record.append(PICKLE, ["PAD-2"], now=late.bench.clock.unix() - 5)
    record.append(StoreId("another"), ["PAD-2"], now=0.0)
    await late.watch.poll()

    await late.calls()
    assert await late.calls() == 1


async def test_changes_wait_while_the_database_is_down(
    pair: tuple[Worker, Worker], record: MemoryChanges, caplog: pytest.LogCaptureFixture
) -> None:
    here, _ = pair
    record.down = True
    here.watch.report(PICKLE, ["PAD-2"])
    for _ in range(3):
        await here.watch.poll()
    here.watch.report(PICKLE, ["SHIRT"])
    record.down = False
    await here.watch.poll()

    assert {row.name for row in record.rows} == {"PAD-2", "SHIRT"}
    assert caplog.text.count("each worker knows its own") == 1


@pytest.mark.parametrize("everything", [True, False])
async def test_too_much_that_waits_is_a_change_of_everything(
    pair: tuple[Worker, Worker], record: MemoryChanges, everything: bool
) -> None:
    here, _ = pair
    record.down = True
    if everything:
        here.watch.report_all(PICKLE)
    else:
        here.watch.report(PICKLE, map(str, range(MAX_PENDING)))
    pending = here.watch.take_pending()
    here.watch.report(PICKLE, ["PAD-2"])
    here.watch._put_back(pending)
    record.down = False
    await here.watch.poll()

    assert [row.name for row in record.rows] == [""]


async def test_what_a_cart_refuses_as_sold_out_is_forgotten_at_once(pair: tuple[Worker, Worker]) -> None:
    here, _ = pair
    here.observer.refused(Sku("PAD-2"))

    assert await here.calls() == 2


async def test_a_cart_that_shows_another_price_makes_all_ask_again(pair: tuple[Worker, Worker]) -> None:
    here, there = pair
    here.observer.seen(cart("PAD-2", 29900))
    await here.watch.poll()
    await there.watch.poll()

    assert (await here.calls(), await there.calls()) == (2, 2)


async def test_a_price_that_always_differs_in_carts_is_not_asked_for_each_time(pair: tuple[Worker, Worker]) -> None:
    here, _ = pair
    for _ in range(5):
        here.observer.seen(cart("PAD-2", 29900))
        await here.watch.poll()
        here.bench.clock.advance(0.1)
        calls = await here.calls()

    assert calls == 2


async def test_the_price_of_a_variant_is_its_own(pair: tuple[Worker, Worker], record: MemoryChanges) -> None:
    here, _ = pair
    shirt = here.bench.backend.products[1]
    here.bench.backend.products = (
        replace(shirt, sku=Sku("SHIRT-L")),
        replace(shirt, sku=Sku("SHIRT-S")),
        replace(shirt, sku=Sku("T"), variants=(), tier_prices=(TierPrice(quantity=2, price=aud(1)),)),
    )
    for sku, price in (("SHIRT-L", 4900), ("SHIRT-S", 4500), ("T", 1), ("NEVER-READ", 5)):
        if sku != "NEVER-READ":
            await here.bench.reader.product(sku)
        here.observer.seen(cart(sku, price))
    await here.watch.poll()

    assert record.rows == []


async def test_known_prices_are_bounded(pair: tuple[Worker, Worker]) -> None:
    here, _ = pair
    here.watch._known_prices.update(
        {(PICKLE, Sku(f"S-{number}"), aud(1), aud(2)): None for number in range(MAX_KNOWN_PRICES)}
    )
    here.observer.seen(cart("PAD-2", 29900))
    await here.watch.poll()

    assert len(here.watch._known_prices) == MAX_KNOWN_PRICES


async def test_a_change_reported_after_everything_has_changed_adds_nothing(
    pair: tuple[Worker, Worker], record: MemoryChanges
) -> None:
    here, _ = pair
    await here.bench.reader.search(SearchQuery(text="paddle"))
    here.watch.report_all(PICKLE)
    here.watch.report(PICKLE, ["PAD-2"])
    await here.watch.poll()

    assert [row.name for row in record.rows] == [""]
