"""From a cart to an order that is paid once, by the WooCommerce adapter over a stand-in."""

import asyncio

import pytest
from msgspec.structs import replace

from storefront_mcp.backends.woocommerce import MerchantKey, WooBackend
from storefront_mcp.commerce import errors
from storefront_mcp.commerce.address import PostalAddress
from storefront_mcp.commerce.error_details import ShippingOffers
from storefront_mcp.commerce.ids import CartId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order
from tests.contract.ordering import HOME, PREPAID, REFERENCE
from tests.contract.woocommerce import BY_CHEQUE, WOO_DRAFT, filled, woo_backend
from tests.fakes.demo_faults import DemoFault
from tests.fakes.woocommerce import WooShop, woo_shop

CHECKOUT = "/checkout"


@pytest.fixture
def shop() -> WooShop:
    return woo_shop()


@pytest.fixture
def backend(shop: WooShop) -> WooBackend:
    return woo_backend(shop)


def living(**changed: str) -> PostalAddress:
    return replace(HOME, **changed)


# The price ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tax", ["none", "included", "added"])
@pytest.mark.parametrize(("currency", "decimals"), [("AUD", 2), ("JPY", 0), ("KWD", 3)])
async def test_the_price_is_what_the_order_then_costs(tax: str, currency: str, decimals: int) -> None:
    shop = woo_shop(tax=tax, currency=currency, decimals=decimals)
    backend = woo_backend(shop, currency=currency)
    cart = await filled(backend, "JAR-DILL", 7)
    await backend.apply_coupon(cart, "SAVE10")

    priced = await backend.quote_order(cart, WOO_DRAFT)
    again = await backend.quote_order(cart, WOO_DRAFT)
    order = await backend.place_order(cart, WOO_DRAFT, BY_CHEQUE)

    assert priced == again
    assert (priced.cart_id, priced.ships_by) == (cart, "Express")
    assert order.total == priced.totals.total == Money(shop.books[0].total, currency)
    assert priced.totals.other is None
    [sold] = shop.books
    assert (sold.number, sold.note) == (order.number, f"Leave at door\n{REFERENCE}")
    assert (sold.method, sold.payment, sold.email) == ("cheque", {"transaction_id": ""}, "ada@example.com")


async def test_addresses_are_written_with_codes_and_names_that_were_given(shop: WooShop, backend: WooBackend) -> None:
    cart = await filled(backend)
    one_name = living(first_name="Sukarno", last_name="", country="Australia", region="New South Wales")
    await backend.quote_order(cart, replace(WOO_DRAFT, shipping_address=one_name))
    written = shop.state.find_cart(cart)
    assert (written.shipping["first_name"], written.shipping["last_name"]) == ("Sukarno", "Sukarno")
    assert (written.shipping["country"], written.shipping["state"]) == ("AU", "NSW")
    assert (written.shipping["address_1"], written.shipping["address_2"]) == ("12 Barrel Lane", "Unit 3")
    assert (written.billing["country"], written.billing["email"]) == ("NZ", "ada@example.com")


async def test_a_dry_run_tells_the_same_and_leaves_nothing_on_the_cart(shop: WooShop, backend: WooBackend) -> None:
    cart = await filled(backend)
    await backend.add_line(cart, Sku("TEE-BLACK-M"), 2, {})
    await backend.apply_coupon(cart, "SAVE10")
    before, kept = await backend.cart(cart), str(shop.state.find_cart(cart))
    preview = await backend.preview_order(cart, WOO_DRAFT)
    assert (await backend.cart(cart), str(shop.state.find_cart(cart))) == (before, kept)
    quoted = await backend.quote_order(cart, WOO_DRAFT)
    assert preview.cart == quoted
    assert {one.code for one in preview.methods} == {"bacs", "cheque", "cod"}


async def test_what_the_shop_would_refuse_is_refused_before_anybody_pays(shop: WooShop, backend: WooBackend) -> None:
    empty = (await backend.create_cart()).cart_id
    with pytest.raises(errors.CartEmpty):
        await backend.quote_order(empty, WOO_DRAFT)
    cart = await filled(backend)
    with pytest.raises(errors.ShippingMethodRefused) as caught:
        await backend.quote_order(cart, replace(WOO_DRAFT, shipping_method="bogus:1"))
    assert isinstance(caught.value.detail, ShippingOffers)
    assert [one.code for one in caught.value.detail.methods][:1] == ["flat_rate:1"]
    refusals = {
        errors.AddressRefused: [
            replace(WOO_DRAFT, shipping_address=living(city="-")),
            replace(WOO_DRAFT, shipping_address=living(region="Nowhere")),
            replace(WOO_DRAFT, shipping_address=living(postcode="")),
            replace(WOO_DRAFT, billing_address=living(last_name="", first_name="Ada Brine")),
            replace(WOO_DRAFT, shipping_address=None),
        ],
        errors.CountryNotServed: [
            replace(WOO_DRAFT, shipping_address=living(country="DE", region="", postcode="10115")),
            replace(WOO_DRAFT, shipping_address=living(country="ZZ", region="")),
        ],
    }
    for kind, drafts in refusals.items():
        for draft in drafts:
            with pytest.raises(kind):
                await backend.quote_order(cart, draft)
    shop.state.stock["PAD-2"] = 0
    with pytest.raises((errors.OutOfStock, errors.NotEnoughStock)):
        await backend.quote_order(cart, WOO_DRAFT)


async def test_what_the_shop_missed_in_one_order_is_asked_for_in_the_next(shop: WooShop, backend: WooBackend) -> None:
    shop.state.demands_phone = True
    silent = replace(WOO_DRAFT, shipping_address=living(phone=""))
    cart = await filled(backend)
    await backend.quote_order(cart, silent)
    with pytest.raises(errors.OrderRefused, match="Phone is required"):
        await backend.place_order(cart, silent, BY_CHEQUE)
    assert shop.books == ()
    with pytest.raises(errors.AddressRefused, match="lacks phone"):
        await backend.quote_order(cart, silent)


async def test_a_cart_that_costs_nothing_is_ordered_without_a_method(shop: WooShop, backend: WooBackend) -> None:
    cart = await filled(backend, "JAR-DILL")
    for _ in range(2):
        await backend.apply_coupon(cart, "PICKLE5")
    shop.state.catalogue = replace(
        shop.state.catalogue,
        products={
            number: replace(one, cents=0, sale_cents=None) for number, one in shop.state.catalogue.products.items()
        },
    )
    free = replace(WOO_DRAFT, shipping_method="free_shipping:2")
    assert (await backend.quote_order(cart, free)).totals.total == Money(0, "AUD")
    [method] = await backend.payment_methods(cart)
    assert method.free
    order = await backend.place_order(cart, free, replace(PREPAID, method=method.code, payment=None))
    assert (order.total, shop.books[0].method) == (Money(0, "AUD"), "")


# The order ------------------------------------------------------------------------------------------------------------


async def test_an_ordered_cart_is_not_ordered_again(shop: WooShop, backend: WooBackend) -> None:
    cart = await filled(backend)
    await backend.quote_order(cart, WOO_DRAFT)
    order = await backend.place_order(cart, WOO_DRAFT, BY_CHEQUE)
    with pytest.raises(errors.CartGone):
        await backend.place_order(cart, WOO_DRAFT, BY_CHEQUE)
    assert len(shop.books) == 1
    assert await backend.find_order(cart, REFERENCE) == order


async def test_parallel_checkouts_make_several_orders_there_and_one_here(shop: WooShop) -> None:
    """The shop is as unsafe as it was recorded. Each adapter is as a process; that one asks is the lease's."""
    processes = [woo_backend(shop) for _ in range(4)]
    cart = await filled(processes[0])
    await processes[0].quote_order(cart, WOO_DRAFT)
    calls = (backend.place_order(cart, WOO_DRAFT, BY_CHEQUE) for backend in processes)
    made = await asyncio.gather(*calls, return_exceptions=True)
    assert len([one for one in made if isinstance(one, Order)]) == len(shop.books) > 1

    before, again = len(shop.books), await filled(processes[0])
    await processes[0].quote_order(again, WOO_DRAFT)
    await asyncio.gather(
        *(processes[0].place_order(again, WOO_DRAFT, BY_CHEQUE) for _ in range(4)), return_exceptions=True
    )
    assert len(shop.books) == before + 1


@pytest.mark.parametrize("fault", [DemoFault.AFTER, DemoFault.GONE, DemoFault.TRUNCATED, DemoFault.COMMITTED])
async def test_an_order_whose_answer_was_lost_is_found_by_its_reference(shop: WooShop, fault: DemoFault) -> None:
    backend = woo_backend(shop)
    cart = await filled(backend)
    priced = await backend.quote_order(cart, WOO_DRAFT)
    shop.faults.next(fault, method="POST", path=CHECKOUT, seconds=0.01)
    with pytest.raises(errors.ShopOutcomeUnknown):
        await backend.place_order(cart, WOO_DRAFT, BY_CHEQUE)
    found = await backend.find_order(cart, REFERENCE)
    assert found is not None
    assert (found.number, found.total) == (shop.books[0].number, priced.totals.total)
    assert len(shop.books) == 1


@pytest.mark.parametrize("fault", [DemoFault.BEFORE, DemoFault.HTML, DemoFault.REDIRECT])
async def test_an_order_that_was_not_made_leaves_its_cart_open(shop: WooShop, fault: DemoFault) -> None:
    backend = woo_backend(shop)
    cart = await filled(backend)
    await backend.quote_order(cart, WOO_DRAFT)
    shop.faults.next(fault, method="POST", path=CHECKOUT)
    with pytest.raises(errors.ShopOutcomeUnknown):
        await backend.place_order(cart, WOO_DRAFT, BY_CHEQUE)
    assert await backend.find_order(cart, REFERENCE) is None
    await backend.place_order(cart, WOO_DRAFT, BY_CHEQUE)
    assert len(shop.books) == 1


async def test_without_a_key_an_empty_cart_has_become_an_order_without_a_number(shop: WooShop) -> None:
    backend = woo_backend(shop, key=None)
    cart = await filled(backend)
    assert await backend.find_order(cart, REFERENCE) is None
    await backend.quote_order(cart, WOO_DRAFT)
    order = await backend.place_order(cart, WOO_DRAFT, BY_CHEQUE)
    assert order.total is not None
    assert await backend.find_order(cart, REFERENCE) == Order()
    with pytest.raises(errors.CartGone):
        await backend.find_order(CartId("no.such.token"), REFERENCE)
    await backend.mark_paid(order, BY_CHEQUE)
    assert await backend.order_progress(order) is None


async def test_an_order_that_was_given_up_is_none(shop: WooShop, backend: WooBackend) -> None:
    cart = await filled(backend)
    await backend.quote_order(cart, WOO_DRAFT)
    order = await backend.place_order(cart, WOO_DRAFT, BY_CHEQUE)
    shop.state.orders[int(order.number or 0)].status = "cancelled"
    with pytest.raises(errors.CartGone):
        await backend.find_order(cart, REFERENCE)
    with pytest.raises(errors.OrderRefused, match="cancelled"):
        await backend.mark_paid(order, BY_CHEQUE)


async def test_the_buyers_note_cannot_name_the_order_of_another(shop: WooShop, backend: WooBackend) -> None:
    cart = await filled(backend)
    draft = replace(WOO_DRAFT, note="chk_stolen\n")
    await backend.quote_order(cart, draft)
    await backend.place_order(cart, draft, BY_CHEQUE)
    with pytest.raises(errors.CartGone):
        await backend.find_order(cart, "chk_stolen")


async def test_a_key_that_does_not_serve_is_the_operators_matter(shop: WooShop) -> None:
    backend = woo_backend(shop, key=MerchantKey(consumer_key="ck_wrong", consumer_secret="cs_wrong"))
    cart = await filled(backend)
    await backend.quote_order(cart, WOO_DRAFT)
    order = await backend.place_order(cart, WOO_DRAFT, BY_CHEQUE)
    for asking in (
        backend.find_order(cart, REFERENCE),
        backend.mark_paid(order, BY_CHEQUE),
        backend.order_progress(order),
    ):
        with pytest.raises(errors.ShopMisconfigured):
            await asking


async def test_more_orders_than_can_be_searched_are_no_proof_that_there_is_none(shop: WooShop) -> None:
    backend = woo_backend(shop)
    cart = await filled(backend)
    await backend.quote_order(cart, WOO_DRAFT)
    order = await backend.place_order(cart, WOO_DRAFT, BY_CHEQUE)
    [made] = shop.state.orders.values()
    shop.state.orders |= {number: replace(made, id=number, note="another's") for number in range(1_000, 2_000)}
    with pytest.raises(errors.ShopDown):
        await backend.find_order(cart, REFERENCE)
    del shop.state.orders[1_999]
    assert await backend.find_order(cart, REFERENCE) == order


# The payment ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["cheque", "cod"])
@pytest.mark.parametrize("status", ["", "pending"])
async def test_an_order_is_marked_as_paid_once_however_often_it_is_said(method: str, status: str) -> None:
    shop = woo_shop()
    backend = woo_backend(shop)
    cart = await filled(backend)
    await backend.quote_order(cart, WOO_DRAFT)
    settlement = replace(BY_CHEQUE, method=method)
    order = await backend.place_order(cart, WOO_DRAFT, settlement)
    [made] = shop.state.orders.values()
    made.status = status or made.status
    assert not made.transaction
    was_open = made.status != "processing"
    for _ in range(3):
        await backend.mark_paid(order, settlement)
    assert (made.transaction, made.status, made.payments_completed) == ("pay_1", "processing", int(was_open))
    puts = [one for one in shop.state.asked if one[0] == "PUT"]
    assert len(puts) == 1
    with pytest.raises(errors.OrderRefused, match="another payment"):
        await backend.mark_paid(order, replace(settlement, payment="pay_2"))


@pytest.mark.parametrize("fault", [DemoFault.AFTER, DemoFault.TRUNCATED, DemoFault.BEFORE, DemoFault.HTML])
async def test_a_payment_whose_mark_was_lost_is_marked_once_by_saying_it_again(fault: DemoFault) -> None:
    shop = woo_shop()
    backend = woo_backend(shop)
    cart = await filled(backend)
    await backend.quote_order(cart, WOO_DRAFT)
    order = await backend.place_order(cart, WOO_DRAFT, BY_CHEQUE)
    shop.faults.next(fault, method="PUT")
    if fault is not DemoFault.TRUNCATED:
        with pytest.raises(errors.ShopDown):
            await backend.mark_paid(order, BY_CHEQUE)
    await backend.mark_paid(order, BY_CHEQUE)
    await backend.mark_paid(order, BY_CHEQUE)
    [made] = shop.state.orders.values()
    assert (made.transaction, made.payments_completed) == ("pay_1", 1)


async def test_only_an_order_of_ours_is_marked_as_paid(shop: WooShop, backend: WooBackend) -> None:
    cart = await filled(backend)
    await backend.quote_order(cart, WOO_DRAFT)
    order = await backend.place_order(cart, WOO_DRAFT, BY_CHEQUE)
    for other, settlement in (
        (Order(number="99999"), BY_CHEQUE),
        (Order(), BY_CHEQUE),
        (order, replace(BY_CHEQUE, reference="chk_other")),
    ):
        with pytest.raises(errors.OrderRefused, match="no such order of ours"):
            await backend.mark_paid(other, settlement)
    await backend.mark_paid(Order(number=order.number), BY_CHEQUE)
    assert shop.books[0].payment == {"transaction_id": "pay_1"}


async def test_a_buyer_hears_where_the_order_stands(shop: WooShop, backend: WooBackend) -> None:
    cart = await filled(backend)
    priced = await backend.quote_order(cart, WOO_DRAFT)
    order = await backend.place_order(cart, WOO_DRAFT, BY_CHEQUE)
    waiting = await backend.order_progress(order)
    assert waiting is not None
    assert (waiting.number, waiting.status, waiting.due) == (order.number, "on-hold", priced.totals.total)
    await backend.mark_paid(order, BY_CHEQUE)
    [made] = shop.state.orders.values()
    made.notes += [("Sent <b>today</b>.", True), ("internal: loyal customer", False), ("Arrives on Friday.", True)]
    made.refunds += [500, 250]
    told = await backend.order_progress(order)
    assert told is not None
    assert told.comments == ("Sent today.", "Arrives on Friday.")
    assert (told.status, told.refunded, told.due) == ("processing", Money(750, "AUD"), None)
    assert await backend.order_progress(Order(number="99999")) is None
