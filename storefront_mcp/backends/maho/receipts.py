"""What Maho's REST v2 sends about orders, as far as we read it, and what a service account reads besides."""

from decimal import Decimal

from msgspec import Struct

from storefront_mcp.backends.maho.shapes import Scalar


class NumberedOrder(Struct, frozen=True, rename="camel"):
    """What must be read off a new order, whatever else is in it. `access_token` opens it once."""

    increment_id: Scalar | None = None
    access_token: str | None = None


class Charged(Struct, frozen=True, rename="camel"):
    """What an order costs."""

    grand_total: Decimal | None = None


class PricedOrder(Struct, frozen=True):
    """An order's total and the currency it is in."""

    prices: Charged
    currency: str


class KeptOrder(Struct, frozen=True, rename="camel", kw_only=True):
    """An order as a service account reads it."""

    id: int
    increment_id: str
    customer_note: str | None = None
    status: str | None = None
    prices: Charged = Charged()
    currency: str | None = None


class ClosedCart(Struct, frozen=True, rename="camel"):
    """A cart as a service account reads it; the number is reserved when an order is begun."""

    reserved_order_id: str | None = None


class Shipment(Struct, frozen=True):
    """A parcel. Its tracks are plain maps, whose keys have had more than one spelling."""

    tracks: list[dict[str, Scalar | None]] = []


class Issued(Struct, frozen=True):
    """A token for a service account; `expires_in` is in seconds."""

    token: str
    expires_in: int = 3600
