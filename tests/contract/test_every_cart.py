"""What every adapter owes of a cart: lines, stock, codes and what delivery costs."""

import pytest

from storefront_mcp.commerce import errors
from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.error_details import ServedCountries, VariantChoices
from storefront_mcp.commerce.ids import LineId, Sku
from tests.contract.shops.contract_shop import HOME, UNSERVED, ContractShop, adds_up, aud, filled
from tests.fakes.demo_faults import DemoFault

pytestmark = pytest.mark.slow

BLACK_M = {"Colour": "Black", "Size": "M"}


async def test_a_guest_fills_changes_and_empties_a_cart(every: ContractShop) -> None:
    backend = every.backend
    cart = (await backend.create_cart()).cart_id
    await backend.add_line(cart, Sku("PAD-2"), 1, {})
    await backend.add_line(cart, Sku("PAD-2"), 1, {})
    full = await backend.add_line(cart, Sku("TEE-BLACK-M"), 3, {})

    assert [(line.sku, line.quantity) for line in full.lines] == [("PAD-2", 2), ("TEE-BLACK-M", 3)]
    assert [(line.price, line.total) for line in full.lines] == [(aud(27900), aud(55800)), (aud(2500), aud(7500))]
    assert full.totals.total == full.totals.subtotal == aud(63300)
    assert adds_up(full)
    assert full.notice is None
    assert full.ships_nothing is False
    assert await backend.cart(cart) == full

    fewer = await backend.update_line(cart, full.lines[0].line_id, 1)
    assert fewer.totals.total == aud(35400)
    for line in full.lines:
        fewer = await backend.remove_line(cart, line.line_id)
    assert fewer.lines == ()
    assert fewer.totals.total == aud(0)


async def test_two_carts_know_nothing_of_each_other(every: ContractShop) -> None:
    one, other = await filled(every), await filled(every, "JAR-DILL", 2)

    assert one != other
    assert [line.sku for line in (await every.backend.cart(one)).lines] == ["PAD-2"]
    assert [line.sku for line in (await every.backend.cart(other)).lines] == ["JAR-DILL"]


async def test_a_line_is_named_by_its_id_or_by_its_sku(every: ContractShop) -> None:
    cart = await filled(every)

    assert (await every.backend.update_line(cart, LineId("PAD-2"), 3)).lines[0].quantity == 3
    assert (await every.backend.remove_line(cart, LineId("pad-2"))).lines == ()


async def test_a_line_that_is_not_there_is_said_to_be_missing(every: ContractShop) -> None:
    cart = await filled(every)
    line = (await every.backend.cart(cart)).lines[0].line_id
    await every.backend.remove_line(cart, line)

    for gone in (line, LineId("999999"), LineId("../x"), LineId("JAR-DILL")):
        with pytest.raises(errors.LineNotFound):
            await every.backend.update_line(cart, gone, 2)
        with pytest.raises(errors.LineNotFound):
            await every.backend.remove_line(cart, gone)


async def test_a_family_of_variants_is_refused_with_its_variants(every: ContractShop) -> None:
    cart = (await every.backend.create_cart()).cart_id

    for key in (every.family, "club-tee"):
        with pytest.raises(errors.VariantNeeded) as caught:
            await every.backend.add_line(cart, Sku(key), 1, {})
        choices = caught.value.detail
        assert isinstance(choices, VariantChoices)
        assert "TEE-BLACK-M" in {variant.sku for variant in choices.variants}
    assert (await every.backend.cart(cart)).lines == ()


async def test_options_in_words_choose_the_variant_that_they_name(every: ContractShop) -> None:
    cart = (await every.backend.create_cart()).cart_id
    for sku, words in (
        (every.family, BLACK_M),
        (every.family, {"size": " m", "COLOUR": "black"}),
        ("TEE-BLACK-M", BLACK_M),
    ):
        after = await every.backend.add_line(cart, Sku(sku), 1, words)
    assert [(line.sku, line.quantity) for line in after.lines] == [("TEE-BLACK-M", 3)]

    for sku, words in (
        (every.family, {"Size": "M"}),
        (every.family, {"Colour": "Pink", "Size": "M"}),
        ("TEE-BLACK-M", {"Colour": "Blue", "Size": "M"}),
    ):
        with pytest.raises(errors.VariantNeeded):
            await every.backend.add_line(cart, Sku(sku), 1, words)
    with pytest.raises(errors.OutOfStock):
        await every.backend.add_line(cart, Sku(every.family), 1, {"Colour": "Green", "Size": "XL"})


async def test_what_is_not_sold_is_not_put_into_a_cart(every: ContractShop) -> None:
    cart = (await every.backend.create_cart()).cart_id

    with pytest.raises(errors.ProductNotFound):
        await every.backend.add_line(cart, Sku("NO-SUCH-THING"), 1, {})
    with pytest.raises(errors.OptionsNeeded):
        await every.backend.add_line(cart, Sku("PAD-2"), 1, {"Engraving": "ADA"})
    assert (await every.backend.cart(cart)).lines == ()


async def test_stock_is_respected_on_adding_and_on_updating(every: ContractShop) -> None:
    cart = (await every.backend.create_cart()).cart_id
    with pytest.raises(errors.OutOfStock):
        await every.backend.add_line(cart, Sku("PAD-3"), 1, {})
    with pytest.raises(errors.NotEnoughStock) as caught:
        await every.backend.add_line(cart, Sku("PAD-2"), 49, {})
    assert caught.value.available in {48, None}
    await every.backend.add_line(cart, Sku("PAD-2"), 40, {})
    with pytest.raises(errors.NotEnoughStock):
        await every.backend.add_line(cart, Sku("PAD-2"), 9, {})
    with pytest.raises(errors.NotEnoughStock):
        await every.backend.update_line(cart, LineId("PAD-2"), 49)

    assert [(line.sku, line.quantity) for line in (await every.backend.cart(cart)).lines] == [("PAD-2", 40)]


async def test_a_coupon_takes_its_share_off_and_goes_again(every: ContractShop) -> None:
    cart = await filled(every)
    before = await every.backend.cart(cart)

    after = await every.backend.apply_coupon(cart, "SAVE10")
    assert (after.coupon, after.totals.discount, after.totals.total) == ("SAVE10", aud(2790), aud(25110))
    assert adds_up(after)
    assert await every.backend.cart(cart) == after
    assert await every.backend.remove_coupon(cart) == before
    assert await every.backend.remove_coupon(cart) == before


@pytest.mark.parametrize("code", ["NOPE", "LASTSUMMER", "BIGDILL20", "-", "x" * 60])
async def test_a_code_that_does_not_apply_is_refused_and_the_cart_stays(every: ContractShop, code: str) -> None:
    cart = await filled(every, "JAR-DILL")
    before = await every.backend.cart(cart)

    with pytest.raises(errors.CouponRejected):
        await every.backend.apply_coupon(cart, code)
    assert await every.backend.cart(cart) == before


async def test_a_code_is_taken_in_whatever_case_where_the_shop_does(every: ContractShop) -> None:
    cart = await filled(every)

    if "coupon_case" in every.lacks:
        with pytest.raises(errors.CouponRejected):
            await every.backend.apply_coupon(cart, "save10")
    else:
        assert (await every.backend.apply_coupon(cart, "save10")).totals.discount == aud(2790)


async def test_gift_cards_are_taken_or_refused(every: ContractShop) -> None:
    cart = await filled(every)

    with pytest.raises(errors.GiftCardRejected) as caught:
        await every.backend.apply_gift_card(cart, "GC-NONE-1")
    assert "GC-NONE-1" not in str(caught.value)
    if "gift_cards" in every.lacks:
        assert (await every.backend.remove_gift_card(cart, "GC-NONE-1")).gift_cards == ()
    else:
        paid = await every.backend.apply_gift_card(cart, "GC-BRINE-50")
        assert paid.totals.gift_cards == aud(5000)
        assert adds_up(paid)


async def test_delivery_is_quoted_for_a_place(every: ContractShop) -> None:
    cart = await filled(every)

    methods = await every.backend.shipping_methods(cart, HOME)
    assert methods
    assert len({method.code for method in methods}) == len(methods) >= 2
    assert all(method.title and method.price.currency == "AUD" for method in methods)
    abroad = await every.backend.shipping_methods(cart, Address(country="New Zealand", city="Nelson", postcode="7010"))
    assert abroad
    assert {method.code for method in abroad}.isdisjoint(method.code for method in methods)
    assert [(line.sku, line.quantity) for line in (await every.backend.cart(cart)).lines] == [("PAD-2", 1)]


async def test_a_country_that_is_not_served_is_refused_with_those_that_are(every: ContractShop) -> None:
    cart = await filled(every)

    for country in (UNSERVED, "Atlantis", "ZZ"):
        with pytest.raises(errors.CountryNotServed) as caught:
            await every.backend.shipping_methods(cart, Address(country=country))
        assert isinstance(caught.value.detail, ServedCountries)
        assert "AU" in caught.value.detail.countries


async def test_what_a_firm_quote_lacks_is_named(every: ContractShop) -> None:
    assert set(await every.backend.quote_gaps(Address(country="AU"))) == {"postcode", "region"}
    assert list(await every.backend.quote_gaps(HOME)) == []


@pytest.mark.parametrize("fault", [DemoFault.AFTER, DemoFault.HTML, DemoFault.TRUNCATED])
async def test_a_change_whose_answer_is_lost_is_said_to_be_unclear(every: ContractShop, fault: DemoFault) -> None:
    cart = await filled(every)
    await every.backend.product("JAR-DILL")
    every.fail_write(fault)

    with pytest.raises(errors.ShopOutcomeUnknown):
        await every.backend.add_line(cart, Sku("JAR-DILL"), 1, {})
    kept = [(line.sku, line.quantity) for line in (await every.backend.cart(cart)).lines]
    assert kept in ([("PAD-2", 1)], [("PAD-2", 1), ("JAR-DILL", 1)]), "once, or not at all"
