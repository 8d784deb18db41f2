"""The port of payment by a token that a buyer's agent was granted, without a page of the provider.

A payment is prepared first, and confirmed with the token: so its id is on record before any money can be held, and
whoever finds it needs no token to end it.
"""

from typing import Final, Literal, Protocol

from msgspec import Struct

from storefront_mcp.access.credentials import Secret
from storefront_mcp.commerce.money import Money
from storefront_mcp.payments.provider import Payment

TokenRefusal = Literal["unknown", "revoked", "expired", "currency", "too_small", "seller", "declined"]
"""unknown: there is no such token for this shop. revoked: it was taken back, or is used up. too_small: it allows less
than the total. seller: it was granted to another shop. declined: the provider or the buyer's bank said no."""

MAX_TOKEN_CHARS: Final = 255


class TokenRefused(Exception):
    """The token pays nothing, and nothing is held. `str(error)` is for the log, without the token."""

    def __init__(self, cause: TokenRefusal) -> None:
        super().__init__(cause)
        self.cause: TokenRefusal = cause


class TokenHandler(Struct, frozen=True, kw_only=True):
    """What an agent is told to be granted a token."""

    id: str
    """That it names when it sends one: `stripe.spt`."""
    provider: str
    credential: str
    """Type of the credential that the token is: `spt`."""
    merchant: str
    """Whom the token has to be granted to, as the provider calls this shop."""


class TokenPayments(Protocol):
    """Payment by tokens at a provider. Every method raises only what it lists."""

    @property
    def handler(self) -> TokenHandler:
        """What agents are told."""

    async def check_token(self, token: Secret, amount: Money, *, now: float) -> None:
        """Whether the token pays this amount now, in Unix seconds; changes nothing.

        Raises TokenRefused, ProviderDown and ProviderRefused.
        """

    async def prepare_payment(self, checkout: str, amount: Money, *, key: str) -> Payment:
        """A payment that holds nothing until it is confirmed. Raises ProviderDown and ProviderRefused."""

    async def confirm_payment(self, payment: str, token: Secret, *, key: str) -> Payment:
        """Hold the amount of a prepared payment. `waiting` where the buyer has to do something first.

        Sent under this key alone. Raises TokenRefused, and ProviderDown when the outcome is not known.
        """
