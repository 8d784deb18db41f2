"""Idempotency records in SQL: shared, encrypted, bounded."""

import datetime as dt
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from storefront_mcp.calls.idempotency import ANSWER_TTL_SECONDS, CLAIM_LEASE_SECONDS, IdempotencyRecord, IdempotentCall
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database, idempotency as replays_module
from storefront_mcp.database.idempotency import SqlIdempotencyRepository
from storefront_mcp.database.row_quota import RowQuota
from storefront_mcp.database.tables.idempotency import REPLAYS

WISH = IdempotentCall(
    store=StoreId("pickle"), tool="add", owner="cart:cart_secret", key="k", arguments=b'{"sku":"PAD-2"}', repeats=False
)
OTHER = replace(WISH, arguments=b'{"sku":"PAD-3"}')
REPEATS = replace(WISH, repeats=True)


class Clock:
    def __init__(self) -> None:
        self.now = dt.datetime(2027, 2, 1, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_a_key_is_one_callers_at_a_time_on_every_worker(opened: Callable[[], Database], clock: Clock) -> None:
    one, other = SqlIdempotencyRepository(opened(), now=clock), SqlIdempotencyRepository(opened(), now=clock)
    assert await one.claim(WISH) is None
    assert await other.claim(WISH) == IdempotencyRecord(same=True, state="running")
    assert await other.claim(OTHER) == IdempotencyRecord(same=False, state="running")
    await one.store_answer(WISH, b'{"lines":1}')
    assert await other.claim(WISH) == IdempotencyRecord(same=True, state="answered", answer=b'{"lines":1}')
    assert await other.claim(OTHER) == IdempotencyRecord(same=False, state="answered")


async def test_a_forgotten_key_is_free(database: Database, clock: Clock) -> None:
    replays = SqlIdempotencyRepository(database, now=clock)
    await replays.claim(WISH)
    await replays.release(WISH)
    assert await replays.claim(OTHER) is None


async def test_answers_last_a_day_and_no_longer(database: Database, clock: Clock) -> None:
    replays = SqlIdempotencyRepository(database, now=clock)
    await replays.claim(WISH)
    await replays.store_answer(WISH, b"1")
    clock.passes(ANSWER_TTL_SECONDS - 1)
    assert await replays.claim(WISH) == IdempotencyRecord(same=True, state="answered", answer=b"1")
    clock.passes(1)
    assert await replays.claim(OTHER) is None


async def test_a_call_that_was_lost_is_unclear_unless_it_may_simply_run_again(database: Database, clock: Clock) -> None:
    replays = SqlIdempotencyRepository(database, now=clock)
    await replays.claim(WISH)
    clock.passes(CLAIM_LEASE_SECONDS - 1)
    assert await replays.claim(REPEATS) == IdempotencyRecord(same=True, state="running")
    clock.passes(1)
    assert await replays.claim(WISH) == IdempotencyRecord(same=True, state="unclear")
    assert await replays.claim(replace(OTHER, repeats=True)) == IdempotencyRecord(same=False, state="unclear")
    assert await replays.claim(REPEATS) is None
    assert await replays.claim(REPEATS) == IdempotencyRecord(same=True, state="running"), "only one takes over"


async def test_what_nobody_knows_is_kept_too(database: Database, clock: Clock) -> None:
    replays = SqlIdempotencyRepository(database, now=clock)
    await replays.claim(WISH)
    await replays.mark_unknown(WISH)
    assert await replays.claim(REPEATS) == IdempotencyRecord(same=True, state="unclear")


async def test_who_reads_the_database_learns_nothing(database: Database, clock: Clock) -> None:
    replays = SqlIdempotencyRepository(database, now=clock)
    await replays.claim(WISH)
    await replays.store_answer(WISH, b'{"cart_id":"cart_secret","email":"ada@example.com"}')
    with database.reading() as connection:
        (row,) = connection.execute(select(REPLAYS)).all()
    kept = repr(tuple(row))
    for secret in ("cart_secret", "ada@", "PAD-2"):
        assert secret not in kept


async def test_two_calls_never_share_a_row(database: Database, clock: Clock) -> None:
    replays = SqlIdempotencyRepository(database, now=clock)
    assert await replays.claim(replace(WISH, owner="a\0b", key="c")) is None
    assert await replays.claim(replace(WISH, owner="a", key="b\0c")) is None
    assert await replays.claim(replace(WISH, owner='a","b', key="c")) is None


async def test_what_has_ended_is_swept_away_and_the_rest_is_bounded(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays_module, "SWEEP_INTERVAL_WRITES", 1)
    replays = SqlIdempotencyRepository(database, now=clock, quota=RowQuota(per_holder=9, in_all=3))

    def rows() -> int:
        with database.reading() as connection:
            return connection.execute(select(func.count()).select_from(REPLAYS)).scalar_one()

    for number in range(6):
        clock.passes(1)
        await replays.claim(replace(WISH, key=str(number)))
    assert rows() == 3
    assert await replays.claim(replace(WISH, key="5")) == IdempotencyRecord(same=True, state="running"), (
        "the newest stay"
    )
    clock.passes(ANSWER_TTL_SECONDS)
    await replays.claim(replace(WISH, key="fresh"))
    assert rows() == 1
