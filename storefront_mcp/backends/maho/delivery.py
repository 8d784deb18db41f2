"""Where a Maho shop delivers to: its countries, and the names its regions go by."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from storefront_mcp.backends.maho.rest import Rest, accepted
from storefront_mcp.backends.maho.shapes import Country, Region, StoreConfig
from storefront_mcp.backends.memory import Remembered
from storefront_mcp.backends.text import line
from storefront_mcp.commerce.address import Address, PostalAddress
from storefront_mcp.commerce.errors import AddressRefused, CountryNotServed

KEPT: Final = 300.0
"""Seconds; the shop itself lets anybody keep these for an hour."""
COUNTRIES: Final = 250
CODE: Final = 2
NAMED: Final = {
    "firstName": "the first name",
    "lastName": "the last name",
    "street": "the street",
    "city": "the city",
    "postcode": "the postcode",
    "telephone": "a phone number",
}
"""What an address of an order must have, in words."""


class Delivery:
    """Addresses as a store can use them. The shop quotes for any country code, so we look first."""

    def __init__(self, rest: Rest, *, clock: Callable[[], float]) -> None:
        self._rest = rest
        self._served: Remembered[str, tuple[str, ...]] = Remembered(size=1, seconds=KEPT, clock=clock)
        self._regions: Remembered[str, tuple[Region, ...]] = Remembered(size=COUNTRIES, seconds=KEPT, clock=clock)
        self.remembered: Final = (self._served, self._regions)

    async def address(self, address: Address) -> dict[str, object]:
        """An address for a quote, as the shop takes it. Raises CountryNotServed, and AddressRefused for a bad region.

        All keys are sent, and the street as one text: the shop writes what it is given onto the cart, and writes a
        list as the word "Array".
        """
        country = await self._country(address.country, served=True)
        written: dict[str, object] = {
            "firstName": "",
            "lastName": "",
            "company": "",
            "street": address.street,
            "city": address.city,
            "region": address.region,
            "postcode": address.postcode,
            "countryId": country,
            "telephone": "",
        }
        return written | await self._region(country, address.region)

    async def postal(self, address: PostalAddress, *, served: bool) -> dict[str, object]:
        """A whole address for an order, with nothing missing, since the shop says only "internal error" to gaps.

        `served`: whether a parcel goes there. Raises CountryNotServed and AddressRefused.
        """
        written: dict[str, object] = {
            "firstName": address.first_name.strip(),
            "lastName": address.last_name.strip(),
            "street": "\n".join(part for one in address.street.splitlines() if (part := one.strip())),
            "city": address.city.strip(),
            "postcode": address.postcode.strip(),
            "telephone": address.phone.strip(),
        }
        for key, value in written.items():
            if not value:
                raise AddressRefused(f"{NAMED[key].capitalize()} is missing from the address.")
        country = await self._country(address.country, served=served)
        if not address.region.strip() and await self._regions_of(country):
            raise AddressRefused(f"An address in {country} needs its region: the state or province, name or code.")
        written |= {"company": address.company, "region": address.region, "countryId": country}
        return written | await self._region(country, address.region)

    async def _country(self, given: str, *, served: bool) -> str:
        country = given.strip().upper()
        known = await self._countries() if served else ()
        if country not in known if known else not _is_code(country):
            raise CountryNotServed(country, known)
        return country

    async def _countries(self) -> tuple[str, ...]:
        known = self._served.find("")
        if known is None:
            config = accepted(await self._rest.get("/store-config")).read(StoreConfig)
            known = tuple(code for code in config.allowed_countries if _is_code(code))
            self._served.keep("", known)
        return known

    async def _region(self, country: str, named: str) -> dict[str, object]:
        """How the shop calls a region; nothing where it has no list of them."""
        if not named.strip():
            return {}
        regions = await self._regions_of(country)
        if not regions:
            return {}
        wanted = named.strip().casefold().removeprefix(f"{country.casefold()}-")
        for region in regions:
            if wanted in {region.code.casefold(), (region.name or "").casefold()}:
                return {"region": region.name or region.code, "regionId": region.id}
        names = ", ".join(f"{line(one.name or one.code, 60)} ({line(one.code, 10)})" for one in regions[:100])
        raise AddressRefused(f"{country} has no region {named!r}. It has: {names}.")

    async def _regions_of(self, country: str) -> tuple[Region, ...]:
        known = self._regions.find(country)
        if known is None:
            answer = await self._rest.get(f"/countries/{country}")
            unknown = answer.status == HTTPStatus.NOT_FOUND
            known = () if unknown else tuple(accepted(answer).read(Country).available_regions)
            self._regions.keep(country, known)
        return known


def _is_code(country: str) -> bool:
    """Whether this can be an ISO 3166-1 code; only such a text may stand in a path."""
    return len(country) == CODE and country.isascii() and country.isalpha()
