"""Countries and regions, and addresses of guest carts."""

from typing import Any, Final

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


_STATES = (
    ("ACT", "Australian Capital Territory"),
    ("NSW", "New South Wales"),
    ("NT", "Northern Territory"),
    ("QLD", "Queensland"),
    ("SA", "South Australia"),
    ("TAS", "Tasmania"),
    ("VIC", "Victoria"),
    ("WA", "Western Australia"),
)
_AUSTRALIA = DemoCountry(
    iso2="AU",
    iso3="AUS",
    name="Australia",
    regions=tuple(DemoRegion(id=569 + at, code=code, name=name) for at, (code, name) in enumerate(_STATES)),
)
_OTHERS = (
    ("DE", "DEU", "Germany"),
    ("FJ", "FJI", "Fiji"),
    ("FR", "FRA", "France"),
    ("GB", "GBR", "United Kingdom"),
    ("IE", "IRL", "Ireland"),
    ("JP", "JPN", "Japan"),
    ("NZ", "NZL", "New Zealand"),
    ("SG", "SGP", "Singapore"),
)
COUNTRIES: Final = {
    country.iso2: country
    for country in (_AUSTRALIA, *(DemoCountry(iso2=iso2, iso3=iso3, name=name) for iso2, iso3, name in _OTHERS))
}
DELIVERY_COUNTRIES: Final = ("AU", "GB", "NZ", "SG")
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

    def missing(self) -> list[str]:
        """The required input keys that have no value."""
        values = {key: getattr(self, name) for key, name in _TEXTS.items()}
        values["street"] = "".join(self.street)
        return [key for key in REQUIRED if not str(values[key]).strip()]


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
    texts = {name: str(given.get(key) or "").strip() for key, name in _TEXTS.items()}
    street = given.get("street")
    if isinstance(street, str):
        lines = tuple(street.split("\n"))
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
