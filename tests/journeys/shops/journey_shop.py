"""What a story asks about its shop: how a store is set up over it, what its goods are called, what it sold."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from tests.fakes.demo_faults import FaultQueue


class ShopOrder(Struct, frozen=True, kw_only=True):
    """An order as the shop's staff sees it."""

    number: str
    total: int
    """In minor units of `currency`."""
    currency: str
    texts: str
    """Everything that was written with it."""
    paid: bool


class JourneyShop(Struct, frozen=True, kw_only=True):
    """One shop. All sell the demo shop's goods from Melbourne, as far as their software can."""

    kind: str
    set_up: Mapping[str, Any]
    """Fields of `StoreSettings` that differ from the demo's."""
    family: str = "TEE"
    """The SKU of the Club Tee, of which only variants are sold."""
    tops: str = "apparel/tops"
    """The path of a category with tees in it."""
    paddles: str = "pickleball/paddles"
    parcel: str
    """The code of the cheaper of the two ways to send something to Brisbane."""
    express: str
    abroad: str
    """The code of the only way to send something abroad."""
    required: tuple[str, ...] = ("last_name", "phone")
    """Fields of an address that others do without."""
    orders: Callable[[], list[ShopOrder]] | None = None
    """All orders, the oldest first; None for the embedded shop."""
    take_piece: Callable[[str], None] | None = None
    """Takes a piece of a SKU from the stock; None for the embedded shop."""
    faults: FaultQueue | None = None
    """What befalls calls of the shop; None for the embedded shop."""
    order_path: str = ""
    """Part of the path of the call that makes an order."""
