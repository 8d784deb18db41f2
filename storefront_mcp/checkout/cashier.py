"""The buyer's side: the page, and the way to pay.

Implements `checkout.paying.Paying`.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from storefront_mcp.checkout import money, showing
from storefront_mcp.checkout.leasing import Lease, leased
from storefront_mcp.checkout.paying import PayPage
from storefront_mcp.checkout.record import Checkout
from storefront_mcp.checkout.states import moved
from storefront_mcp.checkout.steps import same_goods
from storefront_mcp.checkout.trade import Trade, pay_key
from storefront_mcp.commerce.errors import PaymentDown, ShopBusy, ShopDown, ShopError
from storefront_mcp.payments.port import ProviderDown, ProviderRefused

PEEK: Final = 4.0
"""Seconds that a page may wait for news; then it shows what is known and asks to come again."""


class Cashier:
    """`hasten` advances a checkout in the background and answers the task."""

    def __init__(self, trade: Trade, hasten: Callable[[str], "asyncio.Task[None]"]) -> None:
        self._trade = trade
        self._hasten = hasten

    async def page(self, token: str) -> PayPage | None:
        """The checkout as it stands."""
        found = await self._found(token)
        return None if found is None else showing.page(self._trade, found)

    async def returned(self, token: str) -> PayPage | None:
        """The checkout after a look at the provider."""
        found = await self._found(token)
        if found is None:
            return None
        if found.live:
            await self._news(found.id)
            found = await self._found(token) or found
        shown = showing.page(self._trade, found)
        waiting = shown.state == "open" and not found.session_over and not found.declined
        return replace(shown, state="confirming") if waiting else shown

    async def pay(self, token: str, *, shown: int, by: str | None = None) -> str | PayPage | None:
        """Where to send the person, or the page they should see instead."""
        found = await self._found(token)
        if found is None:
            return None
        async with leased(self._trade, found.id) as lease:
            try:
                url = await self._pay(lease, shown, by)
            except (ProviderDown, ProviderRefused) as error:
                raise PaymentDown(internal=f"{found.id}: {error}") from error
        if url is not None:
            return url
        if lease.checkout.live and lease.checkout.state != "open":
            await self._news(found.id)
        return await self.page(token)

    async def _pay(self, lease: Lease, shown: int, by: str | None) -> str | None:
        """One step towards paying, the record written before each call to the outside."""
        trade = self._trade
        if lease.checkout.state != "open" or trade.now() >= lease.checkout.expires_at:
            return None
        if not await self._still_right(lease):
            return None
        checkout = lease.checkout
        if checkout.totals.total.minor != shown:
            return None
        if checkout.settles == "free" or by is not None:
            await self._without_money(lease, by)
            return None
        if not checkout.online:
            return None
        return await self._session_url(lease)

    async def _still_right(self, lease: Lease) -> bool:
        """Price the order again; what changed is written down and wants to be seen before it is paid."""
        trade, checkout = self._trade, lease.checkout
        if checkout.personal is None:
            raise ShopDown(internal=f"{checkout.id}: its personal data cannot be read")
        try:
            cart = await trade.backend.priced(checkout.upstream, checkout.personal.draft)
        except (ShopDown, ShopBusy):
            raise
        except ShopError as refused:
            closing = moved(checkout, "closing", now=trade.now(), closing_to="canceled", reason=str(refused))
            await lease.write(closing)
            return False
        if same_goods(checkout, cart):
            return True
        after = await money.closed(trade, checkout)
        if after.state == "open" and after.session_over:
            before = after.totals.total if after.totals.total != cart.totals.total else None
            free = not cart.totals.total
            if free != (after.settles == "free"):
                gone = "The price changed so much that the order has to be placed again."
                after = moved(after, "closing", now=trade.now(), closing_to="canceled", reason=gone)
            else:
                after = replace(after, lines=cart.lines, totals=cart.totals, before=before)
        await lease.write(after)
        return False

    async def _without_money(self, lease: Lease, by: str | None) -> None:
        """Order without paying here: nothing is to be paid, or the operator lets it be paid outside."""
        trade = self._trade
        checkout = await money.closed(trade, lease.checkout)
        if checkout.state == "open" and checkout.session_over:
            now = trade.now()
            if checkout.settles == "free":
                checkout = moved(checkout, "authorized", now=now, paid_at=now)
            elif any(method.code == by for method in checkout.offline):
                chosen = {"settles": "offline", "settle_by": by, "payment": None}
                checkout = moved(checkout, "authorized", now=now, paid_at=now, **chosen)
        await lease.write(checkout)

    async def _session_url(self, lease: Lease) -> str | None:
        """The address of the one payment page: the one that is open, or the next one."""
        trade = self._trade
        checkout = lease.checkout
        if not checkout.session_over:
            checkout = await lease.write(await money.seen(trade, checkout))
            if checkout.state != "open":
                return None
        if checkout.session_over:
            checkout = await lease.write(money.next_session(trade, checkout))
        # The same key gives the same page, with its address, as long as it is open.
        checkout, session = await money.opened(trade, checkout)
        if session is None:
            await lease.write(self._unpayable(checkout))
            return None
        await lease.write(replace(checkout, due_at=trade.now() + trade.terms.poll))
        return session.url

    def _unpayable(self, checkout: Checkout) -> Checkout:
        """The provider has no page for this total, and never will: what is left are the shop's own ways to pay."""
        if checkout.offline:
            return replace(checkout, online=False)
        return moved(checkout, "closing", now=self._trade.now(), closing_to="canceled", reason=money.NOT_TAKEN)

    async def _news(self, id_: str) -> None:
        await asyncio.wait({self._hasten(id_)}, timeout=PEEK)

    async def _found(self, token: str) -> Checkout | None:
        return await self._trade.records.of_pay_key(self._trade.store.id, pay_key(token))
