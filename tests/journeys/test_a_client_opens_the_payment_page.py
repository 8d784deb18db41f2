"""The official Python client, with a person beside it who opens the page that the server asks for."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client
from mcp_types import ElicitRequestParams, ElicitRequestURLParams, ElicitResult

from tests.fakes.agent import HANDSHAKE, Agent, Json
from tests.fakes.buyer import Buyer
from tests.journeys.test_a_guest_orders import until_ended, wish

pytestmark = pytest.mark.slow

OLDER = HANDSHAKE[-1]


class Person:
    """Decides what becomes of a page that a client wants to open."""

    def __init__(self, buyer: Buyer, *, action: Any = "accept", pays: bool = True) -> None:
        self.asked: list[ElicitRequestURLParams] = []
        self._buyer = buyer
        self._action = action
        self._pays = pays

    async def __call__(self, _context: Any, params: ElicitRequestParams) -> ElicitResult:
        assert isinstance(params, ElicitRequestURLParams)
        self.asked.append(params)
        if self._pays:
            await self._buyer.pays(params.url)
        return ElicitResult(action=self._action)


@contextlib.asynccontextmanager
async def client(origin: str, person: Person, *, mode: str = "2026-07-28") -> AsyncIterator[Client]:
    """A client that can open pages, and says so."""
    async with Client(f"{origin}/mcp", mode=mode, elicitation_callback=person) as connected:
        yield connected


@pytest.fixture
async def order(demo: str) -> Json:
    """The arguments for an order."""
    async with Agent(demo, OLDER) as agent:
        return await wish(agent)


@pytest.fixture
async def buyer() -> AsyncIterator[Buyer]:
    """The person who pays."""
    async with Buyer() as person:
        yield person


async def placed(origin: str, order: Json, person: Person, **more: Any) -> Json:
    """The result of place_order, whatever was asked in between."""
    async with client(origin, person, **more) as connected:
        result = await connected.call_tool("place_order", order)
    assert not result.is_error
    value: Json = result.structured_content
    return value


async def test_who_pays_while_asked_has_ordered_with_one_call(demo: str, order: Json, buyer: Buyer) -> None:
    person = Person(buyer)
    told = await placed(demo, order, person)

    assert len(person.asked) == 1
    assert person.asked[0].url.startswith(f"{demo}/pay/")
    assert person.asked[0].message.startswith("Pay AUD ")
    assert told["status"] in {"requires_escalation", "complete_in_progress", "completed"}
    async with Agent(demo, OLDER) as agent:
        assert (await until_ended(agent, told["checkout_id"]))["status"] == "completed"


@pytest.mark.parametrize("action", ["accept", "decline", "cancel"])
async def test_who_does_not_pay_is_asked_once_and_the_order_stays_open(
    demo: str, order: Json, buyer: Buyer, action: str
) -> None:
    person = Person(buyer, action=action, pays=False)
    told = await placed(demo, order, person)

    assert len(person.asked) == 1
    assert told["status"] == "requires_escalation"
    assert told["continue_url"] == person.asked[0].url
    assert ("stays open" in told["next_step"]) is (action != "accept")


async def test_an_older_client_is_handed_the_link(demo: str, order: Json, buyer: Buyer) -> None:
    person = Person(buyer)
    told = await placed(demo, order, person, mode="legacy")

    assert person.asked == []
    assert told["continue_url"].startswith(f"{demo}/pay/")
