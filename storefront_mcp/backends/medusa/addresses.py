"""Maps addresses to Medusa's form, which takes any: they are checked by the postal rules of their country first."""

from collections.abc import Collection
from typing import Final

from storefront_mcp.backends.medusa.regions import StoreRegion
from storefront_mcp.backends.postal.countries import country_code
from storefront_mcp.backends.postal.formats import PostalFormat, postal_format
from storefront_mcp.backends.postal.spelling import fold_name
from storefront_mcp.backends.postal.texts import address_texts
from storefront_mcp.commerce.address import Address, PostalAddress
from storefront_mcp.commerce.errors import AddressRefused, CountryNotServed

FIELDS: Final = {
    "first_name": "first_name",
    "last_name": "last_name",
    "company": "company",
    "city": "city",
    "region": "province",
    "postcode": "postal_code",
    "phone": "phone",
}
"""What agents call the fields of an address, apart from the street and the country, and what Medusa does."""
REQUIRED_FIELDS: Final = ("first_name", "street", "city")
MAX_CODE_CHARS: Final = 3
"""Of the part of an ISO 3166-2 code that is within the country."""


class AddressChecker:
    """Checks addresses against the region's countries, since Medusa takes orders without any."""

    def __init__(self, region: StoreRegion, *, regions_required: Collection[str] | None = None) -> None:
        """`regions_required`: countries whose addresses need a region; None for those in which mail needs one."""
        self._region = region
        self._regions_required = regions_required

    async def address(self, address: Address) -> dict[str, str]:
        """The request body of an address for a quote. Raises CountryNotServed and AddressRefused."""
        country = await self._country(address.country)
        return _body(address_texts(address, postal_format(country), what="address"), country)

    async def gaps(self, address: Address) -> tuple[str, ...]:
        """What an address lacks for a firm quote: a region or a postcode, where addresses need them."""
        country = await self._country(address.country)
        rules = postal_format(country)
        region = self._needs_region(country, rules) and not address.region.strip()
        postcode = rules.needs_postcode and not address.postcode.strip()
        return (*(("region",) if region else ()), *(("postcode",) if postcode else ()))

    async def postal(self, address: PostalAddress, *, what: str) -> dict[str, str]:
        """The request body of a complete order address; `what` is what agents call it.

        Both addresses of a cart must be in its region. Raises CountryNotServed and AddressRefused.
        """
        country = await self._country(address.country)
        rules = postal_format(country)
        texts = address_texts(address, rules, what=what)
        required = (*REQUIRED_FIELDS, *(("postcode",) if rules.needs_postcode else ()))
        missing = [name for name in required if not texts[name]]
        if self._needs_region(country, rules) and not texts["region"]:
            missing.append(f"region (a state or province of {country}, name or code)")
        if missing:
            raise AddressRefused(f"{what} lacks {' and '.join(missing)}.")
        return _body(texts, country)

    def _needs_region(self, country: str, rules: PostalFormat) -> bool:
        required = self._regions_required
        return rules.needs_region if required is None else country in required

    async def _country(self, given: str) -> str:
        """The ISO 3166-1 alpha-2 code of a country that is delivered to."""
        served = await self._region.countries()
        code = country_code(given)
        if code is None:
            named = {
                fold_name(one.display_name or ""): one.iso_2 for one in (await self._region.read()).countries or ()
            }
            code = named.get(fold_name(given), given.strip()).upper()
        if code not in served:
            raise CountryNotServed(code, served)
        return code


def _body(texts: dict[str, str], country: str) -> dict[str, str]:
    """An address in Medusa's form. The region is sent as an ISO 3166-2 code where it is one, as tax regions have it."""
    first, _, rest = texts["street"].partition("\n")
    body = {theirs: texts[ours] for ours, theirs in FIELDS.items()}
    body |= {"address_1": first, "address_2": ", ".join(rest.split("\n")), "country_code": country.lower()}
    body["province"] = _province(texts["region"], country)
    return body


def _province(region: str, country: str) -> str:
    """The code of a region where postal rules know it, as `us-ca`; else the region as it was given."""
    folded = fold_name(region.upper().removeprefix(f"{country}-"))
    for names in postal_format(country).regions:
        if folded and folded in names:
            short = min(names, key=lambda name: (len(name), name))
            return f"{country}-{short}".lower() if len(short) <= MAX_CODE_CHARS else region
    return region
