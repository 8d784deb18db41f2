"""What every adapter owes of an order: that it costs what was said, is made once, and is found again."""

import asyncio

import pytest
from msgspec.structs import replace

from storefront_mcp.commerce import errors
from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.error_details import ShippingOffers
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.order import Order, OrderDraft, OrderSettlement
from tests.contract.shops.contract_shop import ADA, EMAIL, HOME, UNSERVED, ContractShop, adds_up, aud, filled
from tests.fakes.demo_faults import DemoFault

pytestmark = pytest.mark.slow

REFERENCE = "chk_7Qm2vX0cB4n9sTz1LwE8gA"


async def drafted(every: ContractShop, cart: CartId) -> OrderDraft:
    """An order of the cart, sent the cheapest way."""
    methods = await every.backend.shipping_methods(cart, HOME)
    assert methods
    cheapest = min(methods, key=lambda method: method.price.minor)
    return OrderDraft(
        email=EMAIL,
        shipping_address=ADA,
        billing_address=replace(ADA, last_name="Bill"),
        shipping_method=cheapest.code,
        note="Leave at door",
    )


def paid(every: ContractShop) -> OrderSettlement:
    """A payment that is held elsewhere."""
    return OrderSettlement(method=every.method, payment="pay_1", reference=REFERENCE)


async def test_an_order_costs_what_was_quoted_and_carries_our_reference(every: ContractShop) -> None:
    cart = await filled(every)
    await every.backend.apply_coupon(cart, "SAVE10")
    draft = await drafted(every, cart)

    quoted = await every.backend.quote_order(cart, draft)
    assert adds_up(quoted)
    assert quoted.totals.shipping is not None
    assert quoted.totals.total == aud(25110) + quoted.totals.shipping
    assert quoted.totals.tax_included
    assert quoted.totals.tax
    assert quoted.totals.no_tax is None
    assert quoted.ships_by
    assert every.method in {method.code for method in await every.backend.payment_methods(cart)}

    order = await every.backend.place_order(cart, draft, paid(every))
    assert order.total == quoted.totals.total
    [booked] = every.books()
    assert (booked.number, booked.total, booked.email) == (order.number, quoted.totals.total, EMAIL)
    assert REFERENCE in booked.texts
    assert "Leave at door" in booked.texts


async def test_totals_without_tax_say_for_which_delivery(every: ContractShop) -> None:
    cart = await filled(every)
    abroad = replace(ADA, country="NZ", city="Nelson", region="", postcode="7010")
    methods = await every.backend.shipping_methods(cart, Address(country="NZ", city="Nelson", postcode="7010"))
    assert methods
    draft = OrderDraft(email=EMAIL, shipping_address=abroad, billing_address=abroad, shipping_method=methods[0].code)
    totals = (await every.backend.quote_order(cart, draft)).totals
    assert (totals.no_tax == "for delivery to NZ") is (totals.tax is None)


async def test_a_preview_tells_the_same_and_leaves_the_cart_as_it_was(every: ContractShop) -> None:
    cart = await filled(every)
    draft = await drafted(every, cart)
    before = await every.backend.cart(cart)

    seen = await every.backend.preview_order(cart, draft)
    assert await every.backend.cart(cart) == before
    quoted = await every.backend.quote_order(cart, draft)
    assert seen.cart.cart_id == cart
    assert seen.cart.totals == quoted.totals
    assert [(line.sku, line.quantity) for line in seen.cart.lines] == [("PAD-2", 1)]
    assert [method.code for method in seen.methods] == [one.code for one in await every.backend.payment_methods(cart)]
    assert every.books() == []


async def test_a_cart_that_was_ordered_is_gone(every: ContractShop) -> None:
    cart = await filled(every)
    draft = await drafted(every, cart)
    await every.backend.quote_order(cart, draft)
    await every.backend.place_order(cart, draft, paid(every))

    with pytest.raises(errors.CartGone):
        await every.backend.cart(cart)
    with pytest.raises(errors.CartGone):
        await every.backend.quote_order(cart, draft)
    with pytest.raises(errors.CartGone):
        await every.backend.place_order(cart, draft, paid(every))
    assert len(every.books()) == 1


@pytest.mark.parametrize("fault", [DemoFault.AFTER, DemoFault.HTML, DemoFault.TRUNCATED])
async def test_an_order_whose_answer_is_lost_is_found_and_made_once(every: ContractShop, fault: DemoFault) -> None:
    cart = await filled(every)
    draft = await drafted(every, cart)
    await every.backend.quote_order(cart, draft)
    assert await every.backend.find_order(cart, REFERENCE) is None
    every.fail_order(fault)

    try:
        made: Order | None = await every.backend.place_order(cart, draft, paid(every))
    except errors.ShopOutcomeUnknown:
        made = await every.backend.find_order(cart, REFERENCE)
    if fault is DemoFault.HTML:
        assert made is None, "nothing was done"
        made = await every.backend.place_order(cart, draft, paid(every))
    assert made is not None
    [booked] = every.books()
    assert made.number in {booked.number, None}
    again = await every.backend.find_order(cart, REFERENCE)
    assert again is not None


async def test_a_shop_that_breaks_before_it_orders_has_made_nothing(every: ContractShop) -> None:
    cart = await filled(every)
    draft = await drafted(every, cart)
    await every.backend.quote_order(cart, draft)
    every.fail_order(DemoFault.BEFORE)

    with pytest.raises(errors.ShopOutcomeUnknown):
        await every.backend.place_order(cart, draft, paid(every))
    assert await every.backend.find_order(cart, REFERENCE) is None
    assert every.books() == []
    assert await every.backend.place_order(cart, draft, paid(every))
    assert len(every.books()) == 1


async def test_a_cart_is_ordered_once_by_many_at_the_same_time(every: ContractShop) -> None:
    cart = await filled(every)
    draft = await drafted(every, cart)
    await every.backend.quote_order(cart, draft)

    ends = await asyncio.gather(
        *(every.backend.place_order(cart, draft, paid(every)) for _ in range(4)), return_exceptions=True
    )
    [booked] = every.books()
    orders = [end for end in ends if isinstance(end, Order)]
    assert orders
    assert {order.number for order in orders} == {booked.number}
    assert all(isinstance(end, Order | errors.ShopError) for end in ends)


async def test_what_sells_out_meanwhile_is_not_ordered(every: ContractShop) -> None:
    cart = await filled(every)
    draft = await drafted(every, cart)
    await every.backend.quote_order(cart, draft)
    every.sell_out("PAD-2")

    with pytest.raises((errors.OutOfStock, errors.NotEnoughStock)):
        await every.backend.quote_order(cart, draft)
    with pytest.raises(errors.ShopError):
        await every.backend.place_order(cart, draft, paid(every))
    assert every.books() == []


@pytest.mark.parametrize("email", ["", "ada", "ada at example.com", "ada@example"])
async def test_no_order_goes_to_nobody(every: ContractShop, email: str) -> None:
    cart = await filled(every)
    draft = replace(await drafted(every, cart), email=email)

    for ask in (every.backend.quote_order, every.backend.preview_order):
        with pytest.raises(errors.EmailRefused):
            await ask(cart, draft)


async def test_an_address_that_lacks_something_is_refused_with_its_name(every: ContractShop) -> None:
    cart = await filled(every)
    draft = await drafted(every, cart)
    for changed, named in (
        ({"postcode": ""}, "postcode"),
        ({"region": ""}, "region"),
        ({"city": "-"}, "city"),
        ({"street": "n/a"}, "street"),
        ({"postcode": "00000"}, "postcode"),
    ):
        bad = replace(draft, shipping_address=replace(ADA, **changed))
        with pytest.raises(errors.AddressRefused, match=named):
            await every.backend.quote_order(cart, bad)
    with pytest.raises(errors.AddressRefused, match="shipping_address"):
        await every.backend.quote_order(cart, replace(draft, shipping_address=None))
    with pytest.raises(errors.CountryNotServed):
        await every.backend.quote_order(cart, replace(draft, shipping_address=replace(ADA, country=UNSERVED)))


async def test_a_way_to_send_it_that_there_is_not_is_refused_with_those_there_are(every: ContractShop) -> None:
    cart = await filled(every)
    draft = await drafted(every, cart)

    for code in ("by_balloon", ""):
        with pytest.raises(errors.ShippingMethodRefused) as caught:
            await every.backend.quote_order(cart, replace(draft, shipping_method=code))
        assert isinstance(caught.value.detail, ShippingOffers)
        assert draft.shipping_method in {method.code for method in caught.value.detail.methods}


async def test_an_empty_cart_is_not_ordered(every: ContractShop) -> None:
    draft = await drafted(every, await filled(every))
    empty = (await every.backend.create_cart()).cart_id

    for ask in (every.backend.quote_order, every.backend.preview_order):
        with pytest.raises(errors.CartEmpty):
            await ask(empty, draft)


async def test_a_way_to_pay_that_there_is_not_makes_no_order(every: ContractShop) -> None:
    cart = await filled(every)
    draft = await drafted(every, cart)
    await every.backend.quote_order(cart, draft)

    with pytest.raises(errors.OrderRefused):
        await every.backend.place_order(cart, draft, OrderSettlement(method="no_such", reference=REFERENCE))
    assert every.books() == []
    assert await every.backend.find_order(cart, REFERENCE) is None


async def test_a_cart_that_never_was_has_no_order(every: ContractShop) -> None:
    cart = await filled(every)
    draft = await drafted(every, cart)

    for gone in (CartId("f" * 32), CartId("cart_01M7WABHA9DH22EX2086NVQPZ7")):
        with pytest.raises(errors.CartGone):
            await every.backend.quote_order(gone, draft)
        with pytest.raises(errors.CartGone):
            await every.backend.place_order(gone, draft, paid(every))
