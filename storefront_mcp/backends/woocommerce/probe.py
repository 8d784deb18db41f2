"""Diagnostics of a WooCommerce shop: whether it is one, its currency, and what the merchant's key may do."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import httpx

from storefront_mcp.backends.probe import AccountAccess, ProbeRefused, ProbeResponse, SoftwareVersion, probe
from storefront_mcp.backends.woocommerce import WooConfig, root_of
from storefront_mcp.backends.woocommerce.store_api import MERCHANT, NO_ROUTE, ROOT, STORE

REFUSED_STATUSES: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
READ_RIGHT: Final = "orders/read"
WRITE_RIGHT: Final = "orders/write"
NO_ORDER_PATH: Final = f"{MERCHANT}/orders/0"
"""An order that no shop has: a change of it is refused as unknown, or for the lack of a right."""
GUESTS_PATH: Final = f"{MERCHANT}/settings/account/woocommerce_enable_guest_checkout"


class WooProbe:
    """Implements `backends.probe.ShopProbe`. Read-only: what it tries to write names no order."""

    software: Final = "WooCommerce"
    interface: Final = "Store API"
    since: Final = "11.0"
    coupons_per_minute: Final = 600
    """It counts none by itself; this is far above what a buyer needs."""
    switched_off: Final = ("has its Store API switched off", "Switch Store API on in the shop's configuration.")
    sign_ins_per_minute: Final = None
    account_advice: Final = (
        "Make a key with read and write access in the shop (Settings, Advanced, REST API), and set "
        "store.upstream.consumer_key and consumer_secret_file."
    )
    account_rights: Final = (READ_RIGHT, WRITE_RIGHT)
    applies_minimum: Final = True
    """It has none of its own; an extension that adds one refuses the order."""

    def __init__(self, shop: WooConfig, currency: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.address = root_of(shop.url)
        self.responses: list[ProbeResponse] = []
        self._shop = shop
        self._currency = currency
        self._transport = transport or _wire(self.address)

    async def hello(self) -> ProbeResponse:
        """A new cart."""
        return await self._send("GET", f"{STORE}/cart")

    def speaks(self, response: ProbeResponse) -> bool:
        """Whether the body is a cart, or an error as WordPress's."""
        said = _body_object(response)
        return "totals" in said or ("code" in said and "message" in said)

    def is_switched_off(self, response: ProbeResponse) -> bool:
        """WordPress answers 404 with `rest_no_route` where the plugin is off, or too old."""
        return _body_object(response).get("code") == NO_ROUTE

    async def knows_store(self) -> bool:
        """It has one store, and no name for it."""
        return True

    async def stores(self) -> tuple[str, ...]:
        """None that has a code."""
        return ()

    async def knows_currency(self) -> bool:
        """It sells in its own currency alone, which its carts tell."""
        return await self.currencies() == (self._currency,)

    async def currencies(self) -> tuple[str, ...]:
        """The currency of its carts."""
        totals = _body_object(_require_success(await self.hello())).get("totals")
        code = totals.get("currency_code") if isinstance(totals, dict) else None
        return (str(code),) if code else ()

    async def version(self) -> SoftwareVersion:
        """By whether carts have tokens, which this adapter cannot do without; the interface tells no number."""
        if "cart-token" not in _require_success(await self.hello()).headers:
            return SoftwareVersion(
                name="older than 11", lacks=("tokens of carts", "orders of guests without a session")
            )
        return SoftwareVersion(name="with tokens of carts")

    async def takes_guests(self) -> bool:
        """As its own settings say; taken for true where the key may not read those, or there is none."""
        if self._shop.key is None:
            return True
        told = await self._send("GET", GUESTS_PATH, self._shop.key.headers)
        return _body_object(told).get("value") != "no"

    async def in_maintenance(self) -> bool:
        """WordPress answers 503 to everything then."""
        request = self._request("GET", self.address + "/", {"accept": "text/html"})
        return (await probe(self._transport, request)).status == HTTPStatus.SERVICE_UNAVAILABLE

    async def account(self) -> AccountAccess | None:
        """Whether the merchant's key is admitted, and may read and write orders."""
        key = self._shop.key
        if key is None:
            return None
        read = await self._send("GET", f"{MERCHANT}/orders?per_page=1", key.headers)
        write = await self._send("PUT", NO_ORDER_PATH, key.headers)
        if read.json is None or write.json is None:
            raise ProbeRefused(read if read.json is None else write)
        tried = {READ_RIGHT: read, WRITE_RIGHT: write}
        lacks = tuple(right for right, answer in tried.items() if answer.status in REFUSED_STATUSES)
        return AccountAccess(admitted=len(lacks) < len(tried), lacks=lacks if len(lacks) < len(tried) else ())

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def _send(self, method: str, path: str, headers: Mapping[str, str] = {}) -> ProbeResponse:
        sent, content = {"accept": "application/json", **headers}, b""
        if method != "GET":
            sent["content-type"], content = "application/json", b"{}"
        answer = await probe(self._transport, self._request(method, self.address + ROOT + path, sent, content))
        self.responses.append(answer)
        return answer

    def _request(self, method: str, url: str, headers: Mapping[str, str], content: bytes = b"") -> httpx.Request:
        limits = self._shop.limits
        timeout = httpx.Timeout(limits.read, connect=limits.connect, pool=limits.connect).as_dict()
        sent = {"user-agent": "storefront-mcp doctor", **headers}
        return httpx.Request(method, url, headers=sent, content=content, extensions={"timeout": timeout})


def _wire(url: str) -> httpx.AsyncBaseTransport:
    # Imported late, as in `http_client`: aiohttp sets up TLS on import.
    from storefront_mcp.backends.aiohttp_transport import AiohttpTransport  # noqa: PLC0415

    return AiohttpTransport(url)


def _body_object(response: ProbeResponse) -> Mapping[str, Any]:
    said = response.json
    return said if isinstance(said, dict) else {}


def _require_success(response: ProbeResponse) -> ProbeResponse:
    """A response that is a success in JSON. Raises ProbeRefused for others."""
    if response.status != HTTPStatus.OK or response.json is None:
        raise ProbeRefused(response)
    return response
