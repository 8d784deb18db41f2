"""The storefront card: the promise key for key, and how little of it changes when the server opens."""

from typing import Any

import mcp_types
import pytest
from msgspec.structs import replace

from tests.cards.states import BARE, GUARDED, PICKLE, STATES, card, document, rendered, roadmap

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
    assert authentication["required_for"] == ["place_order", "get_customer_orders"]
    assert authentication["required"] is False
    assert authentication["schemes"] == ["oauth2"]


def test_the_ten_promised_tools_are_there_in_their_order() -> None:
    auth = {tool["name"]: tool["auth"] for tool in document("server-card", "planned")["planned_tools"]}

    assert [name for name in auth if name in TEN_TOOLS] == TEN_TOOLS
    assert [auth[name] for name in TEN_TOOLS] == [False] * 9 + ["optional"]
    assert auth["get_customer_orders"] is True


@pytest.mark.parametrize("state", STATES[1:])
def test_opening_changes_the_status_alone_where_the_operator_has_set_the_texts(state: str) -> None:
    before, after = document("server-card", "planned", SETTLED), document("server-card", state, SETTLED)

    assert changed(before, after) == {"status"}
    assert (before["status"], after["status"]) == ("planned", "active")


@pytest.mark.parametrize("state", STATES[1:])
def test_by_default_opening_also_changes_what_would_be_untrue(state: str) -> None:
    before, after = document("server-card", "planned"), document("server-card", state)

    assert changed(before, after) == {"status", "description", "version", "serverInfo"}
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


def test_a_server_that_is_paused_again_is_planned() -> None:
    opened = roadmap("browse")
    paused = replace(opened, phases=tuple(replace(phase, status="paused") for phase in opened.phases))

    assert card("server-card").render(PICKLE, paused) == rendered("server-card", "planned")


def test_a_retired_phase_promises_nothing() -> None:
    opened = roadmap("cart")
    retired = replace(opened, phases=(*opened.phases[:1], *(replace(p, status="retired") for p in opened.phases[1:])))
    body = card("server-card").render(PICKLE, retired)

    assert body is not None
    assert b"place_order" not in body
    assert b"search_products" in body


@pytest.mark.parametrize("state", STATES)
def test_every_promised_tool_is_advertised_as_a_tool_of_the_protocol(state: str) -> None:
    found = document("server-card", state)
    tools = [mcp_types.Tool.model_validate(tool, by_alias=True) for tool in found["tools"]]
    delivered = {tool.name: tool for phase in roadmap(state).phases for tool in phase.tools.values()}

    assert [tool.name for tool in tools] == [tool["name"] for tool in found["planned_tools"]]
    assert {tool.name: tool.input_schema for tool in tools} == {
        tool.name: delivered[tool.name].input_schema if tool.name in delivered else {"type": "object"} for tool in tools
    }
    assert all(tool.description for tool in tools)


@pytest.mark.parametrize("state", STATES)
def test_the_superset_says_what_the_server_says(state: str) -> None:
    found = document("server-card", state)
    server = mcp_types.Implementation.model_validate(found["serverInfo"], by_alias=True)

    assert (server.name, server.title, server.version) == (PICKLE.speaker.name, found["name"], found["version"])
    assert mcp_types.ServerCapabilities.model_validate(found["capabilities"]).tools is not None
    assert found["capabilities"] == PICKLE.speaker.capabilities
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
    older = replace(PICKLE, speaker=replace(PICKLE.speaker, sse_versions=("2024-11-05",)))

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

    assert len(card("server-card").paths) == 4
    assert document("server-cards", state) == {"servers": [found]}
    assert list(listing.items()) == list(found.items())
    assert server == {
        "name": found["name"],
        "url": found["endpoint"],
        "transport": "streamable-http",
        "authentication": {"required": False},
    }


def test_a_server_that_offers_nothing_we_have_words_for_claims_nothing() -> None:
    full = roadmap("planned")
    account = replace(full.phases[-1], status="active")
    body = card("server-card").render(PICKLE, replace(full, phases=(account,)))

    assert body is not None
    assert b'"description": "Headless commerce MCP server for Pickle Warehouse.",' in body
