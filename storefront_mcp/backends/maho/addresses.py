"""Maps addresses to Maho's form, checked against the countries and regions of the shop."""

from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Final

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.maho.country_shapes import CountryNameShape, CountryShape
from storefront_mcp.backends.maho.rest import RestClient, error_body, expect_success
from storefront_mcp.backends.maho.shapes import CollectionShape, StoreConfig
from storefront_mcp.backends.maho.storable import check_address
from storefront_mcp.backends.postal.countries import CODE_CHARS, country_code
from storefront_mcp.backends.postal.formats import PostalFormat, postal_format
from storefront_mcp.backends.postal.regions import OfferedRegion, close_regions, find_region
from storefront_mcp.backends.postal.spelling import fold_name
from storefront_mcp.backends.postal.texts import address_texts
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.commerce.address import Address, PostalAddress
from storefront_mcp.commerce.errors import AddressRefused, CountryNotServed, OrderRefused
from storefront_mcp.commerce.plain_text import visible_line

COUNTRIES_TTL_SECONDS: Final = 300.0
"""The shop's own cache headers allow an hour."""
MAX_COUNTRIES: Final = 250
SUSPICION_TTL_SECONDS: Final = 3600.0
REQUIRED_FIELDS: Final = ("firstName", "street", "city", "telephone")
"""Of an order's address in any country, in Maho's form: it looks at these itself, and at the last name."""
OUR_FIELDS: Final = {
    "firstName": "first_name",
    "lastName": "last_name",
    "company": "company",
    "street": "street",
    "city": "city",
    "region": "region",
    "postcode": "postcode",
    "telephone": "phone",
}
"""What agents call the fields of an address, by Maho's names."""
MISSING_FIELDS: Final = "Missing required address fields:"
"""How Maho begins its list of them."""


class AddressMapper:
    """Checks and maps addresses: Maho itself quotes shipping for any country code."""

    def __init__(
        self, rest: RestClient, *, clock: Callable[[], float], regions_required: Collection[str] | None = None
    ) -> None:
        """`regions_required`: countries whose addresses need one of the shop's regions; None where mail needs one."""
        self._rest = rest
        self._regions_required = regions_required
        self._config: TtlCache[None, StoreConfig] = TtlCache(size=1, seconds=COUNTRIES_TTL_SECONDS, clock=clock)
        self._regions: TtlCache[str, tuple[OfferedRegion, ...]] = TtlCache(
            size=MAX_COUNTRIES, seconds=COUNTRIES_TTL_SECONDS, clock=clock
        )
        self._names: TtlCache[None, dict[str, str]] = TtlCache(size=1, seconds=COUNTRIES_TTL_SECONDS, clock=clock)
        self._suspected: TtlCache[tuple[str, str], bool] = TtlCache(
            size=MAX_COUNTRIES, seconds=SUSPICION_TTL_SECONDS, clock=clock
        )
        """Country and field that an order lacked which the shop refused without a reason."""
        self.caches: Final = (self._config, self._regions, self._names)

    async def address(self, address: Address) -> dict[str, object]:
        """The request body of an address for a quote. Raises CountryNotServed, and AddressRefused for a bad region.

        All keys are sent, since the shop stores them on the cart, and the street as one text: Maho stores a list as
        the word "Array".
        """
        country = await self._country(address.country, served=True)
        return await self._with_place(_address_texts(address, postal_format(country), what="address"), country)

    async def gaps(self, address: Address) -> tuple[str, ...]:
        """What an address lacks for a firm quote: a region or a postcode, where addresses need them."""
        country = await self._country(address.country, served=True)
        region = not address.region.strip() and await self._needs_region(country)
        postcode = not address.postcode.strip() and postal_format(country).needs_postcode
        return (*(("region",) if region else ()), *(("postcode",) if postcode else ()))

    async def postal(
        self, address: PostalAddress, *, what: str, served: bool, suspicious: bool = True
    ) -> dict[str, object]:
        """The request body of a complete order address: Maho answers a missing field with "internal error" only.

        `what` is what agents call it. `served`: it is shipped there; the shop allows the same countries for both
        addresses. `suspicious`: what `suspect` named is asked for. A buyer with one name has it twice, since Maho wants
        two. Raises CountryNotServed and AddressRefused.
        """
        country = await self._country(address.country, served=served)
        rules = postal_format(country)
        written = _address_texts(address, rules, what=what)
        if not written["lastName"] and len(written["firstName"].split()) == 1:
            written["lastName"] = written["firstName"]
        needs_postcode = rules.needs_postcode or (suspicious and self._suspected.find((country, "postcode")))
        required = {*REQUIRED_FIELDS, "lastName", *(("postcode",) if needs_postcode else ())}
        missing = [name for key, name in OUR_FIELDS.items() if key in required and not written[key]]
        if not written["region"] and await self._needs_region(country, suspicious=suspicious):
            missing.append(f"region (a state or province of {country}, name or code)")
        if missing:
            raise AddressRefused(f"{what} lacks {' and '.join(missing)}.")
        return await self._with_place(written, country)

    def suspect(self, address: PostalAddress) -> None:
        """Ask for what this address lacks for an hour: the shop refused an order with it, and did not say why."""
        country = country_code(address.country) or ""
        for field in ("region", "postcode"):
            if not visible_line(getattr(address, field)):
                self._suspected[country, field] = True

    def refusal(self, answer: UpstreamResponse) -> AddressRefused | None:
        """What a refusal by Maho says is missing from an address; None for another one."""
        said = error_body(answer).message
        if answer.status != HTTPStatus.BAD_REQUEST or not said.startswith(MISSING_FIELDS):
            return None
        told = (one.strip() for one in said.removeprefix(MISSING_FIELDS).split(","))
        names = [OUR_FIELDS.get(one, "country") for one in told]
        return AddressRefused(f"The shop takes no address without {' and '.join(dict.fromkeys(names))}.")

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

    async def _with_place(self, written: dict[str, str], country: str) -> dict[str, object]:
        return {**written, "countryId": country, **await self._region(country, written["region"])}

    async def _country(self, given: str, *, served: bool) -> str:
        known = await self.served_countries()
        country = country_code(given) or (await self._country_names()).get(fold_name(given)) or given.strip()
        if country in known if known else _is_code(country):
            return country
        if served or not known:
            raise CountryNotServed(country, known)
        raise AddressRefused(f"The shop takes no billing address in {country!r}. It takes: {', '.join(known)}.")

    async def _country_names(self) -> dict[str, str]:
        """Codes of the shop's countries by name and alpha-3 code, as `fold_name` has them."""
        names = self._names.find(None)
        if names is None:
            answer = await self._rest.get("/countries")
            found = answer.read(CollectionShape[CountryNameShape]).member[:MAX_COUNTRIES] if answer.is_success else []
            codes = {one.id: (one.name or "", one.iso3_code or "") for one in found if _is_code(one.id)}
            names = {fold_name(name): code for code, told in codes.items() for name in told if name}
            self._names[None] = names
        return names

    async def weight_unit(self) -> str:
        """The unit of the shop's weights; empty where it tells none."""
        return (await self._store_config()).weight_unit or ""

    async def _store_config(self) -> StoreConfig:
        found = self._config.find(None)
        if found is None:
            found = expect_success(await self._rest.get("/store-config")).read(StoreConfig)
            self._config[None] = found
        return found

    async def _needs_region(self, country: str, *, suspicious: bool = True) -> bool:
        """Whether an address needs a region of the shop's list, which the shop itself tells nobody."""
        required = self._regions_required
        if required is None:
            suspected = suspicious and self._suspected.find((country, "region")) is not None
            needed = postal_format(country).needs_region or suspected
        else:
            needed = country in required
        return needed and bool(await self._regions_of(country))

    async def _region(self, country: str, named: str) -> dict[str, object]:
        """The shop's name and id of a region; empty for countries without regions. Raises AddressRefused."""
        if not named:
            return {}
        regions = await self._regions_of(country)
        if not regions:
            return {}
        found = find_region(country, named, regions)
        if found is not None:
            return {"region": found.name or found.code, "regionId": found.id}
        close = close_regions(named, regions)
        names = ", ".join(
            f"{sanitizing.line(one.name or one.code, 60)} ({sanitizing.line(one.code, 10)})" for one in close
        )
        listed = f"It has: {names}." if len(close) == len(regions) else f"Of {len(regions)}, these are close: {names}."
        without = "" if await self._needs_region(country) else " It may be left out."
        raise AddressRefused(f"{country} has no region {named!r}. {listed}{without}")

    async def _regions_of(self, country: str) -> tuple[OfferedRegion, ...]:
        known = self._regions.find(country)
        if known is None:
            answer = await self._rest.get(f"/countries/{country}")
            unknown = answer.status == HTTPStatus.NOT_FOUND
            found = () if unknown else tuple(expect_success(answer).read(CountryShape).available_regions)
            known = tuple(OfferedRegion(one.id, one.code, one.name or "") for one in found)
            self._regions[country] = known
        return known


def _address_texts(address: Address | PostalAddress, rules: PostalFormat, *, what: str) -> dict[str, str]:
    """The texts of an address in Maho's form. Raises as `address_texts`, and for what is not storable."""
    check_address({key: getattr(address, name) for key, name in OUR_FIELDS.items()})
    texts = address_texts(address, rules, what=what)
    return {key: texts[name] for key, name in OUR_FIELDS.items()}


def _is_code(country: str) -> bool:
    """Whether a text has the form of an ISO 3166-1 alpha-2 code and so is safe in a path."""
    return len(country) == CODE_CHARS and country.isascii() and country.isalpha()
