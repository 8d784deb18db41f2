"""`Shop`: what a tool is given besides its arguments."""

from msgspec import Struct

from storefront_mcp.commerce.backend import CatalogueReader
from storefront_mcp.commerce.checkout import CheckoutPort
from storefront_mcp.commerce.errors import NoWayToPay
from storefront_mcp.commerce.guest_carts import GuestCarts
from storefront_mcp.commerce.related import CatalogueGuide
from storefront_mcp.commerce.store import Store


class Shop(Struct, frozen=True):
    """One store, its backend, carts and checkouts."""

    store: Store
    backend: CatalogueReader
    """Carts are reached by handle through `carts`."""
    carts: GuestCarts
    checkouts: CheckoutPort | None = None
    """None where no payment is configured; the phase that needs it cannot open then."""
    guide: CatalogueGuide | None = None
    """None where the store has no copy of its catalogue."""

    @property
    def required_checkouts(self) -> CheckoutPort:
        """`checkouts`. Raises NoWayToPay where no payment is configured."""
        if self.checkouts is None:
            raise NoWayToPay
        return self.checkouts
