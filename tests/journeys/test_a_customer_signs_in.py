"""A guest's agent is told to sign its person in, does so as any OAuth client, and lists their orders."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.journeys.oauth_agent import OAuthAgent, account_store
from tests.serving import until

pytestmark = [pytest.mark.slow, pytest.mark.needs("accounts")]


@pytest.fixture(scope="module")
def agent(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OAuthAgent]:
    with account_store(kind, tmp_path_factory.mktemp("sign-in")) as store:
        one = OAuthAgent(store.origin)
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
