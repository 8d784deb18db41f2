"""The agent's view of a checkout, and `CheckoutPort`, through which tools use checkouts."""

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

from storefront_mcp.commerce.cart import CartTotals
from storefront_mcp.commerce.guest_carts import CartLock
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import OrderDraft, OutstandingPayment, PaymentMethod, ShippedItem, ShippedParcel

CheckoutStatus = Literal["ready", "requires_escalation", "complete_in_progress", "completed", "failed", "canceled"]
"""ready: a dry run found nothing in the way. requires_escalation: a person has to open `continue_url` and pay.
complete_in_progress: paid or confirmed, the order is being made. completed: there is an order. failed: there is none,
and nothing was charged. canceled: given up, or not paid in time."""


class OrderView(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The order made of a checkout."""

    number: Annotated[str | None, Meta(description="Absent when the shop did not tell it")] = None
    total: Annotated[Money | None, Meta(description="If it is not totals.total: this is charged")] = None
    status: Annotated[str | None, Meta(description="In the shop's words")] = None
    delivery: Annotated[str | None, Meta(description="How long it usually takes")] = None
    parcels: tuple[ShippedParcel, ...] = ()
    unsent: Annotated[tuple[ShippedItem, ...], Meta(description="Still to be sent, once a part was")] = ()
    comments: Annotated[tuple[str, ...], Meta(description="From the shop to the customer")] = ()
    refunded: Money | None = None
    due: Annotated[Money | None, Meta(description="Still to be paid")] = None


class CheckoutView(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The status of a checkout, and the next step."""

    checkout_id: str | None = None
    """None after a dry run."""
    status: CheckoutStatus
    next_step: Annotated[str, Meta(description="What to do now")]
    totals: CartTotals
    continue_url: Annotated[str | None, Meta(description="Where the buyer pays")] = None
    expires_at: Annotated[str | None, Meta(description="ISO 8601, UTC")] = None
    order: OrderView | None = None
    payment: Annotated[OutstandingPayment | None, Meta(description="How the buyer pays an order that is not paid")] = (
        None
    )
    last_payment: Annotated[Literal["declined"] | None, Meta(description="Nothing was charged; try again")] = None
    notice: Annotated[str | None, Meta(description="What the buyer should hear about")] = None


class CheckoutPort(Protocol):
    """Checkouts of one store, for agents."""

    @property
    def is_test(self) -> bool:
        """Whether paying moves no money."""

    def ways_to_pay(self, offered: Sequence[PaymentMethod]) -> tuple[str, ...]:
        """Titles of what orders of this server can be paid by, of what the shop offers."""

    def for_customer(self, subject: str, lock_cart: CartLock) -> "CheckoutPort":
        """The checkouts as a signed-in customer has them: new ones are theirs, and theirs are nobody else's."""

    async def place(
        self, cart: CartId, draft: OrderDraft, *, key: str | None, dry_run: bool, grant: str = ""
    ) -> CheckoutView:
        """Validate and freeze the order; the result has the payment page's URL. A dry run only validates.

        With a `grant` the order is made in the name of the customer who gave it, where the shop lets that happen by
        then. The same `key`, or no key and the same arguments, gives the same checkout; a key belongs to its cart.
        Raises what `ShopBackend.quote_order` raises, EmailRefused, CartNotFound, CartBeingOrdered, CartOrdered,
        KeyReused, PaymentDown, NoWayToPay and TotalRefused.
        """

    async def status(self, checkout: str) -> CheckoutView:
        """The current status, with the order's progress where the shop has it. Raises CheckoutNotFound."""

    async def cancel(self, checkout: str) -> CheckoutView:
        """Cancel a checkout; idempotent. Raises CheckoutNotFound, CartBeingOrdered, CartOrdered, PaymentDown."""
