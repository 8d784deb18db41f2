"""Manual resolution of checkouts in `needs_human`."""

import datetime as dt
from typing import Final, Literal

from msgspec.structs import replace

from storefront_mcp.checkout.record import BUSY, Checkout, CheckoutRepository, LeaseLost
from storefront_mcp.checkout.states import transition
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.records.audit import AuditEntry, operator_entry

Verdict = Literal["ordered", "no_order", "refunded"]
"""ordered: the shop has the order, so its money is taken if that has not happened yet. no_order: it has none, so what
is held is let go. refunded: it has none, and what was taken was given back by hand at the provider."""

REFUNDED_REASON: Final = "The order could not be made, and the payment was given back."
NOT_MADE_REASON: Final = "The order could not be made."
LEASE_SECONDS: Final = 30.0


def possible_verdicts(checkout: Checkout) -> tuple[Verdict, ...]:
    """How a checkout in `needs_human` may end: money is not let go beside an order that is known."""
    if checkout.order_number is not None:
        return ("ordered", "refunded")
    return ("ordered", "no_order", "refunded")


def effect_of(checkout: Checkout, verdict: Verdict) -> str:
    """What a verdict makes happen, in sentences for the operator."""
    total, payment = checkout.totals.total, checkout.payment
    if verdict == "ordered":
        if checkout.settles != "provider" or payment is None:
            return "The checkout is placed. No money moves."
        return f"{total} of the payment {payment} are taken, if that has not happened yet, and the checkout is placed."
    if verdict == "refunded":
        return "The checkout ends as failed. No money moves: you say that it was given back at the provider."
    if checkout.settles != "provider" or payment is None:
        return "The checkout ends as failed. No money was held."
    return f"{total} of the payment {payment} are let go to the buyer, for good, and the checkout ends as failed."


class NotResolvable(Exception):
    """The checkout is not in `needs_human`, or leased; the message says which."""


async def resolve(
    records: CheckoutRepository,
    store: StoreId,
    id_: str,
    verdict: Verdict,
    *,
    order: str | None = None,
    by: str,
    now: float,
) -> Checkout:
    """Decide how a checkout in `needs_human` ends; a running server captures or releases within seconds.

    `order` is the shop's order number, `by` the operator; the audit has both. Raises NotResolvable.
    """
    id_ = (await find_resolvable(records, store, id_, verdict)).id
    held = await records.lease(id_, now=now, seconds=LEASE_SECONDS)
    if held is None:
        raise NotResolvable(BUSY.format(id=id_))
    try:
        if held.state != "needs_human":
            await records.write(held, release=True)
            raise NotResolvable(f"{id_} is {held.state}, so nobody has to finish it.")
        after = _resolve(held, verdict, order, now)
        after = replace(after, problem=f"{held.problem} (finished as {verdict} by {by})")
        await records.write(after, release=True, entry=_audit_entry(after, verdict, by, now))
    except LeaseLost:
        raise NotResolvable(BUSY.format(id=id_)) from None
    return after


async def find_resolvable(records: CheckoutRepository, store: StoreId, id_: str, verdict: Verdict) -> Checkout:
    """The checkout, if it may end so. Raises NotResolvable."""
    # A buyer may have been told the whole of what the agent has.
    found = await records.find(store, id_.partition(".")[0])
    if found is None:
        raise NotResolvable(f"There is no checkout {id_} in the store {store}.")
    if found.state != "needs_human":
        raise NotResolvable(f"{id_} is {found.state}, so nobody has to finish it.")
    if verdict not in possible_verdicts(found):
        raise NotResolvable(
            f"{id_} is the order {found.order_number} of the shop, so its money is not let go. Cancel that order in "
            "the shop and give the money back at the provider, then say that it is refunded."
        )
    return found


def _audit_entry(after: Checkout, verdict: Verdict, by: str, now: float) -> AuditEntry:
    details = {"checkout": after.id, "verdict": verdict, "order": after.order_number, "state": after.state}
    at = dt.datetime.fromtimestamp(now, dt.UTC)
    return operator_entry(at, "operator.acted", "checkout.finished", store=after.store, by=by, details=details)


def _resolve(held: Checkout, verdict: Verdict, order: str | None, now: float) -> Checkout:
    if verdict == "ordered":
        known = replace(held, order_number=order or held.order_number)
        return transition(known, "capturing" if held.settles == "provider" else "placed", now=now)
    if verdict == "refunded":
        return transition(held, "failed", now=now, reason=REFUNDED_REASON, taken=None)
    return transition(held, "releasing", now=now, reason=NOT_MADE_REASON)
