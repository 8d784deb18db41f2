"""A customer changes the password, the shop says so, and no agent's token of theirs counts on any worker."""

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet
from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.app import create_app
from storefront_mcp.database import Database
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.database.engine import utc_now
from storefront_mcp.demo.customers import PICKLERS, DemoCustomer
from storefront_mcp.identity.api_key_format import mint_key
from storefront_mcp.settings import Settings
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.schema import UpstreamSettings
from storefront_mcp.settings.sign_in import SignInSettings
from storefront_mcp.settings.storage import PrivacySettings
from storefront_mcp.web.customer_routes import REVOKE_PATH
from tests.fakes.demo_shop import ControlledShop, demo_shop
from tests.fakes.person import Person, answer_of
from tests.journeys.conftest import flip, unhurried
from tests.serving import free_port, served

ADA, BO, _ = PICKLERS
API = "/api/rest/v2"
CALLBACK = "http://127.0.0.1:3999/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
SECONDS = 120.0


class TwoWorkers:
    """Two workers of one store in front of one shop, and an agent that many people let in."""

    def __init__(self, settings: Settings, origins: tuple[str, str], shop: ControlledShop, shop_origin: str) -> None:
        self.settings = settings
        self.origins = origins
        self.shop = shop
        self.shop_origin = shop_origin
        self.host = settings.stores[0].origin.removeprefix("http://")
        self.http = httpx.AsyncClient(timeout=SECONDS, headers={"host": self.host})
        self.client = ""

    async def token(self, person: Person) -> dict[str, Any]:
        """What the agent gets when a person allows everything."""
        origin = self.origins[0]
        if not self.client:
            registered = await self.http.post(f"{origin}/oauth/register", json={"redirect_uris": [CALLBACK]})
            self.client = registered.json()["client_id"]
        asked = {
            "response_type": "code",
            "client_id": self.client,
            "redirect_uri": CALLBACK,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        led_to = answer_of(await person.allow(str(httpx.URL(f"{origin}/oauth/authorize", params=asked))))
        return await self.exchange(
            grant_type="authorization_code", code=led_to["code"], redirect_uri=CALLBACK, code_verifier=VERIFIER
        )

    async def exchange(self, **said: str) -> dict[str, Any]:
        answer = await self.http.post(f"{self.origins[1]}/oauth/token", data={"client_id": self.client, **said})
        found: dict[str, Any] = answer.json()
        return found

    async def orders(self, worker: int, access: str) -> httpx.Response:
        """Ask one of the workers for the orders of whoever the token is of."""
        call = {"name": "get_customer_orders", "arguments": {}}
        return await self.http.post(
            f"{self.origins[worker]}/mcp",
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call},
            headers={
                "authorization": f"Bearer {access}",
                "accept": "application/json, text/event-stream",
                "mcp-protocol-version": "2025-11-25",
            },
        )

    async def statuses(self, access: str) -> list[int]:
        return [(await self.orders(worker, access)).status_code for worker in (0, 1)]

    async def at_shop(self, path: str, body: dict[str, Any], token: str = "") -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(timeout=SECONDS) as browser:
            return await browser.post(f"{self.shop_origin}{API}{path}", json=body, headers=headers)


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[TwoWorkers]:
    with _served(tmp_path) as running:
        yield running
        await running.http.aclose()


@contextlib.contextmanager
def _served(state: Path) -> Iterator[TwoWorkers]:
    shop = demo_shop()
    ports = (free_port(), free_port())
    with served(shop) as shop_origin:
        settings = unhurried(demo_settings(ports[0], state=state))
        store = replace(
            settings.stores[0],
            upstream=UpstreamSettings(kind="maho", url=shop_origin),
            sign_in=SignInSettings(on=True),
        )
        key = PrivacySettings(key=(Secret(Fernet.generate_key().decode()),))
        settings = replace(settings, stores=(store,), personal_data=key)
        flip(settings, dict.fromkeys(("p1_browse", "p2_cart", "p3_checkout", "p4_account"), "active"))
        with served(create_app(settings), ports[0]) as first, served(create_app(settings), ports[1]) as second:
            yield TwoWorkers(settings, (first, second), shop, shop_origin)


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


@pytest.mark.slow
async def test_a_new_password_ends_all_tokens_of_its_customer_on_every_worker_and_no_others(
    workers: TwoWorkers,
) -> None:
    observe(workers)
    async with Person(ADA.email, ADA.password) as ada, Person(BO.email, BO.password, code=BO.second_factor) as bo:
        first, second, other = [await workers.token(person) for person in (ada, ada, bo)]
    for token in (first, second, other):
        assert await workers.statuses(token["access_token"]) == [200, 200]

    signed_in = await workers.at_shop("/auth/token", {"email": ADA.email, "password": ADA.password})
    changed = await workers.at_shop(
        "/customers/me/password",
        {"currentPassword": ADA.password, "newPassword": "sweet-and-sour"},
        signed_in.json()["token"],
    )
    assert changed.status_code == 201

    for token in (first, second):
        async with asyncio.timeout(SECONDS):
            # A worker looks at most half a second later.
            while 200 in await workers.statuses(token["access_token"]):
                pass
        assert await workers.statuses(token["access_token"]) == [401, 401]
        renewed = await workers.exchange(grant_type="refresh_token", refresh_token=token["refresh_token"])
        assert renewed["error"] == "invalid_grant"
    assert await workers.statuses(other["access_token"]) == [200, 200]
    async with Person(ADA.email, "sweet-and-sour") as ada:
        assert await workers.statuses((await workers.token(ada))["access_token"]) == [200, 200]


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
