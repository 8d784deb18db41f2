"""Answers under idempotency keys on record: shared, sealed, bounded, and honest about calls that were lost."""

import datetime as dt
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from storefront_mcp.calls.idempotency import LEASE, LIFETIME, Kept, Wish
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.database import Database, replays as replays_module
from storefront_mcp.database.replays import DatabaseReplays
from storefront_mcp.database.tables import REPLAYS

WISH = Wish(
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
    one, other = DatabaseReplays(opened(), now=clock), DatabaseReplays(opened(), now=clock)
    assert await one.begin(WISH) is None
    assert await other.begin(WISH) == Kept(same=True, state="running")
    assert await other.begin(OTHER) == Kept(same=False, state="running")
    await one.answered(WISH, b'{"lines":1}')
    assert await other.begin(WISH) == Kept(same=True, state="answered", answer=b'{"lines":1}')
    assert await other.begin(OTHER) == Kept(same=False, state="answered")


async def test_a_forgotten_key_is_free(database: Database, clock: Clock) -> None:
    replays = DatabaseReplays(database, now=clock)
    await replays.begin(WISH)
    await replays.forget(WISH)
    assert await replays.begin(OTHER) is None


async def test_answers_last_a_day_and_no_longer(database: Database, clock: Clock) -> None:
    replays = DatabaseReplays(database, now=clock)
    await replays.begin(WISH)
    await replays.answered(WISH, b"1")
    clock.passes(LIFETIME - 1)
    assert await replays.begin(WISH) == Kept(same=True, state="answered", answer=b"1")
    clock.passes(1)
    assert await replays.begin(OTHER) is None


async def test_a_call_that_was_lost_is_unclear_unless_it_may_simply_run_again(database: Database, clock: Clock) -> None:
    replays = DatabaseReplays(database, now=clock)
    await replays.begin(WISH)
    clock.passes(LEASE - 1)
    assert await replays.begin(REPEATS) == Kept(same=True, state="running")
    clock.passes(1)
    assert await replays.begin(WISH) == Kept(same=True, state="unclear")
    assert await replays.begin(replace(OTHER, repeats=True)) == Kept(same=False, state="unclear")
    assert await replays.begin(REPEATS) is None
    assert await replays.begin(REPEATS) == Kept(same=True, state="running"), "only one takes over"


async def test_what_nobody_knows_is_kept_too(database: Database, clock: Clock) -> None:
    replays = DatabaseReplays(database, now=clock)
    await replays.begin(WISH)
    await replays.unclear(WISH)
    assert await replays.begin(REPEATS) == Kept(same=True, state="unclear")


async def test_who_reads_the_database_learns_nothing(database: Database, clock: Clock) -> None:
    replays = DatabaseReplays(database, now=clock)
    await replays.begin(WISH)
    await replays.answered(WISH, b'{"cart_id":"cart_secret","email":"ada@example.com"}')
    with database.reading() as connection:
        (row,) = connection.execute(select(REPLAYS)).all()
    kept = repr(tuple(row))
    for secret in ("cart_secret", "ada@", "PAD-2"):
        assert secret not in kept


async def test_two_wishes_never_share_a_row(database: Database, clock: Clock) -> None:
    replays = DatabaseReplays(database, now=clock)
    assert await replays.begin(replace(WISH, owner="a\0b", key="c")) is None
    assert await replays.begin(replace(WISH, owner="a", key="b\0c")) is None
    assert await replays.begin(replace(WISH, owner='a","b', key="c")) is None


async def test_what_has_ended_is_swept_away_and_the_rest_is_bounded(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays_module, "SWEEP_EVERY", 1)
    replays = DatabaseReplays(database, now=clock, at_most=3)

    def rows() -> int:
        with database.reading() as connection:
            return connection.execute(select(func.count()).select_from(REPLAYS)).scalar_one()

    for number in range(6):
        clock.passes(1)
        await replays.begin(replace(WISH, key=str(number)))
    assert rows() == 3
    assert await replays.begin(replace(WISH, key="5")) == Kept(same=True, state="running"), "the newest stay"
    clock.passes(LIFETIME)
    await replays.begin(replace(WISH, key="fresh"))
    assert rows() == 1
