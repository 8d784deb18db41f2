"""The result of place_order as each protocol version gets it: plain, with a link beside it, or after a question."""

import json
from typing import Any

import mcp_types._v2026_07_28 as modern_schema
import pytest
from msgspec.structs import replace

from storefront_mcp.mcp.answering import line_for
from storefront_mcp.mcp.catalogue import Catalogue
from storefront_mcp.mcp.endpoint import Endpoint
from tests.mcp.asking import META, NEWEST, VERSIONS, error, post, result
from tests.mcp.stage import call
from tests.phases.calling import OPEN
from tests.phases.test_ordering import PAGE, WISH
from tests.shelf import Shelf, shop_on
from tests.till import Till

Json = dict[str, Any]
LINKS = {"2025-06-18", "2025-11-25", NEWEST}
"""Versions that know resource links."""
OPENS_URLS = {META + "clientCapabilities": {"elicitation": {"form": {}, "url": {}}}}
LINK = {"type": "resource_link", "uri": PAGE, "name": "Payment page", "mimeType": "text/html"}


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
def served(till: Till) -> Endpoint:
    shop = replace(shop_on(Shelf()), checkouts=till)
    return Endpoint(line_for(shop, b"a key of the tests"), Catalogue(shop.store, OPEN))


async def placed(served: Endpoint, **more: Any) -> Json:
    """What the newest version answers to a client that can open pages."""
    body, sent = call("place_order", NEWEST, WISH, meta=OPENS_URLS, **more)
    told: Json = json.loads((await post(served, body, sent)).body)["result"]
    return told


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_text_always_says_where_to_pay_and_a_link_does_where_there_are_links(
    served: Endpoint, version: str
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
async def test_there_is_no_link_when_there_is_nothing_to_pay(served: Endpoint, version: str) -> None:
    arguments = {**WISH, "dry_run": True}
    told = await result(served, "tools/call", version, {"name": "place_order", "arguments": arguments})

    assert [block["type"] for block in told["content"]] == ["text"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_only_the_newest_version_is_asked_whatever_a_client_declares(served: Endpoint, version: str) -> None:
    body, sent = call("place_order", version, WISH, meta=OPENS_URLS)
    told = json.loads((await post(served, body, sent)).body)["result"]

    assert ("inputRequests" in told) is (version == NEWEST)


async def test_a_client_that_opens_pages_is_asked_once_and_then_told_all(served: Endpoint, till: Till) -> None:
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
    till.paid("chk-1")
    done = await placed(served, **again)
    assert done["structuredContent"]["order"] == {"number": "100000001"}
    assert len(till.drafts) == 1


async def test_a_state_of_another_order_opens_nothing(served: Endpoint) -> None:
    state = (await placed(served))["requestState"]
    body, sent = call("place_order", NEWEST, {**WISH, "cart_id": "cart_2"}, meta=OPENS_URLS, requestState=state)
    status, told = await error(served, body, sent)

    assert (status, told["error"]["code"]) == (400, -32602)
