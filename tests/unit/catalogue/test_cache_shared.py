"""Workers share what the shop said, one of them asks it, and a server that fails changes nothing else."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest

from storefront_mcp.catalogue import cache_shared
from storefront_mcp.catalogue.cache_level import SharedKey
from storefront_mcp.catalogue.cache_shared import MAX_FAILURES, MAX_VALUE_BYTES, PAUSE_SECONDS, SharedAnswerStore
from storefront_mcp.commerce.errors import ProductNotFound, ShopDown
from storefront_mcp.commerce.product import Product
from storefront_mcp.commerce.search import SearchPage, SearchQuery
from storefront_mcp.limits.redis_client import create_redis_client
from tests.fakes.memory_redis import MemoryRedis
from tests.unit.catalogue.conftest import CacheBench
from tests.unit.limits.conftest import CountingServer

PADDLE = SearchQuery(text="paddle")
KEY = SharedKey("product", Product, "PAD-2")


class Machine:
    """Workers before one server."""

    def __init__(self, workers: int = 2, *, identity: object = ("pickle", "AUD")) -> None:
        self.workers = [CacheBench() for _ in range(workers)]
        clock = self.clock = self.workers[0].clock
        self.redis = MemoryRedis(clock.monotonic)
        self.slept = 0.0
        self.stores = [self._store(identity) for _ in self.workers]
        for bench, store in zip(self.workers, self.stores, strict=True):
            bench.cache._clock, bench.cache._now = clock.monotonic, clock.unix
            bench.cache._shared, bench.cache._sleep = store, self.sleep

    def _store(self, identity: object) -> SharedAnswerStore:
        redis: Any = self.redis
        return SharedAnswerStore(redis, "127.0.0.1:6379", identity, clock=self.clock.monotonic)

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds
        await asyncio.sleep(0)

    @property
    def calls(self) -> int:
        return sum(worker.shop.total for worker in self.workers)


@pytest.fixture
def machine() -> Machine:
    return Machine()


async def test_what_one_worker_was_told_all_know(machine: Machine) -> None:
    one, other = machine.workers
    first = await one.reader.product("PAD-2")
    second, found = await other.reader.product("PAD-2"), await other.reader.product("PAD-2")

    assert (second.as_of, second.price, second) == ("2027-01-15T08:00:00Z", first.price, found)
    assert machine.calls == 1
    assert (other.cache.counts["shared"], other.cache.counts["memory"]) == (1, 1)


async def test_two_hundred_equal_misses_of_four_workers_are_one_question_in_all() -> None:
    machine = Machine(4)
    for worker in machine.workers:
        worker.shop.gate.clear()
    waiting = [asyncio.create_task(worker.reader.search(PADDLE)) for worker in machine.workers for _ in range(50)]
    asked = [asyncio.create_task(worker.shop.until_asked()) for worker in machine.workers]
    _, unasked = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    for task in unasked:
        task.cancel()
    for worker in machine.workers:
        worker.shop.gate.set()

    assert {found.total for found in await asyncio.gather(*waiting)} == {1}
    assert machine.calls == 1


async def test_an_answer_that_does_not_come_is_not_waited_for_long(machine: Machine) -> None:
    one, other = machine.workers
    one.shop.gate.clear()
    asking = asyncio.create_task(one.reader.product("PAD-2"))
    await one.shop.until_asked()

    assert (await other.reader.product("PAD-2")).as_of is None
    assert machine.slept == pytest.approx(0.6)
    one.shop.gate.set()
    await asking


async def test_one_worker_refreshes_behind_for_all(machine: Machine) -> None:
    one, other = machine.workers
    for worker in machine.workers:
        await worker.reader.search(PADDLE)
    machine.clock.advance(60)
    one.shop.gate.clear()
    await one.reader.search(PADDLE)
    await one.shop.until_asked(2)
    await other.reader.search(PADDLE)
    await asyncio.gather(*other.cache._flights.values())
    assert other.shop.total == 0
    one.shop.gate.set()
    await asyncio.gather(*one.cache._flights.values())
    machine.clock.advance(1)
    await other.reader.search(PADDLE)
    await asyncio.gather(*other.cache._flights.values())

    assert (await other.reader.search(PADDLE)).as_of == "2027-01-15T08:01:00Z"
    assert machine.calls == 2


async def test_a_worker_that_starts_in_an_outage_browses_too(machine: Machine) -> None:
    one, other = machine.workers
    await one.reader.product("PAD-2")
    other.shop.error = ShopDown(internal="500")
    machine.clock.advance(600)

    assert (await other.reader.product("PAD-2")).stale
    assert (await other.reader.product("PAD-2")).stale
    assert other.shop.total == 1
    machine.clock.advance(3_600)
    with pytest.raises(ShopDown):
        await other.reader.product("PAD-2")


async def test_what_is_missing_is_missing_everywhere(machine: Machine) -> None:
    for worker in machine.workers * 2:
        with pytest.raises(ProductNotFound, match="'GONE'"):
            await worker.reader.product("GONE")

    assert machine.calls == 1
    machine.clock.advance(61)
    with pytest.raises(ProductNotFound):
        await machine.workers[1].reader.product("GONE")
    assert machine.calls == 2


async def test_what_has_changed_is_not_taken_from_others(machine: Machine) -> None:
    one, other = machine.workers
    await one.reader.product("PAD-2")
    machine.clock.advance(1)
    other.cache.forget(["PAD-2"])
    await other.reader.product("PAD-2")
    other.cache.forget_all()
    await other.reader.product("PAD-2")

    assert other.shop.total == 2


async def test_an_answer_from_a_clock_that_is_ahead_is_not_taken(machine: Machine) -> None:
    one, other = machine.workers
    one.cache._now = lambda: machine.clock.unix() + 3_600
    await one.reader.product("PAD-2")
    await other.reader.product("PAD-2")

    assert machine.calls == 2


@pytest.mark.parametrize("identity", [("pickle", "USD"), ("tickle", "AUD")], ids=["currency", "store"])
async def test_another_currency_or_store_is_another_catalogue(machine: Machine, identity: object) -> None:
    elsewhere = machine._store(identity)
    await machine.workers[0].reader.product("PAD-2")

    assert await machine.stores[0].find(KEY) is not None
    assert await elsewhere.find(KEY) is None


async def test_another_release_reads_and_writes_beside_this_one(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await machine.workers[0].reader.product("PAD-2")
    assert await machine.stores[1].find(SharedKey("product", SearchPage, "PAD-2")) is None
    monkeypatch.setattr(cache_shared, "SCHEMA_NUMBER", 2)
    assert await machine.stores[1].find(KEY) is None
    await machine.workers[1].reader.product("PAD-2")

    assert machine.calls == 2


@pytest.mark.parametrize(
    "foreign", [b"", b"\xff", b"\x93\x01", msgspec.msgpack.encode((1.0, 1.0, {"sku": 7})), b'{"a": 1}']
)
async def test_foreign_bytes_are_a_miss(machine: Machine, foreign: bytes) -> None:
    await machine.workers[0].reader.product("PAD-2")
    machine.redis.kept = {name: (foreign, until) for name, (_, until) in machine.redis.kept.items()}
    machine.clock.advance(5)

    assert (await machine.workers[1].reader.product("PAD-2")).as_of is None


async def test_keys_hold_nothing_of_what_was_searched_for_and_values_no_caller(machine: Machine) -> None:
    await machine.workers[0].reader.search(SearchQuery(text="ada@example.com"))

    assert machine.redis.kept
    assert not [name for name in machine.redis.kept if b"ada" in name]
    assert not [value for value, _ in machine.redis.kept.values() if b"ada" in value]


async def test_large_values_stay_out(machine: Machine) -> None:
    await machine.stores[0].put(KEY, b"x" * (MAX_VALUE_BYTES + 1), fetched=1.0, cost=1.0, life=60.0)
    await machine.stores[0].put(KEY, b"x", fetched=1.0, cost=1.0, life=0.0)

    assert machine.redis.asked == 0


async def test_a_server_that_fails_is_left_alone_for_a_while_and_warned_of_once(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine.redis.down = True
    one = machine.workers[0]
    for number in range(20):
        await one.reader.search(SearchQuery(text=f"paddle {number}"))
    assert machine.redis.asked == MAX_FAILURES
    assert (one.shop.total, machine.slept, machine.stores[0].failing) == (20, 0.0, True)
    assert caplog.text.count("127.0.0.1:6379 fails") == 1

    machine.redis.down = False
    machine.clock.advance(PAUSE_SECONDS)
    await one.reader.search(PADDLE)
    assert not machine.stores[0].failing


async def test_a_full_server_is_read_and_not_waited_for(machine: Machine) -> None:
    await machine.workers[0].reader.product("PAD-2")
    machine.redis.full = True

    assert (await machine.workers[1].reader.product("PAD-2")).as_of is not None
    await machine.workers[1].reader.product("SHIRT")
    assert machine.slept == pytest.approx(0.0)
    assert not machine.stores[1].failing


async def test_a_flush_costs_one_question_a_key(machine: Machine) -> None:
    for worker in machine.workers:
        await worker.reader.product("PAD-2")
    machine.redis.kept.clear()
    machine.clock.advance(31)
    for worker in machine.workers:
        assert not (await worker.reader.product("PAD-2")).stale

    assert machine.calls == 2


async def test_a_server_that_says_nothing_is_waited_for_three_times_at_most() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        redis = create_redis_client(f"redis://127.0.0.1:{silent.getsockname()[1]}", timeout=0.01)
        machine = Machine()
        store = SharedAnswerStore(redis, "it", ("pickle",), clock=machine.clock.monotonic)
        one = machine.workers[0]
        one.cache._shared = store
        for number in range(10):
            assert (await one.reader.search(SearchQuery(text=f"paddle {number}"))).total is not None
        await redis.aclose()

    assert store._troubles == MAX_FAILURES
    assert one.shop.total == 10


@pytest.mark.slow
async def test_a_real_server_that_stops_and_comes_back(own_server: CountingServer) -> None:
    own_server.start()
    redis = create_redis_client(own_server.url, timeout=10.0)
    machine = Machine()
    stores = [SharedAnswerStore(redis, "it", ("pickle",), clock=machine.clock.monotonic) for _ in machine.workers]
    for worker, store in zip(machine.workers, stores, strict=True):
        worker.cache._shared = store
    one, other = machine.workers
    await one.reader.product("PAD-2")
    assert (await other.reader.product("PAD-2")).as_of is not None
    assert machine.calls == 1

    own_server.stop()
    assert (await other.reader.product("SHIRT")).sku == "SHIRT"
    assert machine.calls == 2
    own_server.start()
    machine.clock.advance(PAUSE_SECONDS + 31)
    await one.reader.product("PAD-2")
    await other.reader.product("PAD-2")
    assert machine.calls == 3
    await redis.aclose()


@pytest.fixture
def own_server(tmp_path: Path) -> Any:
    server = CountingServer(tmp_path)
    yield server
    server.stop()
