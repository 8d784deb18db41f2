"""The storefront card: the promise key for key, and how little of it changes when the server opens."""

import datetime as dt
import json
from typing import Any

import mcp_types
import pytest
from msgspec.structs import replace

from storefront_mcp.roadmap.terms import FlipTerms
from tests.unit.cards.states import BARE, GUARDED, PICKLE, SPEAKER, STATES, card, document, roadmap

PROMISED_KEYS = [
    *("name", "version", "description", "status", "endpoint", "transport", "authentication", "planned_tools"),
    *("icon", "documentation", "privacy_policy"),
]
SUPERSET_KEYS = [
    *("title", "serverInfo", "serverUrl", "url", "protocolVersion", "capabilities", "remotes", "tools"),
    *("websiteUrl", "icons"),
]
TEN_TOOLS = [
    *("search_products", "get_product", "list_categories", "get_category"),
    *("create_cart", "add_to_cart", "view_cart", "apply_coupon", "get_shipping_methods", "place_order"),
]
SETTLED = replace(PICKLE, description="Jars and paddles.", version="2.0.0")


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {key for key in before | after if before.get(key) != after.get(key)}


def test_the_first_eleven_keys_are_the_promise_in_order() -> None:
    planned = document("server-card", "planned")

    assert list(planned) == PROMISED_KEYS + SUPERSET_KEYS
    assert {key: planned[key] for key in PROMISED_KEYS if key not in {"authentication", "planned_tools"}} == {
        "name": "Pickle Warehouse MCP Server",
        "version": "0.1.0-stub",
        "description": (
            "Headless commerce MCP server for Pickle Warehouse. Will expose tools to search the catalogue, fetch "
            "product details, manage a guest cart, and complete checkout. Currently a stub while the real server is "
            "built."
        ),
        "status": "planned",
        "endpoint": "https://pickle.example/mcp",
        "transport": "streamable-http",
        "icon": "https://pickle.example/favicon.ico",
        "documentation": "https://pickle.example/api/docs",
        "privacy_policy": "https://pickle.example/privacy-policy",
    }


def test_authentication_is_the_promise_and_says_that_connecting_needs_none() -> None:
    authentication = document("server-card", "planned")["authentication"]

    assert list(authentication) == ["type", "required_for", "notes", "required", "schemes"]
    assert authentication["type"] == "none"
    assert authentication["required_for"] == [
        *("place_order", "get_customer_orders", "get_order", "cancel_order", "reorder", "list_addresses"),
    ]
    assert authentication["required"] is False
    assert authentication["schemes"] == []
    assert document("server-card", "planned", GUARDED)["authentication"]["schemes"] == ["oauth2"]


def test_the_ten_promised_tools_are_there_in_their_order() -> None:
    auth = {tool["name"]: tool["auth"] for tool in document("server-card", "planned")["planned_tools"]}

    assert [name for name in auth if name in TEN_TOOLS] == TEN_TOOLS
    assert [auth[name] for name in TEN_TOOLS] == [False] * 9 + ["optional"]
    assert auth["get_customer_orders"] is True


@pytest.mark.parametrize("state", STATES[1:])
def test_opening_changes_status_and_tools_alone_where_the_operator_has_set_the_texts(state: str) -> None:
    before, after = document("server-card", "planned", SETTLED), document("server-card", state, SETTLED)

    assert changed(before, after) == {"status", "tools"}
    assert (before["status"], after["status"]) == ("planned", "active")


@pytest.mark.parametrize("state", STATES[1:])
def test_by_default_opening_also_changes_what_would_be_untrue(state: str) -> None:
    before, after = document("server-card", "planned"), document("server-card", state)

    assert changed(before, after) == {"status", "description", "version", "serverInfo", "tools"}
    assert changed(before["serverInfo"], after["serverInfo"]) == {"version"}
    assert after["version"] == "0.1.0"


@pytest.mark.parametrize(
    ("state", "abilities"),
    [
        ("browse", "search the catalogue and fetch product details"),
        ("cart", "search the catalogue, fetch product details, and manage a guest cart"),
        ("checkout", "search the catalogue, fetch product details, manage a guest cart, and complete checkout"),
    ],
)
def test_an_open_server_speaks_only_of_what_is_open(state: str, abilities: str) -> None:
    said = document("server-card", state)["description"]

    assert said == f"Headless commerce MCP server for Pickle Warehouse. Exposes tools to {abilities}."


def test_a_server_that_is_paused_keeps_its_card_but_for_what_says_that_it_is_closed_for_now() -> None:
    opened = roadmap("browse")
    terms = FlipTerms(reason="stocktaking", until=dt.datetime(2026, 11, 22, 9, tzinfo=dt.UTC))
    paused = replace(
        opened, phases=tuple(replace(each, status="paused", terms=terms) for each in opened.phases if each.open)
    )
    before = document("server-card", "browse")
    after = json.loads(card("server-card").render(PICKLE, paused) or b"")

    assert after["status"] == "paused"
    assert after["version"] == before["version"] == SPEAKER.version
    assert after["description"].endswith(
        "Exposes tools to search the catalogue and fetch product details. Closed for now: stocktaking. "
        "It is expected to open again on 22 November 2026, 09:00 UTC."
    )


def test_a_retired_phase_promises_nothing() -> None:
    opened = roadmap("cart")
    retired = replace(opened, phases=(*opened.phases[:1], *(replace(p, status="retired") for p in opened.phases[1:])))
    body = card("server-card").render(PICKLE, retired)

    assert body is not None
    assert b"place_order" not in body
    assert b"search_products" in body


@pytest.mark.parametrize("state", STATES)
def test_the_tools_are_those_that_are_open_or_while_none_is_those_that_are_promised(state: str) -> None:
    found = document("server-card", state)
    tools = [mcp_types.Tool.model_validate(tool, by_alias=True) for tool in found["tools"]]
    delivered = {tool.name: tool for phase in roadmap(state).phases for tool in phase.tools.values()}
    promised = [tool["name"] for tool in found["planned_tools"]]
    opened = [tool.name for tool in roadmap(state).open_tools()]

    assert [tool.name for tool in tools] == (promised if state == "planned" else opened)
    assert {tool.name: tool.input_schema for tool in tools} == {
        tool.name: delivered[tool.name].input_schema if tool.name in delivered else {"type": "object"} for tool in tools
    }
    assert all(tool.description for tool in tools)


@pytest.mark.parametrize("state", STATES)
def test_the_superset_says_what_the_server_says(state: str) -> None:
    found = document("server-card", state)
    server = mcp_types.Implementation.model_validate(found["serverInfo"], by_alias=True)

    assert (server.name, server.title, server.version) == (PICKLE.server.name, found["name"], found["version"])
    assert mcp_types.ServerCapabilities.model_validate(found["capabilities"]).tools is not None
    assert found["capabilities"] == PICKLE.server.capabilities
    assert found["url"] == found["serverUrl"] == found["endpoint"] == found["remotes"][0]["url"]
    assert found["protocolVersion"] in found["remotes"][0]["supportedProtocolVersions"]
    assert [mcp_types.Icon.model_validate(icon, by_alias=True).mime_type for icon in found["icons"]] == ["image/x-icon"]


def test_what_a_store_does_not_have_is_left_out() -> None:
    found = document("server-card", "planned", BARE)

    assert {*PROMISED_KEYS, *SUPERSET_KEYS} - set(found) == {"icon", "documentation", "privacy_policy", "icons"}
    assert found["name"] == 'Łódź: "Café" & {Sons} MCP Server'


def test_readers_are_sent_to_an_issuer_only_where_there_is_one() -> None:
    notes = document("server-card", "planned")["authentication"]["notes"]

    assert "http" not in notes
    assert document("server-card", "planned", GUARDED)["authentication"]["notes"] == (
        f"{notes} See https://auth.pickle.example/.well-known/oauth-authorization-server/tenant"
    )


@pytest.mark.parametrize(
    ("address", "kind"), [("/logo.SVG?v=2", "image/svg+xml"), ("/logo.png", "image/png"), ("/logo", None)]
)
def test_an_icon_names_its_kind_where_its_address_tells(address: str, kind: str | None) -> None:
    (icon,) = document("server-card", "planned", replace(PICKLE, icon=PICKLE.url(address)))["icons"]

    assert icon.get("mimeType") == kind


def test_the_older_transport_is_named_where_it_is_served() -> None:
    older = replace(PICKLE, server=replace(PICKLE.server, sse_versions=("2024-11-05",)))

    assert document("server-card", "browse", older)["remotes"][1] == {
        "type": "sse",
        "url": "https://pickle.example/mcp/sse",
        "supportedProtocolVersions": ["2024-11-05"],
    }
    assert document("protocols", "browse", older)["protocols"]["mcp"]["transports"] == ["streamable-http", "sse"]


@pytest.mark.parametrize("state", STATES)
def test_the_other_addresses_carry_the_same_card(state: str) -> None:
    found = document("server-card", state)
    listing = document("mcp-json", state)
    (server,) = listing.pop("servers")
    clients = listing.pop("mcpServers")

    assert len(card("server-card").paths) == 4
    assert document("server-cards", state) == {"servers": [found]}
    assert list(listing.items()) == list(found.items())
    assert server == {
        "name": found["name"],
        "url": found["endpoint"],
        "transport": "streamable-http",
        "authentication": {"required": False},
    }
    assert clients == {"pickle-warehouse": {"type": "http", "url": found["endpoint"]}}


def test_a_server_that_offers_nothing_we_have_words_for_claims_nothing() -> None:
    full = roadmap("planned")
    account = replace(full.phases[-1], status="active")
    body = card("server-card").render(PICKLE, replace(full, phases=(account,)))

    assert body is not None
    assert b'"description": "Headless commerce MCP server for Pickle Warehouse.",' in body
