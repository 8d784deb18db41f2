"""What WooCommerce's own webhooks say has changed, and what is believed of them."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

import pytest

from storefront_mcp.backends.woocommerce.webhooks import WooWebhookReader
from storefront_mcp.commerce.shop_webhooks import ReportedChange, WebhookUnreadable, WebhookUnsigned

SECRET = "c2VjcmV0IG9mIHR3ZW50eS1mb3VyIGJ5dGVz"
ORDER = b"""{"id": 9, "status": "processing", "line_items": [
    {"product_id": 7, "variation_id": 0, "sku": "PAD-2", "quantity": 1},
    {"product_id": 8, "variation_id": 81, "sku": "TEE-BLACK-M"},
    {"product_id": 5, "sku": ""}, {"product_id": 6, "variation_id": 61, "sku": null}]}"""


def elsewhere(headers: Mapping[bytes, bytes], body: bytes, *, now: float) -> ReportedChange:
    """Another reader, of what is not WooCommerce's own."""
    assert now == 1.0
    return ReportedChange(skus=(body.decode(), str(len(headers))))


def headers(topic: str, body: bytes, secret: str = SECRET) -> dict[bytes, bytes]:
    """As WooCommerce sends them."""
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
    return {b"x-wc-webhook-topic": topic.encode(), b"x-wc-webhook-signature": signature}


def read(given: Mapping[bytes, bytes], body: bytes) -> ReportedChange | None:
    """What is heard."""
    return WooWebhookReader(SECRET, elsewhere)(given, body, now=1.0)


@pytest.mark.parametrize(
    ("topic", "body", "heard"),
    [
        ("product.updated", b'{"id": 7, "sku": "PAD-2", "price": "1"}', ReportedChange(skus=("PAD-2",))),
        ("product.created", b'{"id": 7, "sku": ""}', ReportedChange(skus=("wc-7",))),
        ("product.deleted", b'{"id": 7}', ReportedChange(everything=True)),
        ("product.restored", b"not read", ReportedChange(everything=True)),
        ("order.updated", ORDER, ReportedChange(skus=("PAD-2", "TEE-BLACK-M", "wc-5", "wc-61"))),
        ("order.deleted", b'{"id": 9}', ReportedChange(everything=True)),
        ("coupon.updated", b'{"id": 3}', ReportedChange()),
        ("", b"{}", ReportedChange()),
    ],
)
def test_an_event_names_what_has_changed(topic: str, body: bytes, heard: ReportedChange) -> None:
    assert read(headers(topic, body), body) == heard


@pytest.mark.parametrize("secret", ["", SECRET[:-1], f" {SECRET}"])
def test_what_is_not_signed_by_the_secret_is_not_heard(secret: str) -> None:
    with pytest.raises(WebhookUnsigned):
        read(headers("product.deleted", b"{}", secret), b"{}")
    with pytest.raises(WebhookUnsigned):
        read(headers("product.deleted", b"{}"), b"{} ")


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("product.updated", b"\xff"),
        ("product.updated", b'{"id": "x"}'),
        ("order.updated", b'{"line_items": 7}'),
        ("order.updated", b"[" * 10_000),
    ],
)
def test_a_body_of_another_form_is_said_to_be_none(topic: str, body: bytes) -> None:
    with pytest.raises(WebhookUnreadable, match="API v3"):
        read(headers(topic, body), body)


def test_a_webhook_that_is_being_saved_tries_whether_it_arrives() -> None:
    assert read({b"content-type": b"application/x-www-form-urlencoded"}, b"webhook_id=12") is None
    for body in (b"webhook_id=x", b"webhook_id=1&everything=true", b"webhook_id=" + b"1" * 30):
        assert read({}, body) == ReportedChange(skus=(body.decode(), "0"))


def test_what_is_signed_otherwise_is_read_otherwise() -> None:
    assert read({b"webhook-id": b"1"}, b"told") == ReportedChange(skus=("told", "1"))
