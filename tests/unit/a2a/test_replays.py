"""A message that comes again is answered again, and done once."""

import json
import uuid
from typing import Any

import pytest

from storefront_mcp.a2a import replays
from storefront_mcp.access.caller import Caller
from storefront_mcp.calls.idempotency import IdempotentCall
from storefront_mcp.commerce.errors import ShopBusy, ShopOutcomeUnknown
from tests.fakes.a2a_agent import BINDINGS, A2aAgent, A2aRefusal
from tests.unit.a2a.environment import InMemoryStore

ADD = [{"data": {"action": "add_to_cart", "sku": "PAD-2"}}]


@pytest.fixture
def store() -> InMemoryStore:
    return InMemoryStore()


@pytest.fixture(params=BINDINGS)
def agent(request: pytest.FixtureRequest, store: InMemoryStore) -> A2aAgent:
    return store.agent(request.param)


async def quantity(agent: A2aAgent) -> Any:
    return (await agent.say("cart")).result["lines"][0]["quantity"]


async def test_the_same_message_is_done_once(agent: A2aAgent) -> None:
    id_ = str(uuid.uuid4())
    first = await agent.send(ADD, keep=False, messageId=id_)
    again = await agent.send(ADD, keep=False, messageId=id_)
    assert again.body == first.body
    agent.context = first.context
    assert await quantity(agent) == 1


async def test_in_a_conversation_any_id_will_do(agent: A2aAgent) -> None:
    await agent.say("help")
    first = await agent.send(ADD, messageId="1")
    assert (await agent.send(ADD, messageId="1")).body == first.body
    assert await quantity(agent) == 1


async def test_strangers_with_the_same_id_share_nothing(store: InMemoryStore) -> None:
    one, other = store.agent(), store.agent()
    first = await one.send(ADD, messageId="msg-1")
    second = await other.send(ADD, messageId="msg-1")
    assert first.context != second.context


async def test_another_message_under_the_same_id_is_refused(agent: A2aAgent) -> None:
    await agent.say("help")
    await agent.send(ADD, messageId="1")
    with pytest.raises(A2aRefusal, match="was used for another message"):
        await agent.say("add JAR-1", messageId="1")


async def test_reading_is_done_each_time(agent: A2aAgent, store: InMemoryStore) -> None:
    await agent.say("add PAD-2")
    shown = await agent.say("cart", messageId="look")
    await agent.say("add PAD-2")
    assert (await agent.say("cart", messageId="look")).body != shown.body


async def test_a_message_that_was_refused_may_come_again(agent: A2aAgent, store: InMemoryStore) -> None:
    await agent.say("help")
    for _ in range(5):
        await agent.act("create_cart")
    with pytest.raises(A2aRefusal):
        await agent.send([{"data": {"action": "create_cart"}}], messageId="again")
    await agent.cancel()
    assert (await agent.send([{"data": {"action": "create_cart"}}], messageId="again")).kind == "task"


async def test_a_caller_with_a_name_has_keys_of_its_own(agent: A2aAgent, store: InMemoryStore) -> None:
    store.caller = Caller(kind="key", principal="k1")
    first = await agent.send(ADD, keep=False, messageId="1")
    assert (await agent.send(ADD, keep=False, messageId="1")).body == first.body
    store.caller = Caller(kind="key", principal="k2")
    assert (await agent.send(ADD, keep=False, messageId="1")).context != first.context


async def test_a_message_whose_outcome_nobody_knows_is_not_done_again(
    agent: A2aAgent, store: InMemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await agent.say("help")

    async def broken(*_: Any, **__: Any) -> Any:
        raise ShopOutcomeUnknown

    monkeypatch.setattr(store.endpoint._operations._agent, "answer", broken)
    with pytest.raises(ShopOutcomeUnknown):
        await agent.send(ADD, messageId="1")
    monkeypatch.undo()
    with pytest.raises(A2aRefusal, match="not known what became of it") as refused:
        await agent.send(ADD, messageId="1")
    assert refused.value.reason == "INTERNAL_ERROR"


async def test_a_message_that_is_being_answered_has_to_wait(
    store: InMemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "claim", _busy)
    async with store.agent() as agent:
        message = {"messageId": str(uuid.uuid4()), "role": "ROLE_USER", "parts": ADD}
        wish = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}
        response = await agent.client.post(agent.url, content=json.dumps(wish))
        assert (response.status_code, response.headers["retry-after"]) == (429, "5")


async def test_an_answer_that_is_too_large_is_not_kept(agent: A2aAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "MAX_ANSWER_BYTES", 10)
    await agent.say("help")
    await agent.send(ADD, messageId="1")
    await agent.send(ADD, messageId="1")
    assert await quantity(agent) == 2


async def _busy(call: IdempotentCall, answers: Any) -> Any:
    raise ShopBusy(retry_after=5)
