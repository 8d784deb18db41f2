"""A cashier for tests: checkouts in memory, behind the same port as the real ones."""

import asyncio

from msgspec.structs import replace

from storefront_mcp.commerce.cart import Totals
from storefront_mcp.commerce.checkout import CheckoutShown, OrderShown
from storefront_mcp.commerce.errors import CheckoutNotFound, EmailRefused
from storefront_mcp.commerce.names import CartId
from storefront_mcp.commerce.order import OrderDraft
from tests.shelf import aud

TOTALS = Totals(subtotal=aud(27900), shipping=aud(995), total=aud(28895))


class Till:
    """One checkout per cart, `chk-1` and so on, each with a page to pay on. `drafts` is what came in."""

    def __init__(self) -> None:
        self.checkouts: dict[str, CheckoutShown] = {}
        self.drafts: list[tuple[CartId, OrderDraft, str | None]] = []
        self.down: Exception | None = None
        """What every method raises while it is set."""
        self._of: dict[CartId, str] = {}

    async def place(self, cart: CartId, draft: OrderDraft, *, key: str | None, dry_run: bool) -> CheckoutShown:
        await self._asked()
        self.drafts.append((cart, draft, key))
        if "@" not in draft.email:
            raise EmailRefused
        if dry_run:
            return CheckoutShown(status="ready", next_step="Show the totals.", totals=TOTALS)
        id_ = self._of.setdefault(cart, f"chk-{len(self._of) + 1}")
        new = CheckoutShown(
            checkout_id=id_,
            status="requires_escalation",
            next_step="Give the buyer continue_url.",
            totals=TOTALS,
            continue_url=f"https://pickle.example/pay/{id_}",
            expires_at="2026-11-20T18:30Z",
        )
        return self.checkouts.setdefault(id_, new)

    async def status(self, checkout: str) -> CheckoutShown:
        await self._asked()
        if checkout not in self.checkouts:
            raise CheckoutNotFound
        return self.checkouts[checkout]

    async def cancel(self, checkout: str) -> CheckoutShown:
        shown = await self.status(checkout)
        ended = replace(shown, status="canceled", next_step="Nothing is owed.", continue_url=None, expires_at=None)
        self.checkouts[checkout] = ended
        return ended

    async def before_change(self, cart: CartId) -> str | None:
        await self._asked()
        return "The checkout was given up." if cart in self._of else None

    def paid(self, checkout: str) -> None:
        """The buyer has paid and the shop has made the order."""
        self.checkouts[checkout] = replace(
            self.checkouts[checkout],
            status="completed",
            next_step="Tell the buyer the number.",
            continue_url=None,
            expires_at=None,
            order=OrderShown(number="100000001"),
        )

    async def _asked(self) -> None:
        if self.down is not None:
            raise self.down
        await asyncio.sleep(0)
