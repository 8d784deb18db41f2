"""A cart's contents are replaced whole, one change at a time, and what did not work is told as it is."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.calls.errors import ToolNotOpen
from storefront_mcp.checkout_sessions import WantedLine, replace_cart_lines
from storefront_mcp.checkout_sessions.line_changes import MAX_TRIES
from storefront_mcp.commerce.cart import Cart, CartLine
from storefront_mcp.commerce.errors import (
    CartGone,
    CartNotFound,
    CouponRejected,
    LineNotFound,
    NotEnoughStock,
    ShopBusy,
    ShopDown,
)
from storefront_mcp.commerce.ids import CartId, LineId, Sku
from tests.fakes.memory_backend import STORE, aud, roadmap
from tests.unit.checkout_sessions.environment import JAR, LOST, SessionsEnvironment

Contents = dict[str, int]


@pytest.fixture
def here() -> SessionsEnvironment:
    return SessionsEnvironment()


async def filled(here: SessionsEnvironment, contents: Contents) -> str:
    run = here.runner().run
    cart: Cart = await run("create_cart")
    for sku, quantity in contents.items():
        await run("add_to_cart", cart_id=cart.cart_id, sku=sku, quantity=quantity)
    here.shelf.asked.clear()
    return cart.cart_id


async def replaced(
    here: SessionsEnvironment, cart: str, wanted: Contents | tuple[WantedLine, ...] | None, *codes: str
) -> tuple[Contents, list[tuple[str, str, str]]]:
    """What the shop has then, and the problems."""
    lines = wanted
    if isinstance(wanted, dict):
        lines = tuple(WantedLine(sku=sku, quantity=quantity) for sku, quantity in wanted.items())
    shown, problems = await replace_cart_lines(here.runner(), cart, lines, codes or None)  # type: ignore[arg-type]
    kept = await here.shelf_cart(cart)
    assert [(one.sku, one.quantity) for one in shown.lines] == [(one.sku, one.quantity) for one in kept.lines]
    assert shown.cart_id == cart
    assert not any("cart_" in one.text or "_cart" in one.text for one in problems), "no tool is named"
    return {one.sku: one.quantity for one in kept.lines}, [(one.code, one.field, one.kind) for one in problems]


def changes(here: SessionsEnvironment) -> list[str]:
    return [one for one in here.shelf.asked if one in {"add_line", "update_line", "remove_line"}]


@pytest.mark.parametrize(
    ("before", "after", "calls"),
    [
        ({}, {"DILL": 2}, ["add_line"]),
        ({"DILL": 2}, {"DILL": 2}, []),
        ({"DILL": 2}, {"dill": 2}, []),
        ({"DILL": 2}, {"DILL": 3}, ["update_line"]),
        ({"DILL": 2}, {}, ["remove_line"]),
        ({"DILL": 2}, {"DILL": 0}, ["remove_line"]),
        ({"DILL": 2, "BREAD": 1}, {"BREAD": 4, "PAD-2": 1}, ["remove_line", "update_line", "add_line"]),
        ({"DILL": 2, "BREAD": 4}, {"DILL": 3, "BREAD": 1}, ["update_line", "update_line"]),
    ],
)
async def test_only_differences_are_asked_for(
    here: SessionsEnvironment, before: Contents, after: Contents, calls: list[str]
) -> None:
    cart = await filled(here, before)
    wanted = {sku.upper(): quantity for sku, quantity in after.items() if quantity}

    assert await replaced(here, cart, after) == (wanted, [])
    assert changes(here) == calls
    assert await replaced(here, cart, after) == (wanted, [])
    assert changes(here) == calls, "the same again changes nothing"


async def test_a_line_is_known_by_its_id_before_its_sku(here: SessionsEnvironment) -> None:
    run = here.runner().run
    cart = await filled(here, {"DILL": 1})
    for name in ("Ada", "Bob"):
        await run("add_to_cart", cart_id=cart, sku="JAR-1", options={"7": name})
    dill, ada, bob = (await here.shelf_cart(cart)).lines

    wanted = (
        WantedLine(sku="JAR-1", quantity=5, line_id=bob.line_id),
        WantedLine(sku="JAR-1", quantity=1, line_id=ada.line_id),
        WantedLine(sku="DILL", quantity=2, line_id="unknown"),
    )
    _, problems = await replaced(here, cart, wanted)
    assert problems == []
    assert {(one.line_id, one.quantity) for one in (await here.shelf_cart(cart)).lines} == {
        (dill.line_id, 2),
        (ada.line_id, 1),
        (bob.line_id, 5),
    }

    swapped = (WantedLine(sku="BREAD", quantity=1, line_id=bob.line_id),)
    assert (await replaced(here, cart, swapped))[0] == {"BREAD": 1}, "another product is another line"


async def test_options_tell_lines_of_one_product_apart(here: SessionsEnvironment) -> None:
    cart = await filled(here, {})
    ada, bob = (WantedLine(sku="JAR-1", quantity=1, options={"7": name}) for name in ("Ada", "Bob"))
    await replaced(here, cart, (ada, bob))
    here.shelf.asked.clear()

    _, problems = await replaced(here, cart, (replace(bob, quantity=2), ada, ada))
    assert problems == []
    assert changes(here) == ["update_line", "update_line"]
    assert {one.options["Name on the lid"]: one.quantity for one in (await here.shelf_cart(cart)).lines} == {
        "Ada": 2,
        "Bob": 2,
    }


async def test_one_line_id_of_two_products_is_no_more_of_the_first(here: SessionsEnvironment) -> None:
    cart = await filled(here, {"DILL": 2})
    (dill,) = (await here.shelf_cart(cart)).lines
    both = (
        WantedLine(sku="DILL", quantity=1, line_id=dill.line_id),
        WantedLine(sku="BREAD", quantity=3, line_id=dill.line_id),
    )
    assert await replaced(here, cart, both) == ({"DILL": 1, "BREAD": 3}, [])
    again = (replace(both[0], quantity=2), replace(both[0], quantity=2))
    assert await replaced(here, cart, again) == ({"DILL": 4}, [])
    cart = await filled(here, {})
    numbered = tuple(WantedLine(sku=sku, quantity=1, line_id="item_1") for sku in ("DILL", "BREAD"))
    assert await replaced(here, cart, numbered) == ({"DILL": 1, "BREAD": 1}, [])


async def test_the_same_product_twice_is_one_line(here: SessionsEnvironment) -> None:
    cart = await filled(here, {})
    twice = (WantedLine(sku="DILL", quantity=2), WantedLine(sku="DILL", quantity=3))
    assert await replaced(here, cart, twice) == ({"DILL": 5}, [])


@pytest.mark.parametrize(
    ("wanted", "left", "problem"),
    [
        ({"NET-0": 1, "DILL": 1}, {"DILL": 1}, ("out_of_stock", "lines[0]", "recoverable")),
        ({"DILL": 1, "NOTHING": 1}, {"DILL": 1}, ("product_not_found", "lines[1]", "recoverable")),
        ({"SHIRT": 1, "DILL": 1}, {"DILL": 1}, ("variant_required", "lines[0]", "recoverable")),
        ({"JAR-1": 1, "DILL": 1}, {"DILL": 1}, ("options_required", "lines[0]", "buyer_input")),
        ({"DILL": 1000}, {}, ("invalid_arguments", "lines[0]", "recoverable")),
        ({"DILL": 21}, {"DILL": 20}, ("insufficient_stock", "lines[0]", "warning")),
    ],
)
async def test_what_cannot_be_had_is_told_and_the_rest_is_there(
    here: SessionsEnvironment, wanted: Contents, left: Contents, problem: tuple[str, str, str]
) -> None:
    cart = await filled(here, {"BREAD": 1})
    assert await replaced(here, cart, wanted) == (left, [problem])


async def test_what_needs_a_person_names_the_page_where_they_can_do_it(here: SessionsEnvironment) -> None:
    cart = await filled(here, {})
    jar = (WantedLine(sku="JAR-1", quantity=1),)
    _, (problem,) = await replace_cart_lines(here.runner(), cart, jar, None)
    assert problem.url == JAR
    _, (problem,) = await replace_cart_lines(here.runner(roadmap("p2_cart")), cart, jar, None)
    assert problem.url == "", "where products cannot be looked up"


async def test_a_line_that_cannot_grow_stays_as_it_is(here: SessionsEnvironment) -> None:
    cart = await filled(here, {"DILL": 2})
    here.shelf.before["update_line"] = [NotEnoughStock("DILL")]
    shown, (problem,) = await replace_cart_lines(here.runner(), cart, (WantedLine(sku="DILL", quantity=9),), None)
    assert [line.quantity for line in shown.lines] == [2]
    assert (problem.code, problem.line_id) == ("insufficient_stock", shown.lines[0].line_id)


@pytest.mark.parametrize("method", ["add_line", "update_line", "remove_line"])
async def test_a_lost_answer_of_a_change_that_was_made_is_no_loss(here: SessionsEnvironment, method: str) -> None:
    cart = await filled(here, {"DILL": 2, "BREAD": 1})
    here.shelf.after[method] = [LOST]
    assert await replaced(here, cart, {"DILL": 3, "PAD-2": 1}) == ({"DILL": 3, "PAD-2": 1}, [])
    assert changes(here) == ["remove_line", "update_line", "add_line"], "nothing was sent twice"


@pytest.mark.parametrize("method", ["update_line", "remove_line"])
async def test_what_sets_or_removes_is_sent_again_when_it_was_not_done(here: SessionsEnvironment, method: str) -> None:
    cart = await filled(here, {"DILL": 2, "BREAD": 1})
    here.shelf.before[method] = [LOST]
    assert await replaced(here, cart, {"DILL": 3}) == ({"DILL": 3}, [])


async def test_what_adds_is_never_sent_again(here: SessionsEnvironment) -> None:
    cart = await filled(here, {"BREAD": 1})
    here.shelf.before["add_line"] = [LOST]
    assert await replaced(here, cart, {"DILL": 3, "BREAD": 2}) == (
        {"BREAD": 2},
        [("outcome_unknown", "lines[0]", "recoverable")],
    )
    assert await replaced(here, cart, {"DILL": 3, "BREAD": 2}) == ({"DILL": 3, "BREAD": 2}, [])


@pytest.mark.parametrize("error", [ShopDown(), ShopBusy(), CartGone(), CartNotFound()])
async def test_an_error_of_the_first_change_is_raised_as_nothing_was_changed(
    here: SessionsEnvironment, error: Exception
) -> None:
    cart = await filled(here, {"DILL": 2, "BREAD": 1})
    here.shelf.before["remove_line"] = [error]
    with pytest.raises(type(error)):
        await replaced(here, cart, {"DILL": 3})
    assert (await replaced(here, cart, None))[0] == {"DILL": 2, "BREAD": 1}


async def test_what_was_made_before_the_shop_went_down_is_told(here: SessionsEnvironment) -> None:
    cart = await filled(here, {"DILL": 2, "BREAD": 1})
    here.shelf.before["update_line"] = [ShopDown()]
    assert await replaced(here, cart, {"DILL": 3, "PAD-2": 1}, "TEN") == (
        {"DILL": 2},
        [("shop_unavailable", "lines", "recoverable"), ("cart_partly_changed", "lines", "recoverable")],
    )
    assert "apply_coupon" not in here.shelf.asked
    assert await replaced(here, cart, {"DILL": 3, "PAD-2": 1}) == ({"DILL": 3, "PAD-2": 1}, [])


async def test_a_look_that_fails_after_a_lost_answer_ends_the_changes(here: SessionsEnvironment) -> None:
    cart = await filled(here, {"DILL": 2})
    here.shelf.before["update_line"] = [LOST]
    here.shelf.meanwhile["update_line"] = [lambda: here.shelf.before.update(cart=[ShopDown()])]
    _, problems = await replaced(here, cart, {"DILL": 3})
    assert [one[0] for one in problems] == ["shop_unavailable", "cart_partly_changed", "outcome_unknown"]


async def test_a_line_that_somebody_else_took_out_is_put_in_again(here: SessionsEnvironment) -> None:
    cart = await filled(here, {"DILL": 2})

    def take_out() -> None:
        upstream = here.handles.records[STORE.id, CartId(cart)].upstream
        here.shelf.carts[upstream] = replace(here.shelf.carts[upstream], lines=())

    here.shelf.meanwhile["update_line"] = [take_out]
    assert await replaced(here, cart, {"DILL": 3}) == ({"DILL": 3}, [])
    here.shelf.before["remove_line"] = [LineNotFound("7")] * MAX_TRIES
    assert (await replaced(here, cart, {}))[0] == {"DILL": 3}


async def test_a_shop_that_changes_nothing_is_not_asked_for_ever(
    here: SessionsEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    cart = await filled(here, {"DILL": 2, "BREAD": 1})

    async def idle(id_: CartId, *_: Any) -> Cart:
        here.shelf.asked.append("idle")
        return here.shelf.carts[id_]

    for method in ("add_line", "update_line", "remove_line"):
        monkeypatch.setattr(here.shelf, method, idle)
    contents, problems = await replaced(here, cart, {"DILL": 3, "PAD-2": 1})
    assert contents == {"DILL": 2, "BREAD": 1}
    assert ("cart_partly_changed", "lines[0]", "recoverable") in problems
    assert ("cart_partly_changed", "lines[1]", "recoverable") in problems
    assert here.shelf.asked.count("idle") <= 2 * MAX_TRIES + 1


async def test_a_shop_that_calls_a_product_otherwise_has_it_once(
    here: SessionsEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    cart = await filled(here, {})
    add = here.shelf.add_line

    async def renamed(id_: CartId, sku: Sku, quantity: int, options: Any) -> Cart:
        return await add(id_, Sku("DILL") if sku == "pickles" else sku, quantity, options)

    monkeypatch.setattr(here.shelf, "add_line", renamed)
    assert await replaced(here, cart, {"pickles": 2}) == ({"DILL": 2}, [])


async def test_a_shop_that_keeps_adding_a_gift_ends_the_changes(
    here: SessionsEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    cart = await filled(here, {"DILL": 1})
    remove = here.shelf.remove_line
    gifts = iter(range(1000, 2000))

    async def with_gift(id_: CartId, line: LineId) -> Cart:
        await remove(id_, line)
        gift = CartLine(
            line_id=LineId(str(next(gifts))), sku=Sku("GIFT"), name="Gift", quantity=1, price=aud(0), total=aud(0)
        )
        return here.shelf._kept(replace(here.shelf.carts[id_], lines=(*here.shelf.carts[id_].lines, gift)))

    monkeypatch.setattr(here.shelf, "remove_line", with_gift)
    contents, problems = await replaced(here, cart, {})
    assert contents == {"GIFT": 1}
    assert problems == [("cart_partly_changed", "lines", "recoverable")]


async def test_a_cart_takes_one_code_and_the_others_are_told(here: SessionsEnvironment) -> None:
    cart = await filled(here, {"DILL": 2})
    assert (await replaced(here, cart, None, "OLD", "ten", "NEW"))[1] == [
        ("invalid_coupon", "codes[0]", "warning"),
        ("invalid_coupon", "codes[1]", "warning"),
        ("invalid_coupon", "codes[2]", "warning"),
    ], "this shop reads codes letter by letter"
    assert (await replaced(here, cart, None, "OLD", "TEN", "NEW"))[1] == [
        ("invalid_coupon", "codes[0]", "warning"),
        ("codes_not_combined", "codes[2]", "warning"),
    ]
    assert (await here.shelf_cart(cart)).coupon == "TEN"
    here.shelf.asked.clear()
    assert (await replaced(here, cart, None, "NEW", "ten"))[1] == [("codes_not_combined", "codes[0]", "warning")]
    assert "apply_coupon" not in here.shelf.asked, "what is applied already costs no try"
    assert (await replace_cart_lines(here.runner(), cart, None, ()))[0].coupon is None
    assert (await replace_cart_lines(here.runner(), cart, None, (" ",)))[1] == ()


async def test_codes_that_cannot_be_tried_now_are_told(here: SessionsEnvironment) -> None:
    cart = await filled(here, {"DILL": 2})
    here.shelf.before["apply_coupon"] = [ShopDown()]
    assert (await replaced(here, cart, None, "TEN"))[1] == [("shop_unavailable", "codes[0]", "warning")]
    here.shelf.before["apply_coupon"] = [LOST]
    assert (await replaced(here, cart, None, "TEN"))[1] == [("outcome_unknown", "codes[0]", "warning")]
    here.shelf.after["apply_coupon"] = [LOST]
    assert (await replaced(here, cart, None, "TEN"))[1] == [("outcome_unknown", "codes[0]", "warning")]
    assert (await here.shelf_cart(cart)).coupon == "TEN"
    here.shelf.before["remove_coupon"] = [ShopDown()]
    assert (await replaced(here, cart, None, "NEW"))[1] == [("shop_unavailable", "codes", "recoverable")]
    here.shelf.before["apply_coupon"] = [CouponRejected("NEW", dropped="TEN")]
    assert (await replaced(here, cart, None, "NEW"))[1] == [("invalid_coupon", "codes[0]", "warning")]


async def test_a_phase_that_is_paused_in_between_ends_the_changes(here: SessionsEnvironment) -> None:
    cart = await filled(here, {"DILL": 2})
    with pytest.raises(ToolNotOpen):
        await replace_cart_lines(here.runner(roadmap("p1_browse", p2_cart="paused")), cart, (), None)


async def test_two_replacements_at_once_follow_one_another(here: SessionsEnvironment) -> None:
    cart = await filled(here, {"DILL": 1})
    wishes: list[Contents] = [{"BREAD": 2, "PAD-2": 1}, {"DILL": 7, "BREAD": 1}, {}]
    for _ in range(5):
        lines = [[WantedLine(sku=sku, quantity=count) for sku, count in wish.items()] for wish in wishes]
        told = await asyncio.gather(*(replace_cart_lines(here.runner(), cart, one, None) for one in lines))
        for wish, (shown, problems) in zip(wishes, told, strict=True):
            assert {line.sku: line.quantity for line in shown.lines} == wish
            assert problems == ()
