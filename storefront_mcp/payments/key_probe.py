"""Check of a payment provider's API key without moving money."""

from typing import Literal, Protocol

from msgspec import Struct

Mode = Literal["live", "test"]


class KeyCheck(Struct, frozen=True, kw_only=True):
    """Result of a key check."""

    accepted: bool | None
    """None when the provider did not answer."""
    said: str = ""
    """The provider's message, or why there is none; never a part of the key."""


class KeyProbe(Protocol):
    """Checks one key."""

    mode: Mode | None
    """By the key's prefix; None when it does not tell."""
    secret: bool
    """Whether it has the form of a secret key, not of a publishable one."""
    webhooks: bool
    """Whether a webhook secret is set."""
    malformed_webhooks: int
    """Webhook secrets that do not have the form of one."""

    @property
    def provider(self) -> str:
        """Display name of the provider."""

    async def key(self) -> KeyCheck:
        """Send the provider a harmless request with the key."""

    async def tokens(self) -> KeyCheck:
        """The same, for whether the key may read the tokens of buyers' agents."""
