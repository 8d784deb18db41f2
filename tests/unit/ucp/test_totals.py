"""Totals by the rules of the protocol, whatever the shop's arithmetic."""

from hypothesis import given, strategies as st

from storefront_mcp.commerce.cart import Cart, CartLine, CartTotals
from storefront_mcp.commerce.ids import CartId, LineId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.ucp.totals import cart_totals, discounts_of, line_items

AMOUNTS = st.integers(0, 10**9)
NEGATIVE = {"discount", "gift_card"}
KNOWN = {"subtotal", "discount", "fulfillment", "tax", "total"}


def aud(minor: int) -> Money:
    return Money(minor, "AUD")


@st.composite
def totals(draw: st.DrawFn) -> CartTotals:
    optional = st.none() | AMOUNTS
    subtotal, discount, shipping, tax, cards = draw(AMOUNTS), *(draw(optional) for _ in range(4))
    other, included = draw(st.none() | st.integers(-(10**6), 10**6)), draw(st.booleans())
    total = subtotal - (discount or 0) + (shipping or 0) + (0 if included else tax or 0) - (cards or 0) + (other or 0)
    found = {"discount": discount, "shipping": shipping, "tax": tax, "gift_cards": cards, "other": other}
    return CartTotals(
        subtotal=aud(subtotal),
        **{name: None if amount is None else aud(amount) for name, amount in found.items()},
        tax_included=included,
        total=aud(total),
    )


@given(totals(), st.none() | st.just("TEN"))
def test_entries_add_up_to_the_total_with_the_signs_of_their_types(shop: CartTotals, coupon: str | None) -> None:
    entries = cart_totals(shop, coupon)
    kinds = [one.type for one in entries]
    assert sum(one.amount for one in entries[:-1]) == entries[-1].amount == shop.total.minor
    assert (kinds.count("subtotal"), kinds.count("total"), kinds[0], kinds[-1]) == (1, 1, "subtotal", "total")
    assert all(
        (one.amount < 0) == (one.type in NEGATIVE)
        for one in entries
        if one.type in KNOWN | NEGATIVE - {"total"}
        if one.type != "total"
    )
    assert all(one.display_text for one in entries if one.type not in KNOWN)
    assert ("tax" in kinds) == (shop.tax is not None and not shop.tax_included)


def test_tax_within_the_prices_is_told_by_the_total() -> None:
    shown = cart_totals(CartTotals(subtotal=aud(1100), tax=aud(100), tax_included=True, total=aud(1100)), None)
    assert [one.type for one in shown] == ["subtotal", "total"]
    assert shown[-1].display_text == "Total, with AUD 1.00 of tax included"


def test_a_line_shows_what_was_chosen_and_its_own_totals() -> None:
    line = CartLine(
        line_id=LineId("7"),
        sku=Sku("TEE"),
        name="Tee",
        quantity=2,
        price=aud(500),
        total=aud(1000),
        options={"Colour": "Black", "Size": "M"},
    )
    cart = Cart(cart_id=CartId("c"), lines=(line,), totals=CartTotals(subtotal=aud(1000), total=aud(1000)))
    (shown,) = line_items(cart)
    assert (shown.id, shown.item.id, shown.item.title, shown.item.price) == ("7", "TEE", "Tee (Black, M)", 500)
    assert [(one.type, one.amount) for one in shown.totals] == [("subtotal", 1000), ("total", 1000)]


def test_a_discount_of_no_code_is_automatic() -> None:
    reduced = CartTotals(subtotal=aud(1000), discount=aud(100), total=aud(900))
    found = discounts_of(Cart(cart_id=CartId("c"), totals=reduced), ())
    assert found is not None
    assert [(one.code, one.automatic, one.amount) for one in found.applied] == [(None, True, 100)]
    assert discounts_of(Cart(cart_id=CartId("c"), totals=CartTotals(subtotal=aud(1), total=aud(1))), ()) is None
