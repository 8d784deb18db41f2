"""A payment provider in which no money moves: for the demo, for trying things, and for tests.

It keeps a provider's promises all the same: a step that is repeated under its key is done once, what is over stays
over, and what it knows outlives any process, because its book is the database.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Final, NoReturn, Protocol

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.payments.port import (
    Event,
    EventRefused,
    Payment,
    PaymentState,
    ProviderRefused,
    Session,
    SessionState,
    SessionWanted,
)

NAME: Final = "sandbox"
SESSION, PAYMENT = "sandbox_session_", "sandbox_payment_"
PATH: Final = "/sandbox/pay/"
HELD_FOR: Final = 7 * 86_400
"""Seconds that held money can be taken, as with most cards."""
KEPT_FOR: Final = 60 * 86_400
"""Seconds for which a page is remembered after its end."""


class Slip(Struct, frozen=True, kw_only=True):
    """One payment page and the money behind it. No e-mail: nothing here needs one."""

    id: str
    """Random; the session's id and the payment's are made of it."""
    key: str
    """What it was opened under."""
    store: StoreId
    checkout: str
    amount: Money
    title: str
    return_url: str
    cancel_url: str
    expires_at: int
    session: SessionState = "open"
    payment: PaymentState = "waiting"
    held_at: int | None = None
    tried: bool = False
    """Whether the person has tried to pay: from then on there is a payment."""
    declined: bool = False

    def at(self, now: float) -> "Slip":
        """The slip as it stands at a moment: an open page ends, and held money is let go, when their time is over."""
        if self.session == "open" and now >= self.expires_at:
            return replace(self, session="expired", payment="released")
        if self.payment == "authorized" and self.held_at is not None and now >= self.held_at + HELD_FOR:
            return replace(self, payment="released")
        return self


class SandboxBook(Protocol):
    """Where slips are kept: durable before a method returns, shared by every worker. Raises only ProviderDown."""

    async def open(self, slip: Slip, *, forget: int) -> Slip:
        """Write a new slip, unless its key is known: then that one is answered. What ended before `forget` goes."""

    async def find(self, id_: str) -> Slip | None:
        """By its id."""

    async def change(self, id_: str, step: Callable[[Slip], Slip]) -> Slip | None:
        """Read, step and write as one; None when there is none. What `step` raises leaves everything as it was."""


class SandboxProvider:
    """The sandbox of one store. Implements `payments.port.Provider`."""

    name = NAME

    def __init__(self, store: StoreId, origin: str, book: SandboxBook, *, now: Callable[[], float] = time.time) -> None:
        """`origin` is where its pages are: the store's own."""
        self._store = store
        self._origin = origin
        self._book = book
        self._now = now

    async def open_session(self, wanted: SessionWanted, *, key: str) -> Session:
        """A page for this amount; the same key gives the same page, and with another wish it is refused."""
        slip = Slip(
            id=secrets.token_urlsafe(18),
            key=key,
            store=self._store,
            checkout=wanted.checkout,
            amount=wanted.amount,
            title=wanted.title,
            return_url=wanted.return_url,
            cancel_url=wanted.cancel_url,
            expires_at=wanted.expires_at,
        )
        now = self._now()
        if wanted.amount.minor <= 0 or wanted.expires_at <= now:
            # A repetition may come late; a first try must not.
            slip = replace(slip, session="expired", payment="released")
        kept = await self._book.open(slip, forget=int(now) - KEPT_FOR)
        if _wish(kept) != _wish(slip):
            _refuse("the key was used for another page")
        return self._session(kept.at(now))

    async def session(self, session: str) -> Session:
        """The page as it stands."""
        return self._session(await self._found(session, SESSION))

    async def expire_session(self, session: str, *, key: str) -> Session:  # noqa: ARG002 -- closing twice is closing once
        """Close the page, unless the person was faster."""

        def close(slip: Slip) -> Slip:
            return replace(slip, session="expired", payment="released") if slip.session == "open" else slip

        return self._session(await self._changed(session, SESSION, close))

    async def payment(self, payment: str) -> Payment:
        """The payment as it stands."""
        return _payment(await self._found(payment, PAYMENT))

    async def capture(self, payment: str, *, key: str) -> Payment:  # noqa: ARG002 -- taking twice is taking once
        """Take what is held; answers what it is then, `released` when it is too late."""

        def take(slip: Slip) -> Slip:
            if slip.payment == "waiting":
                _refuse("nothing is held yet")
            return replace(slip, payment="captured") if slip.payment == "authorized" else slip

        return _payment(await self._changed(payment, PAYMENT, take))

    async def release(self, payment: str, *, key: str) -> Payment:  # noqa: ARG002 -- letting go twice is letting go once
        """Let go of what is held; with an open page, close that too."""

        def let_go(slip: Slip) -> Slip:
            if slip.payment == "captured":
                return slip
            return replace(slip, payment="released", session="expired" if slip.session == "open" else slip.session)

        return _payment(await self._changed(payment, PAYMENT, let_go))

    def event(self, body: bytes, headers: Mapping[str, str]) -> Event:  # noqa: ARG002 -- the port's
        """The sandbox sends no webhooks, so none is its own."""
        message = "the sandbox sends no webhooks"
        raise EventRefused(message)

    async def close(self) -> None:
        """Nothing is open."""

    async def shown(self, id_: str) -> Slip | None:
        """What the person at the page sees; None when there is no such page in this store."""
        slip = await self._book.find(id_)
        return slip.at(self._now()) if slip is not None and slip.store == self._store else None

    async def tried(self, id_: str, *, works: bool) -> Slip | None:
        """The person tries to pay, and it works or is declined; without effect on a page that is over."""
        now = self._now()

        def attempt(slip: Slip) -> Slip:
            slip = slip.at(now)
            if slip.session != "open" or slip.store != self._store:
                return slip
            if not works:
                return replace(slip, tried=True, declined=True)
            return replace(slip, tried=True, declined=False, session="complete", payment="authorized", held_at=int(now))

        slip = await self._book.change(id_, attempt)
        return slip if slip is not None and slip.store == self._store else None

    async def _found(self, name: str, kind: str) -> Slip:
        slip = await self.shown(_id(name, kind))
        return slip or _refuse(f"there is no {name[:60]!r}")

    async def _changed(self, name: str, kind: str, step: Callable[[Slip], Slip]) -> Slip:
        await self._found(name, kind)
        now = self._now()
        slip = await self._book.change(_id(name, kind), lambda slip: step(slip.at(now)))
        return slip or _refuse(f"there is no {name[:60]!r} any more")

    def _session(self, slip: Slip) -> Session:
        return Session(
            id=SESSION + slip.id,
            state=slip.session,
            url=f"{self._origin}{PATH}{slip.id}" if slip.session == "open" else None,
            payment=PAYMENT + slip.id if slip.tried else None,
            declined=slip.declined,
        )


def _payment(slip: Slip) -> Payment:
    return Payment(
        id=PAYMENT + slip.id,
        state=slip.payment,
        amount=slip.amount,
        capture_before=None if slip.held_at is None else slip.held_at + HELD_FOR,
    )


def _wish(slip: Slip) -> tuple[object, ...]:
    return (slip.store, slip.checkout, slip.amount, slip.title, slip.return_url, slip.cancel_url, slip.expires_at)


def _id(name: str, kind: str) -> str:
    if not name.startswith(kind):
        _refuse(f"{name[:60]!r} is none of ours")
    return name.removeprefix(kind)


def _refuse(message: str) -> NoReturn:
    raise ProviderRefused(message)
