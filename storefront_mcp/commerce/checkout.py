"""A checkout as an agent sees it, and the port through which tools reach checkouts."""

from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

from storefront_mcp.commerce.cart import Totals
from storefront_mcp.commerce.names import CartId
from storefront_mcp.commerce.order import OrderDraft, Parcel

CheckoutStatus = Literal["ready", "requires_escalation", "complete_in_progress", "completed", "failed", "canceled"]
"""ready: a dry run found nothing in the way. requires_escalation: a person has to open `continue_url` and pay.
complete_in_progress: paid, the order is being made. completed: there is an order. failed: there is none, and nothing
was charged. canceled: given up, or not paid in time."""


class OrderShown(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The order a checkout became."""

    number: Annotated[str | None, Meta(description="Absent when only the shop's e-mail tells it")] = None
    status: Annotated[str | None, Meta(description="In the shop's words")] = None
    parcels: tuple[Parcel, ...] = ()


class CheckoutShown(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where a checkout stands, and what to do next."""

    checkout_id: str | None = None
    """None after a dry run, which makes none."""
    status: CheckoutStatus
    next_step: Annotated[str, Meta(description="What to do now")]
    totals: Totals
    continue_url: Annotated[str | None, Meta(description="Where the buyer pays")] = None
    expires_at: Annotated[str | None, Meta(description="ISO 8601, UTC")] = None
    order: OrderShown | None = None
    notice: Annotated[str | None, Meta(description="What the buyer should hear about")] = None


class Checkouts(Protocol):
    """The agent's side of the checkouts of one store."""

    async def place(self, cart: CartId, draft: OrderDraft, *, key: str | None, dry_run: bool) -> CheckoutShown:
        """Check everything, freeze the order and say where the buyer pays.

        The same `key`, or no key and the same wish, gives the same checkout and address. A dry run only checks.
        Raises what `Backend.priced` raises, EmailRefused, CartNotFound, CartBeingOrdered, KeyReused, PaymentDown and
        NoWayToPay.
        """

    async def status(self, checkout: str) -> CheckoutShown:
        """Where it stands now; the order's progress too, where the shop tells it. Raises CheckoutNotFound."""

    async def cancel(self, checkout: str) -> CheckoutShown:
        """Give it up; again is fine. Raises CheckoutNotFound, CartBeingOrdered, PaymentDown."""

    async def before_change(self, cart: CartId) -> str | None:
        """Make way for a change of the cart: its open checkout is given up first, which the answer tells.

        Raises CartBeingOrdered when the buyer has paid already, PaymentDown when the payment page cannot be closed now.
        """
