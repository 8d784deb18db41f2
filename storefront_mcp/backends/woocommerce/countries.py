"""Where a WooCommerce shop delivers: its settings tell, and only the merchant's key may read them."""

from collections.abc import Callable
from typing import Annotated, Final

from msgspec import Meta, Struct

from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.postal.countries import CODE_CHARS, country_code
from storefront_mcp.backends.salvaging import read_what_fits
from storefront_mcp.backends.woocommerce.store_api import MERCHANT, MerchantKey, StoreApiClient
from storefront_mcp.commerce.errors import CountryNotServed

SETTINGS: Final = f"{MERCHANT}/settings/general"
COUNTRIES_TTL_SECONDS: Final = 300.0
MAX_COUNTRIES: Final = 300


class WooSetting(Struct, frozen=True):
    """One of the shop's general settings: a text, or a list of codes."""

    id: Annotated[str, Meta(max_length=200)] = ""
    value: Annotated[str, Meta(max_length=10_000)] | Annotated[list[str], Meta(max_length=MAX_COUNTRIES)] = ""


class WooCountries:
    """The countries that a shop delivers to, as far as it can be asked."""

    def __init__(self, rest: StoreApiClient, key: MerchantKey | None, *, clock: Callable[[], float]) -> None:
        self._rest = rest
        self._key = key
        self._served: TtlCache[None, tuple[str, ...]] = TtlCache(size=1, seconds=COUNTRIES_TTL_SECONDS, clock=clock)
        self.caches: Final = (self._served,)

    async def delivery_countries(self) -> tuple[str, ...]:
        """Their codes; empty where the shop delivers everywhere, or nobody may read where."""
        if self._key is None:
            return ()
        known = self._served.find(None)
        if known is None:
            answer = await self._rest.get(SETTINGS, {"_fields": "id,value"}, headers=self._key.headers)
            found = read_what_fits(answer, list[WooSetting]) if answer.is_success else []
            known = _delivery_codes({one.id: one.value for one in found})
            self._served[None] = known
        return known

    async def code(self, given: str) -> str:
        """The code of a country that is delivered to, as far as is known. Raises CountryNotServed."""
        served = await self.delivery_countries()
        country = country_code(given) or given.strip().upper()
        if country in served if served else _is_code(country):
            return country
        raise CountryNotServed(country if _is_code(country) else given.strip(), served)


def _delivery_codes(settings: dict[str, str | list[str]]) -> tuple[str, ...]:
    """The codes out of the settings: where it ships to, else where it sells to."""
    for rule, codes in (
        ("woocommerce_ship_to_countries", "woocommerce_specific_ship_to_countries"),
        ("woocommerce_allowed_countries", "woocommerce_specific_allowed_countries"),
    ):
        listed = settings.get(codes, ())
        if settings.get(rule) == "specific" and not isinstance(listed, str):
            return tuple(code for code in listed if _is_code(code))
    return ()


def _is_code(country: str) -> bool:
    return len(country) == CODE_CHARS and country.isascii() and country.isalpha()
