"""List the orders of the signed-in customer."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from storefront_mcp.commerce.accounts import CustomerOrder
from storefront_mcp.commerce.errors import CursorRefused
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool

SHOWN_LINES: Final = 3
MAX_PAGE: Final = 100_000


class GetCustomerOrders(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which page."""

    page_size: Annotated[int, Meta(ge=1, le=50, description="Default: 10")] = 10
    cursor: Annotated[str, Meta(max_length=6, description="next_cursor of the last page")] = ""


class OrderExcerpt(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An order in a list."""

    number: str
    placed_at: str
    status: str
    total: Money | None
    lines: tuple[str, ...]
    more_lines: int = 0


class OrderHistory(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A page of orders."""

    orders: tuple[OrderExcerpt, ...]
    total: int
    next_cursor: str | None = None


@tool()
async def get_customer_orders(args: GetCustomerOrders, shop: Shop) -> OrderHistory:
    """List the signed-in buyer's orders, newest first."""
    page = _page(args.cursor)
    account = await shop.required_customer.account()
    found = await account.orders(page=page, size=args.page_size)
    more = bool(found.orders) and page * args.page_size < found.total
    return OrderHistory(
        orders=tuple(_summary(order) for order in found.orders),
        total=found.total,
        next_cursor=str(page + 1) if more else None,
    )


def _page(cursor: str) -> int:
    if not cursor:
        return 1
    page = int(cursor) if cursor.isascii() and cursor.isdecimal() else 0
    if not 1 < page <= MAX_PAGE:
        raise CursorRefused
    return page


def _summary(order: CustomerOrder) -> OrderExcerpt:
    return OrderExcerpt(
        number=order.number,
        placed_at=order.placed_at,
        status=order.status,
        total=order.total,
        lines=tuple(f"{line.quantity} x {line.name}" for line in order.lines[:SHOWN_LINES]),
        more_lines=max(0, len(order.lines) - SHOWN_LINES),
    )
