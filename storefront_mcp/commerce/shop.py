"""What a tool is given besides its arguments."""

from msgspec import Struct

from storefront_mcp.commerce.backend import Backend
from storefront_mcp.commerce.checkout import Checkouts
from storefront_mcp.commerce.errors import NoWayToPay
from storefront_mcp.commerce.guest_carts import GuestCarts
from storefront_mcp.commerce.store import Store


class Shop(Struct, frozen=True):
    """One store, its catalogue and its guests' carts."""

    store: Store
    backend: Backend
    """For questions about the catalogue; carts go by their handles."""
    carts: GuestCarts
    checkouts: Checkouts | None = None
    """None where the store has no way to be paid: the phase that needs it cannot open then."""

    @property
    def order_desk(self) -> Checkouts:
        """Who takes orders. Raises NoWayToPay where the store has no way to be paid."""
        if self.checkouts is None:
            raise NoWayToPay
        return self.checkouts
