"""What one address can make the database keep is bounded, and costs others nothing."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from msgspec import UNSET
from sqlalchemy import func, select

from storefront_mcp.access.rate_limits import DailyBudget, DailyQuota
from storefront_mcp.calls.idempotency import IdempotentCall
from storefront_mcp.calls.policy import ENTRY_QUOTA
from storefront_mcp.commerce.cart import LostLine
from storefront_mcp.commerce.guest_carts import CartRecord
from storefront_mcp.commerce.ids import CartId, Sku, StoreId
from storefront_mcp.database import Database, SqlCartHandleRepository, idempotency
from storefront_mcp.database.cart_handles import CART_QUOTA, MAX_LINES_BYTES
from storefront_mcp.database.checkouts import SqlCheckoutRepository
from storefront_mcp.database.guest_rows import count_guest_rows
from storefront_mcp.database.idempotency import ANSWER_QUOTA, MAX_BYTES_PER_HOLDER, SqlIdempotencyRepository
from storefront_mcp.database.row_quota import OWN_INTERVAL_WRITES, RowQuota
from storefront_mcp.database.tables.cart_handles import CARTS
from storefront_mcp.database.tables.checkouts import CHECKOUT_EVENTS, CHECKOUT_KEYS, CHECKOUTS
from storefront_mcp.database.tables.idempotency import REPLAYS
from storefront_mcp.instrumentation import REQUEST_CONTEXT, RequestContext
from storefront_mcp.records.audit import FOLD_SECONDS, AuditActor, AuditEntry, FoldingAuditSink
from storefront_mcp.records.usage import UsageRow
from storefront_mcp.settings.limits import GuestSettings
from storefront_mcp.telemetry.usage import ROW_QUOTA, UsageRecorder
from tests.unit.database.test_checkouts import checkout

pytestmark = pytest.mark.slow

PICKLE = StoreId("pickle")
NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
DAY_SECONDS = 86_400
FLOODER, SHOPPER = "203.0.113.9", "198.51.100.7"
SMALL = RowQuota(per_holder=20, in_all=1_000)
SLACK = OWN_INTERVAL_WRITES
"""Rows that may be there between two looks."""


@contextmanager
def asking(address: str) -> Iterator[None]:
    """A request from an address."""
    token = REQUEST_CONTEXT.set(RequestContext(holder=address))
    yield
    REQUEST_CONTEXT.reset(token)


def cart(number: int, *, lines: int = 1, at: int = 0) -> CartRecord:
    line = LostLine(Sku("S" * 64), 2, {"7": "x" * 50})
    return CartRecord(
        store=PICKLE,
        handle=CartId(f"cart_{number}"),
        upstream=CartId(f"masked-{number}"),
        lines=(line,) * lines,
        expires_at=int(NOW.timestamp()) + at,
    )


async def test_an_honest_cart_survives_a_stranger_s_flood_of_carts(database: Database) -> None:
    handles = SqlCartHandleRepository(database, now=lambda: NOW, quota=SMALL)
    with asking(SHOPPER):
        await handles.put(cart(0, at=3_600))
    with asking(FLOODER):
        for number in range(1, 200):
            await handles.put(cart(number, at=7_200 + number))
        assert await handles.find(PICKLE, CartId("cart_199")) is not None
        assert await handles.find(PICKLE, CartId("cart_1")) is None, "the flooder's own oldest goes first"
    assert await handles.find(PICKLE, CartId("cart_0")) is not None
    assert count_guest_rows(database, NOW)["carts"] <= SMALL.per_holder + SLACK + 1


async def test_a_cart_that_is_used_by_another_address_stays_that_of_whoever_made_it(database: Database) -> None:
    handles = SqlCartHandleRepository(database, now=lambda: NOW, quota=SMALL)
    with asking(SHOPPER):
        await handles.put(cart(0))
    with asking(FLOODER):
        await handles.put(cart(0, at=60))
    with database.reading() as connection:
        assert len(set(connection.execute(select(CARTS.c.holder)).scalars())) == 1
        assert connection.execute(select(func.length(CARTS.c.holder))).scalar_one() == 12
    with asking(""):
        await handles.put(cart(1))
    with database.reading() as connection:
        assert None in set(connection.execute(select(CARTS.c.holder)).scalars())


async def test_the_lines_kept_of_a_cart_are_bounded_in_bytes(database: Database) -> None:
    handles = SqlCartHandleRepository(database, now=lambda: NOW)
    await handles.put(cart(0, lines=5_000))
    found = await handles.find(PICKLE, CartId("cart_0"))
    assert found is not None
    assert len(found.lines) > 10
    with database.reading() as connection:
        longest = connection.execute(select(func.max(func.length(CARTS.c.lines)))).scalar_one()
    assert longest <= MAX_LINES_BYTES
    # What docs/operators.md states: 5,000 carts of one address, 16 KB of lines each at most.
    assert CART_QUOTA.per_holder * (MAX_LINES_BYTES + 512) < 90_000_000


async def test_one_address_s_stored_answers_are_bounded_in_number_and_bytes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = SqlIdempotencyRepository(database, now=lambda: NOW, quota=SMALL)

    def call(number: int) -> IdempotentCall:
        return IdempotentCall(store=PICKLE, tool="add", owner="cart:1", key=str(number), arguments=b"{}", repeats=False)

    async def keep(number: int, size: int) -> None:
        assert await answers.claim(call(number)) is None
        await answers.store_answer(call(number), b"x" * size)

    with asking(SHOPPER):
        await keep(-1, 100)
    with asking(FLOODER):
        for number in range(100):
            await keep(number, 100)
        assert count_guest_rows(database, NOW)["answers"] <= SMALL.per_holder + SLACK + 1
        monkeypatch.setattr(idempotency, "MAX_BYTES_PER_HOLDER", 10_000)
        for number in range(100, 100 + 2 * SLACK):
            await keep(number, 4_000)
    with database.reading() as connection:
        kept = connection.execute(select(func.sum(func.length(REPLAYS.c.answer)))).scalar_one()
    assert kept < 10_000 + (SLACK + 1) * 4_100
    assert (await answers.claim(call(-1))) is not None, "the shopper's own is there"
    assert MAX_BYTES_PER_HOLDER <= 32 * 1024 * 1024
    assert ANSWER_QUOTA.per_holder < ANSWER_QUOTA.in_all / 10


async def test_ended_unpaid_checkouts_of_one_address_are_bounded_and_their_keys_and_events_go_with_them(
    database: Database,
) -> None:
    records = SqlCheckoutRepository(database, quota=SMALL)
    with asking(SHOPPER):
        await records.open(checkout("chk_honest", cart="honest", state="expired", created_at=0.0), key="honest")
    with asking(FLOODER):
        for number in range(100):
            ended = checkout(f"chk_{number}", cart=f"c{number}", state="canceled", created_at=float(number + 1))
            await records.open(ended, key=f"k{number}")
            await records.keep_event("stripe", f"evt_{number}", store=PICKLE, checkout=ended.id, now=0.0)
    with database.reading() as connection:
        ids = set(connection.execute(select(CHECKOUTS.c.id)).scalars())
        keys = set(connection.execute(select(CHECKOUT_KEYS.c.checkout)).scalars())
        events = set(connection.execute(select(CHECKOUT_EVENTS.c.checkout)).scalars())
    assert len(ids) <= SMALL.per_holder + SLACK + 1
    assert {"chk_honest", "chk_99"} <= ids
    assert keys == ids == events | {"chk_honest"}


async def test_what_is_paid_or_may_be_paid_is_never_deleted(database: Database) -> None:
    records = SqlCheckoutRepository(database, quota=RowQuota(per_holder=1, in_all=1))
    kept = {"open", "authorized", "needs_human", "placed", "failed"}
    with asking(FLOODER):
        for state in sorted(kept):
            await records.open(checkout(f"chk_{state}", cart=state, state=state, created_at=0.0))
        for number in range(2 * SLACK):
            await records.open(checkout(f"chk_{number}", cart=f"c{number}", state="expired", created_at=1.0 + number))
    with database.reading() as connection:
        assert kept <= set(connection.execute(select(CHECKOUTS.c.state)).scalars())


async def test_open_checkouts_beyond_the_bound_of_their_address_are_named_the_oldest_first(database: Database) -> None:
    records = SqlCheckoutRepository(database, quota=RowQuota(per_holder=3, in_all=100))
    with asking(SHOPPER):
        await records.open(checkout("chk_honest", cart="honest", created_at=0.0))
        assert await records.crowding(PICKLE) == []
    with asking(FLOODER):
        for number in range(4):
            await records.open(checkout(f"chk_{number}", cart=f"c{number}", created_at=1.0 + number))
        assert await records.crowding(PICKLE) == ["chk_0"]
    crowded = SqlCheckoutRepository(database, quota=RowQuota(per_holder=3, in_all=4))
    with asking(""):
        assert await crowded.crowding(PICKLE) == ["chk_honest"], "the oldest of all"


class Queue:
    """An audit sink that keeps entries in a list."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    def enqueue(self, entry: AuditEntry) -> None:
        self.entries.append(entry)


def entry(subject: str = "add_to_cart", outcome: str = "ok") -> AuditEntry:
    return AuditEntry(
        at="2026-11-20T00:00:00.000+00:00",
        source="mcp",
        store="pickle",
        what="tool.called",
        subject=subject,
        who=AuditActor(kind="guest", client="one"),
        outcome=outcome,
        request="abc",
        arguments={"sku": "PAD-2"},
    )


class Day:
    """A clock."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def folding(clock: Callable[[], float], queue: Queue) -> FoldingAuditSink:
    budget = DailyBudget(ENTRY_QUOTA, clock=clock)
    return FoldingAuditSink(queue, budget=budget, clock=clock)


def test_a_day_of_calls_from_one_address_becomes_few_entries_and_true_counts() -> None:
    clock, queue = Day(), Queue()
    sink = folding(clock, queue)
    calls = 100_000
    with asking(FLOODER):
        for number in range(calls):
            clock.seconds = number * DAY_SECONDS / calls
            sink.enqueue(entry(outcome="ok" if number % 2 else "cart_not_found"))
    with asking(SHOPPER):
        sink.enqueue(entry(subject="create_cart"))
    assert queue.entries[-1].subject == "create_cart", "others are recorded one by one"
    sink.flush()
    folded = [one.details["folded"] for one in queue.entries if one.details is not UNSET]
    assert len(queue.entries) - len(folded) == ENTRY_QUOTA.per_holder + 1
    assert len(folded) <= 2 * (DAY_SECONDS / FOLD_SECONDS + 1)
    assert sum(folded) == calls - ENTRY_QUOTA.per_holder
    sample = queue.entries[-1]
    assert (sample.who, sample.arguments, sample.request) == (AuditActor(kind="guest"), UNSET, UNSET)


def test_many_addresses_share_what_all_guests_may_fill_and_the_next_day_begins_anew() -> None:
    clock = Day()
    budget = DailyBudget(DailyQuota(per_holder=2, in_all=5), clock=clock)
    assert [budget.spend("a") for _ in range(3)] == [True, True, False]
    assert [budget.spend(holder) for holder in ("b", "", "", "c")] == [True, True, True, False]
    clock.seconds += DAY_SECONDS
    assert budget.spend("a")


class Rows:
    """A usage repository that counts rows."""

    def __init__(self) -> None:
        self.rows: set[tuple[int, str, str, str, str]] = set()

    def add(self, _store: StoreId, rows: list[UsageRow]) -> None:
        self.rows |= {(row.minute, row.kind, row.name, row.client, row.outcome) for row in rows}

    def prune(self, _before: int) -> int:
        return 0


def test_made_up_searches_of_one_address_become_one_row_a_minute_once_its_day_is_used_up() -> None:
    rows, now = Rows(), NOW
    budget = DailyBudget(DailyQuota(per_holder=50, in_all=80), clock=lambda: 0.0)
    usage = UsageRecorder(rows, tools=frozenset(), now=lambda: now, budget=budget)  # type: ignore[arg-type]
    for minute in range(60):
        now = NOW + dt.timedelta(minutes=minute)
        with asking(FLOODER):
            for number in range(20):
                usage.count_missed_search(PICKLE, f"nothing {minute} {number}")
        with asking(SHOPPER):
            usage.count_missed_search(PICKLE, "gherkin jar")
        usage.write()
    assert len(rows.rows) <= 80 + 60
    assert sum(name == "gherkin jar" for _, _, name, _, _ in rows.rows) == 30, "until the sum is used up"
    assert ROW_QUOTA.per_holder <= ROW_QUOTA.in_all / 4


def test_the_defaults_of_the_settings_are_those_of_the_tables() -> None:
    guests = GuestSettings()
    assert (guests.carts_per_address, guests.carts) == (CART_QUOTA.per_holder, CART_QUOTA.in_all)
    assert (guests.answers_per_address, guests.answers) == (ANSWER_QUOTA.per_holder, ANSWER_QUOTA.in_all)
    assert (guests.audit_entries_per_address, guests.audit_entries) == (ENTRY_QUOTA.per_holder, ENTRY_QUOTA.in_all)
