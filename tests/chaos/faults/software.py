"""What differs between the kinds of shop that a fault run may be made with."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from tests.fakes.medusa.state import MedusaState, stocked
from tests.fakes.woocommerce import MERCHANT_KEY, MERCHANT_SECRET
from tests.journeys.shops.medusa import world_document
from tests.journeys.shops.woocommerce import PARCEL


class ShopSoftware(Struct, frozen=True, kw_only=True):
    """How a store is set up over such a shop, and what is called in it."""

    kind: str
    upstream: str
    """Lines of `[store.upstream]`."""
    payments: str = ""
    """Lines of `[store.payments]`."""
    secrets: Mapping[str, str] = {}
    """Settings of a store as ends of environment variables."""
    parcel: str
    """The code of the way to send something."""
    order_path: str
    """Part of the path of the call that makes an order."""
    cart_path: str
    """Part of the path of calls about carts."""
    prices_anew: bool = True
    """Whether a cart is priced once more while its order is made, whatever was agreed and is held."""
    stores_every_note: bool = True
    """Whether a note may have what is beyond Unicode's first 65,536 characters."""
    order_faults: tuple[str, ...] = ("BEFORE", "AFTER", "COMMITTED", "GONE", "SLOW", "HTML", "TRUNCATED", "CLOSED")


MAHO: Final = ShopSoftware(
    kind="maho",
    upstream="",
    parcel="auspost_parcel",
    prices_anew=False,
    order_path="/place-order",
    cart_path="guest-carts",
    stores_every_note=False,
    order_faults=("BEFORE", "AFTER", "CAPTURED", "COMMITTED", "GONE", "SLOW", "HTML", "TRUNCATED", "CLOSED"),
)


def _medusa() -> ShopSoftware:
    keys = MedusaState()
    return ShopSoftware(
        kind="medusa",
        upstream=f'publishable_key = "{keys.key}"',
        payments='method = "pp_system_default"',
        secrets={"UPSTREAM__SECRET_KEY": keys.secret_key},
        parcel=next(iter(stocked(world_document("AUD")).shipping)),
        order_path="/complete",
        cart_path="/store/carts",
    )


def _woocommerce() -> ShopSoftware:
    return ShopSoftware(
        kind="woocommerce",
        upstream=f'consumer_key = "{MERCHANT_KEY}"',
        payments='method = "cheque"',
        secrets={"UPSTREAM__CONSUMER_SECRET": MERCHANT_SECRET},
        parcel=PARCEL,
        order_path="/checkout",
        cart_path="/store/v1/cart",
    )


SOFTWARE: Final = {"maho": lambda: MAHO, "medusa": _medusa, "woocommerce": _woocommerce}
"""By kind."""
