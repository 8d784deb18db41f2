"""The sandbox: a payment provider in which no money moves, for the demo and for tests.

It is idempotent and durable like a real one: a step that is repeated under its key is done once, and its payments are
stored in the database. The addresses to which a buyer returns are secrets: the page's own address carries them, and the
database has a digest.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Final, NoReturn, Protocol
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.money import Money
from storefront_mcp.payments.provider import (
    EventRefused,
    Payment,
    PaymentSession,
    PaymentSessionRequest,
    PaymentState,
    ProviderEvent,
    ProviderRefused,
    SessionState,
)

NAME: Final = "sandbox"
SESSION_PREFIX, PAYMENT_PREFIX = "sandbox_session_", "sandbox_payment_"
PATH: Final = "/sandbox/pay/"
RETURN_PARAMETER, CANCEL_PARAMETER = "return", "cancel"
"""Of the page's query."""
AUTHORIZATION_SECONDS: Final = 7 * 86_400
"""How long an authorized payment can be captured, as with most cards."""
RETENTION_SECONDS: Final = 60 * 86_400
"""How long a payment is stored after its expiry."""


class SandboxLink(Struct, frozen=True, kw_only=True):
    """What the address of a payment page carries. It cannot be made from a record."""

    id: str
    return_url: str
    cancel_url: str

    @property
    def digest(self) -> str:
        """SHA-256 of the addresses of return, in hexadecimal, as it is stored."""
        return hashlib.sha256(msgspec.json.encode((self.return_url, self.cancel_url))).hexdigest()

    @property
    def address(self) -> str:
        """Path and query of the page."""
        query = {RETURN_PARAMETER: self.return_url, CANCEL_PARAMETER: self.cancel_url}
        return f"{PATH}{quote(self.id, safe='')}?{urlencode(query)}"


class SandboxPayment(Struct, frozen=True, kw_only=True):
    """One payment page and its payment, as stored; without the e-mail address, which is not needed."""

    id: str
    """Random; the ids of session and payment are a prefix and this."""
    key: str
    """Its idempotency key."""
    store: StoreId
    checkout: str
    amount: Money
    title: str
    link_digest: str
    """Of the addresses of return; see `SandboxLink.digest`."""
    expires_at: int
    session: SessionState = "open"
    payment: PaymentState = "waiting"
    held_at: int | None = None
    captured: Money | None = None
    """What was captured, if that is not all."""
    tried: bool = False
    """Whether there was an attempt to pay: from then on there is a payment."""
    declined: bool = False

    def at(self, now: float) -> "SandboxPayment":
        """The record at a time (Unix seconds): an open page expires, an authorized payment is released in the end."""
        if self.session == "open" and now >= self.expires_at:
            return replace(self, session="expired", payment="released")
        if self.payment == "authorized" and self.held_at is not None and now >= self.held_at + AUTHORIZATION_SECONDS:
            return replace(self, payment="released")
        return self


class SandboxRepository(Protocol):
    """Storage of sandbox payments, shared by every worker, durable before a method returns. Raises ProviderDown."""

    async def open(self, record: SandboxPayment, *, forget: int) -> SandboxPayment:
        """Insert a payment, or return that of the same key; payments that expired before `forget` are deleted."""

    async def find(self, id_: str) -> SandboxPayment | None:
        """By its id."""

    async def change(self, id_: str, step: Callable[[SandboxPayment], SandboxPayment]) -> SandboxPayment | None:
        """Apply `step` in one transaction, which is rolled back when it raises; None for an unknown id."""


class SandboxProvider:
    """The sandbox of one store. Implements `payments.provider.PaymentProvider`."""

    name = NAME
    is_test: Final = True

    def __init__(
        self, store: StoreId, origin: str, repository: SandboxRepository, *, now: Callable[[], float] = time.time
    ) -> None:
        """`origin` is the store's, which serves the payment pages."""
        self._store = store
        self._origin = origin
        self._repository = repository
        self._now = now

    def payment_url(self, payment: str) -> str | None:  # noqa: ARG002 -- the port's
        """None: the buyer's page is the only one, and its address is the buyer's."""
        return None

    def check_amount(self, amount: Money) -> None:
        """Take every amount."""

    async def open_session(self, request: PaymentSessionRequest, *, key: str) -> PaymentSession:
        """Open a page; the same key returns the same page, and is refused for another request."""
        link = SandboxLink(id=secrets.token_urlsafe(18), return_url=request.return_url, cancel_url=request.cancel_url)
        record = SandboxPayment(
            id=link.id,
            key=key,
            store=self._store,
            checkout=request.checkout,
            amount=request.amount,
            title=request.title,
            link_digest=link.digest,
            expires_at=request.expires_at,
        )
        now = self._now()
        if request.amount.minor <= 0 or request.expires_at <= now:
            # A repetition may be late, so this is no error.
            record = replace(record, session="expired", payment="released")
        stored = await self._repository.open(record, forget=int(now) - RETENTION_SECONDS)
        if _session_request(stored) != _session_request(record):
            _refuse("the key was used for another page")
        session = _session(stored.at(now))
        url = self._origin + replace(link, id=stored.id).address
        return replace(session, url=url) if session.state == "open" else session

    async def session(self, session: str) -> PaymentSession:
        """Fetch a session, without its URL."""
        return _session(await self._find(session, SESSION_PREFIX))

    async def expire_session(self, session: str, *, key: str) -> PaymentSession:  # noqa: ARG002 -- idempotent by itself
        """Expire a session, unless it is complete."""

        def close(record: SandboxPayment) -> SandboxPayment:
            return replace(record, session="expired", payment="released") if record.session == "open" else record

        return _session(await self._change(session, SESSION_PREFIX, close))

    async def payment(self, payment: str) -> Payment:
        """Fetch a payment."""
        return _payment(await self._find(payment, PAYMENT_PREFIX))

    async def capture(self, payment: str, *, key: str, amount: Money | None = None) -> Payment:  # noqa: ARG002 -- idempotent by itself
        """Capture an authorized payment; one that has ended is returned as it is."""

        def capture(record: SandboxPayment) -> SandboxPayment:
            if record.payment == "waiting":
                _refuse("nothing is held yet")
            if record.payment != "authorized":
                return record
            if amount is not None and not 0 < amount.minor <= record.amount.minor:
                _refuse("that is not what is held")
            return replace(record, payment="captured", captured=amount)

        return _payment(await self._change(payment, PAYMENT_PREFIX, capture))

    async def release(self, payment: str, *, key: str) -> Payment:  # noqa: ARG002 -- idempotent by itself
        """Release a payment that is not captured; an open page is expired too."""

        def release(record: SandboxPayment) -> SandboxPayment:
            if record.payment == "captured":
                return record
            return replace(
                record, payment="released", session="expired" if record.session == "open" else record.session
            )

        return _payment(await self._change(payment, PAYMENT_PREFIX, release))

    def event(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:  # noqa: ARG002 -- the port's
        """Refuse every webhook: the sandbox sends none."""
        message = "the sandbox sends no webhooks"
        raise EventRefused(message)

    async def close(self) -> None:
        """Nothing to close."""

    async def page_state(self, link: SandboxLink) -> SandboxPayment | None:
        """The payment of a page; None when this store has none of that link."""
        record = await self._payment_of(link.id)
        return record if record is not None and _is_linked(record, link) else None

    async def attempt(self, link: SandboxLink, *, works: bool) -> SandboxPayment | None:
        """An attempt to pay that succeeds or is declined; no effect on a page that is not open, None as above."""
        now = self._now()

        def attempt(record: SandboxPayment) -> SandboxPayment:
            record = record.at(now)
            if record.session != "open" or record.store != self._store or not _is_linked(record, link):
                return record
            if not works:
                return replace(record, tried=True, declined=True)
            return replace(
                record, tried=True, declined=False, session="complete", payment="authorized", held_at=int(now)
            )

        record = await self._repository.change(link.id, attempt)
        return record if record is not None and record.store == self._store and _is_linked(record, link) else None

    async def _payment_of(self, id_: str) -> SandboxPayment | None:
        record = await self._repository.find(id_)
        return record.at(self._now()) if record is not None and record.store == self._store else None

    async def _find(self, name: str, kind: str) -> SandboxPayment:
        record = await self._payment_of(_id(name, kind))
        return record or _refuse(f"there is no {name[:60]!r}")

    async def _change(self, name: str, kind: str, step: Callable[[SandboxPayment], SandboxPayment]) -> SandboxPayment:
        await self._find(name, kind)
        now = self._now()
        record = await self._repository.change(_id(name, kind), lambda record: step(record.at(now)))
        return record or _refuse(f"there is no {name[:60]!r} any more")


def _is_linked(record: SandboxPayment, link: SandboxLink) -> bool:
    return hmac.compare_digest(record.link_digest, link.digest)


def _session(record: SandboxPayment) -> PaymentSession:
    return PaymentSession(
        id=SESSION_PREFIX + record.id,
        state=record.session,
        payment=PAYMENT_PREFIX + record.id if record.tried else None,
        declined=record.declined,
    )


def _payment(record: SandboxPayment) -> Payment:
    return Payment(
        id=PAYMENT_PREFIX + record.id,
        state=record.payment,
        amount=record.captured or record.amount,
        capture_before=None if record.held_at is None else record.held_at + AUTHORIZATION_SECONDS,
    )


def _session_request(record: SandboxPayment) -> tuple[object, ...]:
    return (
        record.store,
        record.checkout,
        record.amount,
        record.title,
        record.link_digest,
        record.expires_at,
    )


def _id(name: str, kind: str) -> str:
    if not name.startswith(kind):
        _refuse(f"{name[:60]!r} is none of ours")
    return name.removeprefix(kind)


def _refuse(message: str) -> NoReturn:
    raise ProviderRefused(message)
