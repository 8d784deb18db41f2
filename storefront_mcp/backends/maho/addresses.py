"""Maps addresses to Maho's form, checked against the countries and regions of the shop."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.maho.rest import RestClient, expect_success
from storefront_mcp.backends.maho.shapes import CountryShape, RegionShape, StoreConfig
from storefront_mcp.backends.maho.storable import ADDRESS_FIELDS, check_address
from storefront_mcp.commerce.address import NO_POSTCODE_COUNTRIES, Address, PostalAddress
from storefront_mcp.commerce.errors import AddressRefused, CountryNotServed, OrderRefused

COUNTRIES_TTL_SECONDS: Final = 300.0
"""The shop's own cache headers allow an hour."""
MAX_COUNTRIES: Final = 250
COUNTRY_CODE_CHARS: Final = 2
REQUIRED_FIELDS: Final = ("firstName", "lastName", "street", "city", "postcode", "telephone")
"""Of an order's address, in Maho's form."""


class AddressMapper:
    """Checks and maps addresses: Maho itself quotes shipping for any country code."""

    def __init__(self, rest: RestClient, *, clock: Callable[[], float]) -> None:
        self._rest = rest
        self._config: TtlCache[None, StoreConfig] = TtlCache(size=1, seconds=COUNTRIES_TTL_SECONDS, clock=clock)
        self._regions: TtlCache[str, tuple[RegionShape, ...]] = TtlCache(
            size=MAX_COUNTRIES, seconds=COUNTRIES_TTL_SECONDS, clock=clock
        )
        self.caches: Final = (self._config, self._regions)

    async def address(self, address: Address) -> dict[str, object]:
        """The request body of an address for a quote. Raises CountryNotServed, and AddressRefused for a bad region.

        All keys are sent, since the shop stores them on the cart, and the street as one text: Maho stores a list as
        the word "Array".
        """
        written: dict[str, object] = {
            "firstName": "",
            "lastName": "",
            "company": "",
            "street": address.street,
            "city": address.city,
            "region": address.region,
            "postcode": address.postcode,
            "telephone": "",
        }
        check_address(written)
        written["countryId"] = country = await self._country(address.country, served=True)
        return written | await self._region(country, address.region)

    async def gaps(self, address: Address) -> tuple[str, ...]:
        """What an address lacks for a firm quote: region where the shop lists some, postcode where there are any."""
        country = await self._country(address.country, served=True)
        region = not address.region.strip() and await self._regions_of(country)
        postcode = not address.postcode.strip() and country not in NO_POSTCODE_COUNTRIES
        return (*(("region",) if region else ()), *(("postcode",) if postcode else ()))

    async def postal(self, address: PostalAddress, *, served: bool) -> dict[str, object]:
        """The request body of a complete order address: Maho answers a missing field with "internal error" only.

        `served`: it is shipped there; the shop allows the same countries for both addresses. Raises CountryNotServed
        and AddressRefused.
        """
        written: dict[str, object] = {
            "firstName": address.first_name.strip(),
            "lastName": address.last_name.strip(),
            "street": "\n".join(part for one in address.street.splitlines() if (part := one.strip())),
            "city": address.city.strip(),
            "postcode": address.postcode.strip(),
            "telephone": address.phone.strip(),
            "company": address.company,
            "region": address.region,
        }
        check_address(written)
        for key in REQUIRED_FIELDS:
            if not written[key]:
                raise AddressRefused(f"{ADDRESS_FIELDS[key].capitalize()} is missing from the address.")
        country = await self._country(address.country, served=served)
        if not address.region.strip() and await self._regions_of(country):
            raise AddressRefused(f"An address in {country} needs its region: the state or province, name or code.")
        written["countryId"] = country
        return written | await self._region(country, address.region)

    async def served_countries(self) -> tuple[str, ...]:
        """Codes of the countries that the shop delivers to; empty when it names none."""
        return tuple(code for code in (await self._store_config()).allowed_countries if _is_code(code))

    async def takes_guests(self) -> bool:
        """Whether guests may order."""
        return (await self._store_config()).is_guest_checkout_allowed is not False

    async def check_guests(self) -> None:
        """Raise OrderRefused where the shop takes no orders of guests, which Maho itself does not check."""
        if not await self.takes_guests():
            raise OrderRefused("it takes none of guests. Send the buyer to the shop's own website.")

    async def _country(self, given: str, *, served: bool) -> str:
        country = given.strip().upper()
        known = await self.served_countries()
        if country in known if known else _is_code(country):
            return country
        if served or not known:
            raise CountryNotServed(country, known)
        raise AddressRefused(f"The shop takes no billing address in {country!r}. It takes: {', '.join(known)}.")

    async def _store_config(self) -> StoreConfig:
        found = self._config.find(None)
        if found is None:
            found = expect_success(await self._rest.get("/store-config")).read(StoreConfig)
            self._config[None] = found
        return found

    async def _region(self, country: str, named: str) -> dict[str, object]:
        """The shop's name and id of a region; empty for countries without regions. Raises AddressRefused."""
        if not named.strip():
            return {}
        regions = await self._regions_of(country)
        if not regions:
            return {}
        wanted = named.strip().casefold().removeprefix(f"{country.casefold()}-")
        for region in regions:
            if wanted in {region.code.casefold(), (region.name or "").casefold()}:
                return {"region": region.name or region.code, "regionId": region.id}
        names = ", ".join(
            f"{sanitizing.line(one.name or one.code, 60)} ({sanitizing.line(one.code, 10)})" for one in regions[:100]
        )
        raise AddressRefused(f"{country} has no region {named!r}. It has: {names}.")

    async def _regions_of(self, country: str) -> tuple[RegionShape, ...]:
        known = self._regions.find(country)
        if known is None:
            answer = await self._rest.get(f"/countries/{country}")
            unknown = answer.status == HTTPStatus.NOT_FOUND
            known = () if unknown else tuple(expect_success(answer).read(CountryShape).available_regions)
            self._regions[country] = known
        return known


def _is_code(country: str) -> bool:
    """Whether a text has the form of an ISO 3166-1 alpha-2 code and so is safe in a path."""
    return len(country) == COUNTRY_CODE_CHARS and country.isascii() and country.isalpha()
