"""Checkouts in SQL: durable, one live per cart, leased by one worker, erased in time."""

import asyncio
import datetime as dt
import json
import logging
import multiprocessing
from collections.abc import Callable
from contextlib import closing
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from msgspec.structs import replace
from sqlalchemy import func, select, update

from storefront_mcp.checkout.record import Checkout, CheckoutRepository, KeyConflict, LeaseLost, PersonalDetails
from storefront_mcp.commerce.address import PostalAddress
from storefront_mcp.commerce.cart import CartLine, CartTotals
from storefront_mcp.commerce.ids import CartId, LineId, Sku, StoreId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderDraft
from storefront_mcp.database import Database, FieldEncryption, SqlCheckoutRepository
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.engine import utc_now
from storefront_mcp.database.tables.checkouts import CHECKOUT_EVENTS, CHECKOUT_KEYS, CHECKOUTS
from storefront_mcp.records.audit import operator_entry
from tests.unit.checkout.memory import MemoryRecords

PICKLE, PADDLE = StoreId("pickle"), StoreId("paddle")
NOW = 1_795_000_000.0
BEFORE = dt.datetime.fromtimestamp(NOW, dt.UTC)
Opened = Callable[[], Database]

HOME = PostalAddress(
    first_name="Ana",
    last_name="Smith-Secret",
    street="1 Court Lane",
    city="Melbourne",
    postcode="3000",
    country="AU",
    phone="+61 3 5550 0000",
)
PERSONAL = PersonalDetails(
    draft=OrderDraft(
        email="ana@example.com", shipping_address=HOME, billing_address=HOME, shipping_method="flat", note="Grün 🥒"
    ),
    order=Order(number="100000001", total=Money(55800, "AUD"), token="order-token"),
)


def checkout(id_: str = "chk_1", **changes: Any) -> Checkout:
    price = Money(27900, "AUD")
    made = Checkout(
        id=id_,
        store=PICKLE,
        cart="cart-digest",
        upstream=CartId("masked-1"),
        pay_key=f"pay-{id_}",
        request="wish-1",
        created_at=NOW,
        since=NOW,
        expires_at=NOW + 1800,
        due_at=NOW + 60,
        lines=(
            CartLine(
                line_id=LineId("1"), sku=Sku("PAD-2"), name="Paddle", quantity=2, price=price, total=Money(55800, "AUD")
            ),
        ),
        totals=CartTotals(subtotal=Money(55800, "AUD"), total=Money(55800, "AUD")),
        settle_by="card",
        personal=PERSONAL,
    )
    return replace(made, **changes)


@pytest.fixture(params=["plain", "sealed"])
def encryption(request: pytest.FixtureRequest) -> FieldEncryption | None:
    return FieldEncryption([Fernet.generate_key().decode()]) if request.param == "sealed" else None


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Every implementation of the port; what holds for one holds for all."""
    if request.param == "memory":
        yield MemoryRecords()
        return
    where = tmp_path / "x.db" if request.param == "sqlite" else request.getfixturevalue("fresh_postgres")()
    with closing(Database(where)) as database:
        yield SqlCheckoutRepository(database)


def counted(database: Database, table: Any) -> int:
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


async def test_what_is_opened_is_found_by_everything_that_names_it(records: CheckoutRepository) -> None:
    assert await records.open(checkout(), key="key-1") == checkout()
    assert await records.find(PICKLE, "chk_1") == checkout()
    assert await records.find_by_pay_key(PICKLE, "pay-chk_1") == checkout()
    assert await records.find_by_key(PICKLE, "cart-digest", "key-1") == checkout()
    assert await records.find_by_cart(PICKLE, "cart-digest") == checkout()


async def test_nothing_is_found_under_another_store_or_name(records: CheckoutRepository) -> None:
    await records.open(checkout(), key="key-1")
    for store, name in ((PADDLE, "{}"), (PICKLE, "other-{}")):
        assert await records.find(store, name.format("chk_1")) is None
        assert await records.find_by_pay_key(store, name.format("pay-chk_1")) is None
        assert await records.find_by_key(store, "cart-digest", name.format("key-1")) is None
        assert await records.find_by_key(PICKLE, name.format("cart-digest"), "other-key") is None
        assert await records.find_by_cart(store, name.format("cart-digest")) is None


async def test_a_record_keeps_every_field_over_both_databases(
    opened: Opened, encryption: FieldEncryption | None
) -> None:
    full = checkout(
        state="placing",
        fence=3,
        before=Money(1, "JPY"),
        session="https://pay.example/cs_1",
        session_try=2,
        session_until=int(NOW) + 1860,
        session_over=False,
        declined=True,
        payment="pi_1",
        closing_to="expired",
        place_try=1,
        asked_shop_at=NOW + 0.125,
        over=True,
        order_number="100000001",
        reason="Why \0 not",
        problem="seen",
    )
    await SqlCheckoutRepository(opened(), encryption=encryption).open(full)
    assert await SqlCheckoutRepository(opened(), encryption=encryption).find(PICKLE, "chk_1") == full


async def test_a_cart_has_one_live_checkout_and_the_second_wish_gets_it(records: CheckoutRepository) -> None:
    first = await records.open(checkout())
    assert await records.open(checkout("chk_2", request="wish-2")) == first
    assert await records.find(PICKLE, "chk_2") is None
    assert (await records.open(checkout("chk_3", cart="other-digest"))).id == "chk_3"
    assert (await records.open(checkout("chk_4", store=PADDLE))).id == "chk_4"


async def test_after_the_end_a_cart_can_be_checked_out_again(records: CheckoutRepository) -> None:
    first = await records.open(checkout())
    held = await records.lease(first.id, now=NOW, seconds=10)
    assert held is not None
    await records.write(replace(held, state="canceled", ended_at=NOW + 1, due_at=None), release=True)
    second = await records.open(checkout("chk_2", created_at=NOW + 5))
    assert second.id == "chk_2"
    assert await records.find_by_cart(PICKLE, "cart-digest") == second


async def test_the_live_checkout_of_a_cart_is_the_newest_whatever_the_clocks_say(records: CheckoutRepository) -> None:
    await records.open(checkout(state="canceled", ended_at=NOW))
    await records.open(checkout("chk_2", created_at=NOW - 5))
    found = await records.find_by_cart(PICKLE, "cart-digest")
    assert found is not None
    assert found.id == "chk_2"


async def test_a_key_leads_to_its_checkout_also_when_that_has_ended(records: CheckoutRepository) -> None:
    ended = await records.open(checkout(state="placed", ended_at=NOW), key="key-1")
    assert await records.open(checkout("chk_2"), key="key-1") == ended
    assert await records.find(PICKLE, "chk_2") is None


async def test_a_key_is_for_one_wish(records: CheckoutRepository) -> None:
    await records.open(checkout(), key="key-1")
    with pytest.raises(KeyConflict):
        await records.open(checkout("chk_2", request="wish-2"), key="key-1")
    assert await records.find(PICKLE, "chk_2") is None


async def test_a_key_that_one_cart_has_used_is_free_for_every_other(records: CheckoutRepository) -> None:
    first = await records.open(checkout(), key="order-1")
    second = await records.open(checkout("chk_2", request="wish-2", cart="other"), key="order-1")
    assert (first.id, second.id) == ("chk_1", "chk_2")
    assert await records.find_by_key(PICKLE, "cart-digest", "order-1") == first
    assert await records.find_by_key(PICKLE, "other", "order-1") == second


async def test_another_key_for_the_same_wish_leads_to_the_same_checkout(records: CheckoutRepository) -> None:
    first = await records.open(checkout(), key="key-1")
    assert await records.open(checkout("chk_2"), key="key-2") == first
    assert await records.find_by_key(PICKLE, "cart-digest", "key-2") == first


async def test_a_key_does_not_lead_to_what_was_not_asked_for(records: CheckoutRepository) -> None:
    first = await records.open(checkout())
    assert await records.open(checkout("chk_2", request="wish-2"), key="key-2") == first
    assert await records.find_by_key(PICKLE, "cart-digest", "key-2") is None
    held = await records.lease(first.id, now=NOW, seconds=10)
    assert held is not None
    await records.write(replace(held, state="expired", ended_at=NOW), release=True)
    assert (await records.open(checkout("chk_2", request="wish-2"), key="key-2")).id == "chk_2"


async def test_a_lease_is_one_persons_until_it_ends(records: CheckoutRepository) -> None:
    await records.open(checkout())
    held = await records.lease("chk_1", now=NOW, seconds=10)
    assert held is not None
    assert (held.fence, held.lease_until) == (1, NOW + 10)
    assert await records.lease("chk_1", now=NOW + 9.9, seconds=10) is None
    taken = await records.lease("chk_1", now=NOW + 10, seconds=10)
    assert taken is not None
    assert taken.fence == 2
    assert await records.lease("chk_9", now=NOW, seconds=10) is None


async def test_who_lost_the_lease_writes_nothing(records: CheckoutRepository) -> None:
    await records.open(checkout())
    late = await records.lease("chk_1", now=NOW, seconds=10)
    assert late is not None
    taken = await records.lease("chk_1", now=NOW + 11, seconds=10)
    with pytest.raises(LeaseLost):
        await records.write(replace(late, state="canceled"))
    assert await records.find(PICKLE, "chk_1") == taken


async def test_a_written_checkout_is_whole_and_let_go_when_told(records: CheckoutRepository) -> None:
    await records.open(checkout())
    held = await records.lease("chk_1", now=NOW, seconds=10)
    assert held is not None
    changed = replace(
        held, state="authorized", payment="pi_1", due_at=NOW, personal=replace(PERSONAL, order=Order(number="2"))
    )
    await records.write(changed)
    assert await records.find(PICKLE, "chk_1") == changed
    assert await records.lease("chk_1", now=NOW + 1, seconds=10) is None
    await records.write(changed, release=True)
    again = await records.lease("chk_1", now=NOW + 1, seconds=10)
    assert again is not None
    assert again == replace(changed, fence=2, lease_until=NOW + 11)


async def test_the_longest_due_come_first_and_nobody_who_is_held(records: CheckoutRepository) -> None:
    for number, due in enumerate((NOW + 3, NOW + 1, NOW + 2, NOW + 100, None)):
        await records.open(checkout(f"chk_{number}", cart=f"cart-{number}", due_at=due))
    assert await records.due(now=NOW + 5, limit=10) == ["chk_1", "chk_2", "chk_0"]
    assert await records.due(now=NOW + 5, limit=1) == ["chk_1"]
    await records.lease("chk_1", now=NOW + 5, seconds=10)
    assert await records.due(now=NOW + 5, limit=10) == ["chk_2", "chk_0"]
    assert await records.due(now=NOW + 15, limit=10) == ["chk_1", "chk_2", "chk_0"]


async def test_haste_makes_a_checkout_due_also_one_that_has_ended(records: CheckoutRepository) -> None:
    await records.open(checkout(state="placed", ended_at=NOW, due_at=None))
    await records.mark_due(PADDLE, "chk_1", now=NOW)
    assert await records.due(now=NOW, limit=10) == []
    await records.mark_due(PICKLE, "chk_1", now=NOW)
    assert await records.due(now=NOW, limit=10) == ["chk_1"]
    held = await records.lease("chk_1", now=NOW, seconds=10)
    assert held is not None
    assert held.due_at == NOW
    await records.write(replace(held, due_at=None), release=True)
    assert await records.due(now=NOW + 1000, limit=10) == []


async def test_a_due_mark_outlives_what_the_holder_writes(opened: Opened) -> None:
    records = SqlCheckoutRepository(opened())
    await records.open(checkout(due_at=NOW))
    held = await records.lease("chk_1", now=NOW, seconds=10)
    assert held is not None
    await records.mark_due(PICKLE, "chk_1", now=NOW + 1)
    await records.write(replace(held, due_at=NOW + 600), release=True)
    assert await records.due(now=NOW + 1, limit=10) == ["chk_1"]
    again = await records.lease("chk_1", now=NOW + 1, seconds=10)
    assert again is not None
    assert again.due_at == NOW + 1
    await records.write(replace(again, due_at=NOW + 600), release=True)
    assert await records.due(now=NOW + 2, limit=10) == []


async def test_an_operator_sees_the_newest_first_and_nobodys_address(records: CheckoutRepository) -> None:
    for number, state in enumerate(("needs_human", "unknown", "open", "needs_human")):
        await records.open(checkout(f"chk_{number}", cart=f"cart-{number}", state=state, created_at=NOW + number))
    await records.open(checkout("chk_9", store=PADDLE, cart="cart-9", state="needs_human", created_at=NOW + 9))
    found = await records.list_by_state(PICKLE, ["needs_human", "unknown"], limit=10)
    assert [one.id for one in found] == ["chk_3", "chk_1", "chk_0"]
    assert all(one.personal is None for one in found)
    assert [one.id for one in await records.list_by_state(None, ["needs_human"], limit=2)] == ["chk_9", "chk_3"]


async def test_an_event_is_new_once(records: CheckoutRepository) -> None:
    kept = [
        await records.keep_event("stripe", event, store=PICKLE, checkout="chk_1", now=NOW)
        for event in ("evt_1", "evt_1", "evt_2")
    ]
    assert kept == [True, False, True]


async def test_erasing_takes_personal_data_of_what_ended_before_and_of_nothing_else(
    records: CheckoutRepository,
) -> None:
    await records.open(checkout("old", cart="1", state="placed", ended_at=NOW - 1))
    await records.open(checkout("fresh", cart="2", state="placed", ended_at=NOW + 1))
    await records.open(checkout("live", cart="3"))
    assert await records.erase(before=BEFORE) == 1
    found = [await records.find(PICKLE, id_) for id_ in ("old", "fresh", "live")]
    assert [one is not None and one.personal for one in found] == [None, PERSONAL, PERSONAL]


async def test_keys_and_events_go_with_their_checkout(database: Database) -> None:
    records = SqlCheckoutRepository(database)
    await records.open(checkout("old", cart="1", state="placed", ended_at=NOW - 1), key="old-key")
    await records.open(checkout("live", cart="2"), key="live-key")
    for event, about, at in (("a", "old", NOW), ("b", "live", NOW - 9), ("c", None, NOW - 9), ("d", None, NOW)):
        await records.keep_event("stripe", event, store=PICKLE, checkout=about, now=at)
    assert await records.erase(before=BEFORE) == 1
    assert await records.erase(before=BEFORE) == 0
    with database.reading() as connection:
        assert connection.execute(select(CHECKOUT_KEYS.c.key)).scalars().all() == ["live-key"]
        assert sorted(connection.execute(select(CHECKOUT_EVENTS.c.event)).scalars()) == ["b", "d"]
    assert counted(database, CHECKOUTS) == 2


async def test_what_was_erased_stays_erased_when_the_checkout_is_written_again(database: Database) -> None:
    records = SqlCheckoutRepository(database)
    await records.open(checkout(state="placed", ended_at=NOW - 1))
    await records.erase(before=BEFORE)
    held = await records.lease("chk_1", now=NOW, seconds=10)
    assert held is not None
    await records.write(replace(held, due_at=None), release=True)
    found = await records.find(PICKLE, "chk_1")
    assert found is not None
    assert found.personal is None


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


SECRETS = (b"ana@example.com", b"Smith-Secret", b"Court Lane", b"5550 0000", b"order-token")


def test_a_sealed_file_holds_no_personal_word_and_an_erased_one_holds_none_either(tmp_path: Path) -> None:
    for name, encryption in (("sealed", FieldEncryption([Fernet.generate_key().decode()])), ("plain", None)):
        folder = tmp_path / name
        folder.mkdir()
        database = Database(folder / "storefront.db")
        records = SqlCheckoutRepository(database, encryption=encryption)
        asyncio.run(records.open(checkout(state="placed", ended_at=NOW - 1)))
        assert any(secret in everything_in(folder) for secret in SECRETS) == (encryption is None)
        asyncio.run(records.erase(before=BEFORE))
        assert not any(secret in everything_in(folder) for secret in SECRETS)
        database.close()


async def test_a_new_key_goes_in_front_and_old_ones_still_open(database: Database) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    await SqlCheckoutRepository(database).open(checkout("plain", cart="1"))
    await SqlCheckoutRepository(database, encryption=FieldEncryption([old])).open(checkout("old", cart="2"))
    both = SqlCheckoutRepository(database, encryption=FieldEncryption([new, old]))
    for id_ in ("plain", "old"):
        held = await both.lease(id_, now=NOW, seconds=10)
        assert held is not None
        assert held.personal == PERSONAL
        await both.write(held, release=True)
    newest = SqlCheckoutRepository(database, encryption=FieldEncryption([new]))
    for id_ in ("plain", "old"):
        found = await newest.find(PICKLE, id_)
        assert found is not None
        assert found.personal == PERSONAL, "what is written again is sealed with the newest key"


@pytest.mark.parametrize(
    ("encrypt_now", "says"),
    [
        (None, "its personal data is encrypted and personal_data.key is not set"),
        (FieldEncryption([Fernet.generate_key().decode()]), "no key in personal_data.key opens its personal data"),
    ],
)
async def test_a_lost_key_stops_nothing_loses_nothing_and_is_told(
    database: Database, encrypt_now: FieldEncryption | None, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    right = SqlCheckoutRepository(database, encryption=FieldEncryption([Fernet.generate_key().decode()]))
    await right.open(checkout())
    without = SqlCheckoutRepository(database, encryption=encrypt_now)
    with caplog.at_level(logging.ERROR):
        held = await without.lease("chk_1", now=NOW, seconds=10)
    assert held == checkout(fence=1, lease_until=NOW + 10, personal=None)
    assert [record.getMessage() for record in caplog.records] == [f"checkout chk_1: {says}"]
    await without.write(replace(held, state="authorized"), release=True)
    found = await right.find(PICKLE, "chk_1")
    assert found is not None
    assert (found.state, found.personal) == ("authorized", PERSONAL)


async def test_personal_data_in_an_unknown_shape_is_not_repeated_in_the_log(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    records = SqlCheckoutRepository(database)
    await records.open(checkout())
    with database.writing() as connection:
        connection.execute(update(CHECKOUTS).values(personal=b'{"draft": "ana@example.com"}'))
    with caplog.at_level(logging.ERROR):
        found = await records.find(PICKLE, "chk_1")
    assert found is not None
    assert found.personal is None
    assert "shape that is not known" in caplog.text
    assert "ana@" not in caplog.text


async def test_fields_of_other_versions_are_no_obstacle(database: Database) -> None:
    records = SqlCheckoutRepository(database)
    await records.open(checkout(place_try=3))
    with database.writing() as connection:
        kept = json.loads(connection.execute(select(CHECKOUTS.c.record)).scalar_one())
        assert kept.pop("place_try") == 3
        kept |= {"of_a_newer_version": [1]}
        connection.execute(update(CHECKOUTS).values(record=json.dumps(kept).encode()))
    assert await records.find(PICKLE, "chk_1") == checkout(place_try=0)


async def test_every_write_waits_for_the_disk(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    writing = database.writing

    def seen(*, survives: Any = "process", alone: str | None = None) -> Any:
        asked.append(survives)
        return writing(survives=survives, alone=alone)

    monkeypatch.setattr(database, "writing", seen)
    records = SqlCheckoutRepository(database)
    await records.open(checkout(), key="key")
    held = await records.lease("chk_1", now=NOW, seconds=1)
    assert held is not None
    await records.write(held)
    await records.mark_due(PICKLE, "chk_1", now=NOW)
    await records.keep_event("stripe", "evt", store=PICKLE, checkout=None, now=NOW)
    await records.erase(before=BEFORE)
    assert asked == ["power"] * 6


RACERS = 25
ROUNDS = 4


@pytest.mark.slow
def test_fifty_requests_from_two_processes_make_one_checkout(where: str) -> None:
    Database(where).close()
    for answers in raced(where, _open_many):
        assert len(answers) == 2 * RACERS
        assert len({id_ for id_, _ in answers}) == 1
    with closing(Database(where)) as database:
        assert counted(database, CHECKOUTS) == ROUNDS
        assert counted(database, CHECKOUT_KEYS) == ROUNDS * RACERS


@pytest.mark.slow
def test_one_lease_is_won_by_one_of_two_processes(where: str) -> None:
    with closing(Database(where)) as database:
        records = SqlCheckoutRepository(database)
        for number in range(ROUNDS):
            asyncio.run(records.open(checkout(f"chk_{number}", cart=f"cart-{number}")))
    for answers in raced(where, _lease_many):
        assert sorted(fence for _, fence in answers if fence) == [1]


def raced(where: str, work: Callable[..., None]) -> list[list[tuple[str, int]]]:
    """What both processes were answered, round by round."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.unit.database.test_checkouts"])
    together, answers = context.Barrier(2, timeout=60), context.SimpleQueue()
    started: list[BaseProcess] = [
        context.Process(target=work, args=(where, side, together, answers), daemon=True) for side in range(2)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0, 0]
    both = [answers.get(), answers.get()]
    return [one + other for one, other in zip(*both, strict=True)]


def _open_many(where: str, side: int, together: Any, answers: Any) -> None:
    async def one(records: CheckoutRepository, number: int, racer: int) -> tuple[str, int]:
        wanted = checkout(f"chk_{number}_{side}_{racer}", cart=f"cart-{number}")
        # Each key is used by both processes.
        opened = await records.open(wanted, key=f"key-{number}-{racer}")
        return opened.id, opened.fence

    _race(where, one, together, answers)


def _lease_many(where: str, _side: int, together: Any, answers: Any) -> None:
    async def one(records: CheckoutRepository, number: int, _racer: int) -> tuple[str, int]:
        held = await records.lease(f"chk_{number}", now=NOW, seconds=60)
        return f"chk_{number}", 0 if held is None else held.fence

    _race(where, one, together, answers)


def _race(where: str, one: Callable[..., Any], together: Any, answers: Any) -> None:
    with closing(Database(where)) as database:
        records = SqlCheckoutRepository(database)
        rounds = []
        for number in range(ROUNDS):
            together.wait()

            async def run(number: int = number) -> list[tuple[str, int]]:
                return await asyncio.gather(*(one(records, number, racer) for racer in range(RACERS)))

            rounds.append(asyncio.run(run()))
        answers.put(rounds)


def test_a_key_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="Fernet key must be 32"):
        FieldEncryption(["short"])


async def test_what_an_operator_did_is_on_record_with_it_or_neither_is(opened: Callable[[], Database]) -> None:
    database = opened()
    records, log = SqlCheckoutRepository(database), AuditLog(database)
    await records.open(checkout())
    held = await records.lease("chk_1", now=NOW, seconds=10)
    assert held is not None
    entry = operator_entry(utc_now(), "operator.acted", "checkout.finished", store="pickle", by="nina")
    with pytest.raises(LeaseLost):
        await records.write(replace(held, fence=held.fence + 1), entry=entry)
    assert list(log.read()) == []
    await records.write(held, release=True, entry=entry)
    assert [one.entry for one in log.read()] == [entry]
