"""What a shop's webhook says has changed, whichever software sends it."""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct


class ReportedChange(Struct, frozen=True, kw_only=True):
    """What changed in a shop's catalogue. It is only a hint: the shop is asked for what it is now."""

    skus: tuple[str, ...] = ()
    """Of products that have changed, variants too."""
    everything: bool = False
    """Whether more has changed than there is a list of."""


class WebhookUnsigned(Exception):
    """No signature of the store's secret holds, or it is too old."""


class WebhookUnreadable(Exception):
    """A signed webhook says what nobody understands; the text says what is wanted."""


class ShopWebhookReader(Protocol):
    """How the webhooks of one shop are read."""

    def __call__(self, headers: Mapping[bytes, bytes], body: bytes, *, now: float) -> ReportedChange | None:
        """What a webhook says; None for one that only tries whether it arrives. `now` is Unix seconds.

        `headers` have names in small letters. Raises WebhookUnsigned and WebhookUnreadable.
        """
