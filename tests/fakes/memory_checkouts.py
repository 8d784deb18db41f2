"""A cashier for tests: checkouts in memory, behind the same port as the real ones."""

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from storefront_mcp.commerce.cart import CartTotals
from storefront_mcp.commerce.checkout import CheckoutView, OrderView
from storefront_mcp.commerce.errors import CheckoutNotFound, EmailRefused
from storefront_mcp.commerce.guest_carts import CartLock
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.order import OrderDraft, PaymentMethod
from tests.fakes.memory_backend import aud

TOTALS = CartTotals(subtotal=aud(27900), shipping=aud(995), total=aud(28895))


class MemoryCheckouts:
    """One checkout per cart, `chk-1` and so on, each with a page to pay on. `drafts` is what came in."""

    def __init__(self) -> None:
        self.checkouts: dict[str, CheckoutView] = {}
        self.drafts: list[tuple[CartId, OrderDraft, str | None]] = []
        self.grants: list[str] = []
        self.down: Exception | None = None
        """What every method raises while it is set."""
        self._of: dict[CartId, str] = {}

    @property
    def is_test(self) -> bool:
        return True

    def ways_to_pay(self, offered: Sequence[PaymentMethod]) -> tuple[str, ...]:
        return tuple(method.title for method in offered if not method.free)

    def for_customer(self, subject: str, lock_cart: CartLock) -> "MemoryCheckouts":
        return self

    async def place(
        self, cart: CartId, draft: OrderDraft, *, key: str | None, dry_run: bool, grant: str = ""
    ) -> CheckoutView:
        await self._asked()
        self.grants.append(grant)
        self.drafts.append((cart, draft, key))
        if "@" not in draft.email:
            raise EmailRefused
        if dry_run:
            return CheckoutView(status="ready", next_step="Show the totals.", totals=TOTALS)
        id_ = self._of.setdefault(cart, f"chk-{len(self._of) + 1}")
        new = CheckoutView(
            checkout_id=id_,
            status="requires_escalation",
            next_step="Give the buyer continue_url.",
            totals=TOTALS,
            continue_url=f"https://pickle.example/pay/{id_}",
            expires_at="2026-11-20T18:30Z",
        )
        return self.checkouts.setdefault(id_, new)

    async def status(self, checkout: str) -> CheckoutView:
        await self._asked()
        if checkout not in self.checkouts:
            raise CheckoutNotFound
        return self.checkouts[checkout]

    async def cancel(self, checkout: str) -> CheckoutView:
        shown = await self.status(checkout)
        ended = replace(shown, status="canceled", next_step="Nothing is owed.", continue_url=None, expires_at=None)
        self.checkouts[checkout] = ended
        return ended

    def paid(self, checkout: str) -> None:
        """The buyer has paid and the shop has made the order."""
        self.checkouts[checkout] = replace(
            self.checkouts[checkout],
            status="completed",
            next_step="Tell the buyer the number.",
            continue_url=None,
            expires_at=None,
            order=OrderView(number="100000001"),
        )

    async def _asked(self) -> None:
        if self.down is not None:
            raise self.down
        await asyncio.sleep(0)
