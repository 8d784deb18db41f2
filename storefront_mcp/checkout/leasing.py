"""A lease on a checkout for the duration of a request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from msgspec.structs import replace

from storefront_mcp.checkout.context import CheckoutContext
from storefront_mcp.checkout.record import Checkout, LeaseLost
from storefront_mcp.commerce.errors import ShopBusy

LEASE_RETRY_SECONDS = 0.1


class Lease:
    """A leased checkout; `checkout` is its latest version."""

    def __init__(self, context: CheckoutContext, checkout: Checkout) -> None:
        self._context = context
        self.checkout = checkout

    async def write(self, checkout: Checkout) -> Checkout:
        """Write and renew the lease. Raises LeaseLost."""
        self.checkout = replace(checkout, lease_until=self._context.now() + self._context.policy.lease_seconds)
        await self._context.records.write(self.checkout)
        return self.checkout


@asynccontextmanager
async def lease_checkout(context: CheckoutContext, id_: str) -> AsyncIterator[Lease]:
    """Lease a checkout until the block ends. Raises ShopBusy after `policy.lease_wait_seconds`."""
    clock = asyncio.get_running_loop().time
    until = clock() + context.policy.lease_wait_seconds
    # No timeout around the call: a lease that was taken and not noticed would block everybody until it ends.
    while (held := await context.records.lease(id_, now=context.now(), seconds=context.policy.lease_seconds)) is None:
        if clock() >= until:
            raise ShopBusy(retry_after=5, internal=f"{id_}: held by somebody else")
        await asyncio.sleep(LEASE_RETRY_SECONDS)  # another process holds it, and only the record tells when it is free
    lease = Lease(context, held)
    try:
        yield lease
    except LeaseLost:
        raise ShopBusy(retry_after=5, internal=f"{id_}: taken over by somebody else") from None
    finally:
        with suppress(LeaseLost):
            await context.records.write(lease.checkout, release=True)
