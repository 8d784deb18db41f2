"""Totals of carts, with tax inside or on top. Nothing is rounded, as in Medusa."""

from collections.abc import Mapping
from fractions import Fraction

from tests.fakes.medusa.stock import Json


def number(amount: Fraction) -> int | float:
    """As JavaScript writes it."""
    return int(amount) if amount.denominator == 1 else float(amount)


def amount_in(prices: list[Json] | None, currency: str) -> Fraction | None:
    """The amount of a price in a currency; None where there is none."""
    return next((Fraction(str(one["amount"])) for one in prices or () if one["currency_code"] == currency), None)


class RowTotals:
    """What one line, or one way of shipping, comes to."""

    def __init__(self, gross: Fraction, *, percent: int, inclusive: bool, discount: Fraction = Fraction(0)) -> None:
        rate = Fraction(percent, 100)
        self.subtotal = gross / (1 + rate) if inclusive else gross
        """Without tax, before discounts."""
        self.discount = min(discount, self.subtotal)
        """Without tax."""
        self.tax = (self.subtotal - self.discount) * rate
        self.total = self.subtotal - self.discount + self.tax
        self.original_tax = self.subtotal * rate
        self.discount_tax = self.discount * rate


def discounts(
    promotions: Mapping[str, Json], codes: list[str], rows: list[Fraction], *, goods: Fraction, currency: str
) -> dict[str, list[Fraction]]:
    """What each code takes off each row, `rows` being without tax: the one with the highest value first.

    A fixed amount comes off before tax, so that it is more where tax is inside. `goods` is what rules look at.
    """
    found: dict[str, list[Fraction]] = {}
    left = list(rows)
    for code in sorted(codes, key=lambda one: -promotions[one]["application_method"]["value"]):
        promotion = promotions[code]
        method, whole = promotion["application_method"], sum(left)
        least = max((Fraction(one["values"][0]) for one in promotion["rules"]), default=Fraction(0))
        if promotion["status"] != "active" or method["currency_code"] != currency or whole <= 0 or goods < least:
            continue
        if method["type"] == "percentage":
            taken = [row * method["value"] / 100 for row in left]
        else:
            amount = min(Fraction(method["value"]), whole)
            taken = [amount * row / whole for row in left]
        found[code] = taken
        left = [row - less for row, less in zip(left, taken, strict=True)]
    return found


def totals(rows: list[RowTotals], ways: list[RowTotals]) -> Json:
    """The totals of a cart or an order."""
    both = [*rows, *ways]

    def of(parts: list[RowTotals], name: str) -> Fraction:
        return sum((getattr(part, name) for part in parts), Fraction(0))

    told = {
        "total": of(both, "total"),
        "subtotal": of(both, "subtotal"),
        "tax_total": of(both, "tax"),
        "discount_total": of(both, "discount") + of(both, "discount_tax"),
        "discount_subtotal": of(both, "discount"),
        "discount_tax_total": of(both, "discount_tax"),
        "original_total": of(both, "subtotal") + of(both, "original_tax"),
        "original_tax_total": of(both, "original_tax"),
        "item_total": of(rows, "total"),
        "item_subtotal": of(rows, "subtotal"),
        "item_tax_total": of(rows, "tax"),
        "item_discount_total": of(rows, "discount") + of(rows, "discount_tax"),
        "original_item_total": of(rows, "subtotal") + of(rows, "original_tax"),
        "original_item_subtotal": of(rows, "subtotal"),
        "original_item_tax_total": of(rows, "original_tax"),
        "shipping_total": of(ways, "total"),
        "shipping_subtotal": of(ways, "subtotal"),
        "shipping_tax_total": of(ways, "tax"),
        "shipping_discount_total": of(ways, "discount"),
        "original_shipping_total": of(ways, "subtotal") + of(ways, "original_tax"),
        "original_shipping_subtotal": of(ways, "subtotal"),
        "original_shipping_tax_total": of(ways, "original_tax"),
        "credit_line_total": Fraction(0),
        "credit_line_subtotal": Fraction(0),
        "credit_line_tax_total": Fraction(0),
    }
    return {name: number(amount) for name, amount in told.items()}
