"""What every test of orders begins with: a buyer, and a cart worth ordering."""

from typing import Any

from msgspec.structs import replace

from storefront_mcp.backends.maho import MahoBackend
from storefront_mcp.commerce.address import PostalAddress
from storefront_mcp.commerce.ids import CartId, Sku
from storefront_mcp.commerce.order import OrderDraft, OrderSettlement

HOME = PostalAddress(
    first_name="Ada",
    last_name="Brine",
    street="12 Barrel Lane\nUnit 3",
    city="Brunswick",
    region="vic",
    postcode="3056",
    country="au",
    phone="03 9000 0000",
)
DRAFT = OrderDraft(
    email="ada@example.com",
    shipping_address=HOME,
    billing_address=replace(HOME, last_name="Bill", country="NZ", region="", city="Nelson"),
    shipping_method="auspost_express",
    note="Leave at door",
)
REFERENCE = "chk_7Qm2vX0cB4n9sTz1LwE8gA"
PREPAID = OrderSettlement(method="prepaid", payment="pay_1", reference=REFERENCE)


def elsewhere(**changed: Any) -> OrderDraft:
    """The draft with another shipping address."""
    return replace(DRAFT, shipping_address=replace(HOME, **changed))


async def filled(shop: MahoBackend, sku: str = "PAD-2", quantity: int = 1) -> CartId:
    """A cart with something in it."""
    cart = (await shop.create_cart()).cart_id
    await shop.add_line(cart, Sku(sku), quantity, {})
    return cart
