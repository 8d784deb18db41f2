"""The states of a checkout, and which may follow which: one table, and the only way to move."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from storefront_mcp.checkout.record import Checkout, State

NEXT: Final[Mapping[State, frozenset[State]]] = {
    # The order is frozen and nobody has paid.
    "open": frozenset({"closing", "authorized"}),
    # The payment page is being closed; a person who paid in the last moment has bought.
    "closing": frozenset({"expired", "canceled", "authorized"}),
    # The money is held, or there is none to hold: the shop may be asked for the order.
    "authorized": frozenset({"placing", "releasing", "failed", "needs_human"}),
    # The shop is being asked: written before the call, so whoever finds it later knows that there may be an order.
    "placing": frozenset({"authorized", "unknown", "capturing", "placed", "releasing", "needs_human"}),
    # The shop was asked and nobody knows what it did: look, never guess.
    "unknown": frozenset({"authorized", "capturing", "placed", "releasing", "failed", "needs_human"}),
    # There is an order; the money that is held for it is being taken.
    "capturing": frozenset({"placed", "needs_human"}),
    # There is surely no order; the money that is held is being let go.
    "releasing": frozenset({"failed", "needs_human"}),
    # Only an operator knows better.
    "needs_human": frozenset({"placed", "releasing", "failed", "capturing"}),
    "placed": frozenset(),
    "failed": frozenset(),
    "expired": frozenset(),
    "canceled": frozenset(),
}
ENDED: Final = frozenset(state for state, after in NEXT.items() if not after)
PAID: Final[frozenset[State]] = frozenset({"authorized", "placing", "unknown", "capturing", "releasing", "needs_human"})
"""Too late for a change of mind: the buyer has paid, and what follows is already under way."""


def moved(checkout: Checkout, to: State, *, now: float, **changes: Any) -> Checkout:  # noqa: ANN401 -- fields of the record
    """The checkout in another state, due at once while there is something to do. A step not in the table raises."""
    if to not in NEXT[checkout.state]:
        message = f"{checkout.id}: {checkout.state} is not followed by {to}"
        raise ValueError(message)
    ended = to in ENDED
    due = None if ended or to == "needs_human" else now
    fresh = {"due_at": due, "ended_at": now if ended else None, "since": now, "looks": 0}
    return replace(checkout, state=to, **fresh | changes)
