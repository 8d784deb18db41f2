"""From a cart to an order, by the MahoBackend adapter over the demo shop: today's shop and the older fork."""

import asyncio
import contextlib
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from decimal import Decimal
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.maho import MahoBackend, MahoConfig, ServiceAccountCredentials, connect
from storefront_mcp.commerce import errors
from storefront_mcp.commerce.error_details import ShippingOffers
from storefront_mcp.commerce.ids import CartId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import (
    Order,
    OrderProgress,
    OrderSettlement,
    ParcelTrack,
    ShippedItem,
)
from storefront_mcp.demo import fulfilment
from storefront_mcp.demo.models import PaymentRefused, ShopRules
from storefront_mcp.payments.served_methods import CAPTURE_FIELDS
from tests.contract.conftest import Clock
from tests.contract.ordering import DRAFT, HOME, PREPAID, REFERENCE, elsewhere, filled
from tests.fakes.demo_faults import DemoFault
from tests.fakes.demo_shop import ControlledShop, UnsafeBehaviours, demo_shop
from tests.serving import served, until

pytestmark = pytest.mark.slow

PLACE = "/place-order"
UNSAFE = UnsafeBehaviours(duplicate_orders=True, opaque_errors=True, unchecked_orders=True)
Embedded = Callable[..., MahoBackend]


@pytest.fixture
async def embedded(clock: Clock) -> AsyncIterator[Embedded]:
    """Adapters over shops in this process: `embedded(shop, account=True, currency="JPY")`."""
    closing = []

    def made(shop: ControlledShop, *, currency: str = "AUD", account: bool = False, secret: str = "") -> MahoBackend:
        credentials = ServiceAccountCredentials(
            client_id="storefront", client_secret=secret or shop.state.account.client_secret
        )
        backend, close = connect(
            MahoConfig(
                url="http://demo.example",
                prices_include_tax=True,
                account=credentials if account else None,
                limits=ClientLimits(failures=2),
                capture_fields=CAPTURE_FIELDS,
            ),
            currency,
            transport=httpx.ASGITransport(shop),
            clock=clock,
        )
        closing.append(close)
        return backend

    yield made
    for close in closing:
        await close()


class Bank:
    """A payment module that writes down what it took."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, str, Mapping[str, Any]]] = []

    async def take(self, *, amount: int, currency: str, data: Mapping[str, Any]) -> None:
        if data.get("stripe_payment_intent_id") != "pi_1":
            raise PaymentRefused("No such payment intent for ada@example.com")
        self.taken.append((amount, currency, data))


# The price ------------------------------------------------------------------------------------------------------------


async def test_the_price_is_what_the_order_then_costs(shop: MahoBackend, demo: tuple[str, ControlledShop]) -> None:
    cart = await filled(shop)
    await shop.apply_coupon(cart, "SAVE10")

    priced = await shop.quote_order(cart, DRAFT)
    again = await shop.quote_order(cart, DRAFT)
    order = await shop.place_order(cart, DRAFT, PREPAID)

    assert priced == again
    assert priced.cart_id == cart
    assert priced.ships_by == "Australia Post - Express Post"
    assert priced.totals.shipping
    assert order.total == priced.totals.total
    totals = priced.totals
    assert totals.discount is not None
    assert totals.subtotal - totals.discount + totals.shipping == totals.total
    [sold] = demo[1].books
    assert (sold.number, sold.total, sold.note) == (
        order.number,
        priced.totals.total.minor,
        f"Leave at door\n{REFERENCE}",
    )
    assert (sold.method, sold.payment, sold.email) == ("prepaid", {"reference": "pay_1"}, "ada@example.com")


@pytest.mark.parametrize("currency", ["AUD", "NZD", "JPY", "KWD"])
async def test_prices_and_orders_agree_in_every_currency(embedded: Embedded, currency: str) -> None:
    shop = demo_shop()
    backend = embedded(shop, currency=currency)
    cart = await filled(backend, "JAR-DILL", 7)
    priced = await backend.quote_order(cart, DRAFT)
    order = await backend.place_order(cart, DRAFT, PREPAID)

    assert order.total == priced.totals.total == Money(shop.books[0].total, currency)
    assert priced.totals.shipping is not None
    assert priced.totals.subtotal + priced.totals.shipping == priced.totals.total
    assert sum(line.total.minor for line in priced.lines) == priced.totals.subtotal.minor
    assert priced.totals.other is None


async def test_addresses_are_written_in_full_and_as_text(embedded: Embedded) -> None:
    shop = demo_shop(unsafe=UNSAFE)
    backend = embedded(shop)
    cart = await filled(backend)
    await backend.quote_order(cart, DRAFT)
    written = shop.state.carts[cart].shipping_address
    await backend.place_order(cart, DRAFT, PREPAID)

    shown = shop.state.orders["100000001"].body
    assert written is not None
    assert (written.street, written.region, written.telephone) == (
        ("12 Barrel Lane", "Unit 3"),
        "Victoria",
        "03 9000 0000",
    )
    assert (shown["shippingAddress"]["street"], shown["shippingAddress"]["countryId"]) == (
        ["12 Barrel Lane", "Unit 3"],
        "AU",
    )
    assert (shown["billingAddress"]["lastname"], shown["billingAddress"]["countryId"]) == ("Bill", "NZ")


async def test_free_shipping_costs_nothing(shop: MahoBackend, demo: tuple[str, ControlledShop]) -> None:
    cart = await filled(shop)
    priced = await shop.quote_order(cart, replace(DRAFT, shipping_method="auspost_parcel"))
    assert (priced.totals.shipping, priced.totals.total.minor) == (Money(0, "AUD"), 27900)


async def test_what_the_shop_would_refuse_is_refused_before_anybody_pays(
    shop: MahoBackend, demo: tuple[str, ControlledShop]
) -> None:
    empty = (await shop.create_cart()).cart_id
    with pytest.raises(errors.CartEmpty):
        await shop.quote_order(empty, DRAFT)
    with pytest.raises(errors.CartGone):
        await shop.quote_order(CartId("f" * 32), DRAFT)
    cart = await filled(shop)
    with pytest.raises(errors.CountryNotServed) as unserved:
        await shop.quote_order(cart, elsewhere(country="JP", region=""))
    assert "AU" in str(unserved.value.detail)
    for broken, told in (
        (elsewhere(region="Bavaria"), "Victoria"),
        (elsewhere(region=" "), "shipping_address lacks region .a state or province of AU"),
        (elsewhere(phone="   "), "shipping_address lacks phone"),
        (elsewhere(street=" \n ", postcode=""), "shipping_address lacks street and postcode"),
        (replace(DRAFT, billing_address=replace(HOME, region="")), "billing_address lacks region"),
    ):
        with pytest.raises(errors.AddressRefused, match=told):
            await shop.quote_order(cart, broken)
    with pytest.raises(errors.AddressRefused, match=r"no billing address in 'JP'\. It takes: AU, AE, AT"):
        await shop.quote_order(cart, replace(DRAFT, billing_address=replace(HOME, country="JP", region="")))
    for email in ("ada", "ada@", "ada@example", "a da@example.com", "ada@example..com"):
        with pytest.raises(errors.EmailRefused):
            await shop.quote_order(cart, replace(DRAFT, email=email))
    with pytest.raises(errors.ShippingMethodRefused) as refused:
        await shop.quote_order(cart, replace(DRAFT, shipping_method="drone_roof"))
    offers = refused.value.detail
    assert isinstance(offers, ShippingOffers)
    assert "auspost_parcel" in [method.code for method in offers.methods]


async def test_a_shop_that_takes_no_guests_gets_no_order_of_one(embedded: Embedded) -> None:
    shop = demo_shop(rules=ShopRules(guest_checkout=False))
    backend = embedded(shop)
    cart = await filled(backend)
    with pytest.raises(errors.OrderRefused, match="takes none of guests"):
        await backend.quote_order(cart, DRAFT)


async def test_an_order_below_the_least_is_refused_before_anybody_pays() -> None:
    shop = demo_shop()
    config = MahoConfig(url="http://demo.example", minimum_order=Decimal("279.00"))
    backend, close = connect(config, "AUD", transport=httpx.ASGITransport(shop))
    cart = await filled(backend)
    assert (await backend.quote_order(cart, DRAFT)).totals.subtotal == Money(27900, "AUD")
    await backend.apply_coupon(cart, "PICKLE5")
    with pytest.raises(errors.OrderRefused, match=r"goods come to AUD 274\.00, and it takes orders from AUD 279\.00"):
        await backend.quote_order(cart, DRAFT)
    await close()


async def test_goods_that_went_meanwhile_are_noticed_before_anybody_pays(
    shop: MahoBackend, demo: tuple[str, ControlledShop]
) -> None:
    cart = await filled(shop, "NET-1", 6)
    demo[1].state.take_stock("NET-1", 1)
    with pytest.raises(errors.NotEnoughStock) as short:
        await shop.quote_order(cart, replace(DRAFT, shipping_method="auspost_parcel"))
    assert short.value.available == 5
    demo[1].state.take_stock("NET-1", 5)
    with pytest.raises(errors.OutOfStock):
        await shop.quote_order(cart, replace(DRAFT, shipping_method="auspost_parcel"))


async def test_ways_to_pay_are_those_of_the_cart(shop: MahoBackend) -> None:
    cart = await filled(shop, "JAR-DILL")
    methods = {method.code: method for method in await shop.payment_methods(cart)}
    assert (methods["prepaid"].offline, methods["banktransfer"].offline) == (False, True)
    assert not any(method.free for method in methods.values())
    with pytest.raises(errors.CartGone):
        await shop.payment_methods(CartId("f" * 32))


async def test_a_cart_that_costs_nothing_is_ordered_for_free(embedded: Embedded) -> None:
    shop = demo_shop()
    backend = embedded(shop)
    cart = await filled(backend, "JAR-DILL")
    shop.state.carts[cart] = replace(shop.state.carts[cart], gift_cards=("GC-BRINE-50",))
    priced = await backend.quote_order(cart, DRAFT)
    *later, method = await backend.payment_methods(cart)
    assert [one.offline for one in later] == [True, True]
    order = await backend.place_order(cart, DRAFT, OrderSettlement(method=method.code, reference=REFERENCE))

    assert (method.free, method.offline, priced.totals.total.minor) == (True, False, 0)
    assert order.total == Money(0, "AUD")
    assert shop.books[0].payment == {}


# The order ------------------------------------------------------------------------------------------------------------


async def test_the_shops_module_gets_the_payment_under_its_own_key(embedded: Embedded) -> None:
    bank = Bank()
    shop = demo_shop(payment_modules={"stripe_card": bank})
    backend = embedded(shop)
    cart = await filled(backend)
    priced = await backend.quote_order(cart, DRAFT)

    assert backend.capturing_methods == {"stripe_card"}
    with pytest.raises(errors.OrderRefused, match=r"No such payment intent for \[e-mail\]"):
        await backend.place_order(
            cart, DRAFT, OrderSettlement(method="stripe_card", payment="pi_0", reference=REFERENCE)
        )
    await backend.place_order(cart, DRAFT, OrderSettlement(method="stripe_card", payment="pi_1", reference=REFERENCE))
    assert bank.taken == [(priced.totals.total.minor, "AUD", {"stripe_payment_intent_id": "pi_1"})]


@pytest.mark.parametrize(
    ("draft", "method"),
    [
        (replace(DRAFT, shipping_method="drone_roof"), "prepaid"),
        (DRAFT, "free"),
        (elsewhere(region="Bavaria"), "prepaid"),
    ],
)
async def test_a_refusal_is_certain_and_leaves_the_cart(
    shop: MahoBackend, demo: tuple[str, ControlledShop], draft: Any, method: str
) -> None:
    cart = await filled(shop)
    with pytest.raises(errors.OrderRefused):
        await shop.place_order(cart, draft, replace(PREPAID, method=method))
    assert (await shop.cart(cart)).lines
    assert demo[1].books == ()


async def test_a_cart_is_ordered_once(shop: MahoBackend, demo: tuple[str, ControlledShop]) -> None:
    cart = await filled(shop)
    await shop.place_order(cart, DRAFT, PREPAID)
    with pytest.raises(errors.CartGone):
        await shop.place_order(cart, DRAFT, PREPAID)
    assert len(demo[1].books) == 1


async def test_an_opaque_500_is_unclear_but_over(embedded: Embedded) -> None:
    shop = demo_shop(unsafe=UNSAFE)
    backend = embedded(shop)
    cart = await filled(backend, "NET-1", 6)
    shop.state.take_stock("NET-1", 1)
    with pytest.raises(errors.ShopOutcomeUnknown) as unclear:
        await backend.place_order(cart, replace(DRAFT, shipping_method="auspost_parcel"), PREPAID)
    assert unclear.value.over
    assert await backend.find_order(cart, REFERENCE) is None


async def test_where_parallel_calls_make_several_orders_one_call_makes_one(embedded: Embedded) -> None:
    shop = demo_shop(unsafe=UNSAFE)
    backend = embedded(shop)
    cart = await filled(backend)
    told = await asyncio.gather(*(backend.place_order(cart, DRAFT, PREPAID) for _ in range(4)), return_exceptions=True)
    assert len([one for one in told if isinstance(one, Order)]) == len(shop.books) > 1, "the trap is what it says"
    await backend.place_order(await filled(backend), DRAFT, replace(PREPAID, reference="chk_other"))
    assert len([one for one in shop.books if one.note.endswith("chk_other")]) == 1


UNCLEAR = [
    (DemoFault.BEFORE, True, False),
    (DemoFault.AFTER, True, True),
    (DemoFault.HTML, True, False),
    (DemoFault.REDIRECT, True, False),
]


@pytest.mark.parametrize(("fault", "over", "ordered"), UNCLEAR, ids=lambda one: getattr(one, "name", ""))
async def test_after_an_unclear_answer_a_look_tells(
    shop: MahoBackend, demo: tuple[str, ControlledShop], fault: DemoFault, over: bool, ordered: bool
) -> None:
    cart = await filled(shop)
    demo[1].faults.next(fault, method="POST", path=PLACE)
    with pytest.raises(errors.ShopOutcomeUnknown) as unclear:
        await shop.place_order(cart, DRAFT, PREPAID)

    assert unclear.value.over is over
    assert cart not in json.dumps([str(unclear.value), unclear.value.internal])
    assert "@" not in json.dumps([str(unclear.value), unclear.value.internal])
    assert await shop.find_order(cart, REFERENCE) == (Order() if ordered else None)
    assert len(demo[1].books) == ordered


@pytest.mark.parametrize("account", [False, True], ids=["no account", "account"])
async def test_an_order_whose_note_was_lost_after_the_commit_is_found_and_never_made_again(
    embedded: Embedded, account: bool
) -> None:
    shop = demo_shop()
    backend = embedded(shop, account=account)
    cart = await filled(backend)
    priced = await backend.quote_order(cart, DRAFT)
    shop.faults.next(DemoFault.COMMITTED, method="POST", path=PLACE)
    with pytest.raises(errors.ShopOutcomeUnknown) as unclear:
        await backend.place_order(cart, DRAFT, PREPAID)
    assert unclear.value.over

    [sold] = shop.books
    found = await backend.find_order(cart, REFERENCE)
    assert (sold.note, shop.state.carts[cart].active) == ("", True), "the trap is what it says"
    assert found == Order(number=sold.number, total=priced.totals.total if account else None)
    for use in (backend.cart(cart), backend.quote_order(cart, DRAFT), backend.add_line(cart, Sku("PAD-2"), 1, {})):
        with pytest.raises(errors.CartGone):
            await use


async def test_what_the_shop_cannot_store_is_refused_before_it_is_sent(
    shop: MahoBackend, demo: tuple[str, ControlledShop]
) -> None:
    cart = await filled(shop)
    for broken in (
        elsewhere(first_name="Ada 🎾"),
        elsewhere(last_name="𠮷野"),
        elsewhere(company="🥒 Pty"),
        elsewhere(street="1 🏠 Lane"),
        elsewhere(city="🏙"),
        elsewhere(region="🏙"),
        elsewhere(phone="☎️📞"),
        replace(DRAFT, billing_address=replace(HOME, first_name="🎾")),
    ):
        with pytest.raises(errors.AddressRefused, match="cannot store"):
            await shop.quote_order(cart, broken)
    with pytest.raises(errors.AddressRefused, match="cannot store '🏠' in the street"):
        await shop.shipping_methods(cart, replace(HOME.place(), street="🏠"))
    noted = replace(DRAFT, note="Ring twice 🎾🎾")
    for order in (shop.quote_order(cart, noted), shop.place_order(cart, noted, PREPAID)):
        with pytest.raises(errors.OrderRefused, match="cannot store '🎾' in the note"):
            await order
    with pytest.raises(errors.EmailRefused):
        await shop.quote_order(cart, replace(DRAFT, email="🎾@example.com"))
    with pytest.raises(errors.CouponRejected):
        await shop.apply_coupon(cart, "SAVE🎾")
    with pytest.raises(errors.ProductNotFound):
        await shop.add_line(cart, Sku("PAD-🎾"), 1, {})
    with pytest.raises(errors.OptionsNeeded, match="cannot store '🎾'"):
        await shop.add_line(cart, Sku("GIFT-MUG"), 1, {"Engraving": "Ada 🎾", "Mug size": "Large"})
    assert demo[1].books == ()

    kept = replace(DRAFT, note="Grüße ✓ ♥ 日本", shipping_address=replace(HOME, first_name="Žofie", last_name="日本"))
    await shop.quote_order(cart, kept)
    await shop.place_order(cart, kept, PREPAID)
    assert demo[1].books[0].note == f"Grüße ✓ ♥ 日本\n{REFERENCE}"


@pytest.mark.parametrize("fault", [DemoFault.TRUNCATED, DemoFault.CLOSED], ids=lambda one: one.name)
async def test_a_201_is_an_order_even_when_its_body_is_cut_off(
    shop: MahoBackend, demo: tuple[str, ControlledShop], fault: DemoFault
) -> None:
    cart = await filled(shop)
    demo[1].faults.next(fault, method="POST", path=PLACE)
    assert await shop.place_order(cart, DRAFT, PREPAID) == Order()
    assert len(demo[1].books) == 1


@pytest.mark.parametrize("fault", [DemoFault.GONE, DemoFault.SLOW], ids=lambda one: one.name)
async def test_a_lost_answer_is_unclear_and_perhaps_not_over(fault: DemoFault, clock: Clock) -> None:
    shop = demo_shop()
    impatient = ClientLimits(total=1.5, order=1.5)
    with served(shop) as origin:
        upstream = MahoConfig(url=origin, prices_include_tax=True, limits=impatient)
        backend, close = connect(upstream, "AUD", clock=clock)
        cart = await filled(backend)
        await backend.quote_order(cart, DRAFT)
        shop.faults.next(fault, method="POST", path=PLACE, seconds=2.5)
        with pytest.raises(errors.ShopOutcomeUnknown) as unclear:
            await backend.place_order(cart, DRAFT, PREPAID)
        assert not unclear.value.over
        await asyncio.to_thread(until, lambda: shop.books, "the shop to go on with what nobody waits for")
        assert await backend.find_order(cart, REFERENCE) == Order()
        assert len(shop.books) == 1
        await close()


async def test_an_order_that_never_leaves_is_a_shop_that_is_down() -> None:
    backend, close = connect(MahoConfig(url="http://127.0.0.1:9"), "AUD")
    with pytest.raises(errors.ShopDown) as down:
        await backend.place_order(CartId("f" * 32), DRAFT, PREPAID)
    assert type(down.value) is errors.ShopDown
    await close()


async def test_failing_orders_do_not_lock_other_shoppers_out(embedded: Embedded) -> None:
    shop = demo_shop()
    backend = embedded(shop)
    cart = await filled(backend)
    shop.faults.next(DemoFault.HTML, method="POST", path=PLACE, times=5)
    for _ in range(5):
        with pytest.raises(errors.ShopOutcomeUnknown):
            await backend.place_order(cart, DRAFT, PREPAID)
    assert (await backend.cart(cart)).lines


# Looking for it -------------------------------------------------------------------------------------------------------


async def test_an_account_finds_the_order_by_our_reference(embedded: Embedded) -> None:
    shop = demo_shop()
    guest, first = embedded(shop), embedded(shop, account=True)
    cart = await filled(first)
    order = await first.place_order(cart, DRAFT, PREPAID)
    # A buyer who writes somebody else's reference into a note is not believed.
    await guest.place_order(
        await filled(guest), replace(DRAFT, note=REFERENCE), replace(PREPAID, reference="chk_other")
    )
    fresh = embedded(shop, account=True)

    for backend in (first, fresh):
        assert await backend.find_order(cart, REFERENCE) == Order(number=order.number, total=order.total)
    assert await guest.find_order(cart, REFERENCE) == Order()
    assert shop.state.order_tokens[order.number or ""] == order.token, "the token is the buyer's"


async def test_an_account_can_tell_that_a_cart_is_gone_without_an_order(embedded: Embedded) -> None:
    shop = demo_shop()
    backend = embedded(shop, account=True)
    cart = await filled(backend)
    shop.state.carts.clear()
    with pytest.raises(errors.CartGone):
        await backend.find_order(cart, REFERENCE)


async def test_an_account_reads_where_an_order_stands(embedded: Embedded) -> None:
    shop = demo_shop()
    backend = embedded(shop, account=True)
    cart = await filled(backend)
    await backend.add_line(cart, Sku("JAR-DILL"), 3, {})
    order = await backend.place_order(cart, DRAFT, PREPAID)
    number = order.number or ""
    paddle, balls = (one["name"] for one in shop.state.orders[number].body["items"])

    paid = OrderProgress(number=number, status="processing", due=Money(0, "AUD"))
    assert await backend.order_progress(order) == paid
    comments = {"Packed with care": True, "Buyer is a relative": False}
    fulfilment.ship_order(
        shop.state, number, carrier="ups", tracks={"1Z999AA10123456784": "UPS Ground"}, skus={"JAR-DILL": 2},
        comments=comments,
    )  # fmt: skip
    fulfilment.comment_order(shop.state, number, "The rest follows on Monday", visible=True)
    fulfilment.comment_order(shop.state, number, "Out of paddles again", visible=False)
    part = await backend.order_progress(order)
    assert part is not None
    [parcel] = part.parcels
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", parcel.sent_at)
    assert part.status == "processing"
    assert parcel.items == (ShippedItem(name=balls, quantity=2),)
    assert parcel.tracks == (
        ParcelTrack(
            carrier="UPS Ground",
            number="1Z999AA10123456784",
            url="https://www.ups.com/track?tracknum=1Z999AA10123456784",
        ),
    )
    assert part.unsent == (ShippedItem(name=paddle, quantity=1), ShippedItem(name=balls, quantity=1))
    assert sorted(part.comments) == ["Packed with care", "The rest follows on Monday"]

    fulfilment.ship_order(shop.state, number, tracks={"BB-7": "Brine Bike"})
    whole = await backend.order_progress(order)
    assert whole is not None
    assert (whole.status, whole.unsent, len(whole.parcels)) == ("complete", (), 2)
    assert whole.parcels[1].tracks == (ParcelTrack(carrier="Brine Bike", number="BB-7"),)

    fulfilment.refund_order(shop.state, number)
    back = await backend.order_progress(order)
    assert back is not None
    assert (back.status, back.refunded) == ("closed", order.total)
    assert await backend.order_progress(Order(number="999")) is None
    assert await backend.order_progress(Order()) is None
    assert await embedded(shop).order_progress(order) is None


async def test_a_token_is_kept_and_asked_for_again_when_the_shop_forgets_it(embedded: Embedded, clock: Clock) -> None:
    shop = demo_shop(clock=clock)
    issued = []
    issue = shop.state.account.issue
    shop.state.account.issue = lambda *who: issued.append(who) or issue(*who)  # type: ignore[method-assign, func-returns-value]
    backend = embedded(shop, account=True)
    order = await backend.place_order(await filled(backend), DRAFT, PREPAID)

    await asyncio.gather(*(backend.order_progress(order) for _ in range(5)))
    assert len(issued) == 1
    shop.state.account.revoke_all()
    assert await backend.order_progress(order)
    assert len(issued) == 2
    clock.now += 3590
    assert await backend.order_progress(order)
    assert len(issued) == 3


async def test_a_wrong_secret_is_the_operators_problem_and_stays_secret(
    embedded: Embedded, caplog: pytest.LogCaptureFixture
) -> None:
    shop = demo_shop()
    backend = embedded(shop, account=True, secret="not-the-secret")
    cart = await filled(backend)
    await backend.place_order(cart, DRAFT, PREPAID)
    caplog.set_level(logging.DEBUG)
    with pytest.raises(errors.ShopMisconfigured) as caught:
        await backend.find_order(cart, REFERENCE)
    for _ in range(9):
        with contextlib.suppress(errors.ShopMisconfigured):
            await backend.find_order(cart, REFERENCE)
    with pytest.raises(errors.ShopDown):
        await backend.find_order(cart, REFERENCE)

    assert "invalid_client" in caught.value.internal
    assert "not-the-secret" not in caplog.text + str(caught.value) + caught.value.internal
    assert "not-the-secret" not in repr(
        ServiceAccountCredentials(client_id="storefront", client_secret="not-the-secret")
    )
    assert "not-the-secret" not in repr(
        MahoConfig(url="x", account=ServiceAccountCredentials(client_id="storefront", client_secret="not-the-secret"))
    )
