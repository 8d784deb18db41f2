"""Orders that gift cards pay for, whole or in part: what is agreed is what is ordered and captured."""

import httpx
import pytest
import respx
from msgspec.structs import replace

from storefront_mcp.backends.maho import MahoBackend, MahoConfig, connect
from storefront_mcp.commerce import errors
from storefront_mcp.commerce.ids import CartId, Sku
from storefront_mcp.demo.models import ShopRules
from tests.contract.conftest import CART, cart_body, ld, refused
from tests.contract.odd_prices import RULES
from tests.contract.ordering import DRAFT, HOME
from tests.contract.test_random_carts import RandomShopper, StripeAccount, account, stripe_server
from tests.fakes.demo_shop import demo_shop

pytestmark = pytest.mark.slow

__all__ = ["account", "stripe_server"]

AUSTRALIAN = replace(DRAFT, billing_address=HOME)
ID = CartId(CART)
CARDS = f"/guest-carts/{CART}/giftcards"
SECRET = "GC-H5B4-60TL-QDKT-GA8F"


async def shopper_of(rules: ShopRules, account: StripeAccount) -> RandomShopper:
    shop = demo_shop(rules=rules)
    backend, _ = connect(MahoConfig(url="http://demo.example"), "AUD", transport=httpx.ASGITransport(shop))
    return RandomShopper(shop, backend, account, "gift cards")


async def cart_with(shopper: RandomShopper, sku: str, *cards: str) -> CartId:
    cart = (await shopper.backend.create_cart()).cart_id
    await shopper.backend.add_line(cart, Sku(sku), 1, {})
    for card in cards:
        await shopper.backend.apply_gift_card(cart, card)
    return cart


@pytest.mark.parametrize("rules", RULES, ids=str)
async def test_what_cards_leave_is_captured_and_is_the_order(rules: ShopRules, account: StripeAccount) -> None:
    shopper = await shopper_of(rules, account)
    cart = await cart_with(shopper, "PAD-2", "GC-BRINE-50", "GC-BRINE-5")
    await shopper.backend.apply_coupon(cart, "SAVE10")
    shown = await shopper.agent.place(cart, AUSTRALIAN, key=None, dry_run=False)
    checkout = shopper.records.checkouts[(shown.checkout_id or "").partition(".")[0]]
    assert (checkout.totals.gift_cards, checkout.totals.other) == (replace(checkout.totals.total, minor=5500), None)

    assert await shopper.pay(checkout) == "card"
    ended = await shopper.agent.status(checkout.id)
    order = shopper.shop.books[-1]
    assert ended.order is not None
    assert (ended.status, ended.order.number, order.total) == ("completed", order.number, checkout.totals.total.minor)
    assert account.captured(checkout.id) == [order.total]
    assert shopper.shop.state.balances["GC-BRINE-50"] == shopper.shop.state.balances["GC-BRINE-5"] == 0


@pytest.mark.parametrize("included", [True, False])
async def test_a_cart_that_a_card_pays_wholly_becomes_an_order_without_payment(
    included: bool, account: StripeAccount
) -> None:
    shopper = await shopper_of(ShopRules(tax_included=included), account)
    cart = await cart_with(shopper, "JAR-DILL", "GC-BRINE-50")
    shown = await shopper.agent.place(cart, AUSTRALIAN, key=None, dry_run=False)
    checkout = shopper.records.checkouts[(shown.checkout_id or "").partition(".")[0]]
    spent = checkout.totals.gift_cards
    assert (checkout.totals.total.minor, checkout.settles, checkout.settle_by) == (0, "free", "free")
    assert spent is not None
    assert "confirm" in shown.next_step

    assert await shopper.pay(checkout) == "free"
    assert (await shopper.agent.status(checkout.id)).status == "completed"
    assert (shopper.shop.books[-1].total, account.captured(checkout.id)) == (0, [])
    assert shopper.shop.state.balances["GC-BRINE-50"] == 5000 - spent.minor


async def test_a_release_that_cannot_be_told_how_a_paid_cart_is_sent_takes_no_order_of_it(
    account: StripeAccount,
) -> None:
    shopper = await shopper_of(ShopRules(release="26.7.4"), account)
    cart = await cart_with(shopper, "JAR-DILL", "GC-BRINE-5")
    await shopper.backend.apply_gift_card(cart, "GC-BRINE-50")
    shopper.shop.state.balances["GC-BRINE-50"] = 500
    with pytest.raises(errors.NoWayToPay):
        await shopper.agent.place(cart, AUSTRALIAN, key=None, dry_run=False)
    assert not shopper.shop.books


async def test_a_card_that_is_spent_elsewhere_while_its_buyer_pays_makes_no_order_and_no_charge(
    account: StripeAccount,
) -> None:
    shopper = await shopper_of(ShopRules(), account)
    carts = [await cart_with(shopper, "PAD-2", "GC-BRINE-50") for _ in range(3)]
    views = [await shopper.agent.place(cart, AUSTRALIAN, key=None, dry_run=False) for cart in carts]
    ids = [(shown.checkout_id or "").partition(".")[0] for shown in views]
    first, second, third = (shopper.records.checkouts[id_] for id_ in ids)
    assert first.totals == second.totals == third.totals
    token = shopper.context.pay_token(second.id, shopper.context.handle_secret(second.id, second.upstream))
    await shopper.buyer.pay(token, total_shown=second.totals.total.minor)

    await shopper.pay(first)
    assert (await shopper.agent.status(first.id)).status == "completed"
    await account.desk.pay(shopper.records.checkouts[second.id].session or "")
    await shopper.buyer.return_from_payment(token)
    late = await shopper.agent.status(second.id)
    assert (late.status, "changed" in (late.notice or "")) == ("failed", True)
    assert (len(shopper.shop.books), account.captured(second.id)) == (1, [])

    # Whoever has not gone to pay yet is shown the new total first.
    token = shopper.context.pay_token(third.id, shopper.context.handle_secret(third.id, third.upstream))
    assert not isinstance(await shopper.buyer.pay(token, total_shown=third.totals.total.minor), str)
    waiting = await shopper.agent.status(third.id)
    assert (waiting.status, waiting.totals.gift_cards) == ("requires_escalation", None)
    assert waiting.totals.total == third.totals.total + replace(third.totals.total, minor=5000)
    assert "The total changed from" in (waiting.notice or "")


async def test_a_codes_way_to_the_shop_is_in_no_log_and_no_error(
    scripted: MahoBackend, script: respx.Router, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    applied = [{"code": SECRET, "balance": 50, "appliedAmount": 50}]
    script.get(f"/guest-carts/{CART}").mock(return_value=ld(cart_body(appliedGiftcards=applied)))
    script.post(CARDS).mock(return_value=refused(400, f'Gift card "{SECRET.lower()}" has expired'))
    script.delete(f"{CARDS}/{SECRET}").mock(return_value=refused(500))
    with pytest.raises(errors.ShopOutcomeUnknown) as unclear:
        await scripted.remove_gift_card(ID, SECRET)
    script.get(f"/guest-carts/{CART}").mock(return_value=ld(cart_body()))
    with pytest.raises(errors.GiftCardRejected, match='Gift card "…ga8f" has expired') as told:
        await scripted.apply_gift_card(ID, SECRET)
    script.post(CARDS).mock(return_value=refused(403))
    with pytest.raises(errors.ShopMisconfigured):
        await scripted.apply_gift_card(ID, SECRET)
    assert unclear.value.internal == "DELETE /api/rest/v2/guest-carts/[cart]/giftcards/[code]: 500 application/json"
    said = f"{caplog.text} {unclear.value} {told.value} {told.value.internal}".casefold()
    assert SECRET.casefold() not in said


async def test_a_card_that_went_meanwhile_is_off_and_a_cart_that_went_is_gone(
    scripted: MahoBackend, script: respx.Router
) -> None:
    applied = [{"code": SECRET, "balance": 50, "appliedAmount": 50}]
    with_card = ld(cart_body(appliedGiftcards=applied))
    script.get(f"/guest-carts/{CART}").mock(side_effect=[with_card, ld(cart_body()), with_card, with_card])
    script.delete(f"{CARDS}/{SECRET}").mock(side_effect=[refused(400), refused(404), refused(403)])
    script.delete(f"/guest-carts/{CART}/giftcard/{SECRET}").mock(return_value=refused(404))
    assert (await scripted.remove_gift_card(ID, "…GA8F")).gift_cards == ()
    with pytest.raises(errors.CartGone):
        await scripted.remove_gift_card(ID, SECRET)
    with pytest.raises(errors.ShopMisconfigured):
        await scripted.remove_gift_card(ID, SECRET)
