"""From a cart to an order: what the checkout tools hand on, and how a client is sent to the payment page."""

from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.calls.errors import ArgumentsRefused
from storefront_mcp.commerce.address import PostalAddress
from storefront_mcp.commerce.checkout import CheckoutView
from storefront_mcp.commerce.errors import CheckoutNotFound, EmailRefused, NoWayToPay
from storefront_mcp.commerce.order import OrderDraft
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.content import ValueWithLinks
from storefront_mcp.tools.tool_context import InputRequired, UrlElicitation
from tests.fakes.memory_backend import MemoryBackend, shop_on
from tests.fakes.memory_checkouts import TOTALS, MemoryCheckouts
from tests.unit.phases.calling import ADA, SILENT, Line, use

WISH: dict[str, Any] = {
    "cart_id": "cart_1",
    "email": " ada@example.com ",
    "shipping_address": ADA,
    "shipping_method": "post",
}
PAGE = "https://pickle.example/pay/chk-1"
ASKS = Line(can_ask=True, capabilities={"elicitation": {"url": {}}})


@pytest.fixture
def memory_checkouts() -> MemoryCheckouts:
    return MemoryCheckouts()


@pytest.fixture
def shop(memory_checkouts: MemoryCheckouts) -> Shop:
    return replace(shop_on(MemoryBackend()), checkouts=memory_checkouts)


async def place(shop: Shop, context: Line = SILENT, **more: Any) -> CheckoutView:
    """A result that is complete."""
    told = await use(shop, "place_order", context=context, **(WISH | more))
    assert isinstance(told, ValueWithLinks)
    shown = told.value
    assert isinstance(shown, CheckoutView)
    assert [link.uri for link in told.links] == ([] if shown.continue_url is None else [shown.continue_url])
    return shown


async def test_the_bill_goes_where_the_parcel_goes_unless_told_otherwise(
    shop: Shop, memory_checkouts: MemoryCheckouts
) -> None:
    home = PostalAddress(**ADA)
    await place(shop)
    await place(shop, billing_address=ADA | {"city": "Ipswich"}, note="Ring twice.", idempotency_key="k-1")
    (cart, first, key), (_, second, other_key) = memory_checkouts.drafts

    assert (cart, key, other_key) == ("cart_1", None, "k-1")
    assert first == OrderDraft(
        email="ada@example.com", shipping_address=home, billing_address=home, shipping_method="post"
    )
    assert second.shipping_address == home
    assert second.billing_address == replace(home, city="Ipswich")
    assert second.note == "Ring twice."


async def test_a_dry_run_makes_no_checkout_and_asks_nobody_to_pay(
    shop: Shop, memory_checkouts: MemoryCheckouts
) -> None:
    shown = await place(shop, ASKS, dry_run=True)

    assert (shown.status, shown.checkout_id, shown.totals) == ("ready", None, TOTALS)
    assert memory_checkouts.checkouts == {}


async def test_an_order_can_be_placed_followed_and_given_up(shop: Shop, memory_checkouts: MemoryCheckouts) -> None:
    placed = await place(shop)
    assert placed.continue_url == PAGE
    assert await use(shop, "get_order_status", checkout_id=placed.checkout_id) == placed
    given_up = await use(shop, "cancel_checkout", checkout_id=placed.checkout_id)
    assert (given_up.status, given_up.continue_url) == ("canceled", None)
    for tool in ("get_order_status", "cancel_checkout"):
        with pytest.raises(CheckoutNotFound, match="place_order"):
            await use(shop, tool, checkout_id="chk-77")


@pytest.mark.parametrize("tool", ["place_order", "get_order_status", "cancel_checkout"])
async def test_a_store_without_a_way_to_be_paid_takes_no_order(tool: str) -> None:
    arguments = WISH if tool == "place_order" else {"checkout_id": "chk-1"}
    with pytest.raises(NoWayToPay):
        await use(shop_on(MemoryBackend()), tool, **arguments)


async def test_every_missing_field_is_named_at_once(shop: Shop, memory_checkouts: MemoryCheckouts) -> None:
    with pytest.raises(ArgumentsRefused) as refused:
        await use(shop, "place_order", cart_id="cart_1", shipping_address={"first_name": "Ada", "country": "AU"})
    sentence = str(refused.value)
    for missing in ("email", *(f"shipping_address.{name}" for name in ADA)):
        wanted = missing in {"email", "shipping_address.street", "shipping_address.city"}
        assert (missing in sentence) is wanted, missing
    assert "billing_address" not in sentence
    assert memory_checkouts.drafts == []


async def test_what_is_no_address_is_refused_without_being_repeated(shop: Shop) -> None:
    with pytest.raises(EmailRefused) as refused:
        await use(shop, "place_order", **(WISH | {"email": "ada at home"}))
    assert "ada" not in str(refused.value)


class TestAskingTheBuyer:
    """A client that can open pages is asked to, once; whatever it answers, the result is complete."""

    async def question(self, shop: Shop) -> InputRequired:
        asked = await use(shop, "place_order", context=ASKS, **WISH)
        assert isinstance(asked, InputRequired)
        return asked

    async def test_the_page_is_named_with_the_amount_and_nothing_personal(self, shop: Shop) -> None:
        asked = await self.question(shop)

        assert asked.questions == {"pay": UrlElicitation("Pay AUD 288.95 at Pickle Warehouse", PAGE)}
        assert asked.state == "chk-1"

    @pytest.mark.parametrize(
        "declared",
        [{}, {"elicitation": {}}, {"elicitation": {"form": {}}}, {"elicitation": {"url": True}}, {"elicitation": []}],
    )
    async def test_who_did_not_declare_it_gets_the_plain_result(self, shop: Shop, declared: Any) -> None:
        assert (await place(shop, Line(can_ask=True, capabilities=declared))).continue_url == PAGE

    async def test_a_version_that_cannot_be_asked_gets_the_plain_result(self, shop: Shop) -> None:
        assert (await place(shop, replace(ASKS, can_ask=False))).continue_url == PAGE

    async def test_who_paid_meanwhile_has_an_order(self, shop: Shop, memory_checkouts: MemoryCheckouts) -> None:
        asked = await self.question(shop)
        memory_checkouts.paid("chk-1")
        shown = await place(shop, replace(ASKS, state=asked.state, answers={"pay": {"action": "accept"}}))

        assert shown.status == "completed"
        assert shown.order is not None
        assert shown.order.number == "100000001"

    @pytest.mark.parametrize("answers", [{"pay": {"action": "accept"}}, {"pay": "gladly"}, {"pay": None}, {}])
    async def test_who_has_not_paid_yet_is_not_asked_again(self, shop: Shop, answers: Any) -> None:
        asked = await self.question(shop)
        shown = await place(shop, replace(ASKS, state=asked.state, answers=answers))

        assert shown.status == "requires_escalation"
        assert shown.continue_url == PAGE
        assert shown.next_step == "Give the buyer continue_url."

    @pytest.mark.parametrize("action", ["decline", "cancel"])
    async def test_who_does_not_want_to_go_there_now_keeps_the_order_open(self, shop: Shop, action: str) -> None:
        asked = await self.question(shop)
        shown = await place(shop, replace(ASKS, state=asked.state, answers={"pay": {"action": action}}))

        assert (shown.status, shown.continue_url) == ("requires_escalation", PAGE)
        assert "stays open" in shown.next_step
        assert "cancel_checkout" in shown.next_step

    async def test_declining_after_paying_does_not_hide_the_order(
        self, shop: Shop, memory_checkouts: MemoryCheckouts
    ) -> None:
        asked = await self.question(shop)
        memory_checkouts.paid("chk-1")
        shown = await place(shop, replace(ASKS, state=asked.state, answers={"pay": {"action": "decline"}}))

        assert (shown.status, shown.next_step) == ("completed", "Tell the buyer the number.")

    async def test_an_answer_whose_state_was_lost_is_no_reason_to_ask_again(self, shop: Shop) -> None:
        await self.question(shop)
        assert (await place(shop, replace(ASKS, answers={"pay": {"action": "accept"}}))).checkout_id == "chk-1"

    async def test_an_order_that_is_paid_is_not_to_be_paid_again(
        self, shop: Shop, memory_checkouts: MemoryCheckouts
    ) -> None:
        await self.question(shop)
        memory_checkouts.paid("chk-1")
        assert (await place(shop, ASKS)).status == "completed"
