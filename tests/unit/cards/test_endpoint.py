"""What is published beside the endpoint says what the protocol would say, and tells open from promised."""

import itertools
import json
import re
import tomllib
from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.cards import CARDS
from storefront_mcp.cards.clients import CLIENTS, client_snippet, find_client
from storefront_mcp.commerce.store import Store
from storefront_mcp.mcp.lists import prompt_entries, resource_entries, template_entries, tool_entries
from storefront_mcp.mcp.versions import HANDSHAKE_VERSIONS
from storefront_mcp.roadmap.roadmap import Roadmap
from tests.unit.cards.site_documents import HOSTILE
from tests.unit.cards.states import PICKLE, STATES, STORES, card, document, rendered, roadmap

every_state = pytest.mark.parametrize("state", STATES)
every_store = pytest.mark.parametrize("store", [*STORES.values(), HOSTILE], ids=[*STORES, "hostile"])


def promises(state: str) -> set[str]:
    return {promise.name for _, promise in roadmap(state).promises()}


@every_state
@every_store
def test_each_document_is_there_in_every_state(store: Store, state: str) -> None:
    found = [each for each in CARDS if each.paths[0].startswith("/mcp/")]
    assert {"mcp-info", "mcp-tools", "mcp-resources", "mcp-docs", "mcp-config"} < {each.name for each in found}
    for each in found:
        assert each.render(store, roadmap(state))
        assert each.group == "discovery"
        assert all(path.startswith("/mcp/") for path in each.paths)


@every_state
def test_what_says_how_it_is_listed_is_listed_and_nothing_else(state: str) -> None:
    addresses = document("mcp-info", state)["endpoints"]
    listed = {each.info_entry.name: PICKLE.url(each.paths[0]) for each in CARDS if each.info_entry is not None}
    linked = [PICKLE.url(each.paths[0]) for each in CARDS if each.page_entry is not None and each.served_by(PICKLE)]

    assert {name: one["url"] for name, one in addresses.items() if name not in {"mcp", "sse"}} == listed
    for page in ("landing-markdown", "llms-txt"):
        text = rendered(page, state)
        assert text is not None
        assert [link for link in linked if link.encode() not in text] == []


def plain(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a list of the protocol says in words; pictures are for those who are connected."""
    found: list[dict[str, Any]] = json.loads(json.dumps(entries))
    return [{key: value for key, value in entry.items() if key != "icons"} for entry in found]


@every_state
@every_store
def test_what_is_open_is_listed_as_the_protocol_lists_it(store: Store, state: str) -> None:
    now = roadmap(state)
    newest = list(HANDSHAKE_VERSIONS.values())[-1]
    found = document("mcp-resources", state, store)

    assert document("mcp-tools", state, store)["tools"] == plain(tool_entries(now.open_tools(), newest))
    assert found["resources"] == plain(resource_entries(now.open_resources(), store, newest))
    assert found["resourceTemplates"] == plain(template_entries(now.open_resources(), newest))
    assert found["prompts"] == plain(prompt_entries(now.open_prompts(), newest))


@every_state
def test_a_tool_is_either_open_or_promised(state: str) -> None:
    found = document("mcp-tools", state)
    opened = {tool["name"] for tool in found["tools"]}
    coming = {tool["name"] for tool in found["promised"]}

    assert opened | coming == promises(state)
    assert opened & coming == set()
    assert found["status"] == ("planned" if state == "planned" else "active")
    assert bool(opened) == (state != "planned")
    assert {tool["auth"] for tool in found["promised"]} <= {"none", "optional", "required"}


@every_state
def test_resources_and_prompts_are_open_or_promised_too(state: str) -> None:
    found = document("mcp-resources", state)
    now = roadmap(state)
    manifests = [phase.manifest for phase in now.phases]
    templates = {template["uriTemplate"] for template in found["resourceTemplates"]}
    fixed = {resource["uri"] for resource in found["resources"]}

    assert {resource.uri for resource in now.open_resources()} == templates | {
        uri for uri in fixed if not uri.startswith("shop://page/")
    }
    assert {prompt["name"] for prompt in found["prompts"]} == {prompt.name for prompt in now.open_prompts()}
    for kind, promised in (("resources", found["promised"]["resources"]), ("prompts", found["promised"]["prompts"])):
        known = {mention.name for manifest in manifests for mention in getattr(manifest, kind)}
        opened = {each.name for each in getattr(now, f"open_{kind}")()}
        assert {each["name"] for each in promised} == known - opened
        assert all("auth" not in each for each in promised)


def test_the_pages_of_the_store_are_listed_by_themselves() -> None:
    uris = [resource["uri"] for resource in document("mcp-resources", "browse")["resources"]]

    assert [uri for uri in uris if uri.startswith("shop://page/")] == [f"shop://page/{page}" for page in PICKLE.pages]


def paused_and_retired() -> Roadmap:
    now = roadmap("cart")
    statuses = ("paused", "retired", "planned", "planned")
    phases = tuple(replace(phase, status=status) for phase, status in zip(now.phases, statuses, strict=True))
    return Roadmap(version=9, as_of=now.as_of, phases=phases)


def test_what_is_paused_is_promised_again_and_what_is_retired_is_gone() -> None:
    def read(name: str) -> Any:
        body = card(name).render(PICKLE, paused_and_retired())
        assert body is not None
        return json.loads(body)

    tools = read("mcp-tools")
    assert tools["tools"] == []
    assert {(tool["name"], tool["status"]) for tool in tools["promised"]} >= {
        ("search_products", "paused"),
        ("place_order", "planned"),
    }
    assert "add_to_cart" not in json.dumps(tools)
    assert [prompt["name"] for prompt in read("mcp-resources")["promised"]["prompts"]] == [
        "find_a_gift",
        "compare_products",
        "finish_the_order",
    ]
    docs = (card("mcp-docs").render(PICKLE, paused_and_retired()) or b"").decode()
    assert "## 1. Browse: paused" in docs
    assert "add_to_cart" not in docs


@every_state
@every_store
def test_the_introduction_says_what_the_cards_say(store: Store, state: str) -> None:
    found = document("mcp-info", state, store)
    storefront = document("server-card", state, store)

    assert found["server"] == storefront["serverInfo"]
    assert (found["status"], found["description"]) == (storefront["status"], storefront["description"])
    assert found["capabilities"] == storefront["capabilities"]
    assert found["protocolVersions"] == list(store.server.protocol_versions)
    assert found["tools"] == {"open": len(roadmap(state).open_tools()), "promised": len(promises(state))}
    assert found["endpoints"]["mcp"] == {
        "method": "POST",
        "url": store.endpoint,
        "purpose": "MCP over Streamable HTTP: one message per request",
    }
    assert "sse" not in found["endpoints"]


def test_the_older_transport_is_on_the_map_where_it_is_served() -> None:
    server = replace(PICKLE.server, sse_versions=("2024-11-05", "2025-03-26"))
    store = replace(PICKLE, server=server)
    found = document("mcp-info", "browse", store)

    assert "`https://pickle.example/mcp/sse`" in rendered("mcp-docs", "browse", store).decode()
    assert "/mcp/sse" not in rendered("mcp-docs", "browse").decode()
    versions = document("protocols", "browse", store)["protocols"]["mcp"]["protocol_versions"]
    assert versions == sorted(set(versions))
    assert found["endpoints"]["sse"]["url"] == "https://pickle.example/mcp/sse"
    assert found["protocolVersions"] == ["2024-11-05", *PICKLE.server.protocol_versions]


@every_state
@every_store
def test_the_catalogue_names_everything_and_describes_what_is_open(store: Store, state: str) -> None:
    text = rendered("mcp-docs", state, store).decode()
    now = roadmap(state)

    for tool in now.open_tools():
        assert f"\n#### {tool.name}\n\n{tool.description}\n" in text
        for argument in tool.input_schema.get("properties", {}):
            assert f"\n| `{argument}`" in text
    for resource in now.open_resources():
        assert f"- `{resource.uri}`" in text
    for prompt in now.open_prompts():
        assert f"- `{prompt.name}`: " in text
    coming = re.findall(r"^- `(\w+)`, promised: ", text, re.MULTILINE)
    mentions = [
        mention.name
        for phase in now.phases
        for mention in (*phase.manifest.tools, *phase.manifest.resources, *phase.manifest.prompts)
    ]
    opened = {each.name for each in (*now.open_tools(), *now.open_resources(), *now.open_prompts())}
    assert coming == [name for name in mentions if name not in opened]
    assert ("Status: active" in text) == now.open


@every_state
def test_headings_of_the_catalogue_skip_no_level_and_are_set_apart(state: str) -> None:
    lines = rendered("mcp-docs", state).decode().splitlines()
    levels = [len(line) - len(line.lstrip("#")) for line in lines if line.startswith("#")]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert all(lines[number - 1] == "" for number, line in enumerate(lines) if line.startswith("#") and number)


# Snippets ------------------------------------------------------------------------------------------------------------


WANTED: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "claude-code": (("mcpServers",), {"type": "http", "url": PICKLE.endpoint}),
    "claude-desktop": (("mcpServers",), {"command": "npx", "args": ["-y", "mcp-remote", PICKLE.endpoint]}),
    "cursor": (("mcpServers",), {"url": PICKLE.endpoint}),
    "vscode": (("servers",), {"type": "http", "url": PICKLE.endpoint}),
    "codex": (("mcp_servers",), {"url": PICKLE.endpoint}),
    "gemini-cli": (("mcpServers",), {"httpUrl": PICKLE.endpoint}),
}


def test_there_is_a_known_format_for_every_client() -> None:
    assert [client.id for client in CLIENTS] == list(WANTED)


@pytest.mark.parametrize("name", WANTED)
def test_a_snippet_is_in_its_clients_own_format(name: str) -> None:
    client = find_client(name)
    assert client is not None
    body = rendered(f"mcp-config-{name}", "planned").decode()
    (section,), entry = WANTED[name]

    parsed = tomllib.loads(body) if client.format == "toml" else json.loads(body)
    assert parsed == {section: {"pickle-warehouse": entry}}
    assert body == client_snippet(client, "pickle-warehouse", PICKLE.endpoint) + "\n"
    assert {rendered(f"mcp-config-{name}", state).decode() for state in STATES} == {body}


def test_identifiers_and_aliases_mean_one_client_each() -> None:
    spellings = [spelling for client in CLIENTS for spelling in (client.id, *client.aliases)]

    assert len(set(spellings)) == len(spellings)
    assert {"claude", "claudeCode", "cursor", "codex"} <= set(spellings)
    assert find_client("netscape") is None


@pytest.mark.parametrize("client", CLIENTS, ids=[client.id for client in CLIENTS])
def test_a_clients_files_are_known_for_every_system(client: Any) -> None:
    assert list(client.files) == ["macos", "windows", "linux"]
    assert all(path.startswith("~/") for system, path in client.files.items() if system != "windows")
    assert client.files["windows"].startswith(("~/", "%APPDATA%\\"))
    assert all(path.endswith(f".{client.format}") for path in client.files.values())


@every_state
def test_the_list_of_clients_leads_to_each_snippet(state: str) -> None:
    found = document("mcp-config", state)

    assert found["status"] == ("planned" if state == "planned" else "active")
    for entry in found["clients"]:
        assert entry["url"] == f"https://pickle.example/mcp/config?client={entry['client']}"
        assert f"/mcp/config/{entry['client']}" in card(f"mcp-config-{entry['client']}").paths
        assert all(
            f"/mcp/config/{alias}" in card(f"mcp-config-{entry['client']}").paths for alias in entry.get("aliases", ())
        )
