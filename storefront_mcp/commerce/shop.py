"""What a tool is given besides its arguments."""

from msgspec import Struct

from storefront_mcp.commerce.backend import Backend
from storefront_mcp.commerce.guest_carts import GuestCarts
from storefront_mcp.commerce.store import Store


class Shop(Struct, frozen=True):
    """One store, its catalogue and its guests' carts."""

    store: Store
    backend: Backend
    """For questions about the catalogue; carts go by their handles."""
    carts: GuestCarts
