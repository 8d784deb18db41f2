"""Working on a checkout by oneself for a moment, inside a request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from msgspec.structs import replace

from storefront_mcp.checkout.record import Checkout, LeaseLost
from storefront_mcp.checkout.trade import Trade
from storefront_mcp.commerce.errors import ShopBusy

AGAIN = 0.1
"""Seconds between two tries to get a lease."""


class Lease:
    """A checkout that is ours for now; what it has become is in `checkout`."""

    def __init__(self, trade: Trade, checkout: Checkout) -> None:
        self._trade = trade
        self.checkout = checkout

    async def write(self, checkout: Checkout) -> Checkout:
        """Write and go on holding it. Raises LeaseLost."""
        self.checkout = replace(checkout, lease_until=self._trade.now() + self._trade.terms.lease)
        await self._trade.records.write(self.checkout)
        return self.checkout


@asynccontextmanager
async def leased(trade: Trade, id_: str) -> AsyncIterator[Lease]:
    """The checkout, for as long as the block lasts. Raises ShopBusy when others hold it for too long."""
    clock = asyncio.get_running_loop().time
    until = clock() + trade.terms.wait
    # Never given up half-way through: a lease that is taken and not noticed would keep everybody out until it ends.
    while (held := await trade.records.lease(id_, now=trade.now(), seconds=trade.terms.lease)) is None:
        if clock() >= until:
            raise ShopBusy(retry_after=5, internal=f"{id_}: held by somebody else")
        await asyncio.sleep(AGAIN)  # another process holds it, and only the record knows when it lets go
    lease = Lease(trade, held)
    try:
        yield lease
    except LeaseLost:
        raise ShopBusy(retry_after=5, internal=f"{id_}: taken over by somebody else") from None
    finally:
        with suppress(LeaseLost):
            await trade.records.write(lease.checkout, let_go=True)
