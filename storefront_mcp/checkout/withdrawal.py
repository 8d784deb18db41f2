"""Withdrawal of an open checkout: canceled by the agent, replaced, or outdated by a change of its cart."""

from typing import Final

from storefront_mcp.checkout.context import CheckoutContext
from storefront_mcp.checkout.leasing import lease_checkout
from storefront_mcp.checkout.record import Checkout
from storefront_mcp.checkout.states import COMMITTED_STATES, TERMINAL_STATES, transition
from storefront_mcp.checkout.steps import close
from storefront_mcp.commerce.errors import CartBeingOrdered, CartOrdered, PaymentDown
from storefront_mcp.commerce.guest_carts import OpenCheckout
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.payments.provider import ProviderDown, ProviderRefused

CART_CHANGED_REASON: Final = "A change of its cart was asked for afterwards."
"""Said before the shop is asked, which may refuse the change."""
CLOSED_TEXT: Final = (
    "Checkout {} was for the cart as it was before, so it is closed and its payment page too. "
    "Call place_order again for the cart as it is now."
)
KEPT_TEXT: Final = "Nothing in the cart changed: checkout {} and its payment page stay open."
CLOSING_TEXT: Final = "Nothing in the cart changed; the payment page of checkout {} is being closed."


async def withdraw(context: CheckoutContext, checkout: Checkout, reason: str) -> Checkout:
    """Close an open checkout; it has ended when this returns.

    Raises as `check_not_ordered` when the buyer has paid or confirmed, and PaymentDown when the payment session
    cannot be expired now.
    """
    async with lease_checkout(context, checkout.id) as lease:
        held = lease.checkout
        if held.state == "open":
            held = await lease.write(
                transition(held, "closing", now=context.now(), closing_to="canceled", reason=reason)
            )
        if held.state == "closing":
            try:
                held = await lease.write(await close(context, held))
            except (ProviderDown, ProviderRefused) as error:
                raise PaymentDown(internal=f"{checkout.id}: {error}") from error
    check_not_ordered(context, held)
    if held.state == "closing":
        raise PaymentDown(internal=f"{checkout.id}: its payment page is neither closed nor paid yet")
    return held


async def refuse_ordered(context: CheckoutContext, cart: CartId) -> None:
    """Raise as `check_not_ordered` for the newest checkout of a cart."""
    check_not_ordered(context, await context.records.find_by_cart(context.store.id, context.cart_digest(cart)))


def check_not_ordered(context: CheckoutContext, checkout: Checkout | None) -> None:
    """Raise CartBeingOrdered if its buyer has paid and it has not ended, CartOrdered if it is placed."""
    if checkout is not None and checkout.state in COMMITTED_STATES:
        raise CartBeingOrdered(checkout.id, staff=context.store.staff)
    if checkout is not None and checkout.state == "placed":
        raise CartOrdered(checkout.id, checkout.order_number, staff=context.store.staff)


async def before_cart_change(context: CheckoutContext, cart: CartId) -> OpenCheckout | None:
    """The checkout of a cart that has to be closed before the cart may change; None without one.

    Raises what `check_not_ordered` raises; its `withdraw` raises as `withdraw`.
    """
    found = await context.records.find_by_cart(context.store.id, context.cart_digest(cart))
    if found is None:
        return None
    check_not_ordered(context, found)
    if found.state in TERMINAL_STATES:
        return None

    async def close_page() -> str:
        await withdraw(context, found, CART_CHANGED_REASON)
        return CLOSED_TEXT.format(found.id)

    kept = KEPT_TEXT if found.state == "open" else CLOSING_TEXT
    return OpenCheckout(withdraw=close_page, kept=kept.format(found.id))
