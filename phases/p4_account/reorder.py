"""Fill a new cart with what an earlier order of the customer had."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.commerce.accounts import OrderedLine, OrderNumber
from storefront_mcp.commerce.cart import Cart, LostLine
from storefront_mcp.commerce.errors import CartNotFound, ShopBusy, ShopDown, ShopError
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool

MAX_LINES: Final = 50


class RepeatOrder(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which order."""

    number: OrderNumber


class UnavailableLine(Struct, frozen=True):
    """A line of the order that is not in the cart, and why."""

    line: OrderedLine
    reason: str


@tool(writes=True, limit="cart")
async def reorder(args: RepeatOrder, shop: Shop) -> Cart:
    """Put an earlier order of the signed-in buyer into a new cart, at today's prices. Tell them what notice says."""
    account = await shop.required_customer.account()
    order = await account.order(args.number)
    cart = await shop.carts.create()
    handle, expires_at, unavailable = cart.cart_id, cart.expires_at, []
    for line in order.lines[:MAX_LINES]:
        try:
            cart = await shop.carts.add_line(handle, line.sku, max(1, int(line.quantity)), line.custom_options)
        except (CartNotFound, ShopBusy, ShopDown):
            raise
        except ShopError as refused:
            unavailable.append(UnavailableLine(line, str(refused)))
    unavailable += [UnavailableLine(line, "The order is too long.") for line in order.lines[MAX_LINES:]]
    lost = tuple(
        LostLine(one.line.sku, int(one.line.quantity), one.line.options | one.line.custom_options)
        for one in unavailable
    )
    said = [f"{one.line.name} is not in the cart: {one.reason}" for one in unavailable] + _changes(order.lines, cart)
    return replace(cart, cart_id=handle, expires_at=expires_at, lost_lines=lost, notice=" ".join(said) or None)


def _changes(ordered: Sequence[OrderedLine], cart: Cart) -> list[str]:
    """What costs something else than it did, said of lines that are the only ones of their SKU."""
    before = {line.sku: line for line in ordered if [one.sku for one in ordered].count(line.sku) == 1}
    return [
        f"{line.name} costs {line.total} now; it was {then.total}."
        for line in cart.lines
        if (then := before.get(line.sku)) is not None
        and then.total is not None
        and then.quantity == line.quantity
        and then.total != line.total
    ]
