"""The way of a call: unknown, closed, arguments, run; and nothing but our own errors comes back."""

import logging

import pytest
from msgspec import Raw, Struct
from msgspec.structs import replace

from storefront_mcp.calls import errors
from storefront_mcp.calls.caller import GUEST
from storefront_mcp.calls.errors import ArgumentsRefused, CallError, CallFailed, NotOpenYet, UnknownTool
from storefront_mcp.calls.pipeline import Call, run
from storefront_mcp.commerce.errors import ProductNotFound, ShopDown, ShopUnclear
from storefront_mcp.commerce.product import Product
from storefront_mcp.roadmap.roadmap import Roadmap
from tests.shelf import OPEN, Shelf, roadmap, shop_on
from tests.trees import drawn, grown


def call(tool: str, arguments: bytes | None = None, *, under: Roadmap = OPEN, shelf: Shelf | None = None) -> Call:
    return Call(
        tool=tool,
        arguments=None if arguments is None else Raw(arguments),
        caller=GUEST,
        roadmap=under,
        shop=shop_on(shelf or Shelf()),
    )


def test_the_docstring_draws_the_tree_of_classes() -> None:
    assert drawn(errors.__doc__) == grown(CallError)


class Brittle(Struct, frozen=True):
    """Arguments that break while they are read."""

    def __post_init__(self) -> None:
        raise KeyError


async def test_an_open_tool_runs_and_its_value_comes_back() -> None:
    product = await run(call("get_product", b'{"sku":"PAD-2"}'))
    assert isinstance(product, Product)
    assert product.sku == "PAD-2"


async def test_no_arguments_at_all_are_as_good_as_empty_ones() -> None:
    assert (await run(call("search_products"))).total == 4


async def test_an_unknown_tool_is_unknown_before_anything_is_read() -> None:
    with pytest.raises(UnknownTool, match=r"^Unknown tool: nope$"):
        await run(call("nope", b"[[["))


async def test_a_long_name_is_not_repeated_whole() -> None:
    with pytest.raises(UnknownTool) as unknown:
        await run(call("x" * 10_000))
    assert len(str(unknown.value)) < 100


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("planned", "is planned and not open yet."),
        ("paused", "is paused by the shop for now."),
        ("retired", "is retired: the shop no longer offers it."),
    ],
)
async def test_a_closed_phases_tool_names_its_phase_before_its_arguments_are_read(status: str, says: str) -> None:
    with pytest.raises(NotOpenYet) as closed:
        await run(call("add_to_cart", b"[[[", under=roadmap("p1_browse", p2_cart=status)))
    assert str(closed.value) == f"add_to_cart belongs to the phase p2_cart (Cart), which {says}"


async def test_a_promise_without_code_is_not_open_even_in_an_open_phase() -> None:
    under = roadmap("p1_browse", "p2_cart", "p4_account")
    with pytest.raises(NotOpenYet, match="is open, but this tool is not delivered yet"):
        await run(call("get_customer_orders", under=under))


async def test_arguments_are_read_before_the_shop_is_asked() -> None:
    shelf = Shelf()
    shelf.down = ShopDown()
    with pytest.raises(ArgumentsRefused, match="send either"):
        await run(call("get_product", b"{}", shelf=shelf))
    assert shelf.asked == []


async def test_a_shops_refusal_passes_and_its_inside_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf()
    shelf.down = ShopUnclear(internal="read timeout after 8 s")
    with caplog.at_level(logging.INFO, "storefront_mcp.calls"), pytest.raises(ShopUnclear) as unclear:
        await run(call("create_cart", shelf=shelf))
    assert "8 s" not in str(unclear.value)
    assert "create_cart: ShopUnclear: read timeout after 8 s" in caplog.text


async def test_a_refusal_of_the_shop_is_the_shops_own() -> None:
    with pytest.raises(ProductNotFound, match="'X-1'"):
        await run(call("get_product", b'{"sku":"X-1"}'))


async def test_a_fault_of_ours_leaks_nothing_and_is_logged_whole(caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf()
    shelf.down = KeyError("password=hunter2")
    with pytest.raises(CallFailed) as failed:
        await run(call("get_product", b'{"sku":"PAD-2"}', shelf=shelf))
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
        await run(call("get_product", b"{}", under=under))
    assert "get_product failed" in caplog.text
