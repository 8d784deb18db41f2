"""Documents that somebody else designed, against that somebody's rules."""

import hashlib
import json
import re
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urljoin, urlsplit

import ard_publish
import jsonschema
import pytest
import yaml
from mcp.shared.auth import ProtectedResourceMetadata
from msgspec.structs import replace
from openapi_spec_validator import OpenAPIV31SpecValidator
from ucp_sdk.models.schemas.profile import BusinessSchema

from storefront_mcp.cards import CARDS
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.store import Store
from tests.unit.cards.states import GUARDED, PICKLE, STATES, STORES, card, document, rendered, roadmap

pytestmark = pytest.mark.conformance

every_state = pytest.mark.parametrize("state", STATES)
every_store = pytest.mark.parametrize("store", STORES.values(), ids=STORES)


def is_absolute(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and not parts.fragment


# The MCP Server Card extension (SEP-2127) ----------------------------------------------------------------------------


@every_store
@every_state
def test_the_endpoint_card_keeps_the_rules_of_its_extension(store: Store, state: str) -> None:
    found = document("endpoint-card", state, store)

    assert card("endpoint-card").media_type == "application/mcp-server-card+json"
    assert found["$schema"] == "https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json"
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", found["name"])
    assert 3 <= len(found["name"]) <= 200
    assert 1 <= len(found["description"]) <= 100
    assert 1 <= len(found["title"]) <= 100
    assert re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", found["version"])
    assert is_absolute(found["websiteUrl"])
    assert all(re.fullmatch(r"([a-z][a-z0-9-]*\.)*[a-z][a-z0-9-]*/[a-z]+", key) for key in found["_meta"])
    assert not {"tools", "resources", "prompts"} & set(found)


@pytest.mark.parametrize("length", range(1, 130, 7))
@every_state
def test_a_long_name_does_not_break_the_limits_of_the_endpoint_card(length: int, state: str) -> None:
    found = document("endpoint-card", state, replace(PICKLE, name="x" * length))

    assert 1 <= len(found["title"]) <= 100
    assert 1 <= len(found["description"]) <= 100


def test_a_client_finds_no_address_to_dial_before_the_server_is_open() -> None:
    planned = document("endpoint-card", "planned")

    assert "remotes" not in planned
    assert planned["_meta"] == {"example.pickle/status": "planned"}


@pytest.mark.parametrize("state", STATES[1:])
def test_an_open_server_is_dialled_where_both_cards_say(state: str) -> None:
    found, storefront = document("endpoint-card", state), document("server-card", state)

    assert found["remotes"] == storefront["remotes"]
    assert found["_meta"] == {"example.pickle/status": "active"}
    assert (found["name"], found["title"], found["version"]) == tuple(storefront["serverInfo"].values())


# The business profile of UCP -----------------------------------------------------------------------------------------


@every_state
def test_the_ucp_profile_is_one_by_the_model_of_the_protocols_library(state: str) -> None:
    BusinessSchema.model_validate(document("ucp-profile", state))
    leaf = document("ucp-profile-2026-04-08", state)
    BusinessSchema.model_validate(leaf)

    assert "supported_versions" not in leaf["ucp"]
    assert all(
        entry["version"] == leaf["ucp"]["version"]
        for kind in ("services", "capabilities")
        for entries in leaf["ucp"][kind].values()
        for entry in entries
    )


def test_permalinks_are_named_where_they_can_be_followed_to_an_order_over_https() -> None:
    name = "dev.ucp.shopping.permalink"
    [entry] = document("ucp-profile", "checkout")["ucp"]["capabilities"][name]
    assert entry["config"] == {"endpoint": f"{PICKLE.origin}/ucp/permalink"}
    at_home = replace(PICKLE, origin="http://127.0.0.1:8000")
    others = (
        document("ucp-profile-2026-04-08", "checkout"),
        document("ucp-profile", "cart"),
        document("ucp-profile", "checkout", at_home),
    )
    assert [one["status"] for one in others if name not in one["ucp"]["capabilities"]] == ["active"] * 3


# AI catalog (ARD) ----------------------------------------------------------------------------------------------------


@every_store
@every_state
def test_the_ai_catalog_can_be_published(store: Store, state: str) -> None:
    found = document("ai-catalog", state, store)

    assert ard_publish.validate(found) == []
    assert found["host"]["displayName"]
    assert re.fullmatch(r"did:web:[a-zA-Z0-9.%-]+", found["host"]["identifier"])


@every_state
def test_the_ai_catalog_leads_to_the_endpoint_card_and_the_card_of_the_agent(state: str) -> None:
    server, agent = document("ai-catalog", state)["entries"]
    target = card("endpoint-card")

    assert (server["url"], server["type"]) == (PICKLE.url(target.paths[0]), target.media_type)
    assert agent["url"] == PICKLE.url(card("agent-card").paths[0])
    assert agent["type"] == "application/a2a-agent-card+json"


@every_state
def test_the_ai_catalog_answers_to_the_media_type_of_its_own(state: str) -> None:
    found = card("ai-catalog")

    assert found.media_type == "application/json"
    assert list(found.alternates) == ["application/ai-catalog+json"]
    assert found.alternates["application/ai-catalog+json"](PICKLE, roadmap(state)) == rendered("ai-catalog", state)


def test_registries_get_at_least_two_questions_or_none() -> None:
    full = roadmap("browse")
    (browse, *_) = full.phases
    one = replace(browse, manifest=replace(browse.manifest, tools=browse.manifest.tools[:1]))
    body = card("ai-catalog").render(PICKLE, replace(full, phases=(one,)))

    assert body is not None
    assert b"representativeQueries" not in body


# API catalog (RFC 9727, RFC 9264) ------------------------------------------------------------------------------------


@every_store
@every_state
def test_the_api_catalog_is_a_linkset(store: Store, state: str) -> None:
    found = document("api-catalog", state, store)
    (links,) = found["linkset"]
    targets = [target for name, relation in links.items() if name != "anchor" for target in relation]

    assert list(found) == ["linkset"]
    assert links["anchor"] == store.endpoint
    assert {"service-desc", "service-meta", "status"} <= set(links)
    assert ("service-doc" in links) == (store.documentation is not None)
    assert all(is_absolute(target["href"]) and "/" in target["type"] for target in targets)


def test_the_api_catalog_names_its_profile_and_links_to_itself() -> None:
    found = card("api-catalog")

    assert found.media_type == 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'
    assert found.links is not None
    assert found.links(PICKLE, roadmap("planned")) == '</.well-known/api-catalog>; rel="api-catalog"'


# OpenAPI 3.1 ---------------------------------------------------------------------------------------------------------


@every_store
@every_state
def test_the_description_of_the_api_is_valid_openapi(store: Store, state: str) -> None:
    found = document("openapi", state, store)

    OpenAPIV31SpecValidator(found).validate()
    assert found["servers"] == [{"url": store.origin}]


@every_store
@every_state
def test_the_description_of_the_api_lists_what_is_served_and_nothing_else(store: Store, state: str) -> None:
    served = {
        path
        for card in CARDS
        if card.group == "discovery" and card.render(store, roadmap(state)) is not None
        for path in card.paths_of(store)
    }

    assert set(document("openapi", state, store)["paths"]) == served | {"/mcp", "/healthz"}


@every_store
@every_state
def test_the_description_of_the_api_refers_to_all_that_it_has_and_groups_all_that_it_lists(
    store: Store, state: str
) -> None:
    found = document("openapi", state, store)
    text = json.dumps(found)
    operations = [one for methods in found["paths"].values() for one in methods.values()]

    for kind, parts in found["components"].items():
        for part in parts:
            used = f'"{part}": []' if kind == "securitySchemes" else f"#/components/{kind}/{part}"
            assert used in text, part
    assert {tag for one in operations for tag in one["tags"]} == {tag["name"] for tag in found["tags"]}
    assert all(one["description"] and one["security"] for one in operations)


def test_an_open_endpoint_says_how_it_refuses_and_what_a_message_is() -> None:
    found = document("openapi", "browse")
    call = found["paths"]["/mcp"]["post"]
    message = found["components"]["schemas"]["JsonRpcRequest"]

    assert list(call["responses"]) == ["200", "202", "400", "404", "401", "403", "413", "415", "429"]
    assert call["security"] == [{}, {"bearer": []}]
    assert "method" in message["required"]
    assert jsonschema.validate(message["examples"][0], message) is None
    answer = found["components"]["schemas"]["JsonRpcResponse"]
    jsonschema.validate({"jsonrpc": "2.0", "id": 1, "result": {}}, answer)
    for wrong in ({"jsonrpc": "2.0", "id": 1}, {"jsonrpc": "2.0", "id": 1, "result": {}, "error": {}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, answer)


def test_the_configuration_of_clients_is_described_as_json_or_toml_or_missing() -> None:
    responses = document("openapi", "browse")["paths"]["/mcp/config"]["get"]["responses"]

    assert list(responses["200"]["content"]) == ["application/json", "application/toml; charset=utf-8"]
    assert responses["404"] == {"$ref": "#/components/responses/NotFound"}


def test_a_closed_endpoint_is_described_as_closed() -> None:
    answers = document("openapi", "planned")["paths"]["/mcp"]["post"]["responses"]

    assert list(answers) == ["503", "429"]
    assert "503" not in document("openapi", "browse")["paths"]["/mcp"]["post"]["responses"]


# Agent Skills Discovery 0.2.0 ----------------------------------------------------------------------------------------


def front_matter(skill: bytes) -> dict[str, Any]:
    opening, matter, body = skill.decode().split("---\n", 2)
    assert opening == ""
    assert body.strip()
    found = yaml.safe_load(matter)
    assert isinstance(found, dict)
    return found


@every_store
@every_state
def test_the_skill_is_the_one_that_the_index_describes(store: Store, state: str) -> None:
    found = document("agent-skills", state, store)
    (entry,) = found["skills"]
    skill = rendered("agent-skill", state, store)

    assert found["$schema"] == "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
    assert entry["type"] == "skill-md"
    address = PurePosixPath(urljoin("/.well-known/agent-skills/index.json", entry["url"]))
    assert str(address) == card("agent-skill").paths_of(store)[0]
    # The folder is called like the skill, as installers and validators of the format expect.
    assert (address.parent.name, address.name) == (entry["name"], "SKILL.md")
    assert entry["digest"] == f"sha256:{hashlib.sha256(skill).hexdigest()}"
    assert front_matter(skill) == {"name": entry["name"], "description": entry["description"]}


@every_store
@every_state
def test_a_skill_has_a_name_and_a_description_that_installers_take(store: Store, state: str) -> None:
    (entry,) = document("agent-skills", state, store)["skills"]

    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry["name"])
    assert len(entry["name"]) <= 64
    assert 1 <= len(entry["description"]) <= 1024


def test_a_skill_has_a_name_even_where_no_letter_of_the_shop_is_left() -> None:
    nameless = replace(PICKLE, name="ピクルス", id=StoreId("店"))
    (entry,) = document("agent-skills", "browse", nameless)["skills"]

    assert entry["name"] == "shop"


@pytest.mark.parametrize(
    ("name", "skill"),
    [
        ("Łódź", "shop-odz"),
        ("ピクルス", "shop-pickle"),
        ("--A  B--", "shop-a-b"),
        ("x" * 58 + " y", "shop-" + "x" * 58),
    ],
)
def test_a_skill_is_named_after_the_shop_as_far_as_letters_allow(name: str, skill: str) -> None:
    (entry,) = document("agent-skills", "browse", replace(PICKLE, name=name))["skills"]

    assert entry["name"] == skill


def test_the_skill_sends_nobody_to_a_closed_endpoint() -> None:
    skill = rendered("agent-skill", "planned").decode()

    assert PICKLE.card_url in skill
    assert f"{PICKLE.endpoint}`" not in skill
    assert "What works now" not in skill
    assert "How to shop well" not in skill


@pytest.mark.parametrize("state", STATES[1:])
def test_the_skill_tells_open_tools_from_closed_ones(state: str) -> None:
    skill = rendered("agent-skill", state).decode()
    now, _, later = skill.partition("## Not open yet")
    for phase, promise in roadmap(state).promises():
        assert (f"- `{promise.name}`:" in now) == phase.open
        assert (f"- `{promise.name}`:" in later) != phase.open


# OAuth 2 protected resource metadata (RFC 9728) ----------------------------------------------------------------------


@pytest.mark.parametrize(("store", "state"), [(PICKLE, "planned"), (PICKLE, "cart"), (GUARDED, "planned")])
def test_there_is_no_metadata_of_a_resource_that_is_closed_or_takes_no_tokens(store: Store, state: str) -> None:
    assert card("protected-resource").render(store, roadmap(state)) is None
    assert "oauth" not in document("protocols", state, store)["protocols"]


@pytest.mark.parametrize("state", STATES[1:])
def test_the_metadata_of_the_resource_is_what_clients_read(state: str) -> None:
    found = ProtectedResourceMetadata.model_validate_json(rendered("protected-resource", state, GUARDED))

    assert card("protected-resource").paths == (
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource",
    )
    assert str(found.resource) == GUARDED.endpoint
    assert [str(server) for server in found.authorization_servers] == [GUARDED.issuer]
    assert found.bearer_methods_supported == ["header"]
    assert found.scopes_supported is None, "no open tool asks for one"
    assert str(found.resource_documentation) == GUARDED.documentation


def test_the_metadata_of_the_resource_list_the_scopes_that_open_tools_ask_for() -> None:
    closed = roadmap("cart")
    signed_in = replace(closed, phases=tuple(replace(phase, status="active") for phase in closed.phases))
    body = card("protected-resource").render(GUARDED, signed_in)

    assert body is not None
    assert ProtectedResourceMetadata.model_validate_json(body).scopes_supported == [
        *("orders:read", "orders:write", "profile:read"),
    ]


# Our own: /.well-known/protocols -------------------------------------------------------------------------------------


@every_store
@every_state
def test_the_protocols_document_fits_the_schema_that_it_names(store: Store, state: str) -> None:
    found = document("protocols", state, store)
    schema = document("protocols-schema", state, store)

    assert found["$schema"] == store.url(card("protocols-schema").paths[0])
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(found)
    assert ("site" in found["protocols"]) == store.root_documents


@pytest.mark.parametrize(
    ("key", "wrong"),
    [("status", "soon"), ("endpoint", "/mcp"), ("protocol_versions", []), ("transports", ["carrier-pigeon"])],
)
def test_the_schema_of_the_protocols_document_refuses_what_is_wrong(key: str, wrong: object) -> None:
    found = document("protocols", "cart")
    found["protocols"]["mcp"][key] = wrong

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(document("protocols-schema", "cart")).validate(found)


@pytest.mark.parametrize("state", STATES)
def test_the_protocols_document_lists_the_tools_that_work(state: str) -> None:
    works = [promise.name for phase, promise in roadmap(state).promises() if phase.open]

    assert document("protocols", state)["protocols"]["mcp"].get("open_tools", []) == works


def test_the_documented_example_is_what_such_a_store_serves() -> None:
    page = (Path(__file__).parents[3] / "docs" / "protocols.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    store = replace(PICKLE, issuer="https://auth.pickle.example")

    assert json.loads(example) == document("protocols", "browse", store)
