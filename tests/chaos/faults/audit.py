"""The audit: our record, the shop's orders and the provider's ledger must tell one story."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from storefront_mcp.checkout.closing import CLOSED_REASON
from storefront_mcp.checkout.record import Checkout
from storefront_mcp.checkout.steps import CHANGED_REASON
from storefront_mcp.checkout.withdrawal import CART_CHANGED_REASON

CAPTURE = "every capture has exactly one order of the same amount and currency, or was given back by hand"
PAID = "every order was paid"
LEFT = "no authorisation is left"
STUCK = "no checkout is stuck, or waits for a person without need"
TWICE = "nothing was ordered twice"
CAPTURED_TWICE = "nothing was captured twice"
SAME = "the shop's orders are our placed checkouts, to the cent"
UNPAID = "who was told that nothing was charged was charged nothing"
WISH = "one wish has one checkout and one address"
RIGHTLY_CLOSED = (CART_CHANGED_REASON, CLOSED_REASON, "Closed for now")
"""How the reasons of checkouts begin that somebody else closed, and not a second answer to the same wish."""
FAULT = "no answer was a fault of ours"
PERSONAL = "no log tells who ordered"
FEW = "at most one checkout in a thousand needs a person, but for prices that changed once they were paid"
TRUE = "no checkout session or task tells what is untrue of its order"
AGREED = "what was ordered is what the buyer agreed to pay, and what the agent was told"
STRANGERS = "nobody was shown what is somebody else's"
INVARIANTS = (
    *(CAPTURE, PAID, LEFT, STUCK, TWICE, CAPTURED_TWICE, SAME, UNPAID, WISH),
    *(TRUE, AGREED, STRANGERS, FAULT, PERSONAL, FEW),
)


class Books(Struct, frozen=True, kw_only=True):
    """What the shop and the provider wrote down."""

    orders: Sequence[Mapping[str, Any]]
    """The shop's: number, cart, total, currency, payment, note."""
    ledger: Sequence[Mapping[str, Any]]
    """The provider's: what, payment, checkout, amount, currency."""

    @property
    def captured(self) -> Counter[str]:
        """How many times each payment was taken."""
        return Counter(entry["payment"] for entry in self.ledger if entry["what"] == "captured")

    @property
    def references(self) -> Counter[str]:
        """How many orders each checkout has."""
        return Counter(reference_of(order) for order in self.orders)


def excused(checkout: Checkout, books: Books) -> bool:
    """Whether a checkout rightly waits for a person.

    The shop's module took the money, and then the shop failed: twice, or once before it changed its price.
    """
    taken = checkout.payment is not None and books.captured[checkout.payment] == 1
    known = checkout.state == "needs_human" and checkout.taken is not None
    failed = checkout.place_try > 1 or (checkout.place_try == 1 and checkout.reason == CHANGED_REASON)
    return known and failed and taken and not books.references[checkout.id]


def is_dearer(checkout: Checkout) -> bool:
    """Whether a checkout rightly waits for a person since its order costs more than was agreed.

    A shop that prices a cart anew when it makes the order of it cannot be told for which price.
    """
    total = checkout.order_total
    waits = checkout.state == "needs_human" and checkout.taken is None and checkout.order_number is not None
    return waits and total is not None and total.minor > checkout.totals.total.minor


def with_references(orders: Sequence[Mapping[str, Any]], checkouts: Sequence[Checkout]) -> list[Mapping[str, Any]]:
    """The orders, with the checkout of those whose note the shop lost: they are known by their cart."""
    asked = {one.upstream: one.id for one in checkouts if one.place_try}
    return [order if order["note"] else {**order, "note": asked.get(order["cart"], "no checkout")} for order in orders]


def several(checkouts: Sequence[Checkout], wishes: Sequence[frozenset[tuple[str, str | None]]]) -> list[str]:
    """Wishes with several checkouts or addresses.

    A change of the cart that was sent before, and that a frozen worker makes only now, rightly closes the first one; so
    does an operator who pauses or stops the checkout between two answers. Who asks again once it has expired gets
    another one.
    """
    known = {id_: one for one in checkouts for id_ in (one.id, one.pay_key)}  # who was on a page knows its address only
    found = []
    for wish in wishes:
        mine = [known.get(id_) for id_, _ in wish]
        latest = max((one.created_at for one in mine if one is not None), default=0.0)
        if sum(one is None or not _rightly_closed(one, before=latest) for one in mine) > 1:
            found.append(str(set(wish)))
    return found


def violations(
    checkouts: Sequence[Checkout], books: Books, *, refunded: Mapping[str, str | None]
) -> dict[str, list[str]]:
    """What the books hold against each invariant. `refunded`: payments that were given back by hand, and why.

    How often a shop changes its price just after it took the money is for its operators to say, not for us.
    """
    found: dict[str, list[str]] = {name: [] for name in INVARIANTS}
    captured = books.captured
    by_payment: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for order in books.orders:
        by_payment[_payment(order)].append((order["total"], order["currency"]))
        if not captured[_payment(order)]:
            found[PAID].append(f"{order['number']} of {reference_of(order)}")
    for entry in books.ledger:
        if entry["what"] != "captured":
            continue
        wanted = [] if entry["payment"] in refunded else [(entry["amount"], entry["currency"].upper())]
        if by_payment[entry["payment"]] != wanted:
            found[CAPTURE].append(f"{entry} has {by_payment[entry['payment']]}")
    found[CAPTURED_TWICE] += [f"{payment}: {count}" for payment, count in captured.items() if count > 1]
    settled = {entry["payment"] for entry in books.ledger if entry["what"] in {"captured", "released"}}
    found[LEFT] += [
        str(entry) for entry in books.ledger if entry["what"] == "authorized" and entry["payment"] not in settled
    ]
    found[STUCK] += [
        f"{one.id}: {one.state}, {one.problem} ({one.reason}; {' > '.join(step.state for step in one.steps)})"
        for one in checkouts
        if one.live
    ]
    carts = Counter(order["cart"] for order in books.orders)
    found[TWICE] += [f"{key}: {count} orders" for key, count in (books.references + carts).items() if count > 1]
    totals = {one.id: one.order_total or one.totals.total for one in checkouts if one.state == "placed"}
    placed = {(id_, total.minor, total.currency) for id_, total in totals.items()}
    ordered = {(reference_of(order), order["total"], order["currency"]) for order in books.orders}
    found[SAME] += [f"only with us: {one}" for one in placed - ordered]
    found[SAME] += [f"only in the shop: {one}" for one in ordered - placed]
    charged = {
        entry["checkout"] for entry in books.ledger if entry["what"] == "captured" and entry["payment"] not in refunded
    }
    uncharged = {one.id: one.state for one in checkouts if one.state in {"failed", "expired", "canceled"}}
    failures = sum(why != CHANGED_REASON for why in refunded.values())
    if failures > max(1, len(checkouts) // 1000):
        found[FEW].append(f"{failures} of {len(checkouts)}")
    found[UNPAID] += [f"{id_} is {state}" for id_, state in uncharged.items() if id_ in charged]
    return found


def _rightly_closed(checkout: Checkout, *, before: float) -> bool:
    expired = checkout.state == "expired" and checkout.ended_at is not None and checkout.ended_at <= before
    return expired or (checkout.reason or "").startswith(RIGHTLY_CLOSED)


def reference_of(order: Mapping[str, Any]) -> str:
    """Our id, the last word of the note."""
    return str(order["note"].split()[-1])


def _payment(order: Mapping[str, Any]) -> str:
    return str(order["payment"].get("stripe_payment_intent_id"))
