"""Customers sign in at Maho through the port, over the demo shop and over scripted answers."""

import logging
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest

from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.maho.login import MahoLogin
from storefront_mcp.backends.maho.rest import PREFIX, RestClient
from storefront_mcp.commerce.customers import (
    AccountNotConfirmed,
    CodeNeeded,
    SessionOver,
    ShopSession,
    SignInError,
    TooManyTries,
    WrongCredentials,
)
from storefront_mcp.commerce.errors import ShopDown, ShopError, ShopMisconfigured, ShopOutcomeUnknown
from storefront_mcp.demo.customers import PICKLERS
from storefront_mcp.demo.models import ShopRules
from tests.contract.conftest import Clock
from tests.fakes.demo_faults import DemoFault, FaultQueue
from tests.fakes.demo_shop import demo_shop

ADA, BO, CY = PICKLERS
SECRETS = (ADA.password, BO.password, CY.password)


@asynccontextmanager
async def login_at(transport: httpx.AsyncBaseTransport, clock: Callable[[], float]) -> AsyncIterator[MahoLogin]:
    rest = RestClient.at(
        f"http://shop.test{PREFIX}",
        headers={"accept": "application/ld+json"},
        limits=ClientLimits(),
        transport=transport,
        clock=clock,
    )
    yield MahoLogin(rest, clock=clock)
    await rest.close()


@asynccontextmanager
async def demo_login(clock: Clock, faults: FaultQueue | None = None, **rules: Any) -> AsyncIterator[MahoLogin]:
    shop = demo_shop(faults=faults, clock=clock, rules=ShopRules(**rules))
    async with login_at(httpx.ASGITransport(shop), clock) as login:
        yield login


async def signed_in(login: MahoLogin) -> ShopSession:
    session = await login.sign_in(ADA.email, ADA.password)
    assert isinstance(session, ShopSession)
    return session


async def test_a_session_says_who_it_is_and_when_it_ends(clock: Clock) -> None:
    async with demo_login(clock) as login:
        session = await signed_in(login)

    assert (session.customer_id, session.name, session.email) == ("1", "Ada Brine", ADA.email)
    assert (session.renew_at, session.expires_at) == (clock.now + 1800, clock.now + 3600)


@pytest.mark.parametrize("release", ["main", "26.7.4"])
@pytest.mark.parametrize(
    ("email", "password", "refusal"),
    [
        (ADA.email, "vinegar!", WrongCredentials),
        ("nobody@pickle.example", "vinegar!", WrongCredentials),
        ("", "", WrongCredentials),
        (CY.email, CY.password, AccountNotConfirmed),
    ],
)
async def test_nobody_else_is_let_in_and_no_error_holds_a_password(
    clock: Clock, release: str, email: str, password: str, refusal: type[SignInError]
) -> None:
    async with demo_login(clock, release=release) as login:
        with pytest.raises(refusal) as refused:
            await login.sign_in(email, password)

    said = f"{refused.value} {refused.value.internal} {refused.value!r}"
    assert not any(secret in said for secret in (*SECRETS, "vinegar!"))


async def test_a_second_factor_is_asked_for_and_taken(clock: Clock) -> None:
    async with demo_login(clock) as login:
        assert await login.sign_in(BO.email, BO.password) == CodeNeeded(refused=False)
        assert await login.sign_in(BO.email, BO.password, code="000000") == CodeNeeded(refused=True)
        assert isinstance(await login.sign_in(BO.email, BO.password, code=BO.second_factor), ShopSession)
        with pytest.raises(WrongCredentials):
            await login.sign_in(BO.email, "vinegar!", code=BO.second_factor)


async def test_a_renewed_session_lives_on_and_the_old_one_is_over(clock: Clock) -> None:
    async with demo_login(clock) as login:
        old = await signed_in(login)
        clock.now += 3000
        new = await login.renew(old)

        assert new.expires_at == clock.now + 3600
        assert (new.customer_id, new.email, new.secret == old.secret) == ("1", ADA.email, False)
        with pytest.raises(SessionOver):
            await login.renew(old)
        clock.now += 3600
        with pytest.raises(SessionOver):
            await login.renew(new)


async def test_a_shop_that_takes_the_tokens_of_a_provider_says_whose_one_is(clock: Clock) -> None:
    shop = demo_shop(clock=clock)
    shop.state.customers.token_bearer = {"of-the-provider": ADA.email, "unknown": "eve@pickle.example"}.get
    async with login_at(httpx.ASGITransport(shop), clock) as login:
        who = await login.customer_of("of-the-provider")
        assert (who.customer_id, who.name, who.email) == ("1", "Ada Brine", ADA.email)
        for token in ("unknown", "made-up"):
            with pytest.raises(SessionOver) as refused:
                await login.customer_of(token)
            assert token not in refused.value.internal


async def test_a_session_is_ended_twice_without_an_error(clock: Clock) -> None:
    async with demo_login(clock) as login:
        session = await signed_in(login)
        for _ in range(2):
            await login.end(session)
        with pytest.raises(SessionOver):
            await login.renew(session)


async def test_the_limits_of_the_shop_are_told_and_a_session_that_was_not_renewed_lives(clock: Clock) -> None:
    async with demo_login(clock, logins_per_minute=1) as login:
        session = await login.renew(await signed_in(login))
        for attempt in (login.sign_in(ADA.email, ADA.password), login.renew(session)):
            with pytest.raises(TooManyTries) as refused:
                await attempt
            assert refused.value.retry_after == 60
        clock.now += 60
        await login.renew(session)


async def test_a_renewal_whose_answer_is_lost_may_have_ended_the_old_session(clock: Clock) -> None:
    faults = FaultQueue()
    async with demo_login(clock, faults) as login:
        session = await signed_in(login)
        faults.next(DemoFault.AFTER, path="/auth/refresh")
        with pytest.raises(ShopOutcomeUnknown):
            await login.renew(session)
        with pytest.raises(SessionOver):
            await login.renew(session)


async def test_a_shop_that_is_down_is_asked_once_and_refuses_nobody(clock: Clock) -> None:
    faults = FaultQueue()
    async with demo_login(clock, faults) as login:
        session = await signed_in(login)
        faults.next(DemoFault.BEFORE, path="/auth/", times=3)
        for attempt in (login.sign_in(ADA.email, ADA.password), login.renew(session), login.end(session)):
            with pytest.raises(ShopDown):
                await attempt
        assert await login.renew(session)


@pytest.mark.parametrize("fault", [fault for fault in DemoFault if fault is not DemoFault.CLOSED])
async def test_however_a_shop_fails_neither_password_nor_token_is_logged_or_told(
    clock: Clock, fault: DemoFault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    faults, told = FaultQueue(), []
    async with demo_login(clock, faults) as login:
        session = await signed_in(login)
        faults.next(fault, path="/auth/", times=4, seconds=0.0)
        for attempt in (
            login.sign_in(ADA.email, ADA.password),
            login.sign_in(BO.email, BO.password, code=BO.second_factor),
            login.renew(session),
            login.end(session),
        ):
            try:
                await attempt
            except (SignInError, ShopError) as error:
                told += [*traceback.format_exception(error), error.internal]

    said = caplog.text + "".join(told)
    assert told or fault in {DemoFault.SLOW, DemoFault.CAPTURED, DemoFault.COMMITTED}
    for secret in (*SECRETS, session.secret, str(BO.second_factor), ADA.email):
        assert secret not in said


# --- answers that no Maho gives ---------------------------------------------------------------------------------------

CUSTOMER = {"id": 4, "email": "ada@pickle.example", "firstName": "Ada", "lastName": "Lovelace"}
ISSUED = {"token": "JWT.PLACEHOLDER.VALUE", "expires_in": 3600, "customer": CUSTOMER}


async def sign_in_answered(status: int, body: object, clock: Clock) -> ShopSession | CodeNeeded:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, content=content, headers={"content-type": "application/ld+json"})

    async with login_at(httpx.MockTransport(answer), clock) as login:
        try:
            return await login.sign_in(ADA.email, ADA.password)
        finally:
            assert len(asked) == 1
            assert ADA.password not in str(asked[0].url)
            assert msgspec.json.decode(asked[0].content) == {
                "grant_type": "customer",
                "email": ADA.email,
                "password": ADA.password,
            }


async def test_a_name_is_plain_text_and_the_shop_decides_how_long_a_session_is(clock: Clock) -> None:
    named = CUSTOMER | {"firstName": "<b>Ada</b>\n", "lastName": None}

    session = await sign_in_answered(200, ISSUED | {"customer": named, "expires_in": 86_400}, clock)

    assert isinstance(session, ShopSession)
    assert (session.name, session.expires_at) == ("Ada", clock.now + 86_400)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, ISSUED | {"customer": None}, ShopMisconfigured),
        (200, ISSUED | {"customer": CUSTOMER | {"id": 0}}, ShopDown),
        (200, ISSUED | {"token": "two words"}, ShopDown),
        (200, ISSUED | {"token": "x" * 10_001}, ShopDown),
        (200, ISSUED | {"expires_in": -1}, ShopDown),
        (200, b"[]", ShopDown),
        (404, {"error": "not_found", "message": "No route found"}, ShopMisconfigured),
        (400, {"error": "unsupported_grant_type", "message": "Use: client_credentials"}, ShopError),
        (401, b"", WrongCredentials),
        (403, {"error": "forbidden", "message": "Access denied"}, AccountNotConfirmed),
        (500, {"error": "internal_server_error"}, ShopDown),
    ],
)
async def test_what_is_no_session_is_an_error(
    clock: Clock, status: int, body: object, error: type[SignInError | ShopError]
) -> None:
    with pytest.raises(error) as refused:
        await sign_in_answered(status, body, clock)

    assert ADA.password not in f"{refused.value} {refused.value.internal}"
