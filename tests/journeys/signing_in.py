"""Two workers of one store whose customers sign in, in front of one shop, and an agent that people let in."""

import base64
import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from cryptography.fernet import Fernet
from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.app import create_app
from storefront_mcp.demo.customers import PICKLERS
from storefront_mcp.settings import Settings
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.schema import UpstreamSettings
from storefront_mcp.settings.sign_in import SignInSettings
from storefront_mcp.settings.storage import PrivacySettings
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

    def __init__(
        self, settings: Settings, origins: tuple[str, str], shop: ControlledShop | None, shop_origin: str
    ) -> None:
        self.settings = settings
        self.origins = origins
        self._shop = shop
        self.shop_origin = shop_origin
        self.host = settings.stores[0].origin.removeprefix("http://")
        self.http = httpx.AsyncClient(timeout=SECONDS, headers={"host": self.host})
        self.client = ""
        self.codes: list[str] = []
        """Of authorization, that the agent got."""

    @property
    def shop(self) -> ControlledShop:
        """The shop, where it is not the one that the worker embeds."""
        assert self._shop is not None
        return self._shop

    async def address(self) -> str:
        """Where a person lets the agent in."""
        if not self.client:
            registered = await self.http.post(f"{self.origins[0]}/oauth/register", json={"redirect_uris": [CALLBACK]})
            self.client = registered.json()["client_id"]
        asked = {
            "response_type": "code",
            "client_id": self.client,
            "redirect_uri": CALLBACK,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return str(httpx.URL(f"{self.origins[0]}/oauth/authorize", params=asked))

    async def token(self, person: Person, *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
        """What the agent gets when a person allows everything, or all but some scopes."""
        code = answer_of(await person.allow(await self.address(), without=without))["code"]
        self.codes.append(code)
        return await self.exchange(
            grant_type="authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=VERIFIER
        )

    async def exchange(self, **said: str) -> dict[str, Any]:
        """What the token endpoint answers."""
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


@contextlib.contextmanager
def two_workers(state: Path) -> Iterator[TwoWorkers]:
    """Both workers, with every phase open; `state` is the folder of their database."""
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


@contextlib.contextmanager
def demo_worker(state: Path) -> Iterator[TwoWorkers]:
    """The worker of a demo, twice, with every phase open and its shop inside."""
    settings = unhurried(demo_settings(port := free_port(), state=state, key=Fernet.generate_key().decode()))
    flip(settings, dict.fromkeys(("p1_browse", "p2_cart", "p3_checkout", "p4_account"), "active"))
    with served(create_app(settings), port) as origin:
        yield TwoWorkers(settings, (origin, origin), None, f"{origin}/demo")
