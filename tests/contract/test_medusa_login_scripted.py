"""Medusa's sign-in over answers that the stand-in does not give, and over its second factor to the end."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from storefront_mcp.backends.medusa import MedusaBackend, MedusaConfig, connect
from storefront_mcp.commerce.customers import (
    AccountNotConfirmed,
    CodeNeeded,
    SessionOver,
    ShopSession,
    SignInError,
    TooManyTries,
    WrongCredentials,
)
from storefront_mcp.commerce.errors import ShopDown, ShopError, ShopMisconfigured
from storefront_mcp.demo.customers import PICKLERS
from tests.fakes.medusa.shop import MedusaShop

ADA, BO, _ = PICKLERS
ME = {"customer": {"id": "cus_1", "email": ADA.email, "first_name": "<b>Ada</b>\n", "last_name": None}}
OPAQUE = "an-opaque-token"
CLAIMS_OF_ANOTHER_FORM = "e30.e30.x"
"""A JWT that says nothing."""
Answer = tuple[int, Any]


@asynccontextmanager
async def backend_at(transport: httpx.AsyncBaseTransport) -> AsyncIterator[MedusaBackend]:
    backend, close = connect(MedusaConfig(url="http://shop.test", key="pk_1"), "AUD", transport=transport)
    yield backend
    await close()


@asynccontextmanager
async def answering(answers: Mapping[str, Answer]) -> AsyncIterator[MedusaBackend]:
    """A shop that answers so, by path."""

    def answer(request: httpx.Request) -> httpx.Response:
        status, body = answers[request.url.path]
        return httpx.Response(status, json=body)

    async with backend_at(httpx.MockTransport(answer)) as backend:
        yield backend


@pytest.mark.parametrize("token", [OPAQUE, CLAIMS_OF_ANOTHER_FORM, "a.!!!.c", "a..c"])
async def test_a_token_that_does_not_say_when_it_ends_is_used_until_the_shop_refuses_it(token: str) -> None:
    answers = {"/auth/customer/emailpass": (200, {"token": token}), "/store/customers/me": (200, ME)}
    async with answering(answers) as backend:
        session = await backend.login.sign_in(ADA.email, ADA.password)
    assert isinstance(session, ShopSession)
    assert (session.customer_id, session.name, session.email) == ("cus_1", "Ada", ADA.email)
    assert (session.expires_at, session.renew_at) == (None, None)


@pytest.mark.parametrize(
    ("issued", "me", "error"),
    [
        ((200, {"verification_required": True, "token": OPAQUE}), (200, ME), AccountNotConfirmed),
        ((200, {"location": "https://login.example"}), (200, ME), ShopMisconfigured),
        ((200, {"token": "two words"}), (200, ME), ShopDown),
        ((200, []), (200, ME), ShopDown),
        ((400, {"type": "not_allowed", "message": "not allowed to use the auth provider"}), (200, ME), ShopError),
        ((404, {"type": "not_found", "message": "no such route"}), (200, ME), ShopMisconfigured),
        ((429, {"message": "slowly"}), (200, ME), TooManyTries),
        ((500, {"type": "unknown_error"}), (200, ME), ShopDown),
        ((200, {"token": OPAQUE}), (401, {"message": "Unauthorized"}), AccountNotConfirmed),
        ((200, {"token": OPAQUE}), (404, {"type": "not_found", "message": "gone"}), AccountNotConfirmed),
        ((200, {"token": OPAQUE}), (200, {"customer": {"id": ""}}), ShopDown),
        ((200, {"token": OPAQUE}), (400, {"type": "not_allowed", "message": "A publishable key"}), ShopMisconfigured),
    ],
)
async def test_what_is_no_session_is_an_error(issued: Answer, me: Answer, error: type[SignInError | ShopError]) -> None:
    async with answering({"/auth/customer/emailpass": issued, "/store/customers/me": me}) as backend:
        with pytest.raises(error) as refused:
            await backend.login.sign_in(ADA.email, ADA.password)
    said = f"{refused.value} {refused.value.internal}"
    assert not any(secret in said for secret in (ADA.password, ADA.email, OPAQUE))


@pytest.mark.parametrize(
    ("status", "error"), [(401, SessionOver), (404, SessionOver), (429, TooManyTries), (503, ShopDown)]
)
async def test_a_session_that_is_not_renewed_is_over_or_lives_on(
    status: int, error: type[SignInError | ShopError]
) -> None:
    session = ShopSession(secret=OPAQUE, customer_id="cus_1", name="Ada", email=ADA.email)
    async with answering({"/auth/token/refresh": (status, {"message": "Unauthorized"})}) as backend:
        with pytest.raises(error) as refused:
            await backend.login.renew(session)
    assert OPAQUE not in refused.value.internal


async def test_five_wrong_codes_end_a_second_factor() -> None:
    shop = MedusaShop()
    shop.state.add_people(PICKLERS)
    async with backend_at(httpx.ASGITransport(shop)) as backend:
        needed = await backend.login.sign_in(BO.email, BO.password)
        assert isinstance(needed, CodeNeeded)
        assert not needed.password_again
        for _ in range(4):
            assert await backend.login.sign_in(BO.email, "", code="000000", state=needed.state) == CodeNeeded(
                refused=True, state=needed.state, password_again=False
            )
        for code in ("000000", BO.second_factor):
            with pytest.raises(WrongCredentials):
                await backend.login.sign_in(BO.email, "", code=code, state=needed.state)


async def test_the_token_of_the_first_step_is_good_for_nothing_else() -> None:
    shop = MedusaShop()
    shop.state.key = "pk_1"
    shop.state.add_people(PICKLERS)
    async with backend_at(httpx.ASGITransport(shop)) as backend:
        needed = await backend.login.sign_in(BO.email, BO.password)
        assert isinstance(needed, CodeNeeded)
        token = needed.state.partition('"token":"')[2].partition('"')[0]
        half = ShopSession(secret=token, customer_id="cus_1", name="Bo", email=BO.email)
        with pytest.raises(SessionOver):
            await backend.account(half).orders(page=1, size=10)
