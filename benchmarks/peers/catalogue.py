"""What the Python peers sell: the fixed answer, or the same products asked of a shop with httpx."""

import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

ANSWER: dict[str, Any] = json.loads(Path(os.environ["BENCH_ANSWER"]).read_text(encoding="utf-8"))
SHOP = os.environ.get("BENCH_SHOP")

# Two of the peers turn every library's chatter on.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpx2").setLevel(logging.WARNING)

_client: httpx.AsyncClient | None = None


@asynccontextmanager
async def shop(_server: object = None) -> AsyncIterator[None]:
    """One client for the whole life of the server, as one should."""
    global _client
    if SHOP is None:
        yield
        return
    async with httpx.AsyncClient(base_url=SHOP, headers={"accept": "application/ld+json"}) as _client:
        yield


async def asked(query: str, page_size: int) -> dict[str, Any]:
    """The answer as a plain dict: fixed, or read from the shop and put into the same words."""
    if _client is None:
        return ANSWER
    response = await _client.get(
        "/api/rest/v2/products", params={"search": query, "page": "1", "pageSize": str(page_size)}
    )
    response.raise_for_status()
    found = response.json()
    return {
        "products": [
            {
                "sku": one["sku"],
                "name": one["name"],
                "price": {"minor": round(one["finalPrice"] * 100), "currency": one["currency"]},
                "list_price": {"minor": round(one["price"] * 100), "currency": one["currency"]},
                "choose": "variant" if one["type"] == "configurable" else None,
            }
            for one in found["member"]
        ],
        "total": found["totalItems"],
    }
