"""What an operator does about a checkout that nobody else can finish."""

import datetime as dt
from typing import Final, Literal

from msgspec.structs import replace

from storefront_mcp.calls.audit import OK, Entry, Who, moment
from storefront_mcp.checkout.record import Checkout, Records
from storefront_mcp.checkout.states import moved
from storefront_mcp.commerce.names import StoreId

Verdict = Literal["ordered", "no_order", "refunded"]
"""ordered: the shop has the order, so its money is taken if that has not happened yet. no_order: it has none, so what
is held is let go. refunded: it has none, and what was taken was given back by hand at the provider."""

REFUNDED: Final = "The order could not be made, and the payment was given back."
NOT_MADE: Final = "The order could not be made, and the payment was let go."
LEASE: Final = 30.0


class NotToFinish(Exception):
    """The checkout does not wait for a person; the message says how it stands."""


async def finish(
    records: Records, store: StoreId, id_: str, verdict: Verdict, *, order: str | None = None, by: str, now: float
) -> Checkout:
    """Say how a checkout that needs a person ends; a running server does what follows from it within seconds.

    `order` is the shop's number of the order, `by` who says so; both are on record with it. Raises NotToFinish.
    """
    found = await records.find(store, id_)
    if found is None:
        raise NotToFinish(f"There is no checkout {id_} in the store {store}.")
    if found.state != "needs_human":
        raise NotToFinish(f"{id_} is {found.state}, so nobody has to finish it.")
    held = await records.lease(id_, now=now, seconds=LEASE)
    if held is None:
        raise NotToFinish(f"{id_} is being worked on at this moment. Try again in a minute.")
    if held.state != "needs_human":
        await records.write(held, let_go=True)
        raise NotToFinish(f"{id_} is {held.state}, so nobody has to finish it.")
    after = _ended(held, verdict, order, now)
    after = replace(after, problem=f"{held.problem} (finished as {verdict} by {by})")
    await records.write(after, let_go=True, entry=_finished(after, verdict, by, now))
    return after


def _finished(after: Checkout, verdict: Verdict, by: str, now: float) -> Entry:
    """What the audit says of it."""
    told = {"checkout": after.id, "verdict": verdict, "order": after.order_number, "state": after.state}
    return Entry(
        at=moment(dt.datetime.fromtimestamp(now, dt.UTC)),
        source="mcp",
        store=after.store,
        what="operator.acted",
        subject="checkout.finished",
        who=Who(kind="operator", id=by),
        outcome=OK,
        details=told,
    )


def _ended(held: Checkout, verdict: Verdict, order: str | None, now: float) -> Checkout:
    if verdict == "ordered":
        known = replace(held, order_number=order or held.order_number)
        return moved(known, "capturing" if held.settles == "provider" else "placed", now=now)
    if verdict == "refunded":
        return moved(held, "failed", now=now, reason=REFUNDED)
    return moved(held, "releasing", now=now, reason=NOT_MADE)
