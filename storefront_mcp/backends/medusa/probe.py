"""Diagnostics of a Medusa shop: its keys, its regions and currencies, what the secret key may do."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import httpx

from storefront_mcp.backends.medusa import MedusaConfig
from storefront_mcp.backends.medusa.admin import ADMIN_PREFIX, admin_headers
from storefront_mcp.backends.medusa.api import KEY_HEADER, PREFIX
from storefront_mcp.backends.medusa.login import AUTH_PREFIX
from storefront_mcp.backends.probe import AccountAccess, ProbeRefused, ProbeResponse, SoftwareVersion
from storefront_mcp.backends.probe_client import ProbeClient, body_object, require_success

REFUSED_STATUSES: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
ADMIN_RIGHT: Final = "the Admin API"
"""A secret key may do everything there: it has no rights of its own."""

PASSWORD_PROVIDER: Final = "emailpass"  # noqa: S105 -- a name
ALLOW_PASSWORDS: Final = (
    "Allow emailpass to customers in the shop's configuration (projectConfig.http.authMethodsPerActor), or set "
    "store.sign_in.on = false."
)


class MedusaProbe:
    """Implements `backends.probe.ShopProbe`. Read-only."""

    software: Final = "Medusa"
    interface: Final = "Store API"
    since: Final = "2.21"
    coupons_per_minute: Final = 600
    """It counts none by itself; this is far above what a buyer needs."""
    switched_off: Final = (
        "does not know our publishable key",
        "Set store.upstream.publishable_key to one that the shop's admin lists (Settings, Publishable API Keys).",
    )
    sign_ins_per_minute: Final = None
    account_advice: Final = (
        "Make a secret key in the shop's admin (Settings, Secret API Keys), and set store.upstream.secret_key_file: "
        "orders are marked as paid with it."
    )
    account_rights: Final = (ADMIN_RIGHT,)
    applies_minimum: Final = False

    def __init__(self, shop: MedusaConfig, currency: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.address = shop.url.rstrip("/").removesuffix(PREFIX)
        self._shop = shop
        self._currency = currency
        self._client = ProbeClient(self.address, shop.limits, transport)
        self.responses = self._client.responses

    async def hello(self) -> ProbeResponse:
        """Its regions."""
        return await self._store("/regions?limit=500")

    def speaks(self, response: ProbeResponse) -> bool:
        """Whether the body is a list of regions, or an error as Medusa's."""
        said = body_object(response)
        return "regions" in said or ("type" in said and "message" in said)

    def is_switched_off(self, response: ProbeResponse) -> bool:
        """It refuses a publishable key that it does not know, as if there were no interface."""
        said = body_object(response)
        return said.get("type") == "not_allowed" and "publishable" in str(said.get("message", "")).casefold()

    async def knows_store(self) -> bool:
        """Whether a region with the store's currency is the one that is meant."""
        wanted = (self._shop.region or "").casefold()
        fitting = [one for one in await self._regions() if one.get("currency_code") == self._currency.lower()]
        if self._shop.region is not None:
            fitting = [one for one in fitting if wanted in {str(one.get(key)).casefold() for key in ("id", "name")}]
        return len(fitting) == 1

    async def stores(self) -> tuple[str, ...]:
        """The names of its regions."""
        return tuple(str(one.get("name")) for one in await self._regions())

    async def knows_currency(self) -> bool:
        """Whether a region has the store's currency."""
        return self._currency in await self.currencies()

    async def currencies(self) -> tuple[str, ...]:
        """The currencies of its regions."""
        return tuple(dict.fromkeys(str(one.get("currency_code")).upper() for one in await self._regions()))

    async def version(self) -> SoftwareVersion:
        """The interface tells no number; what this adapter cannot do without is asked for."""
        region = next((str(one.get("id")) for one in await self._regions()), "")
        fields = "id,*variants.calculated_price,%2Bvariants.inventory_quantity"
        answer = await self._store(f"/products?limit=1&region_id={region}&fields={fields}")
        if answer.status == HTTPStatus.BAD_REQUEST and answer.json is not None:
            return SoftwareVersion(name="another than 2", lacks=("prices of a region", "stock of variants"))
        require_success(answer)
        return SoftwareVersion(name="2, with prices of regions and stock of variants")

    async def takes_guests(self) -> bool:
        """Always."""
        return True

    async def in_maintenance(self) -> bool:
        """It has no such mode; what stands before it may answer 503."""
        return await self._client.status_of("/health", "*/*") == HTTPStatus.SERVICE_UNAVAILABLE

    async def sign_in_fix(self) -> str | None:
        """Whether customers may have a password, by the list of what they may sign in with."""
        answer = require_success(await self._client.send("GET", f"{AUTH_PREFIX}/customer/providers"))
        told = body_object(answer).get("providers")
        offered = [one.get("identifier") for one in told if isinstance(one, dict)] if isinstance(told, list) else []
        return None if PASSWORD_PROVIDER in offered else ALLOW_PASSWORDS

    async def account(self) -> AccountAccess | None:
        """Whether the secret key is admitted."""
        key = self._shop.secret_key
        if key is None:
            return None
        answer = await self._client.send("GET", f"{ADMIN_PREFIX}/orders?limit=1&fields=id", admin_headers(key))
        if answer.json is None or (answer.status != HTTPStatus.OK and answer.status not in REFUSED_STATUSES):
            raise ProbeRefused(answer)
        return AccountAccess(admitted=answer.status == HTTPStatus.OK)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _regions(self) -> list[Mapping[str, Any]]:
        told = body_object(require_success(await self.hello())).get("regions")
        return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []

    async def _store(self, path: str) -> ProbeResponse:
        return await self._client.send("GET", PREFIX + path, {KEY_HEADER: self._shop.key})
