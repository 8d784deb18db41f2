"""What the contract asks about: one shop with known goods, its adapter, and what its staff can do to it."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct

from storefront_mcp.commerce.accounts import CustomerAccount
from storefront_mcp.commerce.address import Address, PostalAddress
from storefront_mcp.commerce.backend import ShopBackend
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.customers import CustomerLogin, ShopSession
from storefront_mcp.commerce.ids import CartId, Sku
from storefront_mcp.commerce.listing import CatalogueLister
from storefront_mcp.commerce.money import Money
from storefront_mcp.demo.customers import DemoPerson
from tests.fakes.demo_faults import DemoFault


class BookedOrder(Struct, frozen=True, kw_only=True):
    """An order as the shop's staff sees it."""

    number: str
    total: Money
    email: str
    texts: str
    """Everything that was written with it: note and reference."""


class PlanFault(Protocol):
    """Lets the next call of a kind fail."""

    def __call__(self, fault: DemoFault, *, times: int = 1) -> None: ...


class ContractCustomers(Struct, frozen=True, kw_only=True):
    """People who can sign in at the shop, nobody of whom has ordered yet."""

    ada: DemoPerson
    bo: DemoPerson
    """With a second factor, where the software has one."""
    cy: DemoPerson
    """Whom the shop has not let in yet."""
    account: Callable[[ShopSession], CustomerAccount]
    """The account of a live session."""
    login: CustomerLogin | None = None
    """Where codes are mailed, which is no adapter's own; None for the adapter's."""
    mailed: Callable[[], Awaitable[str]] | None = None
    """The code that was mailed last."""
    claim: Callable[[str, DemoPerson], None] | None = None
    """Makes a guest's order somebody's; None where orders are made in a customer's name."""


class ContractShop(Struct, frozen=True, kw_only=True):
    """One shop. All sell the same goods, in Australian dollars with tax inside, as far as their software can."""

    kind: str
    backend: ShopBackend
    url: str = ""
    """Where it is asked without the adapter; empty where no test does so."""
    family: str
    """The SKU of the Club Tee, of which only variants are sold; not all software has one."""
    method: str
    """The payment method of orders that are paid elsewhere."""
    lacks: frozenset[str] = frozenset()
    """What its software has not: gift_cards, pages, facets, list_prices, coupon_case, second_factor, cancel,
    customer_orders."""
    books: Callable[[], list[BookedOrder]]
    """All orders, the oldest first."""
    sell_out: Callable[[str], None]
    """Takes all pieces of a SKU from the stock."""
    fail_order: PlanFault
    """Of the call that makes an order of a cart."""
    fail_next: PlanFault
    """Of any call."""
    fail_write: PlanFault
    """Of a call that puts something into a cart."""
    customers: ContractCustomers | None = None
    """None for a kind whose customers do not sign in here."""
    lister: CatalogueLister | None = None
    """What reads its whole catalogue; None for a kind without a mirror."""
    rename: Callable[[str, str], None] | None = None
    """Gives the product with a SKU another name, which moves its date; None where nobody can."""
    withdraw: Callable[[str], None] | None = None
    """Takes the product with a SKU from sale without deleting it; None where nobody can."""


def aud(minor: int) -> Money:
    """An amount in the currency of all shops."""
    return Money(minor, "AUD")


def adds_up(cart: Cart) -> bool:
    """Whether the lines and the parts of the totals come to the total, to the cent."""
    totals, zero = cart.totals, aud(0)
    known = totals.subtotal - (totals.discount or zero) + (totals.shipping or zero) - (totals.gift_cards or zero)
    tax = zero if totals.tax_included else totals.tax or zero
    rows = sum((line.total for line in cart.lines), zero)
    return known + tax + (totals.other or zero) == totals.total and rows == totals.subtotal


async def filled(shop: ContractShop, sku: str = "PAD-2", quantity: int = 1) -> CartId:
    """A cart with something in it."""
    cart = (await shop.backend.create_cart()).cart_id
    await shop.backend.add_line(cart, Sku(sku), quantity, {})
    return cart


HOME = Address(country="AU", postcode="3056", region="VIC", city="Brunswick")
ADA = PostalAddress(
    first_name="Ada",
    last_name="Brine",
    street="12 Barrel Lane\nUnit 3",
    city="Brunswick",
    region="vic",
    postcode="3056",
    country="au",
    phone="03 9000 0000",
)
EMAIL = "ada@example.com"
UNSERVED = "AQ"
"""A country that none of the shops delivers to."""
