"""What can be found out about a Maho shop by reading: whether it is one, which one, and what it lets us do."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import httpx
import msgspec

from storefront_mcp.backends.maho import MahoUpstream
from storefront_mcp.backends.maho.rest import ACCEPT, PREFIX
from storefront_mcp.backends.probing import Account, Flavour, Heard, ask

NOBODY: Final = "0" * 32
"""A cart that no shop has; asked for a verb that a path does not know, a shop tells which verbs it does know."""
RIGHTS: Final = {"orders/read": "/orders?pageSize=1", "carts/read": "/carts/0"}
"""What a service account needs, and what to read to see whether it may."""


class MahoProbe:
    """Implements `backends.probing.ShopProbe`. Only reads, but for the token of the service account."""

    software: Final = "Maho"
    interface: Final = "REST v2"
    since: Final = "26.7"
    coupons_per_minute: Final = 20

    def __init__(self, shop: MahoUpstream, currency: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.address = shop.url.rstrip("/").removesuffix(PREFIX)
        self.heard: list[Heard] = []
        self._shop = shop
        self._currency = currency
        self._transport = transport or _wire(self.address)

    async def hello(self) -> Heard:
        """The configuration of the shop's own choice of store."""
        return await self._get("/store-config")

    def speaks(self, heard: Heard) -> bool:
        """Its collections and documents are JSON objects, and its errors have one shape."""
        said = heard.json
        return isinstance(said, dict) and ("baseCurrencyCode" in said or "error" in said)

    def switched_off(self, heard: Heard) -> bool:
        """It says so itself, with a 404."""
        return _said(heard).get("error") == "protocol_disabled"

    async def knows_store(self) -> bool:
        """An unknown store view is a 400."""
        return (await self._get("/store-config", self._view)).status == HTTPStatus.OK

    async def stores(self) -> tuple[str, ...]:
        """Their codes."""
        return _named(await self._get("/stores"), "code")

    async def knows_currency(self) -> bool:
        """Newer ones refuse what they do not have, older ones do not look and answer in their own."""
        asked = await self._get("/products?pageSize=1", {**self._view, "x-currency-code": self._currency})
        if asked.status != HTTPStatus.OK:
            return False
        return all(code == self._currency for code in _named(asked, "currency"))

    async def currencies(self) -> tuple[str, ...]:
        """Their codes."""
        return _named(await self._get("/stores/currencies", self._view), "code")

    async def flavour(self) -> Flavour:
        """By the verbs that a coupon's path knows, and by the setters, which came last."""
        if "PUT" not in await self._verbs(f"/guest-carts/{NOBODY}/coupon"):
            lacks = ("addresses in orders", "bare quotes", "gift cards by today's path")
            return Flavour(name="the fork from before 26.7", lacks=lacks)
        if "PUT" not in await self._verbs(f"/guest-carts/{NOBODY}/shipping-address"):
            return Flavour(name="26.7", lacks=("setters for addresses and methods",))
        return Flavour(name="later than 26.7, with setters")

    async def takes_guests(self) -> bool:
        """The store view's own word; it may say nothing."""
        return _said(await self._get("/store-config", self._view)).get("isGuestCheckoutAllowed") is not False

    async def account(self) -> Account | None:
        """A token, then one read for each right."""
        credentials = self._shop.account
        if credentials is None:
            return None
        body = {
            "grant_type": "client_credentials",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
        }
        answer = await self._asked("POST", "/auth/token", {}, body)
        said = _said(answer)
        token = said.get("token")
        if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED} or not isinstance(token, str):
            return Account(admitted=False)
        rights = said.get("permissions")
        bearer = {"authorization": f"Bearer {token}"}
        refused = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
        lacks = [right for right, path in RIGHTS.items() if (await self._get(path, bearer)).status in refused]
        return Account(
            admitted=True,
            rights=tuple(str(right) for right in rights) if isinstance(rights, list) else (),
            lacks=tuple(lacks),
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._transport.aclose()

    @property
    def _view(self) -> dict[str, str]:
        return {} if self._shop.store_code is None else {"x-store-code": self._shop.store_code}

    async def _verbs(self, path: str) -> str:
        """The shop's sentence about a verb that it does not know there; empty where there is no such path."""
        answer = await self._get(path)
        if answer.status != HTTPStatus.METHOD_NOT_ALLOWED:
            return ""
        return f"{_said(answer).get('message', '')} {answer.headers.get('allow', '')}".partition("Allow")[2]

    async def _get(self, path: str, headers: Mapping[str, str] = {}) -> Heard:
        return await self._asked("GET", path, headers)

    async def _asked(self, method: str, path: str, headers: Mapping[str, str], body: object = None) -> Heard:
        limits = self._shop.limits
        timeout = httpx.Timeout(limits.read, connect=limits.connect, pool=limits.connect).as_dict()
        sent = {"accept": ACCEPT, "user-agent": "storefront-mcp doctor", **headers}
        content = b"" if body is None else msgspec.json.encode(body)
        if body is not None:
            sent["content-type"] = "application/json"
        request = httpx.Request(
            method, self.address + PREFIX + path, headers=sent, content=content, extensions={"timeout": timeout}
        )
        answer = await ask(self._transport, request)
        self.heard.append(answer)
        return answer


def _wire(url: str) -> httpx.AsyncBaseTransport:
    # As for `upstream`: aiohttp sets up TLS as it is imported, which nobody need wait for who never probes.
    from storefront_mcp.backends.wire import Wire  # noqa: PLC0415

    return Wire(url)


def _said(heard: Heard) -> Mapping[str, Any]:
    said = heard.json
    return said if isinstance(said, dict) else {}


def _named(heard: Heard, key: str) -> tuple[str, ...]:
    """One field of each member of a list."""
    members = _said(heard).get("member")
    found = [one.get(key) for one in members if isinstance(one, dict)] if isinstance(members, list) else []
    return tuple(str(one) for one in found if one)
