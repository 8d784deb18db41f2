"""Amounts and times as a buyer reads them."""

import re
from decimal import Decimal

from hypothesis import given, strategies as st

from storefront_mcp.commerce.money import EXPONENTS, Money, currency_exponent
from storefront_mcp.web.formatting import format_moment, format_money, format_time_left
from tests.fakes.memory_backend import NOW


@given(
    minor=st.integers(-(10**12), 10**12),
    currency=st.sampled_from(["AUD", "USD", "IQD", "UGX", "HUF", "AFN", *EXPONENTS]),
    locale=st.sampled_from(["en", "en-AU", "en-GB", "ja-JP", "en-US-x-odd", "xx", "not a locale", "zz-ZZ"]),
)
def test_every_digit_that_is_charged_is_shown(minor: int, currency: str, locale: str) -> None:
    text = format_money(Money(minor, currency), locale)
    assert Decimal(re.sub(r"[^\d.]", "", text)) == abs(Decimal(minor).scaleb(-currency_exponent(currency)))
    assert ("-" in text) == (minor < 0)


def test_amounts_are_written_as_the_shop_writes_them() -> None:
    assert format_money(Money(123456789, "EUR"), "de-DE") == "1.234.567,89\N{NO-BREAK SPACE}€"
    assert format_money(Money(1500, "JPY"), "ja-JP") == "￥1,500"
    assert format_money(Money(1234567, "KWD"), "en") == "KWD\N{NO-BREAK SPACE}1,234.567"


def test_time_is_told_roughly_and_exactly() -> None:
    assert [format_time_left(seconds) for seconds in (-5, 90, 3000, 6 * 86_400)] == [
        "1 minute",
        "2 minutes",
        "50 minutes",
        "6 days",
    ]
    shown = format_moment(int(NOW.timestamp()))
    assert (shown.text, shown.iso) == ("20 November 2026, 12:00 UTC", "2026-11-20T12:00:00Z")
