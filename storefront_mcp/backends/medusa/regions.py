"""The region that a store sells in: its currency, its countries, its ways to pay."""

from collections.abc import Callable
from typing import Final

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.medusa.api import MedusaClient, expect_success
from storefront_mcp.backends.medusa.shapes import PaymentProviders, RegionList, SalesRegion
from storefront_mcp.commerce.errors import ShopMisconfigured
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import PaymentMethod

REGION_TTL_SECONDS: Final = 300.0
MAX_NAMED_REGIONS: Final = 10
"""Regions that an error names."""
MAX_CODE_CHARS: Final = 100
FREE_METHOD: Final = PaymentMethod(code="free", title="Nothing to pay", free=True)
"""Of a cart that costs nothing, which Medusa completes without a payment."""
MANUAL_PROVIDER: Final = "pp_system_default"
"""Medusa's own provider, which authorizes everything and takes no money."""


class StoreRegion:
    """The shop's region with the store's currency; where several have it, the one that is set."""

    def __init__(self, api: MedusaClient, *, currency: str, wanted: str | None, clock: Callable[[], float]) -> None:
        """`wanted`: id or name; None for the only one."""
        self._api = api
        self._currency = currency
        self._wanted = wanted
        self._region: TtlCache[None, SalesRegion] = TtlCache(size=1, seconds=REGION_TTL_SECONDS, clock=clock)
        self._methods: TtlCache[None, tuple[PaymentMethod, ...]] = TtlCache(
            size=1, seconds=REGION_TTL_SECONDS, clock=clock
        )
        self.caches: Final = (self._region, self._methods)

    async def id(self) -> str:
        """Its id. Raises ShopMisconfigured."""
        return (await self.read()).id

    async def countries(self) -> tuple[str, ...]:
        """ISO 3166-1 alpha-2 codes of the countries that are delivered to."""
        return tuple(one.iso_2.upper() for one in (await self.read()).countries or ())

    async def read(self) -> SalesRegion:
        """The region. Raises ShopMisconfigured where none or several could be meant."""
        known = self._region.find(None)
        if known is None:
            found = expect_success(await self._api.get("/regions", {"limit": "500"})).read(RegionList)
            known = self._region[None] = self._choose(found.regions)
        return known

    def _choose(self, regions: list[SalesRegion]) -> SalesRegion:
        fitting = [one for one in regions if one.currency_code.upper() == self._currency]
        named = ", ".join(repr(sanitizing.line(one.name)) for one in fitting[:MAX_NAMED_REGIONS]) or "none"
        if self._wanted is not None:
            wanted = self._wanted.casefold()
            meant = [one for one in fitting if wanted in {one.id.casefold(), one.name.casefold()}]
            if len(meant) != 1:
                raise ShopMisconfigured(
                    f"no region {self._wanted!r} sells in {self._currency}: set store.upstream.region to one of {named}"
                )
            return meant[0]
        if len(fitting) != 1:
            raise ShopMisconfigured(
                f"{len(fitting)} regions sell in {self._currency} ({named}): set store.currency and "
                "store.upstream.region to what the shop has"
            )
        return fitting[0]

    async def payment_methods(self, total: Money | None = None) -> tuple[PaymentMethod, ...]:
        """The payment providers; of a cart that costs nothing, that there is nothing to pay."""
        if total is not None and total.minor <= 0:
            return (FREE_METHOD,)
        known = self._methods.find(None)
        if known is None:
            answer = expect_success(
                await self._api.get("/payment-providers", {"region_id": await self.id(), "limit": "100"})
            )
            known = self._methods[None] = tuple(
                PaymentMethod(code=sanitizing.line(one.id, MAX_CODE_CHARS), title=provider_title(one.id))
                for one in answer.read(PaymentProviders).payment_providers
                if one.is_enabled is not False
            )
        return known


def provider_title(provider: str) -> str:
    """What people are told of a provider, which has no name in the shop.

    >>> provider_title("pp_paypal_paypal"), provider_title("pp_system_default")
    ('Paypal', 'Payment to the shop')
    """
    if provider == MANUAL_PROVIDER:
        return "Payment to the shop"
    words = dict.fromkeys(sanitizing.line(provider, MAX_CODE_CHARS).removeprefix("pp_").replace("-", "_").split("_"))
    return " ".join(words).capitalize()
