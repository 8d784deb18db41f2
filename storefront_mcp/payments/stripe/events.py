"""Stripe webhooks: signature, age, and the checkout that an event is about."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct
from stripe import SignatureVerificationError, WebhookSignature

from storefront_mcp.payments.provider import EventRefused, ProviderEvent

TOLERANCE_SECONDS: Final = 300
"""Maximum age of a signature."""
MAX_WEBHOOK_BYTES: Final = 1024 * 1024
"""A session or a payment has a few thousand bytes."""


class _Subject(Struct, frozen=True):
    """The object of an event: a session, a payment, a charge, a dispute."""

    client_reference_id: str | None = None
    metadata: dict[str, str] | None = None

    @property
    def checkout(self) -> str | None:
        return (self.metadata or {}).get("checkout_id") or self.client_reference_id


class _Envelope(Struct, frozen=True):
    object: _Subject


class _Snapshot(Struct, frozen=True, tag_field="object", tag="event"):
    """A "snapshot" event; "thin" events are not about payments."""

    id: str
    type: str
    data: _Envelope


_DECODER: Final = msgspec.json.Decoder(_Snapshot)


def read_event(body: bytes, signature: str | None, *, secrets: Sequence[str]) -> ProviderEvent:
    """The event of a webhook that was signed with one of `secrets` in the last TOLERANCE_SECONDS. Raises EventRefused.

    Source: docs.stripe.com/webhooks, "Verify webhook signatures manually".
    """
    if len(body) > MAX_WEBHOOK_BYTES:
        message = f"{len(body)} bytes are no webhook"
        raise EventRefused(message)
    if not any(_is_signed(body, signature, secret) for secret in secrets):
        raise EventRefused("not signed with any of our secrets in the last five minutes")
    try:
        event = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # The body may hold an e-mail address, so it is not quoted.
        raise EventRefused("signed, but it is no event that we can read") from None
    return ProviderEvent(id=event.id, kind=event.type, checkout=event.data.object.checkout)


def _is_signed(body: bytes, signature: str | None, secret: str) -> bool:
    try:
        return bool(WebhookSignature.verify_header(body, signature, secret, TOLERANCE_SECONDS))
    except (SignatureVerificationError, ValueError, TypeError):
        # The library's own error; a body that is not UTF-8; a header that is not ASCII.
        return False
