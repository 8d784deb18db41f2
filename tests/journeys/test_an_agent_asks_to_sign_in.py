"""A guest's agent is asked to sign in, a person does so, and it reads their orders, by the official Python client."""

import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from cryptography.fernet import Fernet
from mcp import Client
from mcp.client.auth import OAuthClientProvider, OAuthFlowError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from storefront_mcp.app import create_app
from storefront_mcp.demo.customers import PICKLERS
from storefront_mcp.settings.demo import DEMO_NOTE, demo_settings
from tests.fakes.person import Person, answer_of
from tests.journeys.conftest import flip, unhurried
from tests.serving import free_port, served

pytestmark = pytest.mark.slow

ADA, BO, CY = PICKLERS
CALLBACK = "http://127.0.0.1:3999/callback"
PATIENCE_SECONDS = 120.0
MODES: list[Any] = ["auto", "legacy"]
"""Of the client: 2026-07-28, and the newest version with a handshake."""
NO_SCOPES: frozenset[str] = frozenset()


class MemoryTokens:
    """Keeps what the client would write down."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info

    @property
    def scopes(self) -> set[str]:
        """Of the token; none without one."""
        return set() if self.tokens is None else set((self.tokens.scope or "").split())


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[str]:
    """The origin of a demo whose customers can sign in: one for each test, as the shop counts how often each does."""
    port = free_port()
    settings = unhurried(demo_settings(port, state=tmp_path, key=Fernet.generate_key().decode()))
    flip(settings, {"p1_browse": "active", "p2_cart": "active", "p3_checkout": "active", "p4_account": "active"})
    with served(create_app(settings), port) as origin:
        yield origin


@contextlib.asynccontextmanager
async def agent_of(
    person: Person, url: str, kept: MemoryTokens, *, mode: Any = "auto", without: frozenset[str] = NO_SCOPES
) -> AsyncIterator[Client]:
    """An agent whose authorization URLs a person opens; the first time they take some permissions away."""
    led_to: list[str] = []

    async def show(address: str) -> None:
        led_to.append(await person.allow(address, without=NO_SCOPES if led_to else without))

    async def come_back() -> AuthorizationCodeResult:
        answer = answer_of(led_to[-1])
        if "code" not in answer:
            raise OAuthFlowError(answer["error"])
        return AuthorizationCodeResult(code=answer["code"], state=answer["state"], iss=answer["iss"])

    metadata = OAuthClientMetadata(redirect_uris=[CALLBACK], client_name="Journey")
    provider = OAuthClientProvider(url, metadata, kept, show, come_back)
    async with (
        httpx2.AsyncClient(auth=provider, timeout=120) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


async def call(agent: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The answer of a tool that must work."""
    result = await agent.call_tool(tool, arguments)
    assert not result.is_error, result
    assert result.structured_content is not None
    return result.structured_content


@pytest.mark.parametrize("mode", MODES)
async def test_a_guest_is_asked_to_sign_in_when_an_account_is_needed_and_not_before(shop: str, mode: Any) -> None:
    kept = MemoryTokens()
    async with Person(ADA.email, ADA.password) as ada, agent_of(ada, f"{shop}/mcp", kept, mode=mode) as agent:
        listed = {tool.name for tool in (await agent.list_tools()).tools}
        assert {"search_products", "get_customer_orders"} <= listed
        await call(agent, "search_products", query="paddle")
        assert kept.tokens is None

        orders = await call(agent, "get_customer_orders")
        assert [order["status"] for order in orders["orders"]] == ["complete"]
        assert kept.scopes == {"profile:read", "orders:read", "orders:write", "checkout"}
        (address,) = (await call(agent, "list_addresses"))["addresses"]
        assert address["address"]["city"] == "Brunswick"


async def test_what_a_person_took_away_is_asked_for_again_when_it_is_needed(shop: str) -> None:
    kept = MemoryTokens()
    without = frozenset({"profile:read", "checkout"})
    async with Person(ADA.email, ADA.password) as ada, agent_of(ada, f"{shop}/mcp", kept, without=without) as agent:
        await call(agent, "get_customer_orders")
        assert kept.scopes == {"orders:read", "orders:write"}

        await call(agent, "list_addresses")
        assert kept.scopes >= {"profile:read", "orders:read"}


@pytest.mark.parametrize("mode", MODES)
async def test_an_agent_that_asks_while_it_is_set_up_is_answered_at_a_second_address(shop: str, mode: Any) -> None:
    kept = MemoryTokens()
    async with Person(ADA.email, ADA.password) as ada, agent_of(ada, f"{shop}/mcp/account", kept, mode=mode) as agent:
        assert kept.tokens is not None
        await call(agent, "get_customer_orders")
        await call(agent, "search_products", query="paddle")


async def test_a_second_factor_is_asked_for(shop: str) -> None:
    kept = MemoryTokens()
    async with (
        Person(BO.email, BO.password, code=BO.second_factor) as bo,
        agent_of(bo, f"{shop}/mcp", kept) as agent,
    ):
        await call(agent, "get_customer_orders")
    assert kept.tokens is not None


@pytest.mark.parametrize(
    ("email", "password", "said"),
    [
        (ADA.email, "wrong", "That did not match."),
        ("nobody@pickle.example", ADA.password, "That did not match."),
        (CY.email, CY.password, "The shop has not let this account in yet."),
    ],
)
async def test_who_may_not_sign_in_is_told_so_and_the_agent_gets_nothing(
    shop: str, email: str, password: str, said: str
) -> None:
    kept = MemoryTokens()
    async with Person(ADA.email, ADA.password) as ada, agent_of(ada, f"{shop}/mcp", kept) as agent:
        await call(agent, "get_customer_orders")
    assert kept.client is not None
    async with Person(email, password) as person:
        page = await person.browser.get(authorization_url(shop, kept.client.client_id or ""))
        answer = await person.send(page)
    assert answer.status_code == httpx.codes.FORBIDDEN
    assert said in answer.text


async def test_what_a_person_ends_at_their_page_counts_no_more_and_is_asked_for_anew(shop: str) -> None:
    kept = MemoryTokens()
    async with Person(ADA.email, ADA.password) as ada, agent_of(ada, f"{shop}/mcp", kept) as agent:
        await call(agent, "get_customer_orders")
        first = kept.tokens
        assert first is not None
        page = await ada.send(await ada.browser.get(f"{shop}/account/agents"))
        assert page.status_code == httpx.codes.SEE_OTHER
        page = await ada.browser.get(f"{shop}/account/agents")
        assert ADA.email in page.text
        handle = page.text.partition('name="request" value="')[2].partition('"')[0]
        await ada.browser.post(
            f"{shop}/account/agents",
            data={"request": handle, "act": "end-all"},
            headers={"sec-fetch-site": "same-origin"},
        )
        refused = await ada.browser.post(
            f"{shop}/oauth/token",
            data={
                "grant_type": "refresh_token",
                "refresh_token": first.refresh_token or "",
                "client_id": (kept.client and kept.client.client_id) or "",
            },
        )
        assert refused.json()["error"] == "invalid_grant"

        await call(agent, "get_customer_orders")
        assert kept.tokens is not None
        assert kept.tokens.access_token != first.access_token


async def test_a_changed_password_voids_what_was_granted_with_the_old_one(shop: str) -> None:
    kept, rest = MemoryTokens(), f"{shop}/demo/api/rest/v2"
    async with Person(ADA.email, ADA.password) as ada, agent_of(ada, f"{shop}/mcp", kept) as agent:
        await call(agent, "get_customer_orders")
        assert kept.tokens is not None
        old = {"authorization": f"Bearer {kept.tokens.access_token}"}
        account = {"grant_type": "customer", "email": ADA.email, "password": ADA.password}
        token = (await ada.browser.post(f"{rest}/auth/token", json=account)).json()["token"]
        change = {"currentPassword": ADA.password, "newPassword": "sweet-and-sour"}
        bearer = {"authorization": f"Bearer {token}"}
        changed = await ada.browser.post(f"{rest}/customers/me/password", json=change, headers=bearer)
        assert changed.is_success, changed.text

        deadline = time.monotonic() + PATIENCE_SECONDS
        while (await ada.browser.get(f"{shop}/mcp/account", headers=old)).status_code != httpx.codes.UNAUTHORIZED:
            assert time.monotonic() < deadline, "the old token still counts"
    async with Person(ADA.email, "sweet-and-sour") as ada, agent_of(ada, f"{shop}/mcp", kept) as agent:
        await call(agent, "get_customer_orders")


async def test_the_demo_says_how_to_sign_in(shop: str) -> None:
    assert ADA.email in DEMO_NOTE
    assert ADA.password in DEMO_NOTE
    async with httpx.AsyncClient() as browser:
        assert DEMO_NOTE in (await browser.get(f"{shop}/index.md")).text


def authorization_url(shop: str, client: str) -> str:
    """An authorization URL as clients build it."""
    query = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": CALLBACK,
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    return str(httpx.URL(f"{shop}/oauth/authorize", params=query))
