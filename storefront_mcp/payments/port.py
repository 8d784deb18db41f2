"""The port of payment: a page where a person pays, money that is held, then captured or released.

Every write takes a key that is the same whenever the same step is tried again, so that a step whose answer was lost is
simply taken again: a provider does it once. Amounts are integer minor units with their currency.
"""

from collections.abc import Mapping
from typing import Literal, Protocol

from msgspec import Struct

from storefront_mcp.commerce.money import Money

SessionState = Literal["open", "complete", "expired"]
"""Whether the person may still pay there, has paid, or can no longer."""

PaymentState = Literal["waiting", "authorized", "captured", "released"]
"""Nothing held yet; held for us; taken; let go for good."""


class ProviderDown(Exception):
    """The provider did not answer, or not sensibly: take the same step again later, under the same key.

    `str(error)` is for our log and holds no personal data.
    """


class ProviderRefused(Exception):
    """The provider said no, and nothing was done; repeating the step would be refused again. For our log, as above."""


class EventRefused(Exception):
    """A webhook that is not the provider's, or too old."""


class SessionWanted(Struct, frozen=True, kw_only=True):
    """A payment page to open: one amount for one checkout."""

    checkout: str
    """Our id; it travels as metadata and comes back in events."""
    amount: Money
    title: str
    """What the person sees that they pay for."""
    email: str
    return_url: str
    """Where the person goes after paying. That they come there is no proof, only a reason to look."""
    cancel_url: str
    """Where the person goes who did not pay."""
    expires_at: int
    """Unix seconds; part of the step, so the same whenever it is repeated."""


class Session(Struct, frozen=True, kw_only=True):
    """A payment page as the provider sees it."""

    id: str
    state: SessionState
    url: str | None = None
    """Only while it is open."""
    payment: str | None = None
    """The payment's id, once there is one."""
    declined: bool = False
    """Whether the last try to pay there failed."""


class Payment(Struct, frozen=True, kw_only=True):
    """Money as the provider holds it. Its state is the truth; a session's is only a hint."""

    id: str
    state: PaymentState
    amount: Money
    capture_before: int | None = None
    """Unix seconds until which held money can be taken; None when not known."""


class Event(Struct, frozen=True, kw_only=True):
    """A webhook, verified. It only says where to look."""

    id: str
    kind: str
    checkout: str | None = None
    """Our id, when the event carries it."""


class Provider(Protocol):
    """Somebody who takes money for us. Every method but `event` raises only ProviderDown and ProviderRefused."""

    @property
    def name(self) -> str:
        """One word for records: `stripe`."""

    async def open_session(self, wanted: SessionWanted, *, key: str) -> Session:
        """A page for this amount, with the money held and not taken. Repeating it gives the same page."""

    async def session(self, session: str) -> Session:
        """The page as it stands."""

    async def expire_session(self, session: str, *, key: str) -> Session:
        """Close the page; answers what it is then. `complete` when the person was faster."""

    async def payment(self, payment: str) -> Payment:
        """The payment as it stands."""

    async def capture(self, payment: str, *, key: str) -> Payment:
        """Take all of the money that is held; also fine when it is taken already."""

    async def release(self, payment: str, *, key: str) -> Payment:
        """Let go of what is held, for good; answers what it is then, `captured` when it is too late."""

    def event(self, body: bytes, headers: Mapping[str, str]) -> Event:
        """Read a webhook from its raw bytes and its headers in lower case. Raises EventRefused."""

    async def close(self) -> None:
        """Let go of connections."""
