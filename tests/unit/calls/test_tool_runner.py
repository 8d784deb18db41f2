"""Tools as other agent protocols run them: through the pipeline, counted, audited under the protocol's name."""

import pytest

from storefront_mcp.access.caller import GUEST
from storefront_mcp.calls.errors import ArgumentsRefused, ToolNotOpen
from storefront_mcp.calls.policy import CallPolicy
from storefront_mcp.calls.tool_runner import SILENT_CONTEXT, ToolRunner
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.errors import CartNotFound
from storefront_mcp.instrumentation import REQUEST_CONTEXT, RequestContext, RequestOrigin
from storefront_mcp.roadmap.roadmap import Roadmap
from tests.fakes.memory_backend import OPEN, MemoryBackend, roadmap, shop_on
from tests.unit.calls.test_policy import Record, furnished

ORIGIN = RequestOrigin(address="192.0.2.7", source="ucp")


def runner(under: Roadmap = OPEN, policy: CallPolicy | None = None) -> ToolRunner:
    return ToolRunner(
        roadmap=under,
        shop=shop_on(MemoryBackend()),
        caller=GUEST,
        origin=ORIGIN,
        protocol="ucp 2026-08-25",
        policy=policy,
    )


async def test_a_tool_runs_and_returns_its_value() -> None:
    tools = runner()
    cart = await tools.run("create_cart")
    filled = await tools.run("add_to_cart", cart_id=cart.cart_id, sku="PAD-2", quantity=2)
    assert isinstance(filled, Cart)
    assert [(line.sku, line.quantity) for line in filled.lines] == [("PAD-2", 2)]


async def test_a_replayed_value_is_the_same_as_the_first_one() -> None:
    tools = runner(policy=furnished(Record()))
    cart = await tools.run("create_cart")
    wanted = {"cart_id": cart.cart_id, "sku": "PAD-2", "idempotency_key": "one"}
    first = await tools.run("add_to_cart", **wanted)
    assert await tools.run("add_to_cart", **wanted) == first
    assert isinstance(first, Cart)


async def test_what_is_closed_is_closed_for_every_protocol() -> None:
    tools = runner(roadmap("p1_browse"))
    assert (tools.is_open("search_products"), tools.is_open("create_cart")) == (True, False)
    with pytest.raises(ToolNotOpen):
        await tools.run("create_cart")


async def test_the_audit_says_by_which_protocol_an_agent_came() -> None:
    record = Record()
    tools = runner(policy=furnished(record))
    await tools.run("create_cart")
    with pytest.raises(CartNotFound):
        await tools.run("view_cart", cart_id="nobody's")
    with pytest.raises(ArgumentsRefused):
        await tools.run("add_to_cart", cart_id="x")
    assert {(entry.source, entry.subject) for entry in record.noted} == {("ucp", "create_cart"), ("ucp", "add_to_cart")}


async def test_the_request_in_the_logs_names_the_tool_that_runs() -> None:
    context = RequestContext()
    token = REQUEST_CONTEXT.set(context)
    try:
        await runner().run("list_categories")
    finally:
        REQUEST_CONTEXT.reset(token)
    assert context.observed is not None
    assert (context.observed.name, context.observed.protocol) == ("list_categories", "ucp 2026-08-25")


async def test_a_protocol_without_a_channel_to_its_client_tells_it_nothing() -> None:
    await SILENT_CONTEXT.progress(1.0)
    await SILENT_CONTEXT.log("info", {})
    assert not SILENT_CONTEXT.can_ask
