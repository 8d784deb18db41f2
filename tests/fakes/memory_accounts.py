"""Accounts of customers in memory, behind the same port as those of any shop."""

from collections.abc import Sequence

from msgspec.structs import replace

from storefront_mcp.commerce.account_errors import CustomerCartInUse, OrderNotCancellable, OrderNotFound
from storefront_mcp.commerce.accounts import CustomerOrder, CustomerOrders, OrderedLine, SavedAddress
from storefront_mcp.commerce.address import PostalAddress
from storefront_mcp.commerce.cart import CartLine
from storefront_mcp.commerce.customers import SessionOver
from storefront_mcp.commerce.ids import CartId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderDraft, OrderSettlement

HOME = PostalAddress(
    first_name="Ada", last_name="Brine", street="1 Jar Lane", city="Brisbane", postcode="4000", country="AU"
)


def order(number: str, *lines: OrderedLine, status: str = "pending", cancellable: bool = True) -> CustomerOrder:
    """An order of a customer."""
    return CustomerOrder(
        number=number,
        placed_at="2026-11-01T10:00:00Z",
        status=status,
        cancellable=cancellable,
        total=Money(27900, "AUD"),
        lines=lines or (OrderedLine(sku=Sku("PAD-2"), name="Carbon paddle", quantity=1, total=Money(27900, "AUD")),),
        shipping_address=HOME,
        billing_address=HOME,
    )


class MemoryAccount:
    """`CustomerAccount` of one customer."""

    def __init__(self, *orders: CustomerOrder) -> None:
        self.kept = {one.number: one for one in orders}
        self.book: Sequence[SavedAddress] = (SavedAddress(address=HOME, default_shipping=True, default_billing=True),)
        self.waiting: Sequence[CartLine] = ()
        self.placed: list[tuple[CartId, str]] = []
        self.over = False
        self.calls = 0

    def _count(self) -> None:
        self.calls += 1
        if self.over:
            raise SessionOver

    async def orders(self, *, page: int, size: int) -> CustomerOrders:
        self._count()
        newest = sorted(self.kept.values(), key=lambda one: one.number, reverse=True)
        return CustomerOrders(orders=tuple(newest[(page - 1) * size : page * size]), total=len(newest))

    async def order(self, number: str) -> CustomerOrder:
        self._count()
        if number not in self.kept:
            raise OrderNotFound(number)
        return self.kept[number]

    async def cancel(self, number: str, reason: str) -> CustomerOrder:
        found = await self.order(number)
        if not found.cancellable and found.status != "canceled":
            raise OrderNotCancellable(number, "it is paid")
        self.kept[number] = replace(found, status="canceled", cancellable=False, comments=(reason,) if reason else ())
        return self.kept[number]

    async def addresses(self) -> Sequence[SavedAddress]:
        self._count()
        return self.book

    async def cart_lines(self) -> Sequence[CartLine]:
        self._count()
        return self.waiting

    async def place_order(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement, total: Money) -> Order:
        self._count()
        if self.waiting:
            raise CustomerCartInUse(self.waiting)
        self.placed.append((cart, settlement.reference))
        return Order(number=f"C{len(self.placed)}", total=total)

    async def find_order(self, reference: str) -> Order | None:
        self._count()
        found = (at for at, (_, placed) in enumerate(self.placed, 1) if placed == reference)
        return next((Order(number=f"C{at}") for at in found), None)


class MemoryAccounts:
    """`CustomerAccounts`: by grant."""

    def __init__(self, accounts: dict[str, MemoryAccount]) -> None:
        self.accounts = accounts

    async def account(self, grant: str) -> MemoryAccount:
        if grant not in self.accounts:
            raise SessionOver
        return self.accounts[grant]
