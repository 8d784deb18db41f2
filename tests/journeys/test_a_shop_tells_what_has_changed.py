"""WooCommerce's own webhooks, as the shop sends them: what they are about is asked of the shop anew."""

import base64
import hashlib
import hmac
from pathlib import Path

import httpx
import pytest

from storefront_mcp.access.credentials import Secret
from storefront_mcp.settings.catalogue import StoreCatalogueSettings
from tests.fakes.agent import Agent, value
from tests.journeys.conftest import open_store

SECRET = base64.b64encode(b"as the merchant typed it there").decode()
HOOK = "/webhooks/shop"


def tell(origin: str, topic: str, body: bytes, secret: str = SECRET) -> int:
    """Send an event as the shop does."""
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    headers = {"x-wc-webhook-topic": topic, "x-wc-webhook-signature": signature, "content-type": "application/json"}
    return httpx.post(origin + HOOK, content=body, headers=headers).status_code


def ping(origin: str) -> int:
    """What the shop sends when a webhook is saved, which is not signed."""
    return httpx.post(origin + HOOK, data={"webhook_id": "3"}).status_code


@pytest.mark.slow
@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("order.created", b'{"id": 5, "line_items": [{"product_id": 2, "sku": "PAD-2", "quantity": 1}]}'),
        ("product.updated", b'{"id": 2, "sku": "PAD-2", "stock_quantity": 1}'),
        ("product.deleted", b'{"id": 999}'),
    ],
)
async def test_a_product_is_fresh_once_the_shop_has_told(tmp_path: Path, topic: str, body: bytes) -> None:
    catalogue = StoreCatalogueSettings(product=3_600, webhook_secret=Secret(SECRET))
    with open_store("woocommerce", tmp_path, phases={"p1_browse": "active"}, catalogue=catalogue) as store:
        assert store.shop.take_piece is not None
        async with Agent(store.origin, "2026-07-28") as agent:

            async def stock() -> int:
                left: int = value(await agent.call("get_product", sku="PAD-2"))["stock"]
                return left

            first = await stock()
            store.shop.take_piece("PAD-2")
            assert await stock() == first, "what is remembered"
            assert ping(store.origin) == 200
            assert tell(store.origin, topic, body, "guessed") == 401
            assert tell(store.origin, "product.updated", b"{}") == 400
            assert await stock() == first, "still"
            assert tell(store.origin, topic, body) == 202
            assert await stock() == first - 1
