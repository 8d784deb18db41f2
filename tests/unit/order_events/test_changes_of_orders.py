"""A receiver is told when an order changes at the shop: the whole order as it is, each change once."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import OrderProgress, ParcelTrack, ShippedItem, ShippedParcel
from storefront_mcp.database import Database
from storefront_mcp.order_events.dispatcher import LOOK_PAUSES_SECONDS, PAUSES_SECONDS
from tests.unit.acp.schemas import ORDER_EVENT, check
from tests.unit.order_events.desk import Desk, refused

LOOK_PAUSE = LOOK_PAUSES_SECONDS[0][1]
TRACK = ParcelTrack(carrier="Post", number="TRACK-1", url="https://post.example/TRACK-1")
ONE_SENT = ShippedParcel(items=(ShippedItem(name="Paddle", quantity=1),), tracks=(TRACK,))


def progress(**changes: Any) -> OrderProgress:
    return OrderProgress(number="100000042", **({"status": "processing"} | changes))


@pytest.fixture
async def desk(tmp_path: Path) -> Any:
    with closing(Database(tmp_path / "x.db")) as database:
        desk = Desk(database)
        await desk.ordered()
        assert await desk.dispatcher().send_due() == 1
        assert desk.orders.asked == 0, "of a new order there is nothing to ask"
        yield desk


async def look(desk: Desk) -> list[Any]:
    """The events that were taken after the next look."""
    before = len(desk.outbox.sent)
    desk.clock.time += LOOK_PAUSE
    assert await desk.dispatcher().send_due() == 1
    events = [json.loads(body) for _, _, body in desk.outbox.sent[before:]]
    for event in events:
        check(event, ORDER_EVENT)
    return events


async def test_an_order_that_did_not_change_is_not_told_again(desk: Desk) -> None:
    assert not await desk.dispatcher().send_due(), "the shop is asked now and then only"
    for seen in (None, progress(), progress(status="complete", comments=("Thank you",))):
        desk.orders.now = seen
        assert await look(desk) == []
    assert desk.orders.asked == 3


async def test_parcels_are_told_once_with_where_they_can_be_followed(desk: Desk) -> None:
    desk.orders.now = progress(parcels=(ONE_SENT,), unsent=(ShippedItem(name="Paddle", quantity=1),))
    (event,) = await look(desk)
    order = event["data"]
    assert (event["type"], order["status"]) == ("order_update", "processing")
    assert order["line_items"][0]["quantity"] == {"ordered": 2, "current": 2, "fulfilled": 1}
    assert order["fulfillments"] == [
        {
            "id": "parcel_1",
            "type": "shipping",
            "status": "shipped",
            "line_items": [{"id": "1", "quantity": 1}],
            "carrier": "Post",
            "tracking_number": "TRACK-1",
            "tracking_url": "https://post.example/TRACK-1",
        }
    ]
    assert await look(desk) == []

    desk.orders.now = progress(parcels=(ONE_SENT, ONE_SENT))
    (event,) = await look(desk)
    assert (event["data"]["status"], len(event["data"]["fulfillments"])) == ("shipped", 2)
    assert event["data"]["line_items"][0]["quantity"]["fulfilled"] == 2


async def test_a_parcel_of_what_no_line_is_called_names_no_lines(desk: Desk) -> None:
    desk.orders.now = progress(parcels=(ShippedParcel(items=(ShippedItem(name="Pagaie", quantity=2),)),))
    (event,) = await look(desk)
    assert "fulfilled" not in event["data"]["line_items"][0]["quantity"]
    assert "line_items" not in event["data"]["fulfillments"][0]


async def test_money_that_is_given_back_and_an_order_that_is_given_up_are_told(desk: Desk) -> None:
    desk.orders.now = progress(status="Canceled", refunded=Money(55800, "AUD"))
    (event,) = await look(desk)
    order = event["data"]
    assert (order["status"], order["line_items"][0]["quantity"]) == ("canceled", {"ordered": 2, "current": 0})
    assert [(one["type"], one["amount"]) for one in order["totals"]][-2:] == [
        ("total", 55800),
        ("amount_refunded", 55800),
    ]


async def test_a_shop_that_tells_less_than_before_takes_nothing_back(desk: Desk) -> None:
    desk.orders.now = progress(parcels=(ONE_SENT,), refunded=Money(100, "AUD"))
    assert len(await look(desk)) == 1
    for less in (None, progress(), progress(parcels=(ONE_SENT,)), progress(refunded=Money(100, "AUD"))):
        desk.orders.now = less
        assert await look(desk) == []
    desk.orders.down = ShopDown(internal="no answer")
    assert await look(desk) == []
    desk.orders.down, desk.orders.now = None, progress(parcels=(ONE_SENT,), refunded=Money(200, "AUD"))
    assert len(await look(desk)) == 1


async def test_a_change_that_is_not_taken_is_told_again_as_the_order_is_then(desk: Desk) -> None:
    desk.outbox.fails = [refused()]
    desk.orders.now = progress(parcels=(ONE_SENT,))
    assert await look(desk) == []
    status = await desk.status()
    assert status is not None
    assert (status[0], status[2]) == ("waiting", "HTTP 503")
    desk.orders.now = progress(parcels=(ONE_SENT, ONE_SENT))
    desk.clock.time += PAUSES_SECONDS[0]
    assert await desk.dispatcher().send_due() == 1
    event = json.loads(desk.outbox.sent[-1][2])
    assert (event["type"], len(event["data"]["fulfillments"])) == ("order_update", 2)
    assert len(set(desk.outbox.ids)) == 3, "another event has another id"


async def test_a_platform_that_was_taken_out_of_the_settings_leaves_no_failures_behind(desk: Desk) -> None:
    desk.receivers.clear()
    assert await look(desk) == []
    status = await desk.status()
    assert status is not None
    assert status[0] == "told"
