"""Two carriers and what they ask: Australia Post by state and weight, a bicycle courier around the warehouse."""

from typing import Final

from msgspec import Struct

from storefront_mcp.demo.places import HOME, Address

FREE_PARCEL_FROM: Final = 150_00
"""Goods for this much travel free by Parcel Post within Australia, in AUD cents after discounts."""

_HOME_STATE = "VIC"
_FAR_STATES = frozenset({"WA", "NT", "TAS"})
_STATE_BY_DIGIT = {"0": "NT", "2": "NSW", "3": "VIC", "4": "QLD", "5": "SA", "6": "WA", "7": "TAS"}
_COURIER_POSTCODES = frozenset(str(postcode) for postcode in range(3000, 3208))
_COURIER_GRAMS = 20_000
_EXPRESS_GRAMS = 22_000


class Rate(Struct, frozen=True, kw_only=True):
    """One way to send a parcel; `cents` are AUD including GST where GST is due."""

    carrier: str
    method: str
    carrier_title: str
    method_title: str
    cents: int

    @property
    def code(self) -> str:
        """What place-order wants."""
        return f"{self.carrier}_{self.method}"

    @property
    def title(self) -> str:
        """What a shopper reads."""
        return f"{self.carrier_title} - {self.method_title}"


def _post(method: str, method_title: str, cents: int) -> Rate:
    return Rate(
        carrier="auspost", method=method, carrier_title="Australia Post", method_title=method_title, cents=cents
    )


def state_of(address: Address) -> str:
    """The Australian state a parcel goes to: by postcode, else by region; empty when neither says."""
    postcode = address.postcode
    if len(postcode) == 4 and postcode.isdecimal():  # noqa: PLR2004 - every Australian postcode has four digits
        return _STATE_BY_DIGIT.get(postcode[0], "")
    return {"Victoria": "VIC", "Western Australia": "WA", "Northern Territory": "NT", "Tasmania": "TAS"}.get(
        address.region, ""
    )


def _extra_kilograms(grams: int) -> int:
    """Started kilograms after the first."""
    return max(0, -(-grams // 1000) - 1)


def _within_australia(address: Address, grams: int, goods: int) -> list[Rate]:
    state = state_of(address)
    parcel = 9_95 if state == _HOME_STATE else 15_95 if state in _FAR_STATES else 11_95
    extra = _extra_kilograms(grams)
    parcel += extra * (2_20 if state in _FAR_STATES else 1_10)
    rates = [_post("parcel", "Parcel Post", 0 if goods >= FREE_PARCEL_FROM else parcel)]
    if grams <= _EXPRESS_GRAMS:
        rates.append(_post("express", "Express Post", parcel + 5_50 + extra * 1_65))
    if address.postcode in _COURIER_POSTCODES and grams <= _COURIER_GRAMS:
        rates.append(
            Rate(
                carrier="brinebike",
                method="sameday",
                carrier_title="Brine Bike",
                method_title="Same-day courier",
                cents=14_50,
            )
        )
    return rates


def quote(address: Address, *, grams: int, goods: int) -> list[Rate]:
    """What is offered for an address, cheapest promise first.

    `grams` is the cart's weight, `goods` its value in AUD cents after discounts. No country: nothing is offered. A
    country nobody has heard of gets the international rate, as on the real thing.
    """
    if not address.country:
        return []
    if address.country == HOME:
        return _within_australia(address, grams, goods)
    extra = _extra_kilograms(grams)
    if address.country == "NZ":
        return [_post("international", "International Standard", 19_95 + extra * 6_00)]
    return [_post("international", "International Standard", 34_95 + extra * 12_00)]
