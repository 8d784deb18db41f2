"""What clients read to sign a customer in: exactly while a tool is open that takes one, and the same in each place."""

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from msgspec.structs import replace

from storefront_mcp.access.buyer_scopes import BUYER_SCOPE_NAMES
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap
from tests.unit.cards.states import GUARDED, PICKLE, STATES, card, roadmap

DOCUMENTS = ("protected-resource", "account-resource", "authorization-server")


def signing_in(*scopes: str) -> Roadmap:
    """The first phase is open and its first tools require these scopes."""
    plain = roadmap("browse")
    first = plain.phases[0]
    tools = [
        replace(tool, auth="required", scope=scope) for tool, scope in zip(first.manifest.tools, scopes, strict=False)
    ]
    manifest = replace(first.manifest, needs_sign_in=True, tools=(*tools, *first.manifest.tools[len(tools) :]))
    return replace(plain, phases=(replace(first, manifest=manifest), *plain.phases[1:]))


def document(name: str, store: Store = PICKLE, scopes: tuple[str, ...] = ("orders:read", "profile:read")) -> Any:
    body = card(name).render(store, signing_in(*scopes))
    return None if body is None else json.loads(body)


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("state", STATES)
def test_without_a_tool_for_customers_there_is_none(state: str, name: str) -> None:
    assert card(name).render(PICKLE, roadmap(state)) is None


@pytest.mark.parametrize("name", DOCUMENTS)
def test_an_open_phase_signs_nobody_in_at_a_store_that_lacks_what_it_takes(name: str) -> None:
    opened = signing_in("orders:read")
    lacking = replace(opened, phases=(replace(opened.phases[0], missing=("no sign-in.",)), *opened.phases[1:]))
    assert card(name).render(PICKLE, lacking) is None


def test_a_foreign_issuer_excludes_our_own() -> None:
    assert document("authorization-server", GUARDED) is None
    assert document("account-resource", GUARDED) is None
    assert document("protected-resource", GUARDED)["authorization_servers"] == [GUARDED.issuer]


def test_the_authorization_server_states_all_that_clients_look_for() -> None:
    assert document("authorization-server") == {
        "issuer": "https://pickle.example",
        "authorization_endpoint": "https://pickle.example/oauth/authorize",
        "token_endpoint": "https://pickle.example/oauth/token",
        "registration_endpoint": "https://pickle.example/oauth/register",
        "revocation_endpoint": "https://pickle.example/oauth/revoke",
        "scopes_supported": ["profile:read", "orders:read"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": False,
        "protected_resources": ["https://pickle.example/mcp", "https://pickle.example/mcp/account"],
        "service_documentation": "https://pickle.example/api/docs",
    }
    with_secrets = document("authorization-server", replace(PICKLE, client_secrets=True))
    for member in ("token_endpoint_auth_methods_supported", "revocation_endpoint_auth_methods_supported"):
        assert with_secrets[member] == ["none", "client_secret_basic", "client_secret_post"]
    documents = document("authorization-server", replace(PICKLE, client_documents=True))
    assert documents["client_id_metadata_document_supported"] is True


@pytest.mark.parametrize(
    ("name", "resource"),
    [
        ("protected-resource", "https://pickle.example/mcp"),
        ("account-resource", "https://pickle.example/mcp/account"),
    ],
)
def test_each_endpoint_says_who_issues_its_tokens(name: str, resource: str) -> None:
    assert document(name) == {
        "resource": resource,
        "authorization_servers": [document("authorization-server")["issuer"]],
        "scopes_supported": ["profile:read", "orders:read"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Pickle Warehouse",
        "resource_documentation": "https://pickle.example/api/docs",
        "resource_policy_uri": "https://pickle.example/privacy-policy",
    }


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_operators_scope_is_offered_to_customers(name: str) -> None:
    found = document(name, scopes=("orders:read", "read:orders", "manage:workspace"))
    assert found["scopes_supported"] == ["orders:read"]
    assert set(found["scopes_supported"]) <= set(BUYER_SCOPE_NAMES)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_right_by_its_own_rules(name: str) -> None:
    opened = signing_in("orders:read")
    body = card(name).render(PICKLE, opened)
    assert body is not None
    assert list(card(name).validate(PICKLE, opened, body)) == []


@settings(deadline=None)
@given(
    name=st.sampled_from(DOCUMENTS),
    member=st.integers(0, 20),
    value=st.none() | st.integers() | st.text() | st.lists(st.text()),
)
def test_no_document_is_too_odd_to_be_judged(name: str, member: int, value: object) -> None:
    opened = signing_in("orders:read")
    found = json.loads(card(name).render(PICKLE, opened) or b"{}")
    found[list(found)[member % len(found)]] = value
    issues = card(name).validate(PICKLE, opened, json.dumps(found).encode())
    assert all(one.says and one.fix for one in issues)


def text(name: str, opened: Roadmap, store: Store = PICKLE) -> str:
    body = card(name).render(store, opened)
    assert body is not None
    return body.decode()


def test_the_other_documents_say_the_same() -> None:
    opened, closed = signing_in("orders:read"), roadmap("browse")
    issuer = document("authorization-server")["issuer"]
    server_card = json.loads(text("server-card", opened))["authentication"]
    assert server_card["schemes"] == ["oauth2"]
    assert server_card["notes"].endswith(f"See {issuer}/.well-known/oauth-authorization-server")
    surfaces = json.loads(text("protocols", opened))["protocols"]
    assert surfaces["mcp"]["authentication"] == "optional"
    assert surfaces["oauth"] == {
        "protected_resource": f"{issuer}/.well-known/oauth-protected-resource/mcp",
        "issuer": issuer,
    }
    assert "this shop's own authorization server" in text("auth", opened)
    assert json.loads(text("server-card", closed))["authentication"]["schemes"] == []
    assert "oauth" not in json.loads(text("protocols", closed))["protocols"]
    assert "nothing for a customer to sign in to yet" in text("auth", closed)


def test_a_visitors_browser_is_offered_no_tool_that_asks_for_a_sign_in() -> None:
    rendered = [card("webmcp").render(PICKLE, one) for one in (roadmap("browse"), signing_in("orders:read"))]
    plain, guarded = ((script or b"").decode().count('"inputSchema"') for script in rendered)
    assert guarded == plain - 1
