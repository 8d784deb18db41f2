"""What the page where a person pays may know and do."""

from typing import Literal, Protocol

from msgspec import Struct

from storefront_mcp.commerce.cart import Totals
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import PaymentMethod

PayState = Literal["open", "confirming", "ordering", "ordered", "refused", "expired", "canceled", "attention"]
"""open: can be paid. confirming: the person came back and the provider has not told yet. ordering: paid, the shop is
taking the order. ordered: done. refused: the shop took no order, and nothing was charged. attention: a person at the
shop has to look. """


class BilledLine(Struct, frozen=True, kw_only=True):
    """What is being paid for."""

    name: str
    quantity: int
    total: Money
    options: dict[str, str] = {}


class PayPage(Struct, frozen=True, kw_only=True):
    """One checkout as its buyer sees it: nothing in it helps a stranger who found the address."""

    checkout_id: str
    state: PayState
    lines: tuple[BilledLine, ...]
    totals: Totals
    online: bool = True
    """Whether it can be paid at the provider; False when nothing is to be paid, or the shop has no provider."""
    offline: tuple[PaymentMethod, ...] = ()
    """Ways to order first and pay outside, which the operator allows: a button each. With a total of 0 and neither
    of the two, one button confirms the order."""
    before: Money | None = None
    """The total that was shown before, when it has changed since."""
    declined: bool = False
    """Whether the last try to pay failed."""
    email: str
    """Masked: `a…@example.com`; empty once it is erased."""
    ships_to: str
    """Town and country; empty once it is erased."""
    ships_by: str
    """The title of the shipping method."""
    order_number: str | None = None
    reason: str | None = None
    """Why it ended as it did, a sentence for the buyer."""
    expires_at: int
    """Unix seconds."""


class Paying(Protocol):
    """The buyer's side of checkouts of one store. `token` is the last part of the page's address."""

    async def page(self, token: str) -> PayPage | None:
        """The checkout as it stands; None for an unknown token. Changes nothing: links are opened by previews too."""

    async def returned(self, token: str) -> PayPage | None:
        """The same, for a person who came back from paying: the provider is asked first, as far as it answers."""

    async def pay(self, token: str, *, shown: int, by: str | None = None) -> str | PayPage | None:
        """Where to send the person to pay the total they were shown, in minor units; `by` is a code out of `offline`.

        A page instead of an address when there is nothing to pay at the provider (the order is then being made), or
        when the total has changed and wants to be seen first; None for an unknown token.
        Raises ProviderDown and ShopError when it cannot be done now.
        """
