"""Order events as the protocol has them: the body that a receiver gets, and its signature."""

import hashlib
import hmac
from typing import Final

import msgspec

from storefront_mcp.acp.session_view import order_view
from storefront_mcp.checkout.record import Checkout
from storefront_mcp.commerce.order import OrderProgress

SIGNATURE_HEADER: Final = "merchant-signature"


def order_body(checkout: Checkout, session: str, permalink: str, progress: OrderProgress | None) -> bytes:
    """The JSON of an order as its session tells it; `session` is the session's id."""
    order = order_view(session, checkout.order_number, checkout.lines, checkout.totals, permalink, progress)
    return msgspec.json.encode(order)


def event_body(order: bytes, *, created: bool) -> bytes:
    """The JSON of `order_create` or `order_update` with the whole order, which is JSON."""
    return msgspec.json.encode({"type": "order_create" if created else "order_update", "data": msgspec.Raw(order)})


def merchant_signature(key: bytes, seconds: int, body: bytes) -> str:
    """`Merchant-Signature` of a body that is sent at these Unix seconds: HMAC-SHA256 over both, in hexadecimal."""
    signed = hmac.new(key, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={signed}"
