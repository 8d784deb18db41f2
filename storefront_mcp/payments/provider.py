"""The payment provider protocol: a hosted payment session, a payment that is authorized, then captured or released.

Every write takes an idempotency key, so that a step whose answer was lost can be repeated. Amounts are integer minor
units with their currency.
"""

from collections.abc import Mapping
from typing import Literal, Protocol

from msgspec import Struct

from storefront_mcp.commerce.money import Money

SessionState = Literal["open", "complete", "expired"]
"""open: can be paid. complete: the buyer has paid. expired: can no longer be paid."""

PaymentState = Literal["waiting", "authorized", "captured", "released"]
"""waiting: nothing is held. authorized: held. captured: taken. released: canceled for good."""


class ProviderDown(Exception):
    """No usable answer: repeat the step later under the same key.

    `str(error)` is for the log, without personal data.
    """


RefusalCause = Literal["too_small", "too_large", "step", "currency", "email", "expiry", "configuration"]
"""What the provider does not take: a total below its minimum, above its maximum or with a last decimal that it does not
have, the currency, the buyer's e-mail address, the moment at which the page ends, or how the account is set up."""


class ProviderRefused(Exception):
    """The provider rejected the step, and nothing was done; repeating it is useless. For the log, as above."""

    def __init__(self, message: str, *, cause: RefusalCause = "configuration", code: str = "") -> None:
        """`code` is the provider's own, where it has one."""
        super().__init__(message)
        self.cause: RefusalCause = cause
        self.code = code


class EventRefused(Exception):
    """A webhook whose signature is wrong or too old, or that cannot be decoded."""


class PaymentSessionRequest(Struct, frozen=True, kw_only=True):
    """Parameters of a payment session: one amount for one checkout."""

    checkout: str
    """Our checkout id; sent as metadata, and returned in events."""
    amount: Money
    title: str
    """Description that the buyer sees."""
    email: str
    return_url: str
    """Where the buyer returns after paying; no proof of payment."""
    cancel_url: str
    """Where the buyer returns without paying."""
    expires_at: int
    """Unix seconds; the same in every repetition."""


class PaymentSession(Struct, frozen=True, kw_only=True):
    """A hosted payment page at the provider."""

    id: str
    state: SessionState
    url: str | None = None
    """Only while it is open; some providers tell it to `open_session` alone."""
    payment: str | None = None
    """Id of the payment, once there is one."""
    declined: bool = False
    """Whether the last attempt to pay failed."""


class Payment(Struct, frozen=True, kw_only=True):
    """A payment at the provider. Its state is authoritative; a session's is a hint."""

    id: str
    state: PaymentState
    amount: Money
    capture_before: int | None = None
    """Unix seconds until which an authorized payment can be captured; None when not known."""


class ProviderEvent(Struct, frozen=True, kw_only=True):
    """A verified webhook; only a hint to poll."""

    id: str
    kind: str
    checkout: str | None = None
    """Our checkout id, when the event has it."""


class PaymentProvider(Protocol):
    """A payment provider. Every method but `event` raises only ProviderDown and ProviderRefused."""

    @property
    def name(self) -> str:
        """Identifier, as in the settings: `stripe`."""

    @property
    def is_test(self) -> bool:
        """Whether no money moves: a sandbox, or a real provider in its test mode."""

    def payment_url(self, payment: str) -> str | None:
        """The page of a payment in the provider's own dashboard, for operators; None where there is none."""

    def check_amount(self, amount: Money) -> None:
        """Raise ProviderRefused for a total that cannot be paid there, as far as that is known without asking."""

    async def open_session(self, request: PaymentSessionRequest, *, key: str) -> PaymentSession:
        """Open a payment page with manual capture; the same key returns the same page."""

    async def session(self, session: str) -> PaymentSession:
        """Fetch a session."""

    async def expire_session(self, session: str, *, key: str) -> PaymentSession:
        """Expire a session and return it; `complete` when the buyer has paid before."""

    async def payment(self, payment: str) -> Payment:
        """Fetch a payment."""

    async def capture(self, payment: str, *, key: str, amount: Money | None = None) -> Payment:
        """Capture `amount` (None: all that is held), and let the rest go.

        A payment that is captured or released already is returned as it is.
        """

    async def release(self, payment: str, *, key: str) -> Payment:
        """Cancel the authorization; a payment that is captured already is returned as it is."""

    def event(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        """Verify and decode a webhook; header names are in lower case. Raises EventRefused."""

    async def close(self) -> None:
        """Close connections."""
