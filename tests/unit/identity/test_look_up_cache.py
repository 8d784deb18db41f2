"""A record is asked once by all who want the same, and what fails is asked again."""

import asyncio
import threading

from storefront_mcp.identity.look_up_cache import LookUpCache
from tests.unit.identity.conftest import Clock

SECONDS = 0.5
PATIENCE_SECONDS = 60.0


class SlowRecord:
    """Answers when it is let."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gate = threading.Event()
        self.fails = False

    def find(self, key: str) -> str:
        self.asked.append(key)
        assert self.gate.wait(PATIENCE_SECONDS)
        if self.fails:
            raise OSError
        return f"{key} {len(self.asked)}"


def cache_of(record: SlowRecord, clock: Clock) -> LookUpCache[str, str]:
    return LookUpCache(record.find, seconds=SECONDS, size=10, clock=clock.monotonic)


async def test_all_who_ask_at_once_share_a_look_though_one_of_them_leaves(clock: Clock) -> None:
    record = SlowRecord()
    cache = cache_of(record, clock)
    first, *others = [asyncio.create_task(cache.find("a")) for _ in range(9)]
    await asyncio.sleep(0)
    first.cancel()
    record.gate.set()
    assert await asyncio.gather(*others) == ["a 1"] * 8
    assert first.cancelled()
    assert await cache.find("a") == "a 1"
    assert await cache.find("b") == "b 2"


async def test_who_asks_later_than_a_look_counts_gets_one_of_their_own(clock: Clock) -> None:
    """Else a slow record would tell of what has ended meanwhile."""
    record = SlowRecord()
    cache = cache_of(record, clock)
    early = asyncio.create_task(cache.find("a"))
    await asyncio.sleep(0)
    clock.tick(SECONDS)
    late = asyncio.create_task(cache.find("a"))
    await asyncio.sleep(0)
    record.gate.set()
    await asyncio.gather(early, late)
    assert record.asked == ["a", "a"]


async def test_a_failure_is_told_to_all_and_not_kept(clock: Clock) -> None:
    record = SlowRecord()
    cache = cache_of(record, clock)
    record.fails = True
    record.gate.set()
    told = await asyncio.gather(*(cache.find("a") for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in told] == [OSError] * 3
    record.fails = False
    assert await cache.find("a") == "a 2"
