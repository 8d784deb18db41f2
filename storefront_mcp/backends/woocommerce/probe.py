"""Diagnostics of a WooCommerce shop: whether it is one, its currency, and what the merchant's key may do."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import httpx

from storefront_mcp.backends.probe import AccountAccess, ProbeRefused, ProbeResponse, SoftwareVersion
from storefront_mcp.backends.probe_client import ProbeClient, body_object, require_success
from storefront_mcp.backends.woocommerce import WooConfig, root_of
from storefront_mcp.backends.woocommerce.store_api import MERCHANT, NO_ROUTE, ROOT, STORE

REFUSED_STATUSES: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
READ_RIGHT: Final = "orders/read"
WRITE_RIGHT: Final = "orders/write"
NO_ORDER_PATH: Final = f"{MERCHANT}/orders/0"
"""An order that no shop has: a change of it is refused as unknown, or for the lack of a right."""
CUSTOMERS_PATH: Final = f"{MERCHANT}/customers?per_page=1&_fields=id"
CUSTOMERS_FIX: Final = (
    "Make the key of store.upstream.consumer_key for a user who may list the shop's customers: a shop manager or an "
    "administrator."
)
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
        self._shop = shop
        self._currency = currency
        self._client = ProbeClient(self.address, shop.limits, transport)
        self.responses = self._client.responses

    async def hello(self) -> ProbeResponse:
        """A new cart."""
        return await self._send("GET", f"{STORE}/cart")

    def speaks(self, response: ProbeResponse) -> bool:
        """Whether the body is a cart, or an error as WordPress's."""
        said = body_object(response)
        return "totals" in said or ("code" in said and "message" in said)

    def is_switched_off(self, response: ProbeResponse) -> bool:
        """WordPress answers 404 with `rest_no_route` where the plugin is off, or too old."""
        return body_object(response).get("code") == NO_ROUTE

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
        totals = body_object(require_success(await self.hello())).get("totals")
        code = totals.get("currency_code") if isinstance(totals, dict) else None
        return (str(code),) if code else ()

    async def version(self) -> SoftwareVersion:
        """By whether carts have tokens, which this adapter cannot do without; the interface tells no number."""
        if "cart-token" not in require_success(await self.hello()).headers:
            return SoftwareVersion(
                name="older than 11", lacks=("tokens of carts", "orders of guests without a session")
            )
        return SoftwareVersion(name="with tokens of carts")

    async def takes_guests(self) -> bool:
        """As its own settings say; taken for true where the key may not read those, or there is none."""
        if self._shop.key is None:
            return True
        told = await self._send("GET", GUESTS_PATH, self._shop.key.headers)
        return body_object(told).get("value") != "no"

    async def in_maintenance(self) -> bool:
        """WordPress answers 503 to everything then."""
        return await self._client.status_of("/", "text/html") == HTTPStatus.SERVICE_UNAVAILABLE

    async def sign_in_fix(self) -> str | None:
        """A key that may read customers, who are found by their e-mail address; None without a key."""
        if self._shop.key is None:
            return None
        told = await self._send("GET", CUSTOMERS_PATH, self._shop.key.headers)
        return CUSTOMERS_FIX if told.status in REFUSED_STATUSES else None

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
        await self._client.close()

    async def _send(self, method: str, path: str, headers: Mapping[str, str] = {}) -> ProbeResponse:
        return await self._client.send(method, ROOT + path, headers, None if method == "GET" else {})
