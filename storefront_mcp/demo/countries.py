"""Countries and regions, and addresses of guest carts."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from storefront_mcp.demo.api_errors import Json, check_storable


class DemoRegion(Struct, frozen=True, kw_only=True):
    """A state or territory."""

    id: int
    code: str
    name: str


class DemoCountry(Struct, frozen=True, kw_only=True):
    """A country by its ISO 3166-1 codes."""

    iso2: str
    iso3: str
    name: str
    regions: tuple[DemoRegion, ...] = ()


_COUNTRIES: Final = (
    "AU AUS Australia;AE ARE United Arab Emirates;AT AUT Austria;CA CAN Canada;CH CHE Switzerland;DE DEU Germany;"
    "EE EST Estonia;ES ESP Spain;FI FIN Finland;FJ FJI Fiji;FR FRA France;GB GBR United Kingdom;HK HKG Hong Kong;"
    "IE IRL Ireland;JP JPN Japan;NZ NZL New Zealand;SG SGP Singapore;US USA United States"
)
_REGIONS: Final = msgspec.json.decode(
    Path(__file__).with_name("regions.json").read_bytes(), type=dict[str, list[tuple[str, str]]]
)
"""Code and name of each region, for the countries for which Maho has some, and for Australia."""


def _countries() -> dict[str, DemoCountry]:
    found, number = {}, 0
    for line in _COUNTRIES.split(";"):
        iso2, iso3, name = line.split(" ", 2)
        named = _REGIONS.get(iso2, ())
        regions = tuple(DemoRegion(id=at, code=code, name=one) for at, (code, one) in enumerate(named, number + 1))
        number += len(regions)
        found[iso2] = DemoCountry(iso2=iso2, iso3=iso3, name=name, regions=regions)
    return found


COUNTRIES: Final = _countries()
UNSERVED_COUNTRIES: Final = frozenset({"FJ", "JP"})
DELIVERY_COUNTRIES: Final = tuple(code for code in COUNTRIES if code not in UNSERVED_COUNTRIES)
"""Countries that are shipped to: `allowedCountries`."""
HOME_COUNTRY: Final = "AU"

_TEXTS: Final = {
    "firstName": "first_name",
    "lastName": "last_name",
    "city": "city",
    "postcode": "postcode",
    "countryId": "country",
    "telephone": "telephone",
    "company": "company",
}
REQUIRED: Final = ("firstName", "lastName", "street", "city", "postcode", "countryId", "telephone")
MAX_CHARS: Final = {"postcode": 20, "telephone": 50}
MAX_OTHER_CHARS: Final = 255
"""Of every other text, the street's lines together. Maho cuts what is longer without a word."""


class DemoAddress(Struct, frozen=True, kw_only=True):
    """An address as the cart stores it; missing fields are empty."""

    first_name: str = ""
    last_name: str = ""
    company: str = ""
    street: tuple[str, ...] = ("",)
    city: str = ""
    region: str = ""
    region_id: int | None = None
    postcode: str = ""
    country: str = ""
    telephone: str = ""

    def missing(self, *, postcode_optional: Collection[str]) -> list[str]:
        """The required input keys that have no value; countries in `postcode_optional` need no postcode."""
        values = {key: getattr(self, name) for key, name in _TEXTS.items()}
        values["street"] = "".join(self.street)
        needed = [key for key in REQUIRED if key != "postcode" or self.country not in postcode_optional]
        return [key for key in needed if not str(values[key]).strip()]


def find_region(country: str, given: Any) -> DemoRegion | None:  # noqa: ANN401 - JSON
    """A region of the country by id, code or name."""
    regions = COUNTRIES[country].regions if country in COUNTRIES else ()
    folded = str(given).strip().casefold()
    for region in regions:
        if folded in {str(region.id), region.code.casefold(), region.name.casefold()}:
            return region
    return None


def read_address(given: Json, *, lists_become_array: bool) -> DemoAddress:
    """Read an address of a request body.

    A `street` may be text with a newline between its lines, or a list. Quotes and setters store a list, and a missing
    street in a quote, as the word "Array"; place-order does not. A text that cannot be stored is a 500.
    """
    texts = {
        name: str(given.get(key) or "").strip()[: MAX_CHARS.get(key, MAX_OTHER_CHARS)] for key, name in _TEXTS.items()
    }
    street = given.get("street")
    if isinstance(street, str):
        lines = tuple(street[:MAX_OTHER_CHARS].split("\n"))
    elif lists_become_array:
        lines = ("Array",)
    else:
        lines = tuple(str(line) for line in street) if isinstance(street, list) else ("",)
    check_storable(*texts.values(), *lines, str(given.get("region") or ""))
    country = texts["country"].upper()
    wanted = given.get("regionId") or given.get("region") or ""
    region = find_region(country, wanted)
    return DemoAddress(
        **(texts | {"country": country}),
        street=lines or ("",),
        region=region.name if region else str(given.get("region") or ""),
        region_id=region.id if region else None,
    )
