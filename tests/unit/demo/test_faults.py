"""A shop that fails on request."""

from collections.abc import Callable, MutableMapping
from typing import Any

import pytest

from tests.fakes.demo_faults import DemoFault, FaultQueue, FaultRates
from tests.fakes.demo_shop import demo_shop
from tests.unit.demo.conftest import Guest


@pytest.fixture
def faults() -> FaultQueue:
    return FaultQueue()


@pytest.fixture
def shaky(guest_of: Callable[..., Guest], faults: FaultQueue) -> Guest:
    return guest_of(faults=faults)


async def test_a_fault_hits_the_request_it_is_meant_for_and_only_once(shaky: Guest, faults: FaultQueue) -> None:
    faults.next(DemoFault.BEFORE, method="GET", path="/products")
    assert (await shaky.get("/store-config")).status_code == 200
    assert (await shaky.get("/products/2")).status_code == 500
    assert (await shaky.get("/products/2")).status_code == 200


async def test_before_does_nothing_and_after_does_it(shaky: Guest, faults: FaultQueue) -> None:
    await shaky.new_cart()
    faults.next(DemoFault.BEFORE, path="/items")
    faults.next(DemoFault.AFTER, path="/items")
    assert (await shaky.add("PAD-2")).status_code == 500
    assert (await shaky.ask("GET")).json()["itemsQty"] == 0
    assert (await shaky.add("PAD-2")).status_code == 500
    assert (await shaky.ask("GET")).json()["itemsQty"] == 1


async def test_answers_that_are_no_answers(shaky: Guest, faults: FaultQueue) -> None:
    faults.next(DemoFault.HTML)
    assert (await shaky.get("/products")).text.startswith("<!doctype html>")
    faults.next(DemoFault.TRUNCATED)
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        (await shaky.get("/products/2")).json()
    faults.next(DemoFault.REDIRECT)
    assert (await shaky.get("/products")).status_code == 302
    faults.next(DemoFault.SLOW, seconds=0.01)
    assert (await shaky.get("/products/2")).json()["sku"] == "PAD-2"


async def test_planned_faults_can_be_repeated_and_forgotten(shaky: Guest, faults: FaultQueue) -> None:
    faults.next(DemoFault.BEFORE, times=3)
    assert [(await shaky.get("/stores")).status_code for _ in range(2)] == [500, 500]
    faults.clear()
    assert (await shaky.get("/stores")).status_code == 200


async def test_a_closed_connection_promises_more_than_it_sends(faults: FaultQueue) -> None:
    faults.next(DemoFault.CLOSED)
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/api/rest/v2/products/2", "headers": [], "query_string": b""}
    await demo_shop(faults=faults)(scope, receive, send)
    start, half = sent
    assert int(dict(start["headers"])[b"content-length"]) > len(half["body"]) > 0
    assert half["more_body"] is True


async def test_a_lifespan_is_acknowledged() -> None:
    asked = iter(["lifespan.startup", "lifespan.shutdown"])
    sent: list[str] = []

    async def receive() -> dict[str, Any]:
        return {"type": next(asked)}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message["type"])

    await demo_shop()({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_gone_does_it_and_tells_nobody_for_a_while(shaky: Guest, faults: FaultQueue) -> None:
    await shaky.new_cart()
    faults.next(DemoFault.GONE, path="/items", seconds=0.01)
    assert (await shaky.add("PAD-2")).status_code == 500
    assert (await shaky.ask("GET")).json()["itemsQty"] == 1


async def test_gone_ends_when_the_caller_gives_up(faults: FaultQueue) -> None:
    faults.next(DemoFault.GONE, seconds=600)
    received = iter([{"type": "http.request", "body": b""}, {"type": "http.disconnect"}])
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(received)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/api/rest/v2/stores", "headers": [], "query_string": b""}
    await demo_shop(faults=faults)(scope, receive, send)
    assert [message.get("status") for message in sent] == [500, None]


def test_chance_is_the_same_for_the_same_seed_and_hits_only_what_it_may() -> None:
    def run(seed: int) -> list[DemoFault | None]:
        faults = FaultQueue()
        faults.draw(
            FaultRates(seed=seed, share=0.5, faults=("BEFORE", "SLOW"), method="POST", path="/items", seconds=0.2)
        )
        assert all(faults.take("GET", "/items") is None for _ in range(50))
        taken = [faults.take("POST", "/guest-carts/1/items") for _ in range(50)]
        assert all(one[1] <= 0.2 for one in taken if one is not None)
        faults.clear()
        assert all(faults.take("POST", "/items") is None for _ in range(50))
        return [None if one is None else one[0] for one in taken]

    assert run(7) == run(7)
    assert set(run(7)) == {None, DemoFault.BEFORE, DemoFault.SLOW}
    assert run(7) != run(8)
