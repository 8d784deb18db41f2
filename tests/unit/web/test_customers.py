"""Guests see the account's tools and are asked to sign in by HTTP, in every protocol version; customers are served."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.access.caller import Caller
from tests.fakes.agent import MODERN, VERSIONS
from tests.unit.web.customers import ALL, GUESTS_ONLY, SIGNED_IN, CustomerSite, customer

ACCOUNT_TOOLS = {"get_customer_orders", "get_order", "cancel_order", "reorder", "list_addresses"}
SCOPES = 'scope="profile:read orders:read orders:write checkout"'
METADATA = 'resource_metadata="https://pickle.example/.well-known/oauth-protected-resource/mcp"'
ARGUMENTS: dict[str, dict[str, str]] = {
    "get_order": {"number": "1001"},
    "cancel_order": {"number": "1001"},
    "reorder": {"number": "1001"},
}


@pytest.mark.parametrize("version", VERSIONS)
async def test_guests_are_shown_the_tools_of_the_account_and_say_how_they_are_let_in(version: str) -> None:
    tools = await CustomerSite().tools(version)
    assert tools.keys() >= ACCOUNT_TOOLS
    assert tools["get_order"]["securitySchemes"] == [{"type": "oauth2", "scopes": ["orders:read"]}]
    assert tools["place_order"]["securitySchemes"] == [{"type": "noauth"}, {"type": "oauth2", "scopes": ["checkout"]}]
    assert "securitySchemes" not in tools["search_products"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_while_nobody_can_sign_in_nothing_says_that_one_could(version: str) -> None:
    site = CustomerSite(GUESTS_ONLY)
    tools = await site.tools(version)
    assert not tools.keys() & ACCOUNT_TOOLS
    assert "securitySchemes" not in json.dumps(tools)
    answer = await site.send("GET", "/mcp/account", {})
    assert answer.status_code == 404


@pytest.mark.parametrize("tool", sorted(ACCOUNT_TOOLS))
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_guests_call_is_asked_for_all_scopes_at_once_by_http(version: str, tool: str) -> None:
    answer = await CustomerSite().call(tool, None, version, **ARGUMENTS.get(tool, {}))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == f"Bearer {SCOPES}, {METADATA}"
    check_told(answer.json(), version, "insufficient_scope", error="insufficient_scope")


def check_told(body: dict[str, Any], version: str, code: str, *, error: str) -> None:
    """That the body of a 401 or 403 asks for a sign-in as ChatGPT reads it, as a failed result, and says what it is."""
    result = body["result"]
    assert result["isError"] is True
    assert result["_meta"]["storefront-mcp/error"]["code"] == code
    (challenge,) = result["_meta"]["mcp/www_authenticate"]
    (said,) = (block["text"] for block in result["content"])
    assert challenge.startswith(f'Bearer error="{error}", error_description="{said}", scope="')
    assert challenge.endswith(METADATA)
    if version >= "2025-06-18":
        assert result["structuredContent"]["error"]["code"] == code
    assert (result.get("resultType") == "complete") is (version >= "2026-07-28")


async def test_an_ended_token_is_told_so_and_asked_for_all_scopes() -> None:
    answer = await CustomerSite().call("get_customer_orders", "gone")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == f'Bearer error="invalid_token", {SCOPES}, {METADATA}'


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_narrow_token_is_asked_for_what_it_lacks_and_what_it_has(version: str) -> None:
    answer = await CustomerSite().call("cancel_order", "ada-reads", version, number="1001")
    assert answer.status_code == 403
    asked = 'error="insufficient_scope", scope="orders:read orders:write"'
    assert answer.headers["www-authenticate"] == f"Bearer {asked}, {METADATA}"
    check_told(answer.json(), version, "insufficient_scope", error="insufficient_scope")
    assert (await CustomerSite().tools(version, "ada-reads")).keys() >= ACCOUNT_TOOLS, "so that they can be asked for"


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_session_that_the_shop_has_ended_is_an_ended_token(version: str) -> None:
    site = CustomerSite()
    site.ada.over = True
    answer = await site.call("get_customer_orders", "ada", version)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == f'Bearer error="invalid_token", {SCOPES}, {METADATA}'
    check_told(answer.json(), version, "signed_out", error="invalid_token")


@pytest.mark.parametrize("verb", ["GET", "HEAD", "POST", "DELETE", "PUT"])
async def test_the_accounts_own_address_asks_every_guest_first(verb: str) -> None:
    site = CustomerSite()
    answer = await site.send(verb, "/mcp/account", {"content-type": "application/json"}, "{}" if verb == "POST" else "")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == f'Bearer {SCOPES}, {METADATA[:-1]}/account"'
    assert (answer.content == b"") == (verb == "HEAD")


@pytest.mark.parametrize("path", ["/mcp", "/mcp/account", "/mcp/account/"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_token_counts_at_both_addresses(version: str, path: str) -> None:
    answer = await CustomerSite().call("get_customer_orders", "ada", version, path=path)
    assert answer.status_code == 200
    assert json.loads(answer.json()["result"]["content"][0]["text"])["total"] == 2


async def test_the_accounts_address_answers_preflights_of_browsers() -> None:
    headers = {"origin": "https://pickle.example", "access-control-request-method": "POST"}
    answer = await CustomerSite().send("OPTIONS", "/mcp/account", headers)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "https://pickle.example"


@pytest.mark.parametrize("tool", sorted(ACCOUNT_TOOLS))
async def test_no_operators_key_and_no_foreign_token_gets_an_account(tool: str) -> None:
    site = CustomerSite()
    forged = frozenset({"read:orders", "manage:workspace", *ALL})
    for kind in ("key", "token"):
        site.tokens.callers["forged"] = Caller(kind=kind, principal="p", scopes=forged, grant="grant-ada")
        answer = await site.call(tool, "forged", **ARGUMENTS.get(tool, {}))
        assert answer.status_code == 403, "even if it were given the words"
        assert tool not in await site.tools("2025-11-25", "forged")
    assert site.ada.calls == 0


@pytest.mark.parametrize("version", VERSIONS)
async def test_no_customer_gets_an_operators_tool(version: str) -> None:
    def guarded(promise: object) -> object:
        return replace(promise, auth="required", scope="read:orders") if promise.name == "list_categories" else promise  # type: ignore[attr-defined, type-var]

    phases = tuple(
        replace(phase, manifest=replace(phase.manifest, tools=tuple(map(guarded, phase.manifest.tools))))
        for phase in SIGNED_IN.phases
    )
    site = CustomerSite(replace(SIGNED_IN, phases=phases))
    site.tokens.callers["forged"] = customer("ada", "read:orders", "manage:workspace")
    answer = await site.call("list_categories", "forged", version)
    assert answer.status_code == 403
    assert "list_categories" not in await site.tools(version, "forged")
    assert "list_categories" in await site.tools(version, "key")


async def test_a_batch_and_a_stream_of_events_get_the_error_without_a_status() -> None:
    site = CustomerSite()
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_addresses", "arguments": {}}}
    headers = {"content-type": "application/json", "mcp-protocol-version": "2025-03-26"}
    answer = await site.send("POST", "/mcp", headers, json.dumps([message]))
    assert answer.status_code == 200
    check_told(answer.json()[0], "2025-03-26", "insufficient_scope", error="insufficient_scope")
    assert answer.json()[0]["result"]["_meta"]["storefront-mcp/error"]["required_scope"] == "profile:read"


async def test_lists_that_depend_on_the_caller_are_private() -> None:
    site = CustomerSite()
    for token in (None, "ada", "key"):
        answer = await site.ask("tools/list", MODERN[0], token)
        assert answer.json()["result"]["cacheScope"] == "private"
