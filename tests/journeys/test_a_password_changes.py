"""A customer changes the password, the shop says so, and no agent's token of theirs counts on any worker."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from storefront_mcp.database import Database
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.database.engine import utc_now
from storefront_mcp.demo.customers import PICKLERS, DemoCustomer
from storefront_mcp.identity.api_key_format import mint_key
from storefront_mcp.web.customer_routes import REVOKE_PATH
from tests.fakes.person import Person
from tests.journeys.signing_in import SECONDS, TwoWorkers, demo_worker, two_workers

ADA, BO, _ = PICKLERS


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[TwoWorkers]:
    with two_workers(tmp_path) as running:
        yield running
        await running.http.aclose()


def observe(workers: TwoWorkers) -> None:
    """Have the shop tell of changed passwords with a key that may do this and nothing else."""
    database = Database(workers.settings.database)
    scopes = frozenset({"manage:grants"})
    new = mint_key(
        store=workers.settings.stores[0].id,
        label="the shop",
        scopes=scopes,
        by="a test",
        now=utc_now(),
    )
    SqlApiKeyRepository(database).add(new.key, new.digest)
    database.close()

    async def tell(customer: DemoCustomer) -> None:
        async with httpx.AsyncClient(timeout=SECONDS, headers={"host": workers.host}) as http:
            answer = await http.post(
                f"{workers.origins[1]}{REVOKE_PATH}",
                json={"customer": customer.id},
                headers={"authorization": f"Bearer {new.secret.reveal()}"},
            )
            assert answer.status_code == 200

    workers.shop.state.customers.on_password_change.append(tell)


async def change_password(workers: TwoWorkers) -> None:
    """Ada changes hers at the shop."""
    signed_in = await workers.at_shop("/auth/token", {"email": ADA.email, "password": ADA.password})
    changed = await workers.at_shop(
        "/customers/me/password",
        {"currentPassword": ADA.password, "newPassword": "sweet-and-sour"},
        signed_in.json()["token"],
    )
    assert changed.status_code == 201


async def until_refused(workers: TwoWorkers, access: str) -> None:
    """Ask until no worker takes a token: each looks at most half a second later."""
    async with asyncio.timeout(SECONDS):
        while 200 in await workers.statuses(access):
            pass


@pytest.mark.slow
async def test_a_new_password_ends_all_tokens_of_its_customer_on_every_worker_and_no_others(
    workers: TwoWorkers,
) -> None:
    observe(workers)
    async with Person(ADA.email, ADA.password) as ada, Person(BO.email, BO.password, code=BO.second_factor) as bo:
        first, second, other = [await workers.token(person) for person in (ada, ada, bo)]
    for token in (first, second, other):
        assert await workers.statuses(token["access_token"]) == [200, 200]

    await change_password(workers)

    for token in (first, second):
        await until_refused(workers, token["access_token"])
        assert await workers.statuses(token["access_token"]) == [401, 401]
        renewed = await workers.exchange(grant_type="refresh_token", refresh_token=token["refresh_token"])
        assert renewed["error"] == "invalid_grant"
    assert await workers.statuses(other["access_token"]) == [200, 200]
    async with Person(ADA.email, "sweet-and-sour") as ada:
        assert await workers.statuses((await workers.token(ada))["access_token"]) == [200, 200]


@pytest.mark.slow
async def test_in_the_demo_a_new_password_ends_the_tokens_of_its_customer_and_no_others(tmp_path: Path) -> None:
    with demo_worker(tmp_path) as demo:
        async with Person(ADA.email, ADA.password) as ada, Person(BO.email, BO.password, code=BO.second_factor) as bo:
            hers, his = await demo.token(ada), await demo.token(bo)
        assert await demo.statuses(hers["access_token"]) == [200, 200]

        await change_password(demo)

        await until_refused(demo, hers["access_token"])
        assert await demo.statuses(his["access_token"]) == [200, 200]
        await demo.http.aclose()


@pytest.mark.slow
async def test_a_session_that_the_shop_ended_is_a_401_and_the_person_signs_in_again(workers: TwoWorkers) -> None:
    async with Person(ADA.email, ADA.password) as ada:
        token = await workers.token(ada)
        assert (await workers.orders(0, token["access_token"])).status_code == 200
        customers = workers.shop.state.customers
        customers.end_all(next(one for one in customers if one.email == ADA.email))

        answer = await workers.orders(1, token["access_token"])
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        renewed = await workers.exchange(grant_type="refresh_token", refresh_token=token["refresh_token"])
        assert renewed["error"] == "invalid_grant"
        assert await workers.statuses((await workers.token(ada))["access_token"]) == [200, 200]
