"""`GrantSessions`: the shop sessions behind a store's grants, renewed by one at a time, as the shop kills the old one.

A session is renewed by a call that needs it once half of its life is over, never without a call, so that an agent whose
person has left falls asleep. The renewal goes on when its caller has gone: a new token whose answer is thrown away ends
the grant. While it cannot be renewed (429, an outage), the live session is used on, and one that is not dead but can
only be renewed waits.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from storefront_mcp.commerce.customers import SessionOver, SessionRenewal, ShopSession, SignInError, TooManyTries
from storefront_mcp.commerce.errors import ShopBusy, ShopError
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.records.oauth import OAuthRepository, ShopSessionRecord

T = TypeVar("T")

RENEWAL_SECONDS: Final = 45.0
"""Of one renewal; shorter than the lease, so that nobody renews what is being renewed."""
LEASE_SECONDS: Final = 60.0
WAIT_SECONDS: Final = 50.0
"""The longest that a call waits for somebody else's renewal."""
POLL_SECONDS: Final = 0.1
BUSY_RETRY_SECONDS: Final = 5
CLOCK_SKEW_SECONDS: Final = 5.0
"""By which a shop's clock may be ahead of ours."""
RETRY_SECONDS: Final = 30.0
"""Until the next try after a renewal that the shop did not answer."""


def encode_session(session: ShopSession) -> bytes:
    """A session as it is stored, once encrypted."""
    return msgspec.json.encode(session)


def decode_session(stored: bytes) -> ShopSession:
    """The session that was stored."""
    return msgspec.json.decode(stored, type=ShopSession)


class GrantSessions:
    """Live shop sessions of one store's grants, shared by every worker. May raise StorageUnavailable."""

    def __init__(
        self,
        store: StoreId,
        login: SessionRenewal,
        records: OAuthRepository,
        *,
        now: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`now` gives Unix seconds; `pause` waits between two looks at a session that another worker renews."""
        self._store = store
        self._login = login
        self._records = records
        self._now = now
        self._pause = pause
        self._renewals: dict[str, asyncio.Task[ShopSession]] = {}
        """Of this worker, by grant."""

    async def session_of(self, grant: str) -> ShopSession:
        """The grant's live session, renewed first if that is due. Raises SessionOver, ShopBusy."""
        record = await asyncio.to_thread(self._records.shop_session, grant)
        if record is None:
            raise SessionOver(internal=f"grant {grant}: it has ended")
        session = decode_session(record.session)
        if not (self._is_due(session) or self._is_over(session)):
            return self._usable(grant, session)
        # Whether it is over, only who holds the lease can tell: it may be being renewed.
        task = self._renewals.get(grant)
        if task is None:
            task = self._renewals[grant] = asyncio.create_task(self._renew(grant))
            task.add_done_callback(lambda done: self._forget(grant, done))
        return self._usable(grant, await asyncio.shield(task))

    async def use_session(self, grant: str, call: Callable[[ShopSession], Awaitable[T]]) -> T:
        """What `call` makes of the live session. Raises SessionOver, ShopBusy, and what `call` raises.

        When `call` raises SessionOver, as the shop refused the session, it is made once more if the session was renewed
        meanwhile; otherwise the grant ends, unless the session's secret died on its way: then its renewal tells.
        """
        session = await self.session_of(grant)
        try:
            return await call(session)
        except SessionOver:
            renewed = await self._renewed_since(grant, session)
            return await call(renewed)

    async def close(self) -> None:
        """Wait for the renewals under way."""
        await asyncio.gather(*self._renewals.values(), return_exceptions=True)

    async def _renewed_since(self, grant: str, refused: ShopSession) -> ShopSession:
        """The session that replaced a refused one; without one the grant ends. Raises SessionOver, ShopBusy."""
        # Under the lease nobody is between the shop's answer and our record of it.
        held = await self._lease(grant)
        session = await self._live(grant, held)
        if session.secret != refused.secret:
            await self._write(grant, held, session)
            return session
        if session.secret_until is not None and session.secret_until - CLOCK_SKEW_SECONDS <= self._now():
            # It died on its way to the shop; whether the session is over, only its renewal can tell.
            await self._write(grant, held, session)
            raise ShopBusy(retry_after=BUSY_RETRY_SECONDS, internal=f"grant {grant}: its session died on its way")
        await self._end(grant)
        raise SessionOver(internal=f"grant {grant}: the shop refused its session")

    async def _renew(self, grant: str) -> ShopSession:
        held = await self._lease(grant)
        session = await self._live(grant, held)
        renewed = session
        if self._is_due(session):
            try:
                async with asyncio.timeout(RENEWAL_SECONDS):
                    renewed = await self._login.renew(session)
            except SessionOver:
                await self._end(grant)
                raise
            except TooManyTries as limited:
                renewed = replace(session, renew_at=self._now() + limited.retry_after)
            except (ShopError, TimeoutError):
                # Nobody knows whether the old one is dead now: if so, the shop refuses the call that comes next.
                renewed = replace(session, renew_at=self._now() + RETRY_SECONDS)
        if not await self._write(grant, held, renewed):
            with suppress(ShopError, SignInError):
                await self._login.end(renewed)
            raise SessionOver(internal=f"grant {grant}: it ended while its session was renewed")
        return renewed

    async def _lease(self, grant: str) -> ShopSessionRecord:
        """The right to renew. Raises SessionOver when the grant has ended, ShopBusy."""
        until = self._now() + WAIT_SECONDS
        while True:
            held = await asyncio.to_thread(
                self._records.lease_shop_session, grant, now=self._now(), seconds=LEASE_SECONDS
            )
            if held is not None:
                return held
            if await asyncio.to_thread(self._records.shop_session, grant) is None:
                raise SessionOver(internal=f"grant {grant}: it has ended")
            if self._now() >= until:
                raise ShopBusy(retry_after=BUSY_RETRY_SECONDS, internal=f"grant {grant}: another worker renews it")
            await self._pause(POLL_SECONDS)

    async def _live(self, grant: str, held: ShopSessionRecord) -> ShopSession:
        """The session of a leased record. Raises SessionOver, and ends the grant, when its time is over."""
        session = decode_session(held.session)
        if self._is_over(session):
            await self._end(grant)
            raise SessionOver(internal=f"grant {grant}: its session has expired")
        return session

    def _usable(self, grant: str, session: ShopSession) -> ShopSession:
        """The session, unless its secret has died before it could be renewed. Raises ShopBusy."""
        if session.secret_until is not None and session.secret_until <= self._now():
            raise ShopBusy(retry_after=BUSY_RETRY_SECONDS, internal=f"grant {grant}: its session could not be renewed")
        return session

    def _is_over(self, session: ShopSession) -> bool:
        return session.expires_at is not None and session.expires_at <= self._now()

    def _is_due(self, session: ShopSession) -> bool:
        return session.renew_at is not None and session.renew_at <= self._now()

    async def _write(self, grant: str, held: ShopSessionRecord, session: ShopSession) -> bool:
        """Store it and give the lease back; False when the grant has ended."""
        return await asyncio.to_thread(
            self._records.write_shop_session,
            grant,
            fence=held.fence,
            session=encode_session(session),
            until=session.expires_at,
        )

    async def _end(self, grant: str) -> None:
        await asyncio.to_thread(self._records.end_grants, self._store, "shop", now=self._now(), grant=grant)

    def _forget(self, grant: str, done: asyncio.Task[ShopSession]) -> None:
        del self._renewals[grant]
        if not done.cancelled():
            # Its callers may all have gone, and what it raised with them.
            done.exception()
