"""What can go wrong with a customer's account at the shop."""

from collections.abc import Sequence

from msgspec import Struct

from storefront_mcp.commerce.cart import CartLine
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.ids import Sku


class OrderNotFound(ShopError):
    """This customer has no order of that number."""

    code = "order_not_found"

    def __init__(self, number: str) -> None:
        super().__init__(f"The buyer has no order {number[:60]!r} in this account. See get_customer_orders.")


class OrderNotCancellable(ShopError):
    """The order is paid, invoiced, sent or closed, or the shop did not cancel it."""

    code = "order_not_cancellable"

    def __init__(self, number: str, reason: str, *, staff: str = "the shop") -> None:
        super().__init__(f"Order {number[:60]} was not canceled: {reason}. The buyer can ask {staff}.")


class WaitingLine(Struct, frozen=True):
    """A line of the customer's own cart."""

    sku: Sku
    name: str
    quantity: int


class CustomerCartInUse(ShopError):
    """The customer's own cart at the shop holds other things, which an order in their name would buy as well."""

    code = "customer_cart_in_use"

    def __init__(self, lines: Sequence[CartLine]) -> None:
        super().__init__(
            "The buyer's own cart at the shop is not empty, and an order in their name would buy what is in it. "
            "They can empty it there; or send as_customer false to order as a guest.",
            detail=[WaitingLine(line.sku, line.name, line.quantity) for line in lines[:20]],
        )
