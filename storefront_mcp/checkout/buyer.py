"""The buyer's use cases: see the payment page, pay, come back from paying.

Implements `checkout.payment_page.PaymentPage`.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from storefront_mcp.checkout import payment_steps, views
from storefront_mcp.checkout.context import CheckoutContext, pay_key
from storefront_mcp.checkout.leasing import Lease, lease_checkout
from storefront_mcp.checkout.payment_page import PaymentPageView
from storefront_mcp.checkout.record import Checkout
from storefront_mcp.checkout.states import transition
from storefront_mcp.checkout.steps import same_goods
from storefront_mcp.commerce.errors import PaymentDown, ShopBusy, ShopDown, ShopError
from storefront_mcp.payments.provider import ProviderDown, ProviderRefused

PROVIDER_POLL_TIMEOUT_SECONDS: Final = 4.0
"""How long a page waits for the provider and the shop; then it shows the state on record and reloads."""


class BuyerCheckout:
    """Checkouts of one store, for buyers; `start_advancing` advances a checkout in a task and returns the task."""

    def __init__(self, context: CheckoutContext, start_advancing: Callable[[str], "asyncio.Task[None]"]) -> None:
        self._context = context
        self._start_advancing = start_advancing

    async def page(self, token: str) -> PaymentPageView | None:
        """The page as it is on record."""
        found = await self._find(token)
        return None if found is None else views.payment_page_view(self._context, found)

    async def return_from_payment(self, token: str) -> PaymentPageView | None:
        """The page after the provider was polled."""
        found = await self._find(token)
        if found is None:
            return None
        if found.live:
            await self._wait_for_progress(found.id)
            found = await self._find(token) or found
        view = views.payment_page_view(self._context, found)
        waiting = view.state == "open" and not found.session_over and not found.declined
        return replace(view, state="confirming") if waiting else view

    async def pay(
        self, token: str, *, total_shown: int, offline_method: str | None = None
    ) -> str | PaymentPageView | None:
        """The URL to redirect to, or the page to show instead; see `PaymentPage.pay`."""
        found = await self._find(token)
        if found is None:
            return None
        async with lease_checkout(self._context, found.id) as lease:
            try:
                url = await self._pay(lease, token, total_shown, offline_method)
            except (ProviderDown, ProviderRefused) as error:
                raise PaymentDown(internal=f"{found.id}: {error}") from error
        if url is not None:
            return url
        if lease.checkout.live and lease.checkout.state != "open":
            await self._wait_for_progress(found.id)
        return await self.page(token)

    async def _pay(self, lease: Lease, token: str, total_shown: int, offline_method: str | None) -> str | None:
        """One step towards paying; None when the page is to be shown. Writes before each outside call."""
        context = self._context
        payable = lease.checkout.state == "open" and context.now() < lease.checkout.expires_at
        if not payable or context.payment_stop() is not None:
            return None
        if not await self._is_unchanged(lease):
            return None
        checkout = lease.checkout
        if checkout.totals.total.minor != total_shown:
            return None
        if checkout.settles == "free" or offline_method is not None:
            await self._order_without_provider(lease, offline_method)
            return None
        if not checkout.online:
            return None
        return await self._session_url(lease, token)

    async def _is_unchanged(self, lease: Lease) -> bool:
        """Whether a new quote equals the order on record; otherwise the changed order is written, to be shown again."""
        context, checkout = self._context, lease.checkout
        if checkout.personal is None:
            raise ShopDown(internal=f"{checkout.id}: its personal data cannot be read")
        try:
            cart = await context.backend.quote_order(checkout.upstream, checkout.personal.draft)
        except (ShopDown, ShopBusy):
            raise
        except ShopError as refused:
            closing = transition(checkout, "closing", now=context.now(), closing_to="canceled", reason=str(refused))
            await lease.write(closing)
            return False
        if same_goods(checkout, cart):
            return True
        after = await payment_steps.expire_session(context, checkout)
        if after.state == "open" and after.session_over:
            before = after.totals.total if after.totals.total != cart.totals.total else None
            free = not cart.totals.total
            if free != (after.settles == "free"):
                gone = "The price changed so much that the order has to be placed again."
                after = transition(after, "closing", now=context.now(), closing_to="canceled", reason=gone)
            else:
                after = replace(after, lines=cart.lines, totals=cart.totals, before=before)
        await lease.write(after)
        return False

    async def _order_without_provider(self, lease: Lease, offline_method: str | None) -> None:
        """Authorize without the provider: the total is zero, or `offline_method` is one of the shop's own."""
        context = self._context
        checkout = await payment_steps.expire_session(context, lease.checkout)
        if checkout.state == "open" and checkout.session_over:
            now = context.now()
            if checkout.settles == "free":
                checkout = transition(checkout, "authorized", now=now, paid_at=now)
            elif any(method.code == offline_method for method in checkout.offline):
                chosen = {"settles": "offline", "settle_by": offline_method, "payment": None}
                checkout = transition(checkout, "authorized", now=now, paid_at=now, **chosen)
        await lease.write(checkout)

    async def _session_url(self, lease: Lease, token: str) -> str | None:
        """The URL of the provider's payment page: the one that is open, or a new one. None when there is none."""
        context = self._context
        checkout = lease.checkout
        if not checkout.session_over:
            checkout = await lease.write(await payment_steps.poll_session(context, checkout))
            if checkout.state != "open":
                return None
        if checkout.session_over:
            checkout = await lease.write(payment_steps.plan_session(context, checkout))
        # The same key returns the same open page with its URL.
        checkout, session = await payment_steps.open_session(context, checkout, token)
        if session is None:
            await lease.write(self._without_session(checkout))
            return None
        await lease.write(replace(checkout, due_at=context.now() + context.policy.poll_seconds))
        return session.url

    def _without_session(self, checkout: Checkout) -> Checkout:
        """After the provider rejected the page for good: only offline payment methods are left, or it is canceled."""
        if checkout.offline:
            return replace(checkout, online=False, reason=None)
        return transition(checkout, "closing", now=self._context.now(), closing_to="canceled")

    async def _wait_for_progress(self, id_: str) -> None:
        await asyncio.wait({self._start_advancing(id_)}, timeout=PROVIDER_POLL_TIMEOUT_SECONDS)

    async def _find(self, token: str) -> Checkout | None:
        return await self._context.records.find_by_pay_key(self._context.store.id, pay_key(token))
