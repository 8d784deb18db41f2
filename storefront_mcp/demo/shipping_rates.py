"""Shipping rates of two carriers: Australia Post by state and weight, and a local bicycle courier."""

from typing import Final

from msgspec import Struct

from storefront_mcp.demo.countries import HOME_COUNTRY, DemoAddress

FREE_PARCEL_FROM: Final = 150_00
"""Goods value in AUD cents after discounts from which Parcel Post within Australia is free."""

_HOME_STATE = "VIC"
_FAR_STATES = frozenset({"WA", "NT", "TAS"})
_STATE_BY_DIGIT = {"0": "NT", "2": "NSW", "3": "VIC", "4": "QLD", "5": "SA", "6": "WA", "7": "TAS"}
_COURIER_POSTCODES = frozenset(str(postcode) for postcode in range(3000, 3208))
_COURIER_GRAMS = 20_000
_EXPRESS_GRAMS = 22_000


class ShippingOffer(Struct, frozen=True, kw_only=True):
    """One shipping method with its price; `cents` are AUD including GST where GST is due."""

    carrier: str
    method: str
    carrier_title: str
    method_title: str
    cents: int

    @property
    def code(self) -> str:
        """Carrier and method code, as place-order reads it."""
        return f"{self.carrier}_{self.method}"

    @property
    def title(self) -> str:
        """Title for shoppers."""
        return f"{self.carrier_title} - {self.method_title}"


def _post(method: str, method_title: str, cents: int) -> ShippingOffer:
    return ShippingOffer(
        carrier="auspost", method=method, carrier_title="Australia Post", method_title=method_title, cents=cents
    )


def australian_state(address: DemoAddress) -> str:
    """Australian state of an address: by postcode, else by region; empty when neither gives one."""
    postcode = address.postcode
    if len(postcode) == 4 and postcode.isdecimal():  # noqa: PLR2004 - every Australian postcode has four digits
        return _STATE_BY_DIGIT.get(postcode[0], "")
    return {"Victoria": "VIC", "Western Australia": "WA", "Northern Territory": "NT", "Tasmania": "TAS"}.get(
        address.region, ""
    )


def _extra_kilograms(grams: int) -> int:
    """Started kilograms after the first."""
    return max(0, -(-grams // 1000) - 1)


def _within_australia(address: DemoAddress, grams: int, goods: int) -> list[ShippingOffer]:
    state = australian_state(address)
    parcel = 9_95 if state == _HOME_STATE else 15_95 if state in _FAR_STATES else 11_95
    extra = _extra_kilograms(grams)
    parcel += extra * (2_20 if state in _FAR_STATES else 1_10)
    rates = [_post("parcel", "Parcel Post", 0 if goods >= FREE_PARCEL_FROM else parcel)]
    if grams <= _EXPRESS_GRAMS:
        rates.append(_post("express", "Express Post", parcel + 5_50 + extra * 1_65))
    if address.postcode in _COURIER_POSTCODES and grams <= _COURIER_GRAMS:
        rates.append(
            ShippingOffer(
                carrier="brinebike",
                method="sameday",
                carrier_title="Brine Bike",
                method_title="Same-day courier",
                cents=14_50,
            )
        )
    return rates


def shipping_offers(address: DemoAddress, *, grams: int, goods: int) -> list[ShippingOffer]:
    """Shipping offers for an address, cheapest service first.

    `grams` is the cart's weight, `goods` its value in AUD cents after discounts. Without a country there are none. An
    unknown country gets the international rate, as in Maho.
    """
    if not address.country:
        return []
    if address.country == HOME_COUNTRY:
        return _within_australia(address, grams, goods)
    extra = _extra_kilograms(grams)
    if address.country == "NZ":
        return [_post("international", "International Standard", 19_95 + extra * 6_00)]
    return [_post("international", "International Standard", 34_95 + extra * 12_00)]
