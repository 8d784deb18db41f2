"""Maps addresses to WooCommerce's form: states by their codes, what is missing asked for before the shop refuses."""

import re
from collections.abc import Callable, Iterable
from typing import Final

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.postal.formats import PostalFormat, postal_format
from storefront_mcp.backends.postal.regions import OfferedRegion, close_regions, find_region
from storefront_mcp.backends.postal.texts import address_texts
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.backends.woocommerce.countries import WooCountries
from storefront_mcp.backends.woocommerce.store_api import error_body, error_data
from storefront_mcp.commerce.address import Address, PostalAddress
from storefront_mcp.commerce.errors import AddressRefused, CountryNotServed, ShopError

Written = dict[str, str]
OUR_FIELDS: Final = {
    "first_name": "first_name",
    "last_name": "last_name",
    "company": "company",
    "city": "city",
    "state": "region",
    "postcode": "postcode",
    "phone": "phone",
}
"""What agents call the fields of an address, by the shop's names; the street is written in two of its own."""
REQUIRED_FIELDS: Final = ("first_name", "last_name", "address_1", "city")
"""Of an order's address in any country."""
STATES_TTL_SECONDS: Final = 3_600.0
SUSPICION_TTL_SECONDS: Final = 3_600.0
MAX_COUNTRIES: Final = 250
LISTED_CODES: Final = re.compile(r"Must be one of: ([A-Z0-9, -]{2,8000})")
"""How the shop begins the list of the codes that it takes."""
STATE_REFUSED: Final = re.compile(r"provided state")
COUNTRY_REFUSED: Final = re.compile(r"Invalid country code|do not ship|country")
DEMANDED_LABELS: Final = {
    "phone": ("phone",),
    "postcode": ("postcode", "zip"),
    "region": ("state", "county", "province"),
}
"""Fields that a shop may demand by its own settings, with words of what it calls them in a refusal."""
MAX_STATE_CODE_CHARS: Final = 5
INVALID_PARAMETER: Final = "rest_invalid_param"
INVALID_ADDRESS: Final = "woocommerce_rest_invalid_address"


class WooAddresses:
    """Checks and maps addresses. The shop tells its states only when it refuses one, so they are learned by that."""

    def __init__(self, countries: WooCountries, *, clock: Callable[[], float]) -> None:
        self.countries: Final = countries
        self._states: TtlCache[str, tuple[OfferedRegion, ...]] = TtlCache(
            size=MAX_COUNTRIES, seconds=STATES_TTL_SECONDS, clock=clock
        )
        self._suspected: TtlCache[tuple[str, str], bool] = TtlCache(
            size=MAX_COUNTRIES, seconds=SUSPICION_TTL_SECONDS, clock=clock
        )
        """Country and field that an order lacked which the shop refused for that."""
        self.caches: Final = (self._states, *countries.caches)

    async def quote_body(self, address: Address) -> Written:
        """The request body of an address for a quote. Raises CountryNotServed, AddressRefused."""
        country = await self.countries.code(address.country)
        return self._texts(address, country, what="address")

    async def gaps(self, address: Address) -> tuple[str, ...]:
        """What an address lacks for a firm quote: a region or a postcode, where mail needs them."""
        rules = postal_format(await self.countries.code(address.country))
        region = not address.region.strip() and rules.needs_region
        postcode = not address.postcode.strip() and rules.needs_postcode
        return (*(("region",) if region else ()), *(("postcode",) if postcode else ()))

    async def postal(self, address: PostalAddress, *, what: str, suspicious: bool = True) -> Written:
        """The request body of a complete order address; `what` is what agents call it.

        A buyer with one name has it twice, since the shop wants two. `suspicious`: what the shop missed before is asked
        for. Raises CountryNotServed and AddressRefused.
        """
        country = await self.countries.code(address.country)
        rules, written = postal_format(country), self._texts(address, country, what=what)
        if not written["last_name"] and len(written["first_name"].split()) == 1:
            written["last_name"] = written["first_name"]
        named = {**OUR_FIELDS, "address_1": "street"}
        missing = [named[key] for key in REQUIRED_FIELDS if not written[key]]
        wanted = {"postcode": rules.needs_postcode, "region": rules.needs_region, "phone": False}
        for field, needed in wanted.items():
            key = "state" if field == "region" else field
            if not written[key] and (needed or (suspicious and self._suspected.find((country, field)))):
                missing.append(field)
        if missing:
            raise AddressRefused(f"{what} lacks {' and '.join(missing)}.")
        return written

    def learn(self, answer: UpstreamResponse, *written: Written) -> bool:
        """Learn a country's states from a refusal of one; whether another try may do better."""
        params = error_data(answer).params
        learned = False
        for said in params.values() if isinstance(params, dict) else ():
            listed = LISTED_CODES.search(said)
            if listed is None or not STATE_REFUSED.search(said):
                continue
            codes = [code.strip() for code in listed[1].split(",") if code.strip()]
            for country in {one["country"] for one in written}:
                if self._states.find(country) is None:
                    self._states[country] = tuple(OfferedRegion(at, code, "") for at, code in enumerate(codes))
                    learned = True
        return learned

    def refusal(self, answer: UpstreamResponse, *written: Written) -> ShopError | None:
        """What a refusal says of an address; None for one of something else."""
        said = error_body(answer)
        data = error_data(answer)
        if said.code == INVALID_ADDRESS:
            errors = data.errors.values() if isinstance(data.errors, dict) else ()
            causes = list(dict.fromkeys(cause for listed in errors for cause in listed))
            self._suspect(causes, written)
            told = sanitizing.line("; ".join(causes) or said.message)
            return AddressRefused(f"The shop refused the address: {told.removesuffix('.')}.")
        if said.code != INVALID_PARAMETER or not isinstance(data.params, dict):
            return None
        for name, cause in data.params.items():
            if "address" not in name:
                continue
            if COUNTRY_REFUSED.search(cause) and not STATE_REFUSED.search(cause):
                return CountryNotServed(next((one["country"] for one in written), ""))
            told = sanitizing.line(cause.partition("Must be one of")[0])
            return AddressRefused(f"The shop refused the address: {told.removesuffix('.')}.")
        return None

    def _suspect(self, causes: Iterable[str], written: Iterable[Written]) -> None:
        """Ask for what the shop missed, for an hour, in the countries of these addresses."""
        folded = " ".join(causes).casefold()
        for field, labels in DEMANDED_LABELS.items():
            if any(label in folded for label in labels):
                for one in written:
                    self._suspected[one["country"], field] = True

    def _texts(self, address: Address | PostalAddress, country: str, *, what: str) -> Written:
        """The texts of an address in the shop's form, the street in two lines. Raises as `address_texts`."""
        rules = postal_format(country)
        texts = address_texts(address, rules, what=what)
        written = {key: texts[name] for key, name in OUR_FIELDS.items()}
        first, _, more = texts["street"].partition("\n")
        written |= {"address_1": first, "address_2": more.replace("\n", ", "), "country": country}
        written["state"] = self._state(country, written["state"], rules)
        return written

    def _state(self, country: str, named: str, rules: PostalFormat) -> str:
        """The code of a state: of those the shop is known to have, else by ISO 3166-2. Raises AddressRefused."""
        if not named:
            return ""
        offered = self._states.find(country)
        if offered is None:
            return _iso_code(country, named, rules)
        found = find_region(country, named, offered)
        if found is not None:
            return found.code
        close = close_regions(named, offered)
        names = ", ".join(sanitizing.line(one.code, 10) for one in close)
        raise AddressRefused(f"{country} has no region {named!r}. It has, among others: {names}.")


def _iso_code(country: str, named: str, rules: PostalFormat) -> str:
    """The short code of the region that a text names, by what is known of the country; else the text itself."""
    known = [OfferedRegion(at, min(group, key=len).upper(), "") for at, group in enumerate(rules.regions) if group]
    short = [one for one in known if len(one.code) <= MAX_STATE_CODE_CHARS]
    found = find_region(country, named, short)
    return named if found is None else found.code
