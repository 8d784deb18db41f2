"""What every test of the WooCommerce adapter begins with: a stand-in, and an adapter over it."""

from collections.abc import Callable

import httpx
from msgspec.structs import replace

from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.links import KnownOrigins
from storefront_mcp.backends.woocommerce import MerchantKey, WooBackend, WooConfig, connect
from storefront_mcp.commerce.ids import CartId, Sku
from tests.contract.ordering import DRAFT, HOME, PREPAID
from tests.fakes.woocommerce import MERCHANT_KEY, MERCHANT_SECRET, WooShop

KEY = MerchantKey(consumer_key=MERCHANT_KEY, consumer_secret=MERCHANT_SECRET)
BILLING = replace(HOME, last_name="Bill", country="NZ", region="", city="Nelson", postcode="7010")
WOO_DRAFT = replace(DRAFT, billing_address=BILLING, shipping_method="flat_rate:3")
BY_CHEQUE = replace(PREPAID, method="cheque")


def woo_backend(
    shop: WooShop, *, currency: str = "AUD", key: MerchantKey | None = KEY, clock: Callable[[], float] = lambda: 1000.0
) -> WooBackend:
    """An adapter over a shop in this process, which has nothing to close."""
    backend, _ = connect(
        WooConfig(
            url="https://shop.example/",
            key=key,
            known=KnownOrigins("https://shop.example"),
            limits=ClientLimits(total=300, order=300, failures=1_000),
        ),
        currency,
        transport=httpx.ASGITransport(shop),  # type: ignore[arg-type]
        clock=clock,
    )
    return backend


async def filled(backend: WooBackend, sku: str = "PAD-2", quantity: int = 1) -> CartId:
    """A cart with something in it."""
    cart = (await backend.create_cart()).cart_id
    await backend.add_line(cart, Sku(sku), quantity, {})
    return cart
