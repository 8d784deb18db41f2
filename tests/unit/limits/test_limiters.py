"""Both kinds of buckets keep the same contract; the memory of one worker is bounded."""

import asyncio
import logging
import secrets
import sys
import time
from collections.abc import AsyncIterator, Awaitable

import pytest
from hypothesis import given, strategies as st

from storefront_mcp.access.rate_limits import PermitRequest, RateLimit, RateLimiter
from storefront_mcp.limits import MemoryRateLimiter, RedisClientMissing, create_rate_limiter
from storefront_mcp.limits.redis_limiter import RedisRateLimiter
from tests.unit.limits.conftest import CountingServer

SLOW = RateLimit(3, 60.0)
QUICK = RateLimit(2, 0.05)


@pytest.fixture(params=["memory", "shared"])
async def counted(request: pytest.FixtureRequest) -> AsyncIterator[RateLimiter]:
    if request.param == "memory":
        yield MemoryRateLimiter()
        return
    server: CountingServer = request.getfixturevalue("counting")
    shared, close = create_rate_limiter(server.url)
    yield shared
    await close()


@pytest.fixture
def store() -> str:
    """Tests share a server, so each is a store of its own."""
    return secrets.token_hex(8)


def ask(key: str = "a", rate: RateLimit = SLOW) -> tuple[PermitRequest, ...]:
    return (PermitRequest("guest", key, rate),)


async def test_a_burst_passes_and_the_next_one_waits(counted: RateLimiter, store: str) -> None:
    assert [await counted.take(store, ask()) for _ in range(3)] == [None, None, None]
    exceeded = await counted.take(store, ask())
    assert exceeded is not None
    assert (exceeded.rule, exceeded.rate) == ("guest", SLOW)
    assert 59 < exceeded.wait <= 60


async def test_a_refused_call_costs_nothing(counted: RateLimiter, store: str) -> None:
    waits = []
    for _ in range(10):
        exceeded = await counted.take(store, ask())
        waits.append(0 if exceeded is None else exceeded.wait)
    assert waits[:3] == [0, 0, 0]
    assert all(wait <= 60 for wait in waits)


async def test_keys_rules_and_stores_are_counted_apart(counted: RateLimiter, store: str) -> None:
    one = RateLimit(1, 60.0)
    for asked in (ask("a", one), ask("b", one), (PermitRequest("cart", "a", one),)):
        assert await counted.take(store, asked) is None
    assert await counted.take(store + "-other", ask("a", one)) is None
    assert await counted.take(store, ask("a", one)) is not None


async def test_tokens_come_back_with_time(counted: RateLimiter, store: str) -> None:
    while await counted.take(store, ask(rate=QUICK)) is None:
        pass
    deadline = time.monotonic() + 5
    while await counted.take(store, ask(rate=QUICK)) is not None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


async def test_looking_takes_nothing(counted: RateLimiter, store: str) -> None:
    one = RateLimit(1, 60.0)
    for _ in range(5):
        assert await counted.take(store, ask(rate=one), charge=False) is None
    assert await counted.take(store, ask(rate=one)) is None
    assert await counted.take(store, ask(rate=one), charge=False) is not None


async def test_several_tokens_are_taken_all_or_none(counted: RateLimiter, store: str) -> None:
    wide, narrow = PermitRequest("guest", "a", RateLimit(2, 60.0)), PermitRequest("cart", "c", RateLimit(1, 30.0))
    assert await counted.take(store, (wide, narrow)) is None
    exceeded = await counted.take(store, (wide, narrow))
    assert exceeded is not None
    assert exceeded.rule == "cart"
    assert await counted.take(store, (wide,)) is None, "the refused pair must have left the wide one alone"
    longest = await counted.take(store, (wide, narrow), charge=False)
    assert longest is not None
    assert longest.rule == "guest"


async def test_a_meter_takes_from_the_same_buckets(counted: RateLimiter, store: str) -> None:
    meter = counted.meter(store, "guest", SLOW)
    assert await counted.take(store, ask()) is None
    assert [await meter("a") for _ in range(2)] == [None, None]
    exceeded = await meter("a")
    assert exceeded is not None
    assert (exceeded.rule, exceeded.rate) == ("guest", SLOW)
    assert 59 < exceeded.wait <= 60
    assert await counted.take(store, ask()) is not None
    assert await meter("b") is None
    assert await counted.meter(store, "cart", SLOW)("a") is None


async def test_two_workers_share_one_bucket(counting: CountingServer, store: str) -> None:
    (one, close_one), (other, close_other) = create_rate_limiter(counting.url), create_rate_limiter(counting.url)
    for _ in range(3):
        assert await one.take(store, ask()) is None
    assert await other.take(store, ask()) is not None
    await close_one()
    await close_other()


async def test_nobody_gets_a_token_twice_at_the_same_moment(counted: RateLimiter, store: str) -> None:
    rate = RateLimit(20, 60.0)
    taken = await asyncio.gather(*(counted.take(store, ask(rate=rate)) for _ in range(60)))
    assert taken.count(None) == 20


async def test_a_store_that_went_away_is_replaced_by_memory_and_comes_back(
    own_server: CountingServer, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    memory = MemoryRateLimiter()
    shared = RedisRateLimiter(own_server.url, fallback=memory, clock=lambda: now)
    with caplog.at_level(logging.WARNING, "storefront_mcp.limits"):
        for _ in range(3):
            assert await shared.take("pickle", ask()) is None
        assert await shared.take("pickle", ask()) is not None, "memory counts meanwhile"
    (warning,) = caplog.messages
    assert "each worker counts for itself" in warning

    own_server.start()
    assert await shared.take("pickle", ask("b")) is None
    assert len(memory) == 2, "for a while it is not even asked"
    now = 6.0
    caplog.clear()
    with caplog.at_level(logging.WARNING, "storefront_mcp.limits"):
        assert await shared.take("pickle", ask("c")) is None
    assert len(memory) == 2
    assert "answers again" in caplog.text
    await shared.close()


async def test_what_the_server_keeps_ends_by_itself(counting: CountingServer, store: str) -> None:
    shared = RedisRateLimiter(counting.url, fallback=MemoryRateLimiter())
    await shared.take(store, ask(rate=RateLimit(2, 10.0)))
    key = f"storefront-mcp:{store}:guest:a"
    assert 9_000 < await shared._redis.pttl(key) <= 10_001
    await shared.close()


async def test_a_password_is_never_shown() -> None:
    shared = RedisRateLimiter("rediss://shop:hunter2@cache.example/1", fallback=MemoryRateLimiter())
    assert shared.address == "rediss://cache.example:6379"
    await shared.close()


async def test_without_a_url_the_memory_counts() -> None:
    counted, close = create_rate_limiter(None)
    assert isinstance(counted, MemoryRateLimiter)
    await close()


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = "storefront_mcp.limits.redis_limiter"
    monkeypatch.setitem(sys.modules, ours, None)
    with pytest.raises(ModuleNotFoundError, match=ours):
        create_rate_limiter("valkey://127.0.0.1")
    monkeypatch.delitem(sys.modules, ours)
    monkeypatch.delitem(sys.modules, "storefront_mcp.limits.redis_client", raising=False)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(RedisClientMissing, match=r"storefront-mcp\[redis\]"):
        create_rate_limiter("valkey://127.0.0.1")


async def test_strangers_by_the_thousand_leave_no_growth_and_do_not_push_out_what_belongs_to_everybody() -> None:
    memory = MemoryRateLimiter(max_buckets=1_000)
    one = RateLimit(1, 3600.0)
    assert await memory.take("pickle", (PermitRequest("coupons", "all", one),)) is None
    for number in range(100_000):
        await memory.take("pickle", (PermitRequest("address", f"2001:db8:{number:x}::/64", one),))
    assert len(memory) == 1_001
    assert await memory.take("pickle", (PermitRequest("coupons", "all", one),)) is not None
    assert await memory.take("pickle", (PermitRequest("address", f"2001:db8:{99_999:x}::/64", one),)) is not None


async def test_strangers_at_a_meter_leave_no_growth_either() -> None:
    memory = MemoryRateLimiter(max_buckets=1_000)
    meter = memory.meter("pickle", "address", RateLimit(1, 3600.0))
    for number in range(5_000):
        assert await meter(f"2001:db8:{number:x}::/64") is None
    assert len(memory) == 1_000
    assert await meter(f"2001:db8:{4_999:x}::/64") is not None


@given(
    burst=st.integers(1, 20),
    interval=st.floats(0.001, 100),
    gaps=st.lists(st.floats(0, 50), min_size=1, max_size=80),
    metered=st.booleans(),
)
def test_no_window_holds_more_than_the_burst_and_what_came_in_meanwhile(
    burst: int, interval: float, gaps: list[float], metered: bool
) -> None:
    now = 1_000.0
    memory = MemoryRateLimiter(clock=lambda: now)
    rate = RateLimit(burst, interval)
    meter = memory.meter("pickle", "guest", rate)
    passed: list[float] = []
    for gap in gaps:
        now += gap
        if ended(meter("a")) is None if metered else had_a_token(memory, rate):
            passed.append(now)
    for first, start in enumerate(passed):
        for last, end in enumerate(passed[first:], first):
            assert last - first + 1 <= burst + (end - start) / interval + 1e-6


@given(burst=st.integers(1, 20), interval=st.floats(0.001, 100))
def test_the_wait_that_is_told_is_enough_and_not_too_long(burst: int, interval: float) -> None:
    now = 0.0
    memory = MemoryRateLimiter(clock=lambda: now)
    rate = RateLimit(burst, interval)
    while had_a_token(memory, rate):
        pass
    refusal = taken(memory, rate, charge=False)
    assert refusal is not None
    now += refusal.wait * 0.99
    assert not had_a_token(memory, rate)
    now += refusal.wait * 0.011
    assert had_a_token(memory, rate)


def had_a_token(memory: MemoryRateLimiter, rate: RateLimit) -> bool:
    """Whether a token was there."""
    return taken(memory, rate) is None


def taken(memory: MemoryRateLimiter, rate: RateLimit, *, charge: bool = True) -> object:
    """Memory never waits."""
    return ended(memory.take("pickle", ask(rate=rate), charge=charge))


def ended(decided: Awaitable[object]) -> object:
    """What it came to, at once."""
    try:
        next(iter(decided.__await__()))
    except StopIteration as stopped:
        return stopped.value
    raise AssertionError("memory waited")
