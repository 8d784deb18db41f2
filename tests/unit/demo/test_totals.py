"""Totals add up to the cent, whatever is in the cart."""

from hypothesis import given, strategies as st

from storefront_mcp.commerce.money import Money, currency_exponent
from storefront_mcp.demo.cart_shapes import prices_shape
from storefront_mcp.demo.countries import DemoAddress
from storefront_mcp.demo.coupons import COUPONS, GIFT_CARDS, DemoCoupon, line_discounts
from storefront_mcp.demo.currencies import AUD, CURRENCIES, DemoCurrency, included_gst
from storefront_mcp.demo.models import DemoCart, DemoCartLine
from storefront_mcp.demo.shipping_rates import ShippingOffer
from storefront_mcp.demo.totals import calculate_totals

LINES = st.lists(
    st.builds(
        DemoCartLine,
        id=st.integers(1, 99),
        sku=st.just("X"),
        name=st.just("X"),
        product_id=st.just(1),
        product_type=st.just("simple"),
        qty=st.integers(1, 40),
        cents=st.integers(1, 99_999),
        grams=st.integers(1, 5_000),
    ),
    max_size=6,
).map(tuple)
CARTS = st.builds(
    DemoCart,
    id=st.just(1),
    masked_id=st.just("a" * 32),
    created=st.just(0.0),
    updated=st.just(0.0),
    lines=LINES,
    coupon=st.sampled_from([None, *COUPONS, "save10"]),
    gift_cards=st.lists(st.sampled_from(list(GIFT_CARDS)), unique=True).map(tuple),
    shipping_address=st.sampled_from([None, DemoAddress(country="AU"), DemoAddress(country="NZ")]),
)
RATES = st.none() | st.integers(0, 9_999).map(
    lambda cents: ShippingOffer(carrier="a", method="b", carrier_title="A", method_title="B", cents=cents)
)


@given(CARTS, RATES, st.sampled_from(list(CURRENCIES.values())))
def test_lines_less_discount_plus_shipping_less_gift_cards_is_the_grand_total(
    cart: DemoCart, rate: ShippingOffer | None, currency: DemoCurrency
) -> None:
    totals = calculate_totals(cart, currency, rate, GIFT_CARDS)
    rows = sum(line.row for line in totals.lines)
    assert rows - totals.discount + (totals.shipping or 0) - totals.giftcard == totals.grand
    assert totals.grand >= 0
    assert 0 <= totals.discount <= rows
    assert all(0 <= line.discount <= line.row for line in totals.lines)


@given(CARTS, RATES)
def test_gst_is_one_eleventh_of_what_is_paid_or_nothing(cart: DemoCart, rate: ShippingOffer | None) -> None:
    totals = calculate_totals(cart, AUD, rate, {})
    abroad = cart.shipping_address is not None and cart.shipping_address.country == "NZ"
    assert totals.taxed is not abroad
    paid = totals.subtotal - totals.discount + (totals.shipping or 0)
    assert abs(totals.tax - (0 if abroad else paid / 11)) <= (len(cart.lines) + 1) / 2


@given(CARTS, RATES, st.sampled_from(list(CURRENCIES.values())))
def test_maho_s_prices_say_the_same_with_and_without_tax(
    cart: DemoCart, rate: ShippingOffer | None, currency: DemoCurrency
) -> None:
    totals = calculate_totals(cart, currency, rate, GIFT_CARDS)
    unit = 10**currency.digits
    shown = prices_shape(totals, calculate_totals(cart, AUD, rate, GIFT_CARDS))
    prices = {key: None if value is None else round(value * unit) for key, value in shown.items()}
    assert (
        prices["subtotalInclTax"]
        - (prices["discountAmount"] or 0)
        + (prices["shippingAmountInclTax"] or 0)
        - (prices["giftcardAmount"] or 0)
        == prices["grandTotal"]
    )
    assert prices["subtotal"] <= prices["subtotalInclTax"]
    if prices["shippingAmount"] is not None:
        assert prices["shippingAmount"] + prices["shippingTaxAmount"] == prices["shippingAmountInclTax"]


@given(st.sampled_from(list(COUPONS.values())), st.lists(st.integers(0, 500_000), max_size=8))
def test_a_fixed_coupon_is_spread_without_losing_a_cent(coupon: DemoCoupon, rows: list[int]) -> None:
    discounts = line_discounts(coupon, rows)
    assert len(discounts) == len(rows)
    if not coupon.percent:
        assert sum(discounts) == min(coupon.cents, sum(rows))


@given(st.integers(0, 10**7))
def test_gst_is_rounded_half_a_cent_up(amount: int) -> None:
    assert abs(included_gst(amount) - amount / 11) <= 0.5


@given(st.integers(0, 10**9), st.sampled_from(list(CURRENCIES.values())))
def test_a_number_in_major_units_loses_nothing(amount: int, currency: DemoCurrency) -> None:
    written = str(currency.major(amount))
    assert Money.of(written, currency.code) == Money(amount, currency.code)
    assert currency_exponent(currency.code) == currency.digits
