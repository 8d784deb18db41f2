"""What can be found out about a payment provider's key without moving money."""

from typing import Literal, Protocol

from msgspec import Struct

Mode = Literal["live", "test"]


class Key(Struct, frozen=True, kw_only=True):
    """A provider's key, as it looks and as the provider takes it."""

    accepted: bool | None
    """None when the provider could not be asked."""
    said: str = ""
    """What kept us from knowing, or what the provider said; never a part of the key."""


class KeyProbe(Protocol):
    """Looks at a key."""

    mode: Mode | None
    """Whether money moves; None when the key does not say."""
    secret: bool
    """Whether it can be a secret key at all; publishable ones cannot."""
    webhooks: bool
    """Whether there is a secret to verify webhooks with."""

    @property
    def provider(self) -> str:
        """A name for people."""

    async def key(self) -> Key:
        """Ask the provider something harmless."""
