"""The way of a call: unknown, closed, arguments, run; and nothing but our own errors comes back."""

import datetime as dt
import logging

import pytest
from msgspec import Raw, Struct
from msgspec.structs import replace

from storefront_mcp.access.caller import GUEST
from storefront_mcp.calls import errors
from storefront_mcp.calls.errors import ArgumentsRefused, CallError, CallFailed, PauseHint, ToolNotOpen, UnknownTool
from storefront_mcp.calls.pipeline import ToolCall, run_call
from storefront_mcp.commerce.errors import ProductNotFound, ShopDown, ShopOutcomeUnknown
from storefront_mcp.commerce.product import Product
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.roadmap.terms import FlipTerms
from tests.fakes.exception_trees import drawn, grown
from tests.fakes.memory_backend import OPEN, MemoryBackend, roadmap, shop_on


def call(
    tool: str, arguments: bytes | None = None, *, under: Roadmap = OPEN, memory_backend: MemoryBackend | None = None
) -> ToolCall:
    return ToolCall(
        tool=tool,
        arguments=None if arguments is None else Raw(arguments),
        caller=GUEST,
        roadmap=under,
        shop=shop_on(memory_backend or MemoryBackend()),
    )


def test_the_docstring_draws_the_tree_of_classes() -> None:
    assert drawn(errors.__doc__) == grown(CallError)


class Brittle(Struct, frozen=True):
    """Arguments that break while they are read."""

    def __post_init__(self) -> None:
        raise KeyError


async def test_an_open_tool_runs_and_its_value_comes_back() -> None:
    product = await run_call(call("get_product", b'{"sku":"PAD-2"}'))
    assert isinstance(product, Product)
    assert product.sku == "PAD-2"


async def test_no_arguments_at_all_are_as_good_as_empty_ones() -> None:
    assert (await run_call(call("search_products"))).total == 4


async def test_an_unknown_tool_is_unknown_before_anything_is_read() -> None:
    with pytest.raises(UnknownTool, match=r"^Unknown tool: nope$"):
        await run_call(call("nope", b"[[["))


async def test_a_long_name_is_not_repeated_whole() -> None:
    with pytest.raises(UnknownTool) as unknown:
        await run_call(call("x" * 10_000))
    assert len(str(unknown.value)) < 100


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("planned", "Cart is not open to agents yet at this shop, and add_to_cart comes with it. Tell the buyer."),
        ("paused", "Cart is closed for now. Nothing in a cart is lost. Tell the buyer, and try again later."),
        ("retired", "Cart is no longer offered to agents by this shop, and add_to_cart belongs to it."),
    ],
)
async def test_a_closed_phases_tool_names_its_phase_before_its_arguments_are_read(status: str, says: str) -> None:
    with pytest.raises(ToolNotOpen) as closed:
        await run_call(call("add_to_cart", b"[[[", under=roadmap("p1_browse", p2_cart=status)))
    assert str(closed.value) == f"{says} What works: browse."


async def test_a_paused_phases_tool_tells_why_until_when_and_when_to_ask_again() -> None:
    terms = FlipTerms(reason="stocktaking", until=dt.datetime(2027, 2, 1, tzinfo=dt.UTC))
    changes: dict[str, Status] = {"p2_cart": "paused", "p3_checkout": "paused"}
    under = roadmap("p1_browse", "p2_cart", "p3_checkout").with_status(changes, terms)
    with pytest.raises(ToolNotOpen) as closed:
        await run_call(call("add_to_cart", under=under))

    assert str(closed.value) == (
        "Cart and checkout are closed for now: stocktaking. It is expected to open again on "
        "1 February 2027, 00:00 UTC. Nothing in a cart is lost. Tell the buyer, and try again later. "
        "What works: browse. So do get_order_status and cancel_checkout, for orders prepared before."
    )
    assert closed.value.detail == PauseHint(retry_after=120, reason="stocktaking", until="2027-02-01T00:00:00+00:00")


async def test_a_promise_without_code_is_not_open_even_in_an_open_phase() -> None:
    under = roadmap("p1_browse", "p2_cart", "p4_account")
    under = replace(under, phases=tuple(replace(phase, tools={}) for phase in under.phases))
    with pytest.raises(ToolNotOpen, match="Account is open, but get_customer_orders is not delivered yet"):
        await run_call(call("get_customer_orders", under=under))


async def test_arguments_are_read_before_the_shop_is_asked() -> None:
    memory_backend = MemoryBackend()
    memory_backend.down = ShopDown()
    with pytest.raises(ArgumentsRefused, match="send either"):
        await run_call(call("get_product", b"{}", memory_backend=memory_backend))
    assert memory_backend.asked == []


async def test_a_shops_refusal_passes_and_its_inside_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    memory_backend = MemoryBackend()
    memory_backend.down = ShopOutcomeUnknown(internal="read timeout after 8 s")
    with caplog.at_level(logging.INFO, "storefront_mcp.calls"), pytest.raises(ShopOutcomeUnknown) as unclear:
        await run_call(call("create_cart", memory_backend=memory_backend))
    assert "8 s" not in str(unclear.value)
    assert "create_cart: outcome_unknown: read timeout after 8 s" in caplog.text


async def test_a_refusal_of_the_shop_is_the_shops_own() -> None:
    with pytest.raises(ProductNotFound, match="'X-1'"):
        await run_call(call("get_product", b'{"sku":"X-1"}'))


async def test_a_fault_of_ours_leaks_nothing_and_is_logged_whole(caplog: pytest.LogCaptureFixture) -> None:
    memory_backend = MemoryBackend()
    memory_backend.down = KeyError("password=hunter2")
    with pytest.raises(CallFailed) as failed:
        await run_call(call("get_product", b'{"sku":"PAD-2"}', memory_backend=memory_backend))
    assert "hunter2" not in str(failed.value)
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
    (record,) = caplog.records
    assert record.getMessage() == "get_product failed"
    assert record.exc_info is not None
    assert "hunter2" in str(record.exc_info[1])


async def test_arguments_that_break_the_reader_are_a_fault_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    (phase, *_) = OPEN.phases
    broken = replace(phase.tools["get_product"], arguments=Brittle)
    under = replace(OPEN, phases=(replace(phase, tools={**phase.tools, "get_product": broken}),))
    with pytest.raises(CallFailed):
        await run_call(call("get_product", b"{}", under=under))
    assert "get_product failed" in caplog.text
