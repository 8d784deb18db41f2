"""What goes wrong around a session: told as it is, nothing is ordered twice, and nothing of the buyer is kept."""

import asyncio
import re
from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.access.caller import Caller
from storefront_mcp.access.rate_limits import LimitExceeded, RateLimit
from storefront_mcp.calls.errors import RateLimited, ToolNotOpen
from storefront_mcp.checkout_sessions import (
    CheckoutSessions,
    SessionAddress,
    SessionRequest,
    SessionState,
    WantedLine,
    leasing,
)
from storefront_mcp.checkout_sessions.expiry import erase_expired
from storefront_mcp.checkout_sessions.record import (
    NO_DETAILS,
    CheckoutSession,
    CheckoutSessionRepository,
    SessionLeaseLost,
)
from storefront_mcp.checkout_sessions.sessions import no_page
from storefront_mcp.commerce.errors import (
    AddressRefused,
    CartGone,
    CartOrdered,
    CheckoutNotFound,
    NoWayToPay,
    PaymentDown,
    ShippingMethodRefused,
    ShopBusy,
    ShopDown,
    ShopOutcomeUnknown,
)
from storefront_mcp.commerce.ids import CartId
from tests.fakes.memory_backend import SHIPPING_METHODS, STORE, roadmap
from tests.unit.checkout_sessions.environment import ALL_OPEN, BUYER, HOBART, JAR, SessionsEnvironment, codes_of

DILL = (WantedLine(sku="DILL", quantity=2),)
WHOLE = SessionRequest(lines=DILL, buyer=BUYER, destination=HOBART, option="van")
COUPONS_EXCEEDED = LimitExceeded(rule="coupons", rate=RateLimit(6, 5.0), wait=5.0)


@pytest.fixture
def here() -> SessionsEnvironment:
    return SessionsEnvironment()


async def begun(here: SessionsEnvironment, request: SessionRequest = WHOLE) -> SessionState:
    return await here.sessions.create(here.runner(), request, protocol="ucp")


async def updated(here: SessionsEnvironment, state: SessionState, **more: Any) -> SessionState:
    return await here.sessions.update(here.runner(), state.id, SessionRequest(**more))


@pytest.mark.parametrize(
    ("destination", "problems"),
    [
        (SessionAddress(), ["destination.street", "destination.city", "destination.country"]),
        (SessionAddress(country="AU"), ["destination.street", "destination.city"]),
        (replace(HOBART, city=" "), ["destination.city"]),
        (replace(HOBART, country=""), ["destination.country"]),
    ],
)
async def test_a_partial_address_is_quoted_and_asked_for_the_rest(
    here: SessionsEnvironment, destination: SessionAddress, problems: list[str]
) -> None:
    state = await begun(here, replace(WHOLE, destination=destination))
    assert state.status == "incomplete"
    assert [one.field for one in state.problems] == problems
    assert bool(state.methods) == bool(destination.country)
    whole = await updated(here, state, destination=HOBART)
    assert whole.status == "requires_escalation"


async def test_a_name_comes_from_the_buyer_where_the_address_has_none(here: SessionsEnvironment) -> None:
    nameless = await begun(here, replace(WHOLE, buyer=replace(BUYER, first_name="", last_name="")))
    assert [one.field for one in nameless.problems] == ["destination.first_name"]
    await updated(here, nameless, buyer=replace(BUYER, first_name=""))
    await updated(here, nameless, destination=replace(HOBART, first_name="Bob", phone="1"))
    drafts = [one.personal.draft for one in here.checkouts.checkouts.values() if one.personal]
    named = [one.shipping_address for one in drafts]
    assert [(one.first_name, one.last_name, one.phone) for one in named if one] == [
        ("Lovelace", "", BUYER.phone),
        ("Bob", "", "1"),
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"destination": replace(HOBART, country="NZ")}, ("country_not_served", "destination.country")),
        ({"destination": replace(HOBART, country="A")}, ("invalid_arguments", "destination.country")),
        ({"destination": replace(HOBART, postcode="7" * 21)}, ("invalid_arguments", "destination.postcode")),
        ({"destination": replace(HOBART, company="x" * 300)}, ("invalid_arguments", "destination.company")),
        ({"buyer": replace(BUYER, email="nobody")}, ("invalid_email", "buyer.email")),
        ({"buyer": replace(BUYER, email="@")}, ("invalid_arguments", "buyer.email")),
    ],
)
async def test_what_the_shop_refuses_is_a_problem_that_another_update_mends(
    here: SessionsEnvironment, change: dict[str, Any], problem: tuple[str, str]
) -> None:
    state = await begun(here)
    refused = await updated(here, state, **change)
    assert refused.status == "incomplete"
    assert problem in codes_of(refused)
    assert {one.state for one in here.checkouts.checkouts.values()} == {"canceled"}, "the page was of other details"
    mended = await updated(here, state, destination=HOBART, buyer=BUYER)
    assert mended.status == "requires_escalation"


async def test_a_choice_that_is_not_offered_any_more_is_taken_back(here: SessionsEnvironment) -> None:
    state = await begun(here, replace(WHOLE, option="drone"))
    assert codes_of(state) == [("invalid_shipping_method", "option"), ("missing_details", "option")]
    assert [one.kind for one in state.problems] == ["warning", "recoverable"]
    assert state.option is None

    here.shelf.before["quote_order"] = [ShippingMethodRefused("van", SHIPPING_METHODS[:1])]
    refused = await updated(here, state, option="van")
    assert codes_of(refused) == [("invalid_shipping_method", "option")]
    assert (refused.status, refused.option, refused.methods) == ("incomplete", None, SHIPPING_METHODS[:1])
    again = await updated(here, state, option="post")
    assert again.status == "requires_escalation"
    assert (await updated(here, state, option="")).status == "incomplete", "the choice was taken back"


async def test_the_only_way_of_shipping_needs_no_choice(
    here: SessionsEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def one_way(*_: object) -> Any:
        return SHIPPING_METHODS[:1]

    monkeypatch.setattr(here.shelf, "shipping_methods", one_way)
    state = await begun(here, replace(WHOLE, option=None))
    assert (state.status, state.option) == ("requires_escalation", "post")

    async def no_way(*_: object) -> Any:
        return ()

    monkeypatch.setattr(here.shelf, "shipping_methods", no_way)
    nowhere = await updated(here, state, destination=replace(HOBART, postcode="7001"))
    assert ("invalid_shipping_method", "destination") in codes_of(nowhere)


async def test_a_cart_of_which_nothing_is_sent_needs_an_address_and_no_shipping(here: SessionsEnvironment) -> None:
    state = await begun(here, SessionRequest(lines=(WantedLine(sku="VOUCHER", quantity=1),), buyer=BUYER))
    assert codes_of(state) == [("missing_details", "destination")]
    ready = await updated(here, state, destination=HOBART)
    assert (ready.status, ready.methods, ready.option) == ("requires_escalation", (), None)
    (checkout,) = here.checkouts.checkouts.values()
    assert checkout.personal is not None
    assert checkout.personal.draft.shipping_address is None
    assert checkout.personal.draft.billing_address.street == "1 Brine St"


async def test_an_item_that_needs_a_person_escalates_to_the_page_of_the_cart(here: SessionsEnvironment) -> None:
    lines = (*DILL, WantedLine(sku="JAR-1", quantity=1))
    state = await begun(here, replace(WHOLE, lines=lines))
    page = f"https://pickle.example/cart/{state.cart.cart_id}"
    assert (state.status, state.continue_url) == ("requires_escalation", page)
    assert state.checkout is None
    (problem,) = state.problems
    told = "Named pickle jar is not in the cart: the buyer has to give Name on the lid, on the page of the shop."
    assert (problem.text, problem.url) == (told, JAR)
    assert (await here.sessions.read(here.runner(), state.id)).continue_url == page, "until it is wanted no more"
    here.sessions.cart_page = no_page
    told_anew = await here.sessions.read(here.runner(), state.id)
    assert told_anew.continue_url == JAR, "where carts have no page"
    assert (await updated(here, state, lines=DILL)).status == "requires_escalation"


async def test_a_line_that_was_refused_holds_the_order_until_it_is_wanted_no_more(here: SessionsEnvironment) -> None:
    state = await begun(here, replace(WHOLE, lines=(*DILL, WantedLine(sku="NET-0", quantity=1))))
    assert (state.status, codes_of(state)) == ("incomplete", [("out_of_stock", "lines[1]")])
    assert codes_of(await updated(here, state, option="post")) == [("out_of_stock", "lines[1]")]
    assert codes_of(await here.sessions.read(here.runner(), state.id)) == [("out_of_stock", "lines[1]")]
    assert (await updated(here, state, lines=DILL)).status == "requires_escalation"


async def test_a_cart_that_was_emptied_is_told(here: SessionsEnvironment) -> None:
    state = await begun(here)
    empty = await updated(here, state, lines=())
    assert (empty.status, codes_of(empty)) == ("incomplete", [("cart_empty", "lines")])
    assert (await updated(here, state, lines=DILL)).status == "requires_escalation"


async def test_a_cart_that_the_shop_has_lost_is_filled_again(here: SessionsEnvironment) -> None:
    state = await begun(here, replace(WHOLE, option=None))
    here.shelf.forget()
    here.shelf.recreates = True
    lost = await here.sessions.read(here.runner(), state.id)
    assert (lost.cart.lines, lost.cart.totals.total.minor) == ((), 0)
    assert ("cart_changed", "lines") in codes_of(lost)
    assert codes_of(await updated(here, state, option="van")) == [("cart_empty", "lines")]
    assert (await updated(here, state, lines=DILL)).status == "requires_escalation"


@pytest.mark.parametrize("fault", [ShopDown(), ShopBusy(retry_after=5), RateLimited(COUPONS_EXCEEDED)])
async def test_a_code_that_could_not_be_tried_is_tried_with_the_next_request(
    here: SessionsEnvironment, fault: Exception
) -> None:
    here.shelf.before["apply_coupon"] = [fault]
    state = await begun(here, replace(WHOLE, codes=("TEN",)))
    assert (state.cart.coupon, codes_of(state)[0]) == (None, (fault.code, "codes[0]"))  # type: ignore[attr-defined]
    assert state.problems[0].text.endswith("was not tried yet. Send it again in a while.")
    again = await updated(here, state, lines=DILL, codes=("TEN",))
    assert (again.cart.coupon, [one.code for one in again.problems]) == ("TEN", ["payment_required"])


@pytest.mark.parametrize("change", [{}, {"option": "post"}])
async def test_a_code_that_could_not_be_tried_need_not_be_sent_again(here: SessionsEnvironment, change: Any) -> None:
    here.shelf.before["apply_coupon"] = [RateLimited(COUPONS_EXCEEDED)]
    state = await begun(here, replace(WHOLE, codes=("TEN",)))
    here.pass_time(minutes=1)
    told = (await here.sessions.read(here.runner(), state.id)).problems[0].text
    assert not re.search(r"\d", told), "no countdown is true later"
    again = await updated(here, state, **change)
    assert (again.cart.coupon, [one.code for one in again.problems]) == ("TEN", ["payment_required"])
    assert again.continue_url != state.continue_url


async def test_no_problem_counts_seconds_down(here: SessionsEnvironment) -> None:
    here.shelf.before["shipping_methods"] = [ShopBusy(retry_after=5)]
    state = await begun(here)
    (problem,) = [one for one in state.problems if one.code == "shop_busy"]
    assert "ry again later" in problem.text


async def test_codes_that_were_refused_are_not_tried_again_for_the_same_goods(here: SessionsEnvironment) -> None:
    state = await begun(here, replace(WHOLE, codes=("OLD", "TEN")))
    assert state.status == "requires_escalation", "a warning holds nothing"
    assert state.codes == ("OLD", "TEN")
    for _ in range(2):
        here.shelf.asked.clear()
        again = await updated(here, state, lines=DILL, codes=("OLD", "TEN"))
        assert codes_of(again)[0] == ("invalid_coupon", "codes[0]")
        assert "apply_coupon" not in here.shelf.asked
        assert again.continue_url == state.continue_url
    without = await updated(here, state, codes=())
    assert (without.codes, without.cart.coupon) == ((), None)
    assert [one.code for one in without.problems] == ["payment_required"]


@pytest.mark.parametrize(
    ("method", "error", "code"),
    [
        ("shipping_methods", ShopDown(), "shop_unavailable"),
        ("shipping_methods", ShopBusy(), "shop_busy"),
        ("shipping_methods", CartGone(), "cart_gone"),
        ("quote_order", ShopDown(), "shop_unavailable"),
        ("quote_order", AddressRefused("The postcode is missing."), "invalid_address"),
        ("quote_order", ShopOutcomeUnknown(), "outcome_unknown"),
        ("quote_order", RuntimeError("a fault of ours"), "internal_error"),
        ("shipping_methods", RuntimeError("a fault of ours"), "internal_error"),
    ],
)
async def test_a_shop_that_fails_once_the_session_is_there_is_a_problem_of_the_session(
    here: SessionsEnvironment, method: str, error: Exception, code: str
) -> None:
    here.shelf.before[method] = [error]
    state = await begun(here)
    assert (state.status, [one.code for one in state.problems]) == ("incomplete", [code])
    assert (await here.sessions.complete(here.runner(), state.id)).status == "requires_escalation"


async def test_a_cart_that_cannot_be_paid_for_here_sends_the_buyer_to_the_shop(
    here: SessionsEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(*_: object) -> Any:
        raise NoWayToPay

    monkeypatch.setattr(here.shelf, "payment_methods", none)
    state = await begun(here)
    assert (state.status, codes_of(state)) == ("requires_escalation", [("no_payment_method", "")])
    assert state.continue_url == "https://pickle.example/"


async def test_a_page_that_cannot_be_closed_now_is_told(
    here: SessionsEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await begun(here)

    async def down(*_: object) -> Any:
        raise PaymentDown

    monkeypatch.setattr(here.agent, "cancel", down)
    open_still = await updated(here, state, destination=replace(HOBART, street=""))
    assert ("payment_unavailable", "") in codes_of(open_still)
    refused = await here.sessions.cancel(here.runner(), state.id)
    assert (refused.status, refused.continue_url) == ("requires_escalation", state.continue_url)
    assert codes_of(refused)[0] == ("payment_unavailable", "")
    monkeypatch.undo()
    assert (await here.sessions.cancel(here.runner(), state.id)).status == "canceled"


async def test_an_order_that_failed_is_heard_before_another_page_is_opened(here: SessionsEnvironment) -> None:
    state = await begun(here)
    assert state.checkout is not None
    here.shelf.fails_before = [CartOrdered("chk_other", None)]
    await here.pay(state)
    for told in (
        await here.sessions.read(here.runner(), state.id),
        await here.sessions.complete(here.runner(), state.id),
    ):
        assert (told.status, codes_of(told)) == ("incomplete", [("order_failed", "")])
    assert (await updated(here, state, option="van")).status == "requires_escalation"


async def test_who_pays_while_a_change_is_made_is_ordered_as_it_was(here: SessionsEnvironment) -> None:
    state = await begun(here)
    here.shelf.fails_before = [ShopOutcomeUnknown(over=False)]
    await here.pay(state)
    for told in (
        await updated(here, state, lines=()),
        await updated(here, state, destination=replace(HOBART, street="")),
        await here.sessions.create(
            here.runner(), SessionRequest(cart_id=state.cart.cart_id, buyer=BUYER), protocol="acp"
        ),
        await here.sessions.cancel(here.runner(), state.id),
    ):
        assert (told.status, codes_of(told)) == ("in_progress", [("cart_being_ordered", "")])
        assert told.continue_url is None
        assert [line.quantity for line in told.cart.lines] == [2]
    for told in (
        await here.sessions.complete(here.runner(), state.id),
        await here.sessions.read(here.runner(), state.id),
    ):
        assert (told.status, told.problems) == ("in_progress", ())
    here.pass_time(hours=7)
    assert (await here.sessions.read(here.runner(), state.id)).status == "completed", "it does not expire any more"


@pytest.mark.parametrize("change", [{"lines": ()}, {"destination": replace(HOBART, street="")}, {"option": "post"}])
async def test_who_pays_in_the_moment_of_a_change_wins(
    here: SessionsEnvironment, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    state = await begun(here)
    status = here.agent.status
    looks = 0

    async def paid_after(checkout: str) -> Any:
        nonlocal looks
        shown = await status(checkout)
        looks += 1
        if looks == 1:
            await here.pay(state)
        return shown

    monkeypatch.setattr(here.agent, "status", paid_after)
    told = await updated(here, state, **change)
    assert told.status == "completed"
    assert told.problems[0].code in {"cart_ordered", "cart_being_ordered"}
    assert len(here.shelf.orders) == 1


async def test_who_pays_in_the_moment_of_a_cancellation_wins(
    here: SessionsEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await begun(here)
    cancel = here.agent.cancel

    async def too_late(checkout: str) -> Any:
        await here.pay(state)
        return await cancel(checkout)

    monkeypatch.setattr(here.agent, "cancel", too_late)
    assert (await here.sessions.cancel(here.runner(), state.id)).status == "completed"


async def test_a_payment_that_is_found_while_canceling_wins(
    here: SessionsEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await begun(here)
    status = here.agent.status

    async def found_paid(checkout: str) -> Any:
        await here.pay(state)
        return await status(checkout)

    monkeypatch.setattr(here.agent, "status", found_paid)
    assert (await here.sessions.cancel(here.runner(), state.id)).status == "completed"
    monkeypatch.undo()
    assert (await here.sessions.read(here.runner(), state.id)).status == "completed"


async def test_phases_that_close_in_between_are_told(here: SessionsEnvironment) -> None:
    state = await begun(here, replace(WHOLE, option=None))
    paused = roadmap("p1_browse", "p2_cart", p3_checkout="paused")
    told = await here.sessions.update(here.runner(paused), state.id, SessionRequest(option="van"))
    assert (told.status, codes_of(told)) == ("incomplete", [("tool_not_open", "")])
    assert told.problems[0].text.startswith("Checkout is closed for now.")
    with pytest.raises(ToolNotOpen):
        await here.sessions.read(here.runner(roadmap("p1_browse", p2_cart="paused")), state.id)
    assert (await here.sessions.complete(here.runner(), state.id)).status == "requires_escalation"
    assert ALL_OPEN.open_items.keys() >= CheckoutSessions.REQUIRED_TOOLS


async def test_a_change_that_comes_after_the_order_is_told_so(here: SessionsEnvironment) -> None:
    state = await begun(here)
    await here.pay(state)
    told = await updated(here, state, lines=())
    assert (told.status, codes_of(told)) == ("completed", [("cart_ordered", "")])
    assert told.problems[0].text == "This cart became an order: nothing can be changed any more."
    for again in (await updated(here, state, lines=()), await here.sessions.cancel(here.runner(), state.id)):
        assert (again.status, codes_of(again)) == ("completed", [("cart_ordered", "")])


async def test_what_was_paid_before_carts_and_checkouts_were_paused_is_told(here: SessionsEnvironment) -> None:
    stopped = roadmap("p1_browse", p2_cart="paused", p3_checkout="paused")
    state = await begun(here)
    waiting = await here.sessions.read(here.runner(stopped), state.id)
    assert (waiting.status, waiting.buyer, waiting.destination) == ("requires_escalation", None, None)
    await here.pay(state)
    for _ in range(2):
        here.pass_time(hours=1)
        await here.reconciler.run_once()
    told = await here.sessions.read(here.runner(stopped), state.id)
    assert told.checkout is not None
    assert (told.status, told.checkout.order is not None) == ("completed", True)
    assert told.cart.totals == state.cart.totals
    # Without the record of the checkout there is nothing to tell, and nobody to tell it to.
    here.checkouts.checkouts.clear()
    with pytest.raises(ToolNotOpen):
        await here.sessions.read(here.runner(stopped), state.id)


async def test_a_cart_of_somebody_who_signed_in_is_nobody_elses(here: SessionsEnvironment) -> None:
    state = await begun(here)
    record = here.handles.records[STORE.id, CartId(state.cart.cart_id)]
    here.handles.records[STORE.id, CartId(state.cart.cart_id)] = replace(record, owner="customer-1")
    for ask in (here.sessions.read, here.sessions.cancel, here.sessions.complete):
        with pytest.raises(CheckoutNotFound):
            await ask(here.runner(caller=Caller(kind="customer", principal="customer-2")), state.id)


async def test_a_checkout_that_is_on_record_no_more_is_prepared_again(here: SessionsEnvironment) -> None:
    state = await begun(here)
    here.checkouts.checkouts.clear()
    here.checkouts.keys.clear()
    assert (await here.sessions.read(here.runner(), state.id)).status == "incomplete"
    again = await here.sessions.complete(here.runner(), state.id)
    assert again.status == "requires_escalation"
    here.checkouts.checkouts.clear()
    assert (await here.sessions.cancel(here.runner(), again.id)).status == "canceled"


async def test_an_answer_that_was_lost_after_the_order_was_prepared_makes_no_second_one(
    here: SessionsEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = here.agent.place

    async def lost(*args: Any, **more: Any) -> Any:
        await place(*args, **more)
        raise ShopDown

    monkeypatch.setattr(here.agent, "place", lost)
    state = await begun(here)
    assert state.status == "incomplete"
    monkeypatch.undo()
    again = await here.sessions.complete(here.runner(), state.id)
    assert again.status == "requires_escalation"
    assert len(here.checkouts.checkouts) == 1


async def test_a_worker_that_died_after_placing_makes_no_second_one(
    here: SessionsEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await begun(here, replace(WHOLE, option=None))
    write = here.records.write
    place = here.agent.place

    class Died(BaseException):
        pass

    async def dies(*args: Any, **more: Any) -> Any:
        await place(*args, **more)
        monkeypatch.setattr(here.records, "write", gone)
        raise Died

    async def gone(session: CheckoutSession, *, release: bool = False) -> None:
        raise SessionLeaseLost

    monkeypatch.setattr(here.agent, "place", dies)
    with pytest.raises(Died):
        await updated(here, state, option="van")
    monkeypatch.setattr(here.records, "write", write)
    monkeypatch.setattr(here.agent, "place", place)
    here.pass_time(seconds=leasing.LEASE_SECONDS + 1)
    again = await here.sessions.complete(here.another_worker().runner(), state.id)
    assert again.status == "requires_escalation"
    assert len(here.checkouts.checkouts) == 1


async def test_two_workers_follow_one_another(here: SessionsEnvironment) -> None:
    state = await begun(here)
    other = here.another_worker()
    wishes = [3, 4, 5, 6]
    told = await asyncio.gather(
        *(
            worker.sessions.update(
                worker.runner(), state.id, SessionRequest(lines=(WantedLine(sku="DILL", quantity=quantity),))
            )
            for worker, quantity in zip((here, other, here, other), wishes, strict=True)
        )
    )
    assert [one.cart.lines[0].quantity for one in told] == wishes
    assert {one.status for one in told} == {"requires_escalation"}
    assert sum(one.live for one in here.checkouts.checkouts.values()) == 1


async def test_who_waits_too_long_for_another_worker_is_told_so(
    here: SessionsEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await begun(here)
    monkeypatch.setattr(leasing, "LEASE_WAIT_SECONDS", 0.0)
    await here.records.lease(STORE.id, CartId(state.cart.cart_id), now=here.seconds(), seconds=60.0)
    with pytest.raises(ShopBusy):
        await updated(here, state, option="post")


async def test_who_lost_the_lease_while_working_is_told_so(
    here: SessionsEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await begun(here)

    async def taken_over(session: CheckoutSession, *, release: bool = False) -> None:
        raise SessionLeaseLost

    monkeypatch.setattr(here.records, "write", taken_over)
    with pytest.raises(ShopBusy):
        await updated(here, state, option="post")


async def test_two_agents_that_begin_with_one_cart_share_its_session(here: SessionsEnvironment) -> None:
    cart = await here.runner().run("create_cart")
    await here.runner().run("add_to_cart", cart_id=cart.cart_id, sku="DILL")
    told = await asyncio.gather(
        *(begun(worker, SessionRequest(cart_id=cart.cart_id)) for worker in (here, here.another_worker()))
    )
    assert len({one.id for one in told}) == 1


class Erasing:
    """Fails at the first try, and tells when it was tried twice."""

    def __init__(self, records: CheckoutSessionRepository) -> None:
        self.records = records
        self.tries = 0
        self.done = asyncio.Event()

    async def erase(self, *, now: float) -> int:
        self.tries += 1
        if self.tries == 1:
            raise RuntimeError
        count = await self.records.erase(now=now)
        self.done.set()
        return count


async def test_what_is_known_of_buyers_is_erased_though_nobody_asks_again(
    here: SessionsEnvironment, caplog: pytest.LogCaptureFixture
) -> None:
    state = await begun(here, SessionRequest(lines=DILL, buyer=BUYER))
    here.pass_time(hours=7)
    records = Erasing(here.records)
    erasing = asyncio.create_task(erase_expired(records, now=here.seconds, interval=0.0))  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        await records.done.wait()
    erasing.cancel()

    assert "cannot be erased now" in caplog.text
    found = await here.records.find(STORE.id, CartId(state.cart.cart_id))
    assert found is not None
    assert found.details == NO_DETAILS
