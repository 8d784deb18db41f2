"""WooCommerce's own webhooks: topic and signature are headers, the body is the product or order as `wc/v3` shows it.

The signature is the body's HMAC-SHA256 in base64, by the secret as it is written; there is neither a time nor an id in
it. An old one that is sent again makes us ask the shop again, and no more.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.woocommerce.shapes import Id, Label, Many
from storefront_mcp.backends.woocommerce.translation import ID_PREFIX
from storefront_mcp.commerce.shop_webhooks import (
    ReportedChange,
    ShopWebhookReader,
    WebhookUnreadable,
    WebhookUnsigned,
)

SIGNATURE_HEADER: Final = b"x-wc-webhook-signature"
TOPIC_HEADER: Final = b"x-wc-webhook-topic"
PING_BODY: Final = re.compile(rb"webhook_id=\d{1,20}")
"""Sent once, without a signature, when a webhook is saved. Only the status 200 will do then."""
NAMELESS_EVENTS: Final = ("deleted", "restored")
"""Events whose body has no more than an id."""


class ChangedProduct(Struct, frozen=True):
    """A product or variation."""

    id: Id
    sku: Label = ""


class ChangedOrderLine(Struct, frozen=True):
    """A line of an order, which takes pieces from the stock or gives them back."""

    product_id: Id
    variation_id: Id = 0
    sku: Label | None = ""


class ChangedOrder(Struct, frozen=True):
    """An order."""

    line_items: Many[ChangedOrderLine] = []


class WooWebhookReader:
    """Reads WooCommerce's own webhooks; one without its signature is somebody else's."""

    def __init__(self, secret: str, otherwise: ShopWebhookReader) -> None:
        """`otherwise` reads what is not WooCommerce's own."""
        self._secret = secret.encode()
        self._otherwise = otherwise

    def __call__(self, headers: Mapping[bytes, bytes], body: bytes, *, now: float) -> ReportedChange | None:
        """The products that an event is about; nothing for a topic that is not about any."""
        if SIGNATURE_HEADER not in headers:
            return None if PING_BODY.fullmatch(body) else self._otherwise(headers, body, now=now)
        wanted = base64.b64encode(hmac.new(self._secret, body, hashlib.sha256).digest())
        if not hmac.compare_digest(wanted, headers[SIGNATURE_HEADER]):
            raise WebhookUnsigned
        resource, _, event = headers.get(TOPIC_HEADER, b"").decode("latin-1").partition(".")
        try:
            if resource == "product" and event in NAMELESS_EVENTS:
                return ReportedChange(everything=True)
            if resource == "product":
                product = msgspec.json.decode(body, type=ChangedProduct)
                return ReportedChange(skus=(_name(product.sku, product.id),))
            if resource == "order" and event not in NAMELESS_EVENTS:
                order = msgspec.json.decode(body, type=ChangedOrder)
                lines = {_name(one.sku, one.variation_id or one.product_id) for one in order.line_items}
                return ReportedChange(skus=tuple(sorted(lines)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            said = "Wants a product or an order as WooCommerce's API v3 shows it."
            raise WebhookUnreadable(said) from None
        return ReportedChange(everything=resource == "order")


def _name(sku: str | None, id_: int) -> str:
    """What products are called here: by SKU, or by id without one."""
    return sanitizing.code(sku) or f"{ID_PREFIX}{id_}"
