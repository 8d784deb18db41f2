"""Customers of the demo shop sign in, renew their token while it lives, and change their password."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from storefront_mcp.demo.customers import PICKLERS, DemoCustomer
from storefront_mcp.demo.models import ShopRules
from tests.unit.demo.conftest import Clock, Guest

ADA, BO, CY = PICKLERS


async def sign_in(guest: Guest, email: str = ADA.email, password: str = ADA.password, **more: str) -> httpx.Response:
    return await guest.http.post("/auth/token", json={"email": email, "password": password, **more})


async def bearer(guest: Guest, email: str = ADA.email, password: str = ADA.password, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {(await sign_in(guest, email, password, **more)).json()['token']}"}


async def send(guest: Guest, path: str, headers: dict[str, str], body: dict[str, Any] | None = None) -> httpx.Response:
    return await guest.http.post(path, json=body or {}, headers=headers)


async def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


async def test_a_customer_is_let_in_with_e_mail_and_password_and_sees_only_themselves(guest: Guest) -> None:
    said = (await sign_in(guest, ADA.email.upper())).json()

    assert (said["expires_in"], said["customer"]["firstName"], said["customer"]["id"]) == (3600, "Ada", 1)
    mine = await guest.get("/customers/me", headers={"authorization": f"Bearer {said['token']}"})
    assert (mine.json()["email"], mine.json()["fullName"]) == (ADA.email, "Ada Brine")
    assert (await guest.get("/customers/me")).status_code == 401


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"email": ADA.email, "password": "vinegar!"}, (401, "invalid_credentials")),
        ({"email": "nobody@pickle.example", "password": "vinegar!"}, (401, "invalid_credentials")),
        ({"email": ADA.email}, (400, "invalid_request")),
        ({"email": CY.email, "password": CY.password}, (403, "forbidden")),
        ({"email": BO.email, "password": BO.password}, (401, "twofa_required")),
        ({"email": BO.email, "password": BO.password, "twofa_code": "000000"}, (401, "twofa_invalid")),
        ({"email": BO.email, "password": "vinegar!", "twofa_code": BO.second_factor}, (401, "invalid_credentials")),
        ({"grant_type": "password", "email": ADA.email, "password": ADA.password}, (400, "unsupported_grant_type")),
    ],
)
async def test_nobody_else_is_let_in(guest: Guest, said: dict[str, str], refusal: tuple[int, str]) -> None:
    assert await error(await guest.http.post("/auth/token", json=said)) == refusal


async def test_the_second_factor_lets_its_customer_in(guest: Guest) -> None:
    assert (await sign_in(guest, BO.email, BO.password, twofa_code=str(BO.second_factor))).status_code == 200


async def test_an_older_release_tells_otherwise_that_an_account_is_not_confirmed(
    guest_of: Callable[..., Guest],
) -> None:
    older = guest_of(rules=ShopRules(release="26.7.4"))

    assert await error(await sign_in(older, CY.email, CY.password)) == (401, "unauthorized")
    assert (await sign_in(older, BO.email, BO.password)).status_code == 200, "it knows no second factor"


async def test_a_token_is_renewed_while_it_lives_and_the_old_one_is_dead_at_once(guest: Guest, clock: Clock) -> None:
    old = await bearer(guest)
    clock.now += 3599
    new = {"authorization": f"Bearer {(await send(guest, '/auth/refresh', old)).json()['token']}"}

    assert (await guest.get("/customers/me", headers=old)).json()["message"] == "Token has been revoked"
    assert (await send(guest, "/auth/refresh", old)).status_code == 401
    assert (await guest.get("/customers/me", headers=new)).status_code == 200
    clock.now += 3600
    assert (await send(guest, "/auth/refresh", new)).status_code == 401, "its hour is over"


async def test_a_customer_signs_out(guest: Guest) -> None:
    token = await bearer(guest)

    assert (await send(guest, "/auth/logout", token)).status_code == 201
    assert (await guest.get("/customers/me", headers=token)).json()["message"] == "Token has been revoked"
    assert (await send(guest, "/auth/logout", token)).status_code == 401


async def test_guessing_is_limited_by_e_mail_address_and_by_client(guest: Guest, clock: Clock) -> None:
    assert [(await sign_in(guest, password="no")).status_code for _ in range(6)] == [401] * 5 + [429]
    assert (await sign_in(guest, "other@pickle.example")).status_code == 401, "not the client's eleventh"
    for number in range(3):
        await sign_in(guest, f"{number}@pickle.example")
    assert (await sign_in(guest, "last@pickle.example")).status_code == 429
    clock.now += 60
    assert (await sign_in(guest)).status_code == 200


async def test_renewals_have_a_limit_of_their_own(guest_of: Callable[..., Guest]) -> None:
    guest = guest_of(rules=ShopRules(logins_per_minute=2))
    token = await bearer(guest)
    for _ in range(2):
        token = {"authorization": f"Bearer {(await send(guest, '/auth/refresh', token)).json()['token']}"}

    assert (await send(guest, "/auth/refresh", token)).status_code == 429
    assert (await guest.get("/customers/me", headers=token)).status_code == 200, "what was not renewed lives on"


@pytest.mark.parametrize("keeps", [False, True])
async def test_a_new_password_ends_the_tokens_of_its_customer_unless_it_is_as_in_maho(
    guest_of: Callable[..., Guest], keeps: bool
) -> None:
    guest = guest_of(rules=ShopRules(password_keeps_tokens=keeps))
    told: list[DemoCustomer] = []

    async def tell(customer: DemoCustomer) -> None:
        told.append(customer)

    guest.shop.state.customers.on_password_change.append(tell)
    ada, bo = await bearer(guest), await bearer(guest, BO.email, BO.password, twofa_code=str(BO.second_factor))
    change = {"currentPassword": ADA.password, "newPassword": "sweet-and-sour"}

    assert (await send(guest, "/customers/me/password", ada, change | {"newPassword": "short"})).status_code == 400
    assert (await send(guest, "/customers/me/password", ada, change | {"currentPassword": "no"})).status_code == 400
    assert told == []
    assert (await send(guest, "/customers/me/password", ada, change)).status_code == 201

    assert [one.email for one in told] == [ADA.email]
    assert (await guest.get("/customers/me", headers=ada)).status_code == (200 if keeps else 401)
    assert (await guest.get("/customers/me", headers=bo)).status_code == 200
    assert (await sign_in(guest)).status_code == 401
    assert (await sign_in(guest, password="sweet-and-sour")).status_code == 200
