"""Money: exact, in minor units, one currency at a time."""

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from storefront_mcp.commerce.money import Money, currency_exponent

CURRENCIES = st.sampled_from(["AUD", "EUR", "JPY", "KWD", "CLF"])
MINOR = st.integers(-(10**17), 10**17)
AMOUNTS = st.builds(Money, MINOR, CURRENCIES)


@pytest.mark.parametrize(
    ("currency", "digits"), [("AUD", 2), ("USD", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("BHD", 3), ("CLF", 4)]
)
def test_currencies_have_the_digits_that_iso_4217_gives_them(currency: str, digits: int) -> None:
    assert currency_exponent(currency) == digits
    assert Money.of(1, currency).minor == 10**digits
    assert Money(10**digits, currency).major() == 1


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("279", "AUD", 27900),
        ("279.0000", "AUD", 27900),
        ("0.005", "AUD", 1),
        ("0.004999", "AUD", 0),
        ("-0.005", "AUD", -1),
        ("-0.004", "AUD", 0),
        ("1.5", "JPY", 2),
        ("2.5", "JPY", 3),
        ("1.2345", "KWD", 1235),
        ("1.23455", "CLF", 12346),
        (Decimal("19.99"), "EUR", 1999),
        (3, "EUR", 300),
        ("1e3", "AUD", 100000),
        ("1e-900000", "AUD", 0),
        (" 12.50 ", "AUD", 1250),
        ("9999999999999999.99", "AUD", 999999999999999999),
    ],
)
def test_amounts_are_read_exactly_and_halves_round_away_from_zero(
    amount: str | int | Decimal, currency: str, minor: int
) -> None:
    assert Money.of(amount, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "amount",
    ["", "abc", "NaN", "sNaN", "Infinity", "-Infinity", "1,50", "1e999999", "1e999998", "1e30", "--1", "1.2.3"],
)
def test_what_is_no_amount_is_a_value_error_that_repeats_it(amount: str) -> None:
    with pytest.raises(ValueError, match="not an amount of money") as refused:
        Money.of(amount, "AUD")
    assert repr(amount[:40]) in str(refused.value)


def test_a_very_long_text_is_not_repeated_whole() -> None:
    with pytest.raises(ValueError) as refused:
        Money.of("x" * 10_000, "AUD")
    assert len(str(refused.value)) < 100


@given(st.text(max_size=40), CURRENCIES)
def test_no_text_breaks_the_reader(text: str, currency: str) -> None:
    minor = 0
    with contextlib.suppress(ValueError):
        minor = Money.of(text, currency).minor
    assert isinstance(minor, int)
    assert abs(minor) <= 10**18


@given(AMOUNTS)
def test_major_units_read_back_as_the_same_amount(money: Money) -> None:
    assert Money.of(money.major(), money.currency) == money
    assert Money.of(str(money.major()), money.currency) == money
    assert str(money) == f"{money.currency} {money.major():f}"


@given(MINOR, MINOR, MINOR, CURRENCIES)
def test_sums_and_differences_undo_each_other(a: int, b: int, c: int, currency: str) -> None:
    one, two, three = Money(a, currency), Money(b, currency), Money(c, currency)
    assert one + two - two == one
    assert one + two == two + one
    assert (one + two) + three == one + (two + three)
    assert one - one == Money(0, currency)
    assert bool(one) is (a != 0)


@given(MINOR, st.integers(0, 999), CURRENCIES)
def test_so_many_pieces_cost_so_many_times_as_much(a: int, times: int, currency: str) -> None:
    assert Money(a, currency) * times == sum([Money(a, currency)] * times, Money(0, currency))


def test_two_currencies_never_add_up() -> None:
    with pytest.raises(ValueError, match="AUD and EUR do not add up"):
        Money(1, "AUD") + Money(1, "EUR")
    with pytest.raises(ValueError, match="AUD and JPY do not add up"):
        Money(1, "AUD") - Money(1, "JPY")


def test_people_read_all_digits() -> None:
    assert [str(Money(5, currency)) for currency in ("AUD", "JPY", "KWD")] == ["AUD 0.05", "JPY 5", "KWD 0.005"]
