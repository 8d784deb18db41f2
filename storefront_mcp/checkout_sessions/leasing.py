"""A lease on a checkout session, so that requests about one cart follow one another, whichever worker they reach."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from msgspec.structs import replace

from storefront_mcp.checkout_sessions.record import CheckoutSession, CheckoutSessionRepository, SessionLeaseLost
from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.commerce.ids import CartId, StoreId

LEASE_SECONDS: Final = 60.0
"""Longer than the calls between two writes take, unless the shop is slow: then another request may go on from there."""
LEASE_WAIT_SECONDS: Final = 10.0
"""How long a request waits for one of another worker."""
LEASE_RETRY_SECONDS: Final = 0.1


class SessionLease:
    """A leased session; `session` is its latest version, which is stored when the lease ends."""

    def __init__(
        self, records: CheckoutSessionRepository, session: CheckoutSession, *, now: Callable[[], float]
    ) -> None:
        self._records = records
        self._now = now
        self.session = session

    async def write(self) -> None:
        """Store the session as it is, and renew the lease. Raises SessionLeaseLost."""
        self.session = replace(self.session, lease_until=self._now() + LEASE_SECONDS)
        await self._records.write(self.session)


@asynccontextmanager
async def lease_session(
    records: CheckoutSessionRepository, store: StoreId, cart: CartId, *, now: Callable[[], float]
) -> AsyncIterator[SessionLease]:
    """Lease the session of a cart, which is on record, until the block ends; it is stored then, whatever happened.

    Raises ShopBusy after LEASE_WAIT_SECONDS.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + LEASE_WAIT_SECONDS
    # No timeout around the call: a lease that was taken and not noticed would block everybody until it ends.
    while (held := await records.lease(store, cart, now=now(), seconds=LEASE_SECONDS)) is None:
        if clock() >= until:
            raise ShopBusy(retry_after=5, internal="another request about this cart is being worked on")
        await asyncio.sleep(LEASE_RETRY_SECONDS)  # another process holds it, and only the record tells when it is free
    lease = SessionLease(records, held, now=now)
    try:
        yield lease
    except SessionLeaseLost:
        raise ShopBusy(retry_after=5, internal="another request took this cart's session over") from None
    finally:
        with suppress(SessionLeaseLost):
            await records.write(lease.session, release=True)
