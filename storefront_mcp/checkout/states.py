"""The checkout state machine: the table of transitions, and the functions that make one."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from storefront_mcp.checkout.record import Checkout, CheckoutStep, State

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    # The order is frozen and not paid.
    "open": frozenset({"closing", "authorizing", "authorized"}),
    # A payment by a token is being asked for. Written before the call; without its answer the payment is looked at.
    "authorizing": frozenset({"open", "authorized"}),
    # The payment session is being expired; a payment in the last moment counts.
    "closing": frozenset({"expired", "canceled", "authorized"}),
    # The payment is authorized, or none is needed: the order may be placed.
    "authorized": frozenset({"placing", "releasing", "failed", "needs_human"}),
    # The order is being placed. Written before the call, so that a crash leaves a trace.
    "placing": frozenset({"authorized", "unknown", "capturing", "placed", "releasing", "needs_human"}),
    # The outcome of the call is not known: look for the order, never guess.
    "unknown": frozenset({"authorized", "capturing", "placed", "releasing", "failed", "needs_human"}),
    # There is an order; its payment is being captured.
    "capturing": frozenset({"placed", "needs_human"}),
    # There is surely no order; the payment is being released.
    "releasing": frozenset({"failed", "needs_human"}),
    # Only an operator can resolve it.
    "needs_human": frozenset({"placed", "releasing", "failed", "capturing"}),
    "placed": frozenset(),
    "failed": frozenset(),
    "expired": frozenset(),
    "canceled": frozenset(),
}
MAX_STEPS: Final = 40
"""Changes of state that a record keeps."""
TERMINAL_STATES: Final = frozenset(state for state, after in TRANSITIONS.items() if not after)
COMMITTED_STATES: Final[frozenset[State]] = frozenset(
    {"authorizing", "authorized", "placing", "unknown", "capturing", "releasing", "needs_human"}
)
"""Paid or being paid by a token, and not ended: cannot be canceled."""
PASSING_STATES: Final[frozenset[State]] = (COMMITTED_STATES - {"needs_human"}) | {"closing"}
"""Left within seconds, unless the shop or the payment provider does not answer."""
LATE_SECONDS: Final = 600.0
"""In one of which somebody has to be told."""


def transition(checkout: Checkout, to: State, *, now: float, **changes: Any) -> Checkout:  # noqa: ANN401 -- fields of the record
    """The checkout in another state, due at once unless that is terminal or `needs_human`.

    Raises ValueError for a transition that is not in the table.
    """
    if to not in TRANSITIONS[checkout.state]:
        message = f"{checkout.id}: {checkout.state} is not followed by {to}"
        raise ValueError(message)
    ended = to in TERMINAL_STATES
    due = None if ended or to == "needs_human" else now
    steps = (*checkout.steps, CheckoutStep(to, now))[-MAX_STEPS:]
    fresh = {"due_at": due, "ended_at": now if ended else None, "since": now, "looks": 0, "steps": steps}
    return replace(checkout, state=to, **fresh | changes)


def needs_operator(checkout: Checkout, problem: str, *, now: float) -> Checkout:
    """The checkout in `needs_human`; `problem` says what was seen and what to do."""
    return transition(checkout, "needs_human", now=now, problem=problem)
