"""Diagnostics of a Maho shop: whether it is one, its version, store views, currencies and access rights."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import httpx

from storefront_mcp.backends.maho import MahoConfig
from storefront_mcp.backends.maho.rest import ACCEPT_HEADER, PREFIX
from storefront_mcp.backends.probe import AccountAccess, ProbeRefused, ProbeResponse, SoftwareVersion
from storefront_mcp.backends.probe_client import ProbeClient, body_object

UNKNOWN_CART_KEY: Final = "0" * 32
"""A cart that does not exist: the 405 to a wrong verb on its paths lists the verbs that the shop supports."""
PRIVILEGE_PATHS: Final = {"orders/read": "/orders?pageSize=1", "carts/read": "/carts/0"}
"""Required rights of a service account, each with a path that tests it."""
_LOGIN_STATUSES: Final = frozenset({200, 201, 400, 401, 403})
"""Statuses of an account that is admitted, or is not."""


class MahoProbe:
    """Implements `backends.probe.ShopProbe`. Read-only, apart from fetching a service account token."""

    software: Final = "Maho"
    interface: Final = "REST v2"
    since: Final = "26.7"
    coupons_per_minute: Final = 20
    switched_off: Final = ("has its REST v2 switched off", "Switch REST v2 on in the shop's configuration.")
    sign_ins_per_minute: Final = 10
    account_advice: Final = (
        "Make a service account with the rights orders/read and carts/read in the shop, and set "
        "store.upstream.client_id and client_secret_file."
    )
    account_rights: Final = tuple(PRIVILEGE_PATHS)
    applies_minimum: Final = False

    def __init__(self, shop: MahoConfig, currency: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.address = shop.url.rstrip("/").removesuffix(PREFIX)
        self._shop = shop
        self._currency = currency
        self._client = ProbeClient(self.address, shop.limits, transport)
        self.responses = self._client.responses

    async def hello(self) -> ProbeResponse:
        """`/store-config` of the default store view."""
        return await self._get("/store-config")

    def speaks(self, response: ProbeResponse) -> bool:
        """Whether the body is a JSON object with a currency or an error, as Maho's."""
        said = response.json
        return isinstance(said, dict) and ("baseCurrencyCode" in said or "error" in said)

    def is_switched_off(self, response: ProbeResponse) -> bool:
        """Maho answers 404 with `protocol_disabled`."""
        return body_object(response).get("error") == "protocol_disabled"

    async def knows_store(self) -> bool:
        """Maho answers 400 for an unknown store view."""
        return _require_settled(await self._get("/store-config", self._view)).status == HTTPStatus.OK

    async def stores(self) -> tuple[str, ...]:
        """Codes of the store views."""
        return _field_values(await self._get("/stores"), "code")

    async def knows_currency(self) -> bool:
        """Newer versions refuse an unknown currency, older ones ignore the header and answer in their own."""
        asked = _require_settled(
            await self._get("/products?pageSize=1", {**self._view, "x-currency-code": self._currency})
        )
        if asked.status != HTTPStatus.OK:
            return False
        return all(code == self._currency for code in _field_values(asked, "currency"))

    async def currencies(self) -> tuple[str, ...]:
        """Codes of the currencies."""
        return _field_values(await self._get("/stores/currencies", self._view), "code")

    async def version(self) -> SoftwareVersion:
        """Detected by the verbs of the coupon path and of the setters, which later versions added."""
        if "PUT" not in await self._verbs(f"/guest-carts/{UNKNOWN_CART_KEY}/coupon"):
            lacks = ("addresses in orders", "bare quotes", "gift cards by today's path")
            return SoftwareVersion(name="the fork from before 26.7", lacks=lacks)
        if "PUT" not in await self._verbs(f"/guest-carts/{UNKNOWN_CART_KEY}/shipping-address"):
            return SoftwareVersion(
                name="26.7",
                lacks=("setters for addresses and methods",),
                instead="totals are read after a place-order without a payment method, an error in the shop's log each "
                "time",
            )
        return SoftwareVersion(name="later than 26.7, with setters")

    async def takes_guests(self) -> bool:
        """`isGuestCheckoutAllowed` of the store view; true when absent."""
        config = _require_settled(await self._get("/store-config", self._view))
        return body_object(config).get("isGuestCheckoutAllowed") is not False

    async def in_maintenance(self) -> bool:
        """Maho's web pages answer 503 then; REST goes on."""
        return await self._client.status_of("/", "text/html") == HTTPStatus.SERVICE_UNAVAILABLE

    async def sign_in_fix(self) -> None:
        """None: only a try would tell, and the shop counts those."""

    async def account(self) -> AccountAccess | None:
        """Get a token, then test each right by one read."""
        credentials = self._shop.account
        if credentials is None:
            return None
        body = {
            "grant_type": "client_credentials",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
        }
        answer = await self._send("POST", "/auth/token", {}, body)
        said = body_object(answer)
        token = said.get("token")
        if answer.status not in _LOGIN_STATUSES or answer.json is None:
            raise ProbeRefused(answer)
        if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED} or not isinstance(token, str):
            return AccountAccess(admitted=False)
        rights = said.get("permissions")
        bearer = {"authorization": f"Bearer {token}"}
        refused = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
        lacks = [right for right, path in PRIVILEGE_PATHS.items() if (await self._get(path, bearer)).status in refused]
        return AccountAccess(
            admitted=True,
            rights=tuple(str(right) for right in rights) if isinstance(rights, list) else (),
            lacks=tuple(lacks),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    @property
    def _view(self) -> dict[str, str]:
        return {} if self._shop.store_code is None else {"x-store-code": self._shop.store_code}

    async def _verbs(self, path: str) -> str:
        """The allowed verbs from the 405 to a GET; empty where the path is unknown. Raises ProbeRefused."""
        answer = await self._get(path)
        if answer.status not in {HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_FOUND} or answer.json is None:
            raise ProbeRefused(answer)
        if answer.status == HTTPStatus.NOT_FOUND:
            return ""
        return f"{body_object(answer).get('message', '')} {answer.headers.get('allow', '')}".partition("Allow")[2]

    async def _get(self, path: str, headers: Mapping[str, str] = {}) -> ProbeResponse:
        return await self._send("GET", path, headers)

    async def _send(self, method: str, path: str, headers: Mapping[str, str], body: object = None) -> ProbeResponse:
        return await self._client.send(method, PREFIX + path, {"accept": ACCEPT_HEADER, **headers}, body)


def _require_settled(response: ProbeResponse) -> ProbeResponse:
    """A response that says yes (200) or no (400) in JSON. Raises ProbeRefused for others."""
    if response.status not in {HTTPStatus.OK, HTTPStatus.BAD_REQUEST} or response.json is None:
        raise ProbeRefused(response)
    return response


def _field_values(response: ProbeResponse, key: str) -> tuple[str, ...]:
    """One field of each member of a list."""
    members = body_object(response).get("member")
    found = [one.get(key) for one in members if isinstance(one, dict)] if isinstance(members, list) else []
    return tuple(str(one) for one in found if one)
