"""`Shop`: what a tool is given besides its arguments."""

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.commerce.accounts import CustomerAccounts, SignedInCustomer
from storefront_mcp.commerce.backend import CatalogueReader
from storefront_mcp.commerce.checkout import CheckoutPort
from storefront_mcp.commerce.customers import SessionOver
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
    accounts: CustomerAccounts | None = None
    """None where customers cannot sign in."""
    customer: SignedInCustomer | None = None
    """Who is signed in; None for guests and for everybody who is no customer."""
    closed: str = ""
    """What of the shop is closed for now, and why, as sentences; empty where nothing is."""

    @property
    def required_checkouts(self) -> CheckoutPort:
        """`checkouts`. Raises NoWayToPay where no payment is configured."""
        if self.checkouts is None:
            raise NoWayToPay
        return self.checkouts

    @property
    def required_customer(self) -> SignedInCustomer:
        """`customer`. Raises SessionOver where nobody is signed in."""
        if self.customer is None:
            raise SessionOver(internal="a tool for customers ran without one")
        return self.customer

    def for_customer(self, subject: str, *, grant: str, scopes: frozenset[str]) -> "Shop":
        """The shop as a signed-in customer has it: `subject` owns the carts and checkouts that are made through it."""
        if self.accounts is None:
            return self
        customer = SignedInCustomer(subject=subject, grant=grant, scopes=scopes, accounts=self.accounts)
        carts = self.carts.owned_by(subject)
        checkouts = None if self.checkouts is None else self.checkouts.for_customer(subject, carts.lock)
        return replace(self, customer=customer, carts=carts, checkouts=checkouts)
