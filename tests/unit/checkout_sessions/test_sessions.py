"""A checkout session from its first line to an order, over the store's own tools."""

import pytest
from msgspec.structs import replace

from storefront_mcp.calls.errors import ArgumentsRefused
from storefront_mcp.checkout_sessions import SessionRequest, SessionState, WantedLine
from storefront_mcp.commerce.errors import CheckoutNotFound, ShopDown
from tests.unit.checkout_sessions.environment import BUYER, HOBART, SessionsEnvironment, codes_of

TWO_DILL = (WantedLine(sku="DILL", quantity=2),)
WHOLE = SessionRequest(lines=TWO_DILL, buyer=BUYER, destination=HOBART, option="van")


@pytest.fixture
def here() -> SessionsEnvironment:
    return SessionsEnvironment()


async def begun(here: SessionsEnvironment, request: SessionRequest = WHOLE) -> SessionState:
    return await here.sessions.create(here.runner(), request, protocol="ucp", version="2026-08-25", platform="tests")


async def test_an_order_is_prepared_as_the_details_arrive(here: SessionsEnvironment) -> None:
    first = await begun(here, SessionRequest(lines=TWO_DILL))

    assert first.status == "incomplete"
    assert codes_of(first) == [("missing_details", "buyer.email"), ("missing_details", "destination")]
    assert [(line.sku, line.quantity) for line in first.cart.lines] == [("DILL", 2)]
    assert first.continue_url == f"https://pickle.example/cart/{first.cart.cart_id}"
    assert first.id.startswith(first.cart.cart_id)

    read = await here.sessions.read(here.runner(), first.id)
    assert read.problems == first.problems, "who looks again is told the same"

    second = await here.sessions.update(here.runner(), first.id, SessionRequest(buyer=BUYER, destination=HOBART))
    assert second.id == first.id
    assert codes_of(second) == [("missing_details", "option")]
    assert [method.code for method in second.methods] == ["post", "van"]

    third = await here.sessions.update(here.runner(), first.id, SessionRequest(option="van"))
    assert third.status == "requires_escalation"
    assert [one.kind for one in third.problems] == ["buyer_input"]
    assert third.continue_url is not None
    assert third.continue_url.startswith("https://pickle.example/pay/")
    assert third.checkout is not None
    assert third.cart.totals == third.checkout.totals
    assert third.expires_at == third.checkout.expires_at


async def test_the_chosen_shipping_counts_before_the_order_does(here: SessionsEnvironment) -> None:
    state = await begun(here, SessionRequest(lines=TWO_DILL, destination=HOBART, option="van"))
    assert codes_of(state)[0] == ("missing_details", "buyer.email")
    (van,) = [method for method in state.methods if method.code == "van"]
    totals = state.cart.totals
    assert totals.shipping == van.price
    assert totals.total.minor == totals.subtotal.minor + van.price.minor

    await here.runner().run(
        "update_cart_item", cart_id=state.cart.cart_id, line_id=state.cart.lines[0].line_id, quantity=3
    )
    other = await here.sessions.read(here.runner(), state.id)
    assert other.cart.totals.shipping is None, "these goods have no quote yet"


async def test_an_order_that_was_paid_is_completed_and_told_again(here: SessionsEnvironment) -> None:
    state = await begun(here)
    await here.pay(state)

    done = await here.sessions.complete(here.runner(), state.id)
    assert done.status == "completed"
    assert done.checkout is not None
    assert done.checkout.order is not None
    assert done.checkout.order.number == "10001"
    assert [(line.sku, line.quantity) for line in done.cart.lines] == [("DILL", 2)]
    assert done.problems == ()
    assert done.continue_url is None

    again = await here.sessions.read(here.runner(), state.id)
    assert (again.status, again.cart.lines) == ("completed", done.cart.lines)
    late = await here.sessions.update(here.runner(), state.id, SessionRequest(lines=()))
    assert (late.status, codes_of(late)) == ("completed", [("cart_ordered", "")])
    assert len(here.shelf.orders) == 1
    assert (await here.sessions.cancel(here.runner(), state.id)).status == "completed"


async def test_a_shop_that_was_down_for_a_moment_is_in_nobodys_way_afterwards(here: SessionsEnvironment) -> None:
    state = await begun(here)
    here.shelf.before["add_line"] = [ShopDown()]
    half = await here.sessions.update(
        here.runner(), state.id, replace(WHOLE, lines=(WantedLine(sku="BREAD", quantity=1),))
    )
    assert ("shop_unavailable", "lines") in codes_of(half)
    assert (await here.sessions.update(here.runner(), state.id, WHOLE)).status == "requires_escalation"


async def test_the_same_update_keeps_the_payment_page(here: SessionsEnvironment) -> None:
    state = await begun(here)
    lines = tuple(WantedLine(sku=line.sku, quantity=line.quantity, line_id=line.line_id) for line in state.cart.lines)
    again = await here.sessions.update(here.runner(), state.id, replace(WHOLE, lines=lines))

    assert again.continue_url == state.continue_url
    assert len(here.checkouts.checkouts) == 1
    assert (await here.sessions.complete(here.runner(), state.id)).continue_url == state.continue_url


async def test_a_change_closes_the_payment_page_and_opens_another(here: SessionsEnvironment) -> None:
    state = await begun(here)
    more = await here.sessions.update(
        here.runner(), state.id, replace(WHOLE, lines=(WantedLine(sku="DILL", quantity=3),))
    )

    assert more.status == "requires_escalation"
    assert more.continue_url != state.continue_url
    assert sorted(one.state for one in here.checkouts.checkouts.values()) == ["canceled", "open"]

    elsewhere = await here.sessions.update(
        here.runner(), state.id, SessionRequest(destination=replace(HOBART, street=""))
    )
    assert elsewhere.status == "incomplete"
    assert codes_of(elsewhere) == [("missing_details", "destination.street")]
    assert {one.state for one in here.checkouts.checkouts.values()} == {"canceled"}

    back = await here.sessions.update(here.runner(), state.id, SessionRequest(destination=HOBART))
    assert back.status == "requires_escalation"
    assert back.continue_url not in {state.continue_url, more.continue_url}


async def test_what_changes_and_comes_back_gets_a_page_that_is_open(here: SessionsEnvironment) -> None:
    state = await begun(here)
    for quantity in (3, 2, 3, 2):
        lines = (WantedLine(sku="DILL", quantity=quantity),)
        state = await here.sessions.update(here.runner(), state.id, replace(WHOLE, lines=lines))
        assert state.status == "requires_escalation"
        assert sum(one.live for one in here.checkouts.checkouts.values()) == 1


async def test_a_cart_of_our_own_tools_goes_on_here_and_the_other_way_round(here: SessionsEnvironment) -> None:
    run = here.runner().run
    cart = await run("create_cart")
    await run("add_to_cart", cart_id=cart.cart_id, sku="BREAD")
    await run("apply_coupon", cart_id=cart.cart_id, code="TEN")

    state = await begun(here, SessionRequest(cart_id=cart.cart_id, lines=TWO_DILL, codes=(), buyer=BUYER))
    assert [line.sku for line in state.cart.lines] == ["BREAD"], "the cart's contents count"
    assert state.codes == ("TEN",)
    again = await begun(here, SessionRequest(cart_id=cart.cart_id, destination=HOBART))
    assert again.id == state.id, "there is one session of a cart"
    assert again.buyer == BUYER

    await run("add_to_cart", cart_id=cart.cart_id, sku="DILL", quantity=4)
    seen = await here.sessions.read(here.runner(), state.id)
    assert ("cart_changed", "lines") in codes_of(seen)
    assert seen.methods == (), "they were of another cart"
    ready = await here.sessions.update(here.runner(), state.id, SessionRequest(option="van"))
    assert ready.status == "requires_escalation"
    assert ready.checkout is not None
    told = await run("get_order_status", checkout_id=ready.checkout.checkout_id)
    assert told.continue_url == ready.continue_url


async def test_an_order_by_our_own_tools_completes_the_session_of_the_cart(here: SessionsEnvironment) -> None:
    state = await begun(here)
    here.pass_time(seconds=1)
    address = {"first_name": "Ada", "street": "2 Brine St", "city": "Hobart", "country": "AU"}
    placed = await here.runner().run(
        "place_order",
        cart_id=state.cart.cart_id,
        email="ada@example.com",
        shipping_address=address,
        shipping_method="post",
    )
    replaced = await here.sessions.read(here.runner(), state.id)
    assert replaced.status == "incomplete"
    assert codes_of(replaced) == [("checkout_closed", "")]
    asked = await here.sessions.complete(here.runner(), state.id)
    assert codes_of(asked) == [("checkout_closed", "")], "that is heard before another page is opened"

    token = placed.value.continue_url.rpartition("/")[2]
    await here.buyer.pay(token, total_shown=placed.value.totals.total.minor, offline_method="banktransfer")
    for told in (
        await here.sessions.read(here.runner(), state.id),
        await here.sessions.update(here.runner(), state.id, WHOLE),
        await here.sessions.read(here.runner(), state.id),
    ):
        assert told.status == "completed"
        assert told.checkout is not None
        assert told.checkout.order is not None
    assert len(here.shelf.orders) == 1


async def test_a_session_is_given_up_and_its_cart_stays(here: SessionsEnvironment) -> None:
    state = await begun(here)
    for _ in range(2):
        given_up = await here.sessions.cancel(here.runner(), state.id)
        assert (given_up.status, given_up.continue_url, given_up.buyer) == ("canceled", None, None)
        assert [line.sku for line in given_up.cart.lines] == ["DILL"]
    assert {one.state for one in here.checkouts.checkouts.values()} == {"canceled"}
    refused = await here.sessions.update(here.runner(), state.id, WHOLE)
    assert (refused.status, codes_of(refused)) == ("canceled", [("session_over", "")])

    next_one = await begun(here, SessionRequest(cart_id=state.cart.cart_id))
    assert next_one.id != state.id
    assert next_one.buyer is None, "what was known has gone with the first one"
    for told in (
        await here.sessions.read(here.runner(), state.id),
        await here.sessions.cancel(here.runner(), state.id),
    ):
        assert (told.id, told.status) == (state.id, "canceled")
    refused = await here.sessions.update(here.runner(), state.id, WHOLE)
    assert (refused.id, refused.status, codes_of(refused)) == (state.id, "canceled", [("session_over", "")])
    assert (await here.sessions.read(here.runner(), next_one.id)).status == "incomplete"


async def test_a_session_that_nobody_asked_for_expires(here: SessionsEnvironment) -> None:
    state = await begun(here, SessionRequest(lines=TWO_DILL, buyer=BUYER))
    here.pass_time(hours=6, seconds=1)

    told = await here.sessions.read(here.runner(), state.id)
    assert (told.status, told.problems, told.buyer, told.expires_at) == ("expired", (), None, None)
    assert (await here.sessions.cancel(here.runner(), state.id)).status == "expired"
    refused = await here.sessions.update(here.runner(), state.id, WHOLE)
    assert (refused.status, codes_of(refused)) == ("expired", [("session_over", "")])
    assert (await here.sessions.complete(here.runner(), state.id)).problems == ()
    assert (await begun(here, SessionRequest(cart_id=state.cart.cart_id))).status == "incomplete"


async def test_a_page_that_nobody_paid_in_time_ends_the_session(here: SessionsEnvironment) -> None:
    state = await begun(here)
    here.pass_time(hours=6, seconds=1)
    await here.reconciler.run_once()

    assert (await here.sessions.read(here.runner(), state.id)).status == "expired"
    assert await here.records.erase(now=here.seconds()) == 1
    assert (await here.sessions.read(here.runner(), state.id)).buyer is None


async def test_an_unknown_session_is_not_found(here: SessionsEnvironment) -> None:
    state = await begun(here, SessionRequest(lines=TWO_DILL))
    for id_ in ("cart_unknown.1", f"{state.cart.cart_id}.2", f"{state.cart.cart_id}.0", f"{state.id}x", "", "."):
        for ask in (here.sessions.read, here.sessions.cancel, here.sessions.complete):
            with pytest.raises(CheckoutNotFound):
                await ask(here.runner(), id_)
    assert (await here.sessions.read(here.runner(), state.cart.cart_id)).id == state.id, "the handle alone will do"


async def test_nothing_is_begun_without_lines_or_a_cart(here: SessionsEnvironment) -> None:
    for lines in (None, ()):
        with pytest.raises(ArgumentsRefused, match="lines"):
            await begun(here, SessionRequest(lines=lines))
    assert here.shelf.carts == {}


async def test_a_shop_that_is_down_at_the_first_call_is_raised(here: SessionsEnvironment) -> None:
    here.shelf.down = ShopDown()
    with pytest.raises(ShopDown):
        await begun(here)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (SessionRequest(lines=TWO_DILL * 101), "lines"),
        (SessionRequest(lines=TWO_DILL, codes=("TEN",) * 11), "codes"),
        (SessionRequest(lines=TWO_DILL, codes=("TEN", "x" * 501)), "codes[1]"),
        (SessionRequest(lines=TWO_DILL, option="x" * 501), "option"),
        (SessionRequest(lines=TWO_DILL, buyer=replace(BUYER, email="x" * 501)), "buyer.email"),
        (SessionRequest(lines=TWO_DILL, destination=replace(HOBART, city="x" * 501)), "destination.city"),
    ],
)
async def test_what_nobody_means_is_refused_before_anything_is_kept(
    here: SessionsEnvironment, request_: SessionRequest, field: str
) -> None:
    with pytest.raises(ArgumentsRefused) as refused:
        await begun(here, request_)
    assert str(refused.value).startswith(f"{field}: ")
    assert here.shelf.carts == {}
    state = await begun(here)
    with pytest.raises(ArgumentsRefused):
        await here.sessions.update(here.runner(), state.id, request_)
