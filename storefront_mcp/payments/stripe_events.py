"""Webhooks of Stripe: are they Stripe's, are they fresh, and which checkout are they about."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct
from stripe import SignatureVerificationError, WebhookSignature

from storefront_mcp.payments.port import Event, EventRefused

TOLERANCE: Final = 300
"""Seconds for which a signature is worth something."""
LONGEST: Final = 1024 * 1024
"""Bytes of a webhook; a session or a payment has a few thousand."""


class _Subject(Struct, frozen=True):
    """What happened to something: a session, a payment, a charge, a dispute."""

    client_reference_id: str | None = None
    metadata: dict[str, str] | None = None

    @property
    def checkout(self) -> str | None:
        return (self.metadata or {}).get("checkout_id") or self.client_reference_id


class _Envelope(Struct, frozen=True):
    object: _Subject


class _Snapshot(Struct, frozen=True, tag_field="object", tag="event"):
    """A "snapshot" event; the "thin" ones are another product and no money moves in them."""

    id: str
    type: str
    data: _Envelope


_DECODER: Final = msgspec.json.Decoder(_Snapshot)


def read_event(body: bytes, signature: str | None, *, secrets: Sequence[str]) -> Event:
    """The event in a webhook that was signed with one of `secrets`, in the last five minutes.

    Several secrets are good at a time, so that a new one can be rolled out. Raises EventRefused.
    Source: docs.stripe.com/webhooks, "Verify webhook signatures manually".
    """
    if len(body) > LONGEST:
        message = f"{len(body)} bytes are no webhook"
        raise EventRefused(message)
    if not any(_signed(body, signature, secret) for secret in secrets):
        raise EventRefused("not signed with any of our secrets in the last five minutes")
    try:
        event = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # What was sent may hold an e-mail address, so the refusal does not quote it.
        raise EventRefused("signed, but it is no event that we can read") from None
    return Event(id=event.id, kind=event.type, checkout=event.data.object.checkout)


def _signed(body: bytes, signature: str | None, secret: str) -> bool:
    try:
        return bool(WebhookSignature.verify_header(body, signature, secret, TOLERANCE))
    except (SignatureVerificationError, ValueError, TypeError):
        # The library's own refusal; bytes that are no text; a header that is no ASCII.
        return False
