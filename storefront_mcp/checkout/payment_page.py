"""Port and view model of the buyer's payment page."""

from typing import Literal, Protocol

from msgspec import Struct

from storefront_mcp.commerce.cart import CartTotals
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import OutstandingPayment, PaymentMethod

PayState = Literal[
    "open", "confirming", "ordering", "ordered", "refused", "expired", "canceled", "attention", "stopped"
]
"""open: can be paid. confirming: the buyer came back and the payment is not known yet. ordering: paid, the
order is being placed. ordered: done. refused: no order, nothing charged. attention: an operator has to resolve it.
stopped: nobody can pay for now; `reason` says why."""


class PaymentPageLine(Struct, frozen=True, kw_only=True):
    """One line of the order."""

    name: str
    quantity: int
    total: Money
    options: dict[str, str] = {}


class PaymentPageView(Struct, frozen=True, kw_only=True):
    """One checkout as its buyer sees it.

    Whole addresses are shown only while it can be paid, so that the buyer can check them; afterwards it holds no
    personal data that a finder of the URL could use.
    """

    checkout_id: str
    state: PayState
    lines: tuple[PaymentPageLine, ...]
    totals: CartTotals
    online: bool = True
    """Whether it can be paid at the provider; False when nothing is to be paid, or the shop has no provider."""
    offline: tuple[PaymentMethod, ...] = ()
    """Payment methods that are paid outside: a button each. With neither, and a total of 0, one button confirms."""
    before: Money | None = None
    """The total that was shown before, when it has changed since."""
    settles: Literal["provider", "free", "offline"] = "provider"
    """How it was or will be paid, once that is decided."""
    payment: OutstandingPayment | None = None
    """How the order is to be paid, when it is not paid yet."""
    confirms_by_mail: bool = False
    declined: bool = False
    """Whether the last attempt to pay failed."""
    email: str
    """Masked: `a…@example.com`; empty once it is erased."""
    ships_to: str
    """Town and country; empty once it is erased."""
    recipient: tuple[str, ...] = ()
    """Name and whole address of the delivery, a line each, while it can be paid."""
    billed_to: tuple[str, ...] = ()
    """The same of the bill, where it differs."""
    ships_by: str
    """The title of the shipping method."""
    order_number: str | None = None
    order_total: Money | None = None
    """The order's total, where it is another than that of `totals`."""
    reason: str | None = None
    """Why it ended as it did, a sentence for the buyer."""
    expires_at: int
    """Unix seconds."""


class PaymentPage(Protocol):
    """Port of the payment pages of one store. `token` is the last path segment of the page."""

    async def page(self, token: str) -> PaymentPageView | None:
        """The page; None for an unknown token. Changes nothing, as link previews open it too."""

    async def return_from_payment(self, token: str) -> PaymentPageView | None:
        """The same after the provider was polled, for a buyer who comes back from paying."""

    async def pay(
        self, token: str, *, total_shown: int, offline_method: str | None = None
    ) -> str | PaymentPageView | None:
        """The provider's URL to pay; `total_shown` is in minor units, `offline_method` a code out of `offline`.

        A page instead when nothing is to be paid at the provider (the order is then placed), or when the total has
        changed and has to be shown again; None for an unknown token. Raises ShopError (PaymentDown included).
        """
