"""`CustomerAccount`: the port to what a shop keeps for one signed-in customer."""

from collections.abc import Sequence
from typing import Annotated, Protocol

from msgspec import Meta, Struct

from storefront_mcp.commerce.address import PostalAddress
from storefront_mcp.commerce.cart import CartLine, CartTotals
from storefront_mcp.commerce.ids import CartId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderDraft, OrderSettlement, ShippedParcel

OrderNumber = Annotated[str, Meta(min_length=1, max_length=60, description="From get_customer_orders")]
"""An order's number as an argument of a tool."""


class OrderedLine(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line of a customer's order."""

    sku: Sku
    """Of the variant that was bought."""
    name: str
    quantity: int | float
    total: Money | None = None
    """As the shop displays prices; None when it did not say."""
    options: dict[str, str] = {}
    """What makes the variant: Colour to Black."""
    custom_options: dict[str, str] = {}
    """What was chosen or written for it, by the options' titles."""


class CustomerOrder(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One order of a customer."""

    number: str
    placed_at: Annotated[str, Meta(description="UTC")] = ""
    status: Annotated[str, Meta(description="In the shop's words")]
    cancellable: bool = False
    """Whether it is neither paid nor invoiced nor sent."""
    total: Money | None = None
    lines: tuple[OrderedLine, ...] = ()
    totals: CartTotals | None = None
    """In full, where the order was read alone."""
    due: Annotated[Money | None, Meta(description="Still to be paid")] = None
    refunded: Money | None = None
    parcels: tuple[ShippedParcel, ...] = ()
    comments: Annotated[tuple[str, ...], Meta(description="From the shop to the customer")] = ()
    paid_by: str = ""
    """Title of the payment method."""
    shipped_by: str = ""
    shipping_address: PostalAddress | None = None
    billing_address: PostalAddress | None = None


class CustomerOrders(Struct, frozen=True, kw_only=True):
    """A page of a customer's orders, newest first."""

    orders: tuple[CustomerOrder, ...]
    total: int
    """Of all pages."""


class SavedAddress(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An address of a customer's address book."""

    address: PostalAddress
    default_shipping: bool = False
    default_billing: bool = False


class CustomerAccount(Protocol):
    """What one live session of a customer at the shop can see and do; it reads nothing of anybody else.

    Every method raises ShopError only, and SessionOver when the shop no longer knows the session.
    """

    async def orders(self, *, page: int, size: int) -> CustomerOrders:
        """A page of at most `size` orders, counted from 1; empty past the end."""

    async def order(self, number: str) -> CustomerOrder:
        """One order in full. Raises OrderNotFound, also for the order of somebody else."""

    async def cancel(self, number: str, reason: str) -> CustomerOrder:
        """Cancel an order, which is returned as it then is; also when it is canceled.

        One call, never repeated from in here. Raises OrderNotFound and OrderNotCancellable.
        """

    async def addresses(self) -> Sequence[SavedAddress]:
        """The address book."""

    async def cart_lines(self) -> Sequence[CartLine]:
        """What is in the customer's own cart at the shop, which everything they do there shares."""

    async def place_order(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement, total: Money) -> Order:
        """Order the lines of a guest cart as this customer, by way of the customer's own cart, if that is empty.

        Raises CustomerCartInUse and SessionOver with nothing ordered and the customer's cart as it was, OrderRefused
        likewise where the lines do not come to `total` there, otherwise as `ShopBackend.place_order`.
        """

    async def find_order(self, reference: str) -> Order | None:
        """After an unclear `place_order`: the order that carries this reference; None when there is none yet."""


class CustomerAccounts(Protocol):
    """Opens the accounts of customers who signed in."""

    async def account(self, grant: str) -> CustomerAccount:
        """The account behind a grant, with a live session. Raises SessionOver and ShopDown."""


class SignedInCustomer(Struct, frozen=True, kw_only=True):
    """Who is signed in, as tools see them."""

    subject: str
    """Opaque, the same for every client that acts for this customer; owner of their carts and checkouts."""
    grant: str
    """Id of what they granted to the client that calls."""
    scopes: frozenset[str]
    accounts: CustomerAccounts

    async def account(self) -> CustomerAccount:
        """Their account at the shop. Raises SessionOver and ShopDown."""
        return await self.accounts.account(self.grant)
