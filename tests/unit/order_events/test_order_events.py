"""The receiver of a key is told of each order of its sessions, once, and of nobody else's."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from msgspec.structs import replace
from sqlalchemy import select

from storefront_mcp.database import Database, FieldEncryption
from storefront_mcp.database.order_events import SqlOrderEventQueue, await_order
from storefront_mcp.database.tables.order_events import ORDER_EVENTS
from storefront_mcp.order_events.dispatcher import (
    KEEP_SECONDS,
    LEASE_SECONDS,
    MAX_CONCURRENT_EVENTS,
    PAUSES_SECONDS,
    forget_told,
)
from storefront_mcp.order_events.webhook_sender import OrderEventReceiver
from tests.fakes.order_event_receiver import receiving
from tests.unit.database.test_checkouts import PICKLE
from tests.unit.order_events.desk import OWNER, PERMALINK, RECEIVER, Desk, Outbox, refused

PATIENCE_SECONDS = 0.3


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    where = tmp_path / "x.db" if request.param == "sqlite" else request.getfixturevalue("fresh_postgres")()
    with closing(Database(where)) as database:
        yield Desk(database)


async def test_an_order_is_told_once_over_a_real_connection(desk: Desk) -> None:
    session = await desk.ordered()
    with receiving() as (receiver, url):
        desk.receivers[PICKLE, OWNER] = replace(RECEIVER, url=url)
        dispatchers = [desk.dispatcher(desk.sender()) for _ in range(2)]
        assert [await one.send_due() for one in dispatchers] == [1, 0]
    assert await desk.status() == ("told", 1, None)
    (event,) = receiver.taken
    assert event["type"] == "order_create"
    assert event["data"]["checkout_session_id"] == session.id
    assert (event["data"]["order_number"], event["data"]["permalink_url"]) == ("100000042", PERMALINK)
    assert [(one["product_id"], one["quantity"]["ordered"]) for one in event["data"]["line_items"]] == [("PAD-2", 2)]
    assert event["data"]["totals"][-1]["amount"] == 55800
    (headers,) = receiver.tries
    assert headers["request-id"].startswith("evt_")
    assert headers["timestamp"].endswith("Z")
    for personal in ("ana@example.com", "Smith", "Court Lane", "5550", "order-token", "chk_1"):
        assert personal not in json.dumps(event)


async def test_an_order_that_is_not_paid_is_told_to_nobody(desk: Desk) -> None:
    await desk.prepared()
    assert await desk.status() == ("unpaid", 0, None)
    assert not await desk.dispatcher().send_due()
    await desk.ended(state="canceled")
    assert await desk.status() is None
    assert not await desk.dispatcher().send_due()


async def test_a_session_of_a_caller_without_a_receiver_leaves_no_trace(desk: Desk) -> None:
    await desk.ordered(tells_orders=False)
    assert await desk.status() is None


async def test_what_is_repeated_is_not_told_again(desk: Desk) -> None:
    session = await desk.prepared()
    await desk.written(session)
    await desk.ended()
    dispatcher = desk.dispatcher()
    assert await dispatcher.send_due() == 1
    await desk.written(replace(session, ended="completed"))
    await desk.ended()
    assert not await dispatcher.send_due()
    assert len(desk.outbox.sent) == 1


async def test_an_order_that_was_made_before_its_session_was_stored_is_told_too(desk: Desk) -> None:
    session = await desk.prepared(checkout="")
    assert await desk.status() is None
    await desk.ended()
    await desk.written(replace(session, checkout="chk_1"))
    assert await desk.status() == ("waiting", 0, None)


async def test_an_order_that_is_made_while_its_session_is_stored_is_told_too(desk: Desk) -> None:
    session = await desk.prepared(checkout="")
    with desk.database.writing() as connection:
        await_order(desk.database, connection, replace(session, checkout="chk_1"), None)
        ending = asyncio.create_task(desk.ended())
        # It waits for this transaction, or would end before it is committed and see nothing of it.
        await asyncio.wait({ending}, timeout=PATIENCE_SECONDS)
    await ending
    assert await desk.status() == ("waiting", 0, None)


async def test_a_receiver_that_takes_nothing_is_asked_again_under_the_same_id_and_given_up(desk: Desk) -> None:
    await desk.ordered()
    dispatcher = desk.dispatcher()
    desk.outbox.fails = [refused() for _ in range(len(PAUSES_SECONDS) + 1)]
    for tries, pause in enumerate(PAUSES_SECONDS, 1):
        assert await dispatcher.send_due() == 1
        assert await desk.status() == ("waiting", tries, "HTTP 503")
        assert not await dispatcher.send_due(), "not before the pause is over"
        desk.clock.time += pause
    assert await dispatcher.send_due() == 1
    assert await desk.status() == ("failed", len(PAUSES_SECONDS) + 1, "HTTP 503")
    desk.clock.time += 10 * PAUSES_SECONDS[-1]
    assert not await dispatcher.send_due()
    tries = len(PAUSES_SECONDS) + 2

    assert await desk.queue.send_again(PICKLE, "chk_1", now=desk.clock())
    assert not await desk.queue.send_again(PICKLE, "chk_1", now=desk.clock())
    assert await dispatcher.send_due() == 1
    assert await desk.status() == ("told", tries, None)
    assert len(set(desk.outbox.ids)) == 1


async def test_a_worker_that_dies_while_it_tells_leaves_it_to_another_one(desk: Desk) -> None:
    await desk.ordered()
    taken = await desk.queue.lease(now=desk.clock(), seconds=LEASE_SECONDS)
    assert taken is not None
    dispatcher = desk.dispatcher()
    assert not await dispatcher.send_due()
    desk.clock.time += LEASE_SECONDS
    assert await dispatcher.send_due() == 1
    await desk.queue.finish(replace(taken, status="failed", problem="too late"), due_at=0.0)
    assert await desk.status() == ("told", 2, None), "what the first one says does not count any more"


async def test_a_receiver_that_hangs_holds_up_nobody_elses_order(desk: Desk) -> None:
    await desk.ordered()
    await desk.ordered("chk_2", "cart_def", owner="key:other")
    let_go, told = asyncio.Event(), asyncio.Event()

    class Platforms(Outbox):
        async def send(self, receiver: OrderEventReceiver, event: str, body: bytes) -> None:
            if receiver.url == RECEIVER.url:
                await let_go.wait()
            await super().send(receiver, event, body)
            told.set()

    desk.receivers[PICKLE, "key:other"] = replace(RECEIVER, url="https://other.example/events")
    platforms = Platforms()
    sending = asyncio.create_task(desk.dispatcher(platforms).send_due())
    await asyncio.wait_for(told.wait(), 60)
    assert [url for url, _, _ in platforms.sent] == ["https://other.example/events"]
    let_go.set()
    assert await sending == 2
    assert MAX_CONCURRENT_EVENTS >= 2


async def test_no_order_is_told_to_another_keys_receiver(desk: Desk) -> None:
    await desk.ordered(owner="key:forgotten")
    assert await desk.dispatcher().send_due() == 1
    assert await desk.status() == ("failed", 1, "the settings name no receiver for its key any more")
    assert not desk.outbox.sent


async def test_the_order_of_a_customer_who_signed_in_is_told_to_nobody(desk: Desk) -> None:
    await desk.prepared()
    await desk.ended(owner="customer-7")
    await desk.dispatcher().send_due()
    assert not desk.outbox.sent


async def test_the_id_of_a_session_is_encrypted_where_there_is_a_key(desk: Desk) -> None:
    sealed = Desk(desk.database, FieldEncryption([Fernet.generate_key().decode()]))
    session = await sealed.ordered()
    with desk.database.reading() as connection:
        (stored,) = connection.execute(select(ORDER_EVENTS.c.session)).scalars()
    assert b"cart_abc" not in stored
    assert await Desk(desk.database).dispatcher().send_due() == 1
    status = await desk.status()
    assert status is not None
    assert status[0] == "failed"
    await sealed.queue.send_again(PICKLE, "chk_1", now=sealed.clock())
    await sealed.dispatcher().send_due()
    ((_, _, body),) = sealed.outbox.sent
    assert json.loads(body)["data"]["checkout_session_id"] == session.id


async def test_what_was_told_is_forgotten_in_time(desk: Desk) -> None:
    await desk.ordered()
    await desk.dispatcher().send_due()
    assert not await desk.queue.forget(before=desk.clock() - KEEP_SECONDS)
    assert await desk.queue.forget(before=desk.clock() + 1) == 1
    assert await desk.status() is None


async def test_what_is_old_is_forgotten_even_where_nobody_is_told_any_more(desk: Desk) -> None:
    await desk.prepared()
    desk.clock.time += 2 * KEEP_SECONDS
    forgotten = asyncio.Event()

    class Queue(SqlOrderEventQueue):
        async def forget(self, *, before: float) -> int:
            count = await super().forget(before=before)
            forgotten.set()
            return count

    forgetting = asyncio.create_task(forget_told(Queue(desk.database), now=desk.clock))
    await asyncio.wait_for(forgotten.wait(), 60)
    forgetting.cancel()
    assert await desk.status() is None
