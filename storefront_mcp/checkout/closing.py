"""Closing of open checkouts by an operator, as when the checkout is paused: their payment pages end now."""

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from storefront_mcp.checkout.record import BUSY, Checkout, CheckoutRepository, LeaseLost
from storefront_mcp.checkout.states import transition
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.records.audit import AuditEntry, operator_entry

LEASE_SECONDS: Final = 30.0
MAX_ROUNDS: Final = 10
"""How often checkouts that somebody works on are tried again."""
ROUND_SECONDS: Final = 0.5
BATCH: Final = 500
"""Checkouts that are read at once."""
CLOSED_REASON: Final = "The shop has closed its checkout for now."


class NotClosable(Exception):
    """The checkout is not open, or leased; the message says which."""


class ClosingResult(Struct, frozen=True, kw_only=True):
    """Which checkouts were closed, and which are still open because they are being worked on."""

    closed: tuple[str, ...]
    busy: tuple[str, ...]


async def close_checkout(
    records: CheckoutRepository, store: StoreId, id_: str, *, reason: str = "", by: str, now: float
) -> Checkout:
    """Close one; a running server ends its payment page within seconds, unless the buyer has just paid.

    `reason` is for buyer and agent, `by` the operator. Raises NotClosable.
    """
    found = await records.find(store, id_)
    if found is None:
        raise NotClosable(f"There is no checkout {id_} in the store {store}.")
    if found.state != "open":
        raise NotClosable(f"{id_} is {found.state}, so its payment page is not open.")
    held = await records.lease(id_, now=now, seconds=LEASE_SECONDS)
    if held is None:
        raise NotClosable(BUSY.format(id=id_))
    try:
        if held.state != "open":
            await records.write(held, release=True)
            raise NotClosable(f"{id_} is {held.state}, so its payment page is not open.")
        said = f"{reason.rstrip('.')}." if reason else CLOSED_REASON
        after = transition(held, "closing", now=now, closing_to="canceled", reason=said)
        await records.write(after, release=True, entry=_audit_entry(after, by, now))
    except LeaseLost:
        raise NotClosable(BUSY.format(id=id_)) from None
    return after


async def close_open_checkouts(
    records: CheckoutRepository, store: StoreId, *, reason: str = "", by: str, now: Callable[[], float]
) -> ClosingResult:
    """Close every open checkout of a store, as `close_checkout` does; those that are worked on are tried again.

    `now` gives Unix seconds: hundreds of checkouts may take longer than a lease.
    """
    closed: list[str] = []
    busy: list[str] = []
    for round_ in range(MAX_ROUNDS):
        if round_:
            await asyncio.sleep(
                ROUND_SECONDS
            )  # another process holds them, and only the record tells when they are free
        while ids := [one.id for one in await records.list_by_state(store, ("open",), limit=BATCH)]:
            busy = []
            for id_ in ids:
                try:
                    await close_checkout(records, store, id_, reason=reason, by=by, now=now())
                except NotClosable:
                    busy.append(id_)
                else:
                    closed.append(id_)
            if len(busy) == len(ids):
                break
        else:
            return ClosingResult(closed=tuple(closed), busy=())
    return ClosingResult(closed=tuple(closed), busy=tuple(busy))


def _audit_entry(after: Checkout, by: str, now: float) -> AuditEntry:
    at, details = dt.datetime.fromtimestamp(now, dt.UTC), {"checkout": after.id, "reason": after.reason}
    return operator_entry(at, "operator.acted", "checkout.closed", store=after.store, by=by, details=details)
