"""Sixteen shoppers, each at an address of its own, who search, look and fill their carts, and how long they wait."""

import asyncio
import json
import time
from typing import Any, Final

import httpx
from msgspec import Struct, field

HEADERS: Final = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}
SHOPPERS: Final = 16
THINKING_SECONDS: Final = 0.2
BETWEEN_CARTS: Final = 6
"""Calls between two changes of a cart: within the limits that hold for a cart."""


class Waits(Struct):
    """What shoppers waited in one span of time."""

    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000 if ordered else float("nan")


class Crowd:
    """The shoppers; what they wait goes into `waits`, which is replaced from span to span."""

    def __init__(self, port: int) -> None:
        self.waits = Waits()
        self._url = f"http://127.0.0.1:{port}/mcp"

    async def run(self) -> None:
        """Shop until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(SHOPPERS):
                group.create_task(self._shop(f"127.0.1.{number + 1}"))

    async def _shop(self, address: str) -> None:
        transport = httpx.AsyncHTTPTransport(local_address=address)
        async with httpx.AsyncClient(transport=transport, timeout=30) as client:
            cart, line, calls = "", "", 0
            while True:
                calls += 1
                if not cart:
                    cart = (await self._call(client, "create_cart")).get("cart_id", "")
                elif not line:
                    filled = await self._call(client, "add_to_cart", cart_id=cart, sku="CARE-1", quantity=1)
                    line = next((one["line_id"] for one in filled.get("lines", ())), "")
                elif calls % BETWEEN_CARTS == 0:
                    pieces = 1 + calls // BETWEEN_CARTS % 2
                    await self._call(client, "update_cart_item", cart_id=cart, line_id=line, quantity=pieces)
                elif calls % BETWEEN_CARTS == BETWEEN_CARTS // 2:
                    await self._call(client, "view_cart", cart_id=cart)
                elif calls % 2:
                    await self._call(client, "search_products", query="paddle")
                else:
                    await self._call(client, "get_product", sku="CARE-1")
                await asyncio.sleep(THINKING_SECONDS)

    async def _call(self, client: httpx.AsyncClient, tool: str, **arguments: object) -> dict[str, Any]:
        params = {"name": tool, "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        waits, began = self.waits, time.perf_counter()
        try:
            answer = await client.post(self._url, json=message, headers=HEADERS)
            result: dict[str, Any] = answer.json()["result"]
        except (httpx.HTTPError, KeyError, json.JSONDecodeError) as error:
            waits.failed.append(f"{tool}: {error!r}")
            return {}
        waits.seconds.append(time.perf_counter() - began)
        if result.get("isError"):
            waits.failed.append(f"{tool}: {result['content'][0]['text']}")
        told: dict[str, Any] = result.get("structuredContent") or {}
        return told
