"""A guest's agent is told to sign its person in, does so as any OAuth client, and lists their orders."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from cryptography.fernet import Fernet
from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.app import create_app
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.server import Settings
from storefront_mcp.settings.sign_in import SignInSettings
from storefront_mcp.settings.storage import PrivacySettings
from tests.journeys.conftest import flip, unhurried
from tests.serving import free_port, served, until
from tests.unit.oauth.authorizing import CHALLENGE, VERIFIER

REDIRECT = "http://127.0.0.1:4711/callback"
EMAIL, PASSWORD = "ada@pickle.example", "dill-and-garlic"
HANDLE = re.compile(r'name="request" value="([^"]+)"')


class OAuthAgent:
    """An OAuth client and the browser of its person, at one shop."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.http = httpx.Client(base_url=origin, timeout=120)
        self.browser = httpx.Client(base_url=origin, timeout=120)

    def call(self, tool: str, token: str | None = None, path: str = "/mcp", **arguments: Any) -> httpx.Response:
        """A tool call, as a guest or with a token."""
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
        message["params"] = {"name": tool, "arguments": arguments}
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return self.http.post(path, json=message, headers=headers)

    def discover(self, refused: httpx.Response) -> dict[str, Any]:
        """The authorization server, by a 401 and the documents that it leads to."""
        challenge = refused.headers["www-authenticate"]
        (metadata,) = re.findall(r'resource_metadata="([^"]+)"', challenge)
        resource = self.http.get(metadata).json()
        (scope,) = re.findall(r'scope="([^"]+)"', challenge)
        assert scope.split() == resource["scopes_supported"]
        (issuer,) = resource["authorization_servers"]
        server: dict[str, Any] = self.http.get(f"{issuer}/.well-known/oauth-authorization-server").json()
        assert server["issuer"] == issuer
        return server | {"resource": resource["resource"], "scope": scope}

    def sign_in(self, server: dict[str, Any], **changes: str) -> dict[str, Any]:
        """Register, have the person sign in and allow all, and redeem the code."""
        client = self.http.post(server["registration_endpoint"], json={"redirect_uris": [REDIRECT]}).json()
        query = {
            "response_type": "code",
            "client_id": client["client_id"],
            "redirect_uri": REDIRECT,
            "state": "s-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "scope": server["scope"],
            "resource": server["resource"],
        }
        page = self.browser.get(f"{server['authorization_endpoint']}?{urlencode(query)}")
        assert page.status_code == 200, page.text
        (handle, *_) = HANDLE.findall(page.text)
        form = {"request": handle, "email": EMAIL, "password": PASSWORD, "scope": server["scope"].split(), **changes}
        answer = self.browser.post("/oauth/sign-in", data=form)
        assert answer.status_code == 303, answer.text
        fields = parse_qs(urlsplit(answer.headers["location"]).query)
        assert (fields["state"], fields["iss"]) == (["s-1"], [server["issuer"]])
        token = self.http.post(
            server["token_endpoint"],
            data={
                "grant_type": "authorization_code",
                "code": fields["code"][0],
                "code_verifier": VERIFIER,
                "redirect_uri": REDIRECT,
                "client_id": client["client_id"],
                "resource": server["resource"],
            },
        )
        assert token.status_code == 200, token.text
        return {**token.json(), "client_id": client["client_id"]}


def settings(folder: Path, port: int) -> Settings:
    plain = unhurried(demo_settings(port, state=folder))
    key = Secret(Fernet.generate_key().decode())
    stores = tuple(replace(store, sign_in=SignInSettings(on=True)) for store in plain.stores)
    return replace(plain, stores=stores, personal_data=PrivacySettings(key=(key,)))


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OAuthAgent]:
    port = free_port()
    chosen = settings(tmp_path_factory.mktemp("sign-in"), port)
    flip(chosen, dict.fromkeys(("p1_browse", "p2_cart", "p3_checkout", "p4_account"), "active"))
    with served(create_app(chosen), port) as origin:
        one = OAuthAgent(origin)
        yield one
        one.http.close()
        one.browser.close()


def orders(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    result = answer.json()["result"]
    assert not result.get("isError"), result
    return result["content"]


@pytest.fixture(scope="module")
def server(agent: OAuthAgent) -> dict[str, Any]:
    return agent.discover(agent.call("get_customer_orders"))


@pytest.fixture(scope="module")
def token(agent: OAuthAgent, server: dict[str, Any]) -> dict[str, Any]:
    """Shared, as the shop lets one address sign in five times a minute."""
    return agent.sign_in(server)


def test_a_guest_is_asked_to_sign_in_and_then_lists_their_orders(agent: OAuthAgent, token: dict[str, Any]) -> None:
    assert agent.call("get_customer_orders").status_code == 401
    assert orders(agent.call("get_customer_orders", token["access_token"]))
    assert orders(agent.call("get_customer_orders", token["access_token"], path="/mcp/account"))


def test_the_url_for_accounts_leads_to_the_same_server_and_takes_the_same_tokens(agent: OAuthAgent) -> None:
    refused = agent.http.get("/mcp/account")
    assert refused.status_code == 401
    server = agent.discover(refused)
    assert server["resource"] == f"{agent.origin}/mcp/account"
    token = agent.sign_in(server)
    assert orders(agent.call("get_customer_orders", token["access_token"]))


def test_what_was_not_allowed_is_refused_with_what_to_ask_for(agent: OAuthAgent, server: dict[str, Any]) -> None:
    token = agent.sign_in(server, scope="orders:read")
    assert token["scope"] == "orders:read"
    refused = agent.call("list_addresses", token["access_token"])
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    assert 'scope="profile:read orders:read"' in refused.headers["www-authenticate"]


def test_a_revoked_token_is_refused_within_a_second(agent: OAuthAgent, server: dict[str, Any]) -> None:
    token = agent.sign_in(server)
    assert orders(agent.call("get_customer_orders", token["access_token"]))
    sent = {"token": token["refresh_token"], "client_id": token["client_id"]}
    assert agent.http.post(server["revocation_endpoint"], data=sent).status_code == 200
    # What was looked up counts for half a second.
    until(lambda: agent.call("get_customer_orders", token["access_token"]).status_code == 401, "the token's end")
    refused = agent.call("get_customer_orders", token["access_token"])
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]


def test_an_agent_renews_its_token_and_goes_on(
    agent: OAuthAgent, server: dict[str, Any], token: dict[str, Any]
) -> None:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": token["refresh_token"],
        "client_id": token["client_id"],
        "resource": server["resource"],
    }
    first, second = (agent.http.post(server["token_endpoint"], data=form) for _ in range(2))
    assert (first.status_code, second.content) == (200, first.content)
    assert orders(agent.call("get_customer_orders", first.json()["access_token"]))


def test_a_buyers_token_opens_nothing_of_the_operators(agent: OAuthAgent, token: dict[str, Any]) -> None:
    headers = {"authorization": f"Bearer {token['access_token']}"}
    for method, path in (("GET", "/mcp/token"), ("POST", "/mcp/token"), ("POST", "/mcp/customers/revoke")):
        answer = agent.http.request(method, path, headers=headers, json={})
        assert answer.status_code == 403, path
