"""`/_test/…`: how a test in another process plans faults and reads the books.

Only where the shop was built for it.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from storefront_mcp.demo.carts import Order
from storefront_mcp.demo.state import ShopState
from storefront_mcp.demo.traps import Chance, Fault, Faults
from storefront_mcp.demo.wire import JSON, Json, Reply, not_found

AUDIT: Final = "/_test/"
"""Where the books are open, when they are."""


class Sold(Struct, frozen=True, kw_only=True):
    """An order as an auditor wants it."""

    number: str
    cart: str
    """The masked id of the cart it was made of."""
    total: int
    """In minor units of `currency`."""
    currency: str
    method: str
    payment: dict[str, Any]
    """What came as `paymentData`."""
    note: str
    email: str
    placed: float
    """Unix seconds."""


class Planned(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Faults for the next requests that fit: `POST /_test/faults`."""

    fault: str
    """A name of `Fault`."""
    method: str = ""
    path: str = ""
    times: int = 1
    seconds: float = 1.0


class AtRandom(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Faults by chance from now on: `POST /_test/chance`."""

    seed: int | str
    share: float
    faults: tuple[str, ...]
    method: str = ""
    path: str = ""
    seconds: float = 1.0


class Sent(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An order that leaves the house: `POST /_test/ship`."""

    number: str
    carrier: str
    tracking: str


class Stocked(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is on the shelf from now on: `POST /_test/stock`."""

    sku: str
    pieces: int


def sold(order: Order) -> Sold:
    """An order for the books."""
    return Sold(
        number=order.increment_id,
        cart=order.masked_id,
        total=order.total,
        currency=order.currency,
        method=order.method,
        payment=order.payment,
        note=order.note,
        email=order.email,
        placed=order.placed,
    )


def audited(state: ShopState, faults: Faults, path: str, raw: bytes) -> Reply:
    """Read the books (`GET /_test/books`) or meddle. Wrong bodies are a ValidationError: tests should break loudly."""
    match path.removeprefix(AUDIT):
        case "books":
            return _said({"orders": [sold(order) for order in state.orders.values()]})
        case "faults":
            plan = msgspec.json.decode(raw, type=Planned)
            faults.next(Fault[plan.fault], method=plan.method, path=plan.path, times=plan.times, seconds=plan.seconds)
        case "chance":
            wish = msgspec.json.decode(raw, type=AtRandom)
            chance = Chance(
                share=wish.share,
                faults=tuple(Fault[name] for name in wish.faults),
                method=wish.method,
                path=wish.path,
                seconds=wish.seconds,
            )
            faults.at_random(chance, seed=wish.seed)
        case "calm":
            faults.clear()
        case "ship":
            parcel = msgspec.json.decode(raw, type=Sent)
            state.ship(parcel.number, carrier=parcel.carrier, tracking=parcel.tracking)
        case "stock":
            stocked = msgspec.json.decode(raw, type=Stocked)
            state.take_stock(stocked.sku, state.stock[stocked.sku] - stocked.pieces)
        case _:
            raise not_found()
    return _said({})


def _said(content: Json) -> Reply:
    return Reply(
        status=200, headers={"content-type": JSON, "cache-control": "no-store"}, body=msgspec.json.encode(content)
    )
