"""The result of place_order as each protocol version gets it: plain, with a link beside it, or after a question."""

import json
from typing import Any

import mcp_types._v2026_07_28 as modern_schema
import pytest
from msgspec.structs import replace

from storefront_mcp.mcp.dispatch import endpoint_context
from storefront_mcp.mcp.endpoint import JsonRpcEndpoint
from storefront_mcp.mcp.prepared import PreparedResponses
from tests.fakes.memory_backend import MemoryBackend, shop_on
from tests.fakes.memory_checkouts import MemoryCheckouts
from tests.unit.mcp.environment import call
from tests.unit.mcp.requests import META, NEWEST, VERSIONS, error, post, result
from tests.unit.phases.calling import OPEN
from tests.unit.phases.test_ordering import PAGE, WISH

Json = dict[str, Any]
LINKS = {"2025-06-18", "2025-11-25", NEWEST}
"""Versions that know resource links."""
OPENS_URLS = {META + "clientCapabilities": {"elicitation": {"form": {}, "url": {}}}}
LINK = {"type": "resource_link", "uri": PAGE, "name": "Payment page", "mimeType": "text/html"}


@pytest.fixture
def memory_checkouts() -> MemoryCheckouts:
    return MemoryCheckouts()


@pytest.fixture
def served(memory_checkouts: MemoryCheckouts) -> JsonRpcEndpoint:
    shop = replace(shop_on(MemoryBackend()), checkouts=memory_checkouts)
    return JsonRpcEndpoint(endpoint_context(shop, b"a key of the tests"), PreparedResponses(shop.store, OPEN))


async def placed(served: JsonRpcEndpoint, **more: Any) -> Json:
    """What the newest version answers to a client that can open pages."""
    body, sent = call("place_order", NEWEST, WISH, meta=OPENS_URLS, **more)
    told: Json = json.loads((await post(served, body, sent)).body)["result"]
    return told


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_text_always_says_where_to_pay_and_a_link_does_where_there_are_links(
    served: JsonRpcEndpoint, version: str
) -> None:
    told = await result(served, "tools/call", version, {"name": "place_order", "arguments": WISH})
    text, *beside = told["content"]
    value = json.loads(text["text"])

    assert not told["isError"]
    assert value["status"] == "requires_escalation"
    assert value["continue_url"] == PAGE
    assert beside == ([LINK] if version in LINKS else [])
    assert told.get("structuredContent") == (value if version in LINKS else None)


@pytest.mark.parametrize("version", VERSIONS)
async def test_there_is_no_link_when_there_is_nothing_to_pay(served: JsonRpcEndpoint, version: str) -> None:
    arguments = {**WISH, "dry_run": True}
    told = await result(served, "tools/call", version, {"name": "place_order", "arguments": arguments})

    assert [block["type"] for block in told["content"]] == ["text"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_only_the_newest_version_is_asked_whatever_a_client_declares(
    served: JsonRpcEndpoint, version: str
) -> None:
    body, sent = call("place_order", version, WISH, meta=OPENS_URLS)
    told = json.loads((await post(served, body, sent)).body)["result"]

    assert ("inputRequests" in told) is (version == NEWEST)


async def test_a_client_that_opens_pages_is_asked_once_and_then_told_all(
    served: JsonRpcEndpoint, memory_checkouts: MemoryCheckouts
) -> None:
    asked = await placed(served)
    modern_schema.InputRequiredResult.model_validate(asked)
    assert asked["inputRequests"]["pay"] == {
        "method": "elicitation/create",
        "params": {"mode": "url", "message": "Pay AUD 288.95 at Pickle Warehouse", "url": PAGE},
    }
    assert not any(word in json.dumps(asked) for word in ("ada@example.com", "Byron", "Queen Street"))

    again = {"inputResponses": {"pay": {"action": "accept"}}, "requestState": asked["requestState"]}
    waiting = await placed(served, **again)
    assert waiting["resultType"] == "complete"
    assert waiting["structuredContent"]["continue_url"] == PAGE
    memory_checkouts.paid("chk-1")
    done = await placed(served, **again)
    assert done["structuredContent"]["order"] == {"number": "100000001"}
    assert len(memory_checkouts.drafts) == 1


async def test_a_state_of_another_order_opens_nothing(served: JsonRpcEndpoint) -> None:
    state = (await placed(served))["requestState"]
    body, sent = call("place_order", NEWEST, {**WISH, "cart_id": "cart_2"}, meta=OPENS_URLS, requestState=state)
    status, told = await error(served, body, sent)

    assert (status, told["error"]["code"]) == (400, -32602)
