"""The shop session behind a grant is renewed by one at a time, and no outage of the shop signs anybody out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.maho.login import MahoLogin
from storefront_mcp.backends.maho.rest import PREFIX, RestClient
from storefront_mcp.commerce.customers import SessionOver, ShopSession, TooManyTries
from storefront_mcp.commerce.errors import ShopBusy, ShopDown
from storefront_mcp.database import Database
from storefront_mcp.database.oauth import SqlOAuthRepository
from storefront_mcp.demo.customers import PICKLERS
from storefront_mcp.demo.models import ShopRules
from storefront_mcp.oauth.shop_sessions import (
    CLOCK_SKEW_SECONDS,
    LEASE_SECONDS,
    RETRY_SECONDS,
    WAIT_SECONDS,
    GrantSessions,
    decode_session,
    encode_session,
)
from tests.fakes.demo_faults import DemoFault, FaultQueue
from tests.fakes.demo_shop import demo_shop
from tests.unit.database.oauth_samples import NOW, PICKLE, code, grant, pending, repository

pytestmark = pytest.mark.slow

ADA = PICKLERS[0]
HALF, HOUR = 1800.0, 3600.0
GRANT = "grant"


class Shop:
    """The demo shop, a login there, and what was asked of it."""

    def __init__(self, **rules: Any) -> None:
        self.now = NOW
        self.faults = FaultQueue()
        self.demo = demo_shop(faults=self.faults, clock=self.clock, rules=ShopRules(**rules))
        self.asked: list[str] = []
        self.under_way = 0
        self.most_under_way = 0
        self.gate = asyncio.Event()
        """Answers wait for it."""
        self.gate.set()
        self.renewing = asyncio.Event()
        """Whether a renewal has arrived."""
        rest = RestClient.at(
            f"http://shop.test{PREFIX}",
            headers={"accept": "application/ld+json"},
            limits=ClientLimits(),
            transport=httpx.ASGITransport(self),
            clock=self.clock,
        )
        self.login = MahoLogin(rest, clock=self.clock)

    def clock(self) -> float:
        return self.now

    @property
    def renewals(self) -> int:
        return self.asked.count("/auth/refresh")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope["path"].removeprefix(PREFIX))
        if "/auth/refresh" in self.asked:
            self.renewing.set()
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)

        async def answer(message: Any) -> None:
            # The shop has done it, and its answer is on the way.
            await self.gate.wait()
            await send(message)

        await self.demo(scope, receive, answer)
        self.under_way -= 1

    async def lives(self, session: ShopSession) -> bool:
        """Whether the shop still knows a session."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.demo), base_url="http://shop.test") as client:
            bearer = {"authorization": f"Bearer {session.secret}"}
            return (await client.get(f"{PREFIX}/customers/me", headers=bearer)).status_code == 200


@asynccontextmanager
async def granted(record: SqlOAuthRepository, shop: Shop) -> AsyncIterator[ShopSession]:
    """Ada signs in, and allows something."""
    session = await shop.login.sign_in(ADA.email, ADA.password)
    assert isinstance(session, ShopSession)
    record.open_request(pending())
    assert record.create_grant_with_code(
        grant(GRANT, shop_until=session.expires_at),
        code(),
        request=pending().digest,
        session=encode_session(session),
    )
    yield session


def sessions_of(record: SqlOAuthRepository, shop: Shop) -> GrantSessions:
    """What one worker has."""

    async def pause(seconds: float) -> None:
        shop.now += seconds
        await asyncio.sleep(0)

    return GrantSessions(PICKLE, shop.login, record, now=shop.clock, pause=pause)


@pytest.fixture
def record(database: Database) -> SqlOAuthRepository:
    return repository(database)


def stored(record: SqlOAuthRepository) -> ShopSession:
    kept = record.shop_session(GRANT)
    assert kept is not None
    return decode_session(kept.session)


def ended_why(record: SqlOAuthRepository) -> str | None:
    return record.grants(PICKLE)[0].ended_why


async def test_a_session_in_the_first_half_of_its_life_is_used_as_it_is(record: SqlOAuthRepository) -> None:
    shop = Shop()
    async with granted(record, shop) as session:
        shop.now += HALF - 1
        assert await sessions_of(record, shop).session_of(GRANT) == session
    assert shop.renewals == 0


async def test_all_calls_of_all_workers_together_renew_a_session_once(opened: Callable[[], Database]) -> None:
    shop, records = Shop(), [repository(opened()) for _ in range(2)]
    async with granted(records[0], shop) as old:
        shop.now += HALF
        workers = [sessions_of(one, shop) for one in records]
        found = await asyncio.gather(*(worker.session_of(GRANT) for worker in workers for _ in range(8)))

    assert {one.secret for one in found} == {stored(records[1]).secret}
    assert (shop.renewals, shop.most_under_way) == (1, 1)
    assert not await shop.lives(old)
    assert await shop.lives(found[0])
    until = records[0].grants(PICKLE)[0].shop_until
    assert until is not None
    assert until >= NOW + HALF + HOUR


async def test_a_renewal_goes_on_when_its_caller_has_gone(record: SqlOAuthRepository) -> None:
    shop = Shop()
    async with granted(record, shop):
        shop.now += HALF
        shop.gate.clear()
        sessions = sessions_of(record, shop)
        caller = asyncio.create_task(sessions.session_of(GRANT))
        await shop.renewing.wait()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        shop.gate.set()
        await sessions.close()

        assert await shop.lives(await sessions.session_of(GRANT))
        assert shop.renewals == 1


async def test_a_shop_that_counts_renewals_signs_nobody_out_and_is_left_alone(record: SqlOAuthRepository) -> None:
    shop = Shop(logins_per_minute=1)
    async with granted(record, shop) as session:
        sessions = sessions_of(record, shop)
        shop.now += HALF
        shop.demo.state.attempts.count("refresh", "127.0.0.1", most=1, seconds=60)
        for _ in range(3):
            assert (await sessions.session_of(GRANT)).secret == session.secret
        assert shop.renewals == 1, "refused, and not repeated"
        shop.now += 60
        assert (await sessions.session_of(GRANT)).secret != session.secret


async def test_an_outage_of_the_shop_signs_nobody_out(record: SqlOAuthRepository) -> None:
    shop = Shop()
    async with granted(record, shop) as session:
        sessions = sessions_of(record, shop)
        shop.now += HALF
        shop.faults.next(DemoFault.BEFORE, path="/auth/refresh", times=2)
        for _ in range(3):
            assert (await sessions.session_of(GRANT)).secret == session.secret
        assert shop.renewals == 1
        shop.now += RETRY_SECONDS
        await sessions.session_of(GRANT)
        shop.now += RETRY_SECONDS
        assert (await sessions.session_of(GRANT)).secret != session.secret
    assert ended_why(record) is None


async def test_a_renewal_whose_answer_was_lost_ends_the_grant_when_the_shop_says_so(record: SqlOAuthRepository) -> None:
    shop = Shop()
    async with granted(record, shop):
        sessions = sessions_of(record, shop)
        shop.now += HALF
        shop.faults.next(DemoFault.AFTER, path="/auth/refresh")
        await sessions.session_of(GRANT)
        assert ended_why(record) is None
        shop.now += RETRY_SECONDS
        with pytest.raises(SessionOver):
            await sessions.session_of(GRANT)
    assert ended_why(record) == "shop"
    with pytest.raises(SessionOver):
        await sessions.session_of(GRANT)


async def test_a_session_ends_by_the_clock_and_the_shop_is_not_asked(record: SqlOAuthRepository) -> None:
    shop = Shop()
    async with granted(record, shop):
        shop.now += HOUR
        with pytest.raises(SessionOver):
            await sessions_of(record, shop).session_of(GRANT)
    assert (shop.renewals, ended_why(record)) == (0, "shop")


async def test_a_session_that_the_shop_refuses_ends_its_grant(record: SqlOAuthRepository) -> None:
    shop = Shop()
    async with granted(record, shop):
        sessions, seen = sessions_of(record, shop), []

        async def call(session: ShopSession) -> None:
            seen.append(session.secret)
            raise SessionOver

        with pytest.raises(SessionOver):
            await sessions.use_session(GRANT, call)
    assert (len(seen), ended_why(record)) == (1, "shop")


async def test_a_call_under_the_old_session_is_made_again_when_somebody_renewed_it_meanwhile(
    opened: Callable[[], Database],
) -> None:
    shop, records = Shop(), [repository(opened()) for _ in range(2)]
    async with granted(records[0], shop) as old:
        here, there = (sessions_of(one, shop) for one in records)
        seen = []

        async def call(session: ShopSession) -> str:
            seen.append(session.secret)
            if session.secret == old.secret:
                shop.now += HALF
                await there.session_of(GRANT)
            if not await shop.lives(session):
                raise SessionOver
            return "done"

        assert await here.use_session(GRANT, call) == "done"
    assert seen == [old.secret, stored(records[0]).secret]
    assert ended_why(records[0]) is None


async def test_the_new_session_of_a_grant_that_ended_meanwhile_is_ended_at_the_shop(record: SqlOAuthRepository) -> None:
    shop = Shop()
    async with granted(record, shop) as old:
        sessions = sessions_of(record, shop)
        shop.now += HALF
        shop.gate.clear()
        caller = asyncio.create_task(sessions.session_of(GRANT))
        await shop.renewing.wait()
        record.end_grants(PICKLE, "person", now=shop.now, grant=GRANT)
        shop.gate.set()
        with pytest.raises(SessionOver):
            await caller

    assert shop.asked[-2:] == ["/auth/refresh", "/auth/logout"]
    assert not await shop.lives(old)
    assert ended_why(record) == "person"


async def test_who_died_while_renewing_keeps_others_waiting_no_longer_than_the_lease(
    record: SqlOAuthRepository,
) -> None:
    shop = Shop()
    async with granted(record, shop) as session:
        sessions = sessions_of(record, shop)
        shop.now += HALF
        assert record.lease_shop_session(GRANT, now=shop.now, seconds=LEASE_SECONDS) is not None
        began = shop.now
        with pytest.raises(ShopBusy):
            await sessions.session_of(GRANT)
        assert WAIT_SECONDS <= shop.now - began < LEASE_SECONDS
        assert (await sessions.session_of(GRANT)).secret != session.secret


async def test_a_shop_session_that_never_ends_is_never_renewed(record: SqlOAuthRepository) -> None:
    shop = Shop()
    async with granted(record, shop) as session:
        held = record.lease_shop_session(GRANT, now=shop.now, seconds=LEASE_SECONDS)
        assert held is not None
        forever = replace(session, expires_at=None, renew_at=None)
        assert record.write_shop_session(GRANT, fence=held.fence, session=encode_session(forever), until=None)
        shop.now += 100 * HOUR
        assert await sessions_of(record, shop).session_of(GRANT) == forever


class Provider:
    """Renews sessions whose secret dies before they do, unless it is down or has had enough."""

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.asked = 0

    async def renew(self, session: ShopSession) -> ShopSession:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return replace(session, secret="new", renew_at=None, secret_until=None)

    async def end(self, session: ShopSession) -> None:
        """Nothing."""


def sessions_at(provider: Provider, record: SqlOAuthRepository, now: list[float]) -> GrantSessions:
    """With one that is due for its renewal in half an hour, and whose secret dies in an hour."""
    session = ShopSession(
        secret="old", customer_id="4", name="", email="", renew_at=NOW + HALF, renewal="r", secret_until=NOW + HOUR
    )
    record.open_request(pending())
    assert record.create_grant_with_code(
        grant(GRANT), code(), request=pending().digest, session=encode_session(session)
    )
    return GrantSessions(PICKLE, provider, record, now=lambda: now[0])


@pytest.mark.parametrize("early", [-1.0, 0.0, CLOCK_SKEW_SECONDS])
async def test_a_secret_that_dies_on_its_way_to_the_shop_signs_nobody_out(
    record: SqlOAuthRepository, early: float
) -> None:
    """Its provider may be down; while it is not due to die, a shop that refuses it ends the grant."""
    provider, now = Provider(), [NOW]
    sessions = sessions_at(provider, record, now)
    provider.fault = ShopDown()

    async def refuse(_: ShopSession) -> None:
        now[0] = NOW + HOUR - early
        raise SessionOver

    now[0] = NOW + HOUR - 10
    with pytest.raises(ShopBusy):
        await sessions.use_session(GRANT, refuse)
    assert ended_why(record) is None

    provider.fault = None
    now[0] = NOW + HOUR + RETRY_SECONDS
    assert (await sessions.session_of(GRANT)).secret == "new"
    with pytest.raises(SessionOver):
        await sessions.use_session(GRANT, refuse)
    assert ended_why(record) == "shop"


@pytest.mark.parametrize("fault", [ShopDown(), TooManyTries(retry_after=30), TimeoutError()])
async def test_a_session_that_can_only_be_renewed_waits_for_who_renews_it(
    record: SqlOAuthRepository, fault: Exception
) -> None:
    provider, now = Provider(), [NOW]
    sessions = sessions_at(provider, record, now)
    provider.fault = fault

    now[0] += 1800
    assert (await sessions.session_of(GRANT)).secret == "old"
    now[0] += 1800
    for _ in range(3):
        with pytest.raises(ShopBusy):
            await sessions.session_of(GRANT)
    assert provider.asked == 2, "not for each call"
    assert ended_why(record) is None

    provider.fault = None
    now[0] += RETRY_SECONDS
    assert (await sessions.session_of(GRANT)).secret == "new"
