"""Resources, prompts, completions and the dress of results: what the specification asks of each version."""

import base64
import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from mcp_types.methods import validate_server_result

from storefront_mcp.commerce.shop import Shop
from storefront_mcp.mcp.completion import MAX_COMPLETIONS
from storefront_mcp.tools.content import AudioBlock, ContentBlocks, ResourceLink, TextBlock
from storefront_mcp.tools.prompt import prompt
from storefront_mcp.tools.tool import tool
from tests.external.conformance.fixtures.describing import SCHEMA
from tests.external.conformance.fixtures.saying import PNG, WAV, Nothing
from tests.external.conformance.serving import fixture_roadmap
from tests.fakes.memory_backend import OPEN
from tests.unit.mcp.requests import (
    HANDSHAKE,
    META,
    MODERN,
    NEWEST,
    VERSIONS,
    asked,
    endpoint,
    error,
    headers,
    post,
    result,
)

LISTS = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}
PARAMS = -32602


@tool()
async def every_block(args: Nothing, shop: Shop) -> ContentBlocks:
    """Answer in kinds of content that were added over time."""
    return ContentBlocks(
        (TextBlock("A text."), AudioBlock(WAV, "audio/wav"), ResourceLink(uri="shop://store", name="The store"))
    )


FIXTURES = fixture_roadmap(every_block)


@pytest.mark.proves("caching.lists", "results.envelope", "results.bare")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("method", LISTS)
async def test_a_list_is_dressed_for_its_version(method: str, version: str) -> None:
    told = await result(endpoint(), method, version)
    if version in MODERN:
        assert told["resultType"] == "complete"
        assert told["ttlMs"] >= 0
        assert told["cacheScope"] == "public"
        assert told["_meta"][META + "serverInfo"]["name"]
    else:
        assert told.keys() == {LISTS[method]}
    assert "nextCursor" not in told


@pytest.mark.proves("tools.order")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("method", LISTS)
async def test_a_list_is_the_same_for_everybody_each_time(method: str, version: str) -> None:
    body, sent = asked(method, version)
    first, second = [await post(one, body, sent) for one in (endpoint(), endpoint())]
    assert first.body == second.body


@pytest.mark.proves("capabilities.kept", "capabilities.completions", "capabilities.list-changed")
@pytest.mark.parametrize("version", VERSIONS)
async def test_what_is_advertised_is_served_and_changes_are_promised_only_where_they_are_told(version: str) -> None:
    if version in MODERN:
        advertised = (await result(endpoint(), "server/discover", version))["capabilities"]
    else:
        params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
        advertised = (await result(endpoint(), "initialize", version, params))["capabilities"]
    assert advertised.keys() - {"completions"} == {"tools", "resources", "prompts"}
    assert ("completions" in advertised) is (version > "2024-11-05")
    for kind in ("tools", "resources", "prompts"):
        assert bool(advertised[kind].get("listChanged")) is (version in MODERN)
        assert "subscribe" not in advertised[kind]
    for method in LISTS:
        await result(endpoint(), method, version)
    argument = {"ref": {"type": "ref/prompt", "name": "find_a_gift"}, "argument": {"name": "category", "value": ""}}
    await result(endpoint(), "completion/complete", version, argument)


@pytest.mark.proves("tools.names")
def test_names_and_descriptions_suit_the_strictest_reader() -> None:
    for one in (*OPEN.open_tools(), *OPEN.open_prompts()):
        assert re.fullmatch(r"[a-z0-9_]{1,64}", one.name)
        assert one.description


@pytest.mark.proves("tools.schemas-untouched")
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_schema_is_listed_as_it_was_written(version: str) -> None:
    listed = (await result(endpoint(FIXTURES), "tools/list", version))["tools"]
    assert next(one for one in listed if one["name"] == "json_schema_2020_12_tool")["inputSchema"] == SCHEMA


@pytest.mark.proves("results.known-blocks")
@pytest.mark.parametrize(
    ("version", "kinds"),
    [
        ("2024-11-05", ["text", "text", "text"]),
        ("2025-03-26", ["text", "audio", "text"]),
        ("2025-06-18", ["text", "audio", "resource_link"]),
        ("2025-11-25", ["text", "audio", "resource_link"]),
        (NEWEST, ["text", "audio", "resource_link"]),
    ],
)
async def test_blocks_that_a_version_does_not_know_become_text(version: str, kinds: list[str]) -> None:
    body, sent = asked("tools/call", version, {"name": "every_block", "arguments": {}})
    if version in HANDSHAKE:
        sent = headers(version=version)
    told = json.loads((await post(endpoint(FIXTURES), body, sent)).body)["result"]
    validate_server_result("tools/call", version, told)
    assert [block["type"] for block in told["content"]] == kinds
    assert "shop://store" in json.dumps(told["content"][2])


@pytest.mark.proves("resources.listed")
@pytest.mark.parametrize("version", VERSIONS)
async def test_resources_and_their_families_are_listed(version: str) -> None:
    listed = (await result(endpoint(), "resources/list", version))["resources"]
    assert [one["uri"] for one in listed] == [
        "shop://store",
        "shop://categories",
        "shop://page/shipping",
        "shop://page/returns",
    ]
    families = (await result(endpoint(), "resources/templates/list", version))["resourceTemplates"]
    assert [one["uriTemplate"] for one in families] == ["shop://page/{identifier}", "product://{sku}"]
    for one in (*listed, *families):
        assert one["name"]
        assert one["description"]
        assert one["mimeType"] in {"text/markdown", "application/json"}
        assert version >= "2025-06-18" or "title" not in one


@pytest.mark.proves("resources.text", "caching.reads", "results.bare")
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_text_is_read_with_its_address_and_kind(version: str) -> None:
    told = await result(endpoint(), "resources/read", version, {"uri": "product://PAD-2"})
    (contents,) = told["contents"]
    assert contents.keys() == {"uri", "mimeType", "text"}
    assert (contents["uri"], contents["mimeType"]) == ("product://PAD-2", "application/json")
    assert json.loads(contents["text"])["sku"] == "PAD-2"
    if version in MODERN:
        assert told["ttlMs"] >= 0
        assert told["cacheScope"] == "public"
    else:
        assert told.keys() == {"contents"}


@pytest.mark.proves("resources.blob")
@pytest.mark.parametrize("version", VERSIONS)
async def test_bytes_are_read_as_base64(version: str) -> None:
    told = await result(endpoint(FIXTURES), "resources/read", version, {"uri": "test://static-binary"})
    (contents,) = told["contents"]
    assert contents.keys() == {"uri", "mimeType", "blob"}
    assert base64.b64decode(contents["blob"], validate=True) == base64.b64decode(PNG)


@pytest.mark.proves("errors.unknown-resource", "errors.unknown-resource-then")
@pytest.mark.parametrize("uri", ["shop://nope", "product://NOPE", "shop://page/nope", "", "file:///etc/passwd", "::"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_an_unknown_resource_is_an_error_with_the_code_of_its_version(version: str, uri: str) -> None:
    status, told = await error(endpoint(), *asked("resources/read", version, {"uri": uri}))
    expected = (400, PARAMS) if version in MODERN else (200, -32002)
    assert (status, told["error"]["code"]) == expected
    assert told["error"]["data"] == {"uri": uri}


@pytest.mark.proves("prompts.listed")
@pytest.mark.parametrize("version", VERSIONS)
async def test_prompts_are_listed_with_their_blanks(version: str) -> None:
    listed = (await result(endpoint(), "prompts/list", version))["prompts"]
    assert [one["name"] for one in listed] == ["find_a_gift", "compare_products", "fill_the_cart"]
    for one in listed:
        assert one["description"]
        assert [argument["required"] for argument in one["arguments"]].count(True) >= 1
        assert all(argument["description"] for argument in one["arguments"])


@pytest.mark.proves("prompts.filled")
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_prompt_comes_back_as_messages(version: str) -> None:
    filled = {"name": "find_a_gift", "arguments": {"recipient": "Ada, who likes tennis"}}
    told = await result(endpoint(), "prompts/get", version, filled)
    (message,) = told["messages"]
    assert message["role"] == "user"
    assert "Ada, who likes tennis" in message["content"]["text"]
    assert told.keys().isdisjoint({"ttlMs", "cacheScope"})


@pytest.mark.proves("errors.unknown-prompt")
@pytest.mark.parametrize(
    "params",
    [
        {"name": "nope"},
        {"name": "nope", "arguments": {"recipient": "Ada"}},
        {"name": "find_a_gift"},
        {"name": "find_a_gift", "arguments": {"budget": "50"}},
        {"name": "find_a_gift", "arguments": {"recipient": {}}},
        {"name": "find_a_gift", "arguments": [1]},
        {"name": 7},
        {},
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("version", VERSIONS)
async def test_an_unknown_prompt_or_a_missing_blank_is_wrong_params(version: str, params: Any) -> None:
    status, told = await error(endpoint(), *asked("prompts/get", version, params))
    assert (status, told["error"]["code"]) == (400 if version in MODERN else 200, PARAMS)


@pytest.mark.proves("completion.prompts")
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_blank_is_completed_from_what_was_typed(version: str) -> None:
    asking = {"ref": {"type": "ref/prompt", "name": "find_a_gift"}, "argument": {"name": "category", "value": "pa"}}
    told = await result(endpoint(), "completion/complete", version, asking)
    assert told["completion"] == {"values": ["Paddles"], "total": 1, "hasMore": False}
    unknown = {**asking, "argument": {"name": "recipient", "value": "A"}}
    assert (await result(endpoint(), "completion/complete", version, unknown))["completion"]["values"] == []


@pytest.mark.proves("completion.templates")
@pytest.mark.parametrize("version", VERSIONS)
async def test_an_address_is_completed_from_what_was_typed(version: str) -> None:
    for uri, name, typed, values in (
        ("product://{sku}", "sku", "paddle", ["PAD-2"]),
        ("shop://page/{identifier}", "identifier", "ship", ["shipping"]),
    ):
        asking = {"ref": {"type": "ref/resource", "uri": uri}, "argument": {"name": name, "value": typed}}
        told = await result(endpoint(), "completion/complete", version, asking)
        assert told["completion"]["values"] == values


async def numbers(typed: str, shop: Shop) -> Sequence[str]:
    """More than anybody wants to choose from, some of them twice."""
    return [str(number % 250) for number in range(500)]


@prompt(complete={"number": numbers})
async def pick_a_number(args: Nothing, shop: Shop) -> str:
    """Pick one."""
    return "Pick a number."


@pytest.mark.proves("completion.bounded")
async def test_a_completion_has_an_end() -> None:
    roadmap = fixture_roadmap()
    (phase,) = roadmap.phases
    phase.prompts["pick_a_number"] = pick_a_number  # type: ignore[index]
    asking = {"ref": {"type": "ref/prompt", "name": "pick_a_number"}, "argument": {"name": "number", "value": ""}}
    told = (await result(endpoint(roadmap), "completion/complete", NEWEST, asking))["completion"]
    assert told["values"] == [str(number) for number in range(MAX_COMPLETIONS)]
    assert (told["total"], told["hasMore"]) == (250, True)


@pytest.mark.proves("completion.unknown")
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"ref": {"type": "ref/prompt", "name": "find_a_gift"}},
        {"argument": {"name": "category", "value": ""}},
        {"ref": {"type": "ref/prompt", "name": "nope"}, "argument": {"name": "category", "value": ""}},
        {"ref": {"type": "ref/resource", "uri": "x://{y}"}, "argument": {"name": "y", "value": ""}},
        {"ref": {"type": "ref/tool", "name": "get_product"}, "argument": {"name": "sku", "value": ""}},
        {"ref": {"type": "ref/prompt", "name": "find_a_gift"}, "argument": {"name": "category", "value": 7}},
        {"ref": "find_a_gift", "argument": {"name": "category", "value": ""}},
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_completion_of_nothing_is_wrong_params(version: str, params: Any) -> None:
    status, told = await error(endpoint(), *asked("completion/complete", version, params))
    assert (status, told["error"]["code"]) == (400 if version in MODERN else 200, PARAMS)


@pytest.mark.proves("results.not-yet-structured", "results.structured", "caching.nothing-else", "meta.required")
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_value_is_text_everywhere_and_structured_where_that_exists(version: str) -> None:
    told = await result(endpoint(), "tools/call", version, {"name": "get_product", "arguments": {"sku": "PAD-2"}})
    (block,) = told["content"]
    assert ("structuredContent" in told) is (version >= "2025-06-18")
    assert told.get("structuredContent", json.loads(block["text"])) == json.loads(block["text"])
    assert told.keys().isdisjoint({"ttlMs", "cacheScope"})
    validate_server_result("tools/call", version, told)


REGION = {"name": "test_x_mcp_header", "arguments": {"region": "AU"}}


@pytest.mark.proves("headers.parameters")
@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ([b"AU"], None),
        ([b" AU "], None),
        ([b"=?base64?QVU=?="], None),
        ([], -32020),
        ([b"au"], -32020),
        ([b"NZ"], -32020),
        ([b"AU", b"AU"], -32020),
        ([b"=?base64?QVU?="], -32020),
    ],
)
async def test_a_marked_argument_and_its_header_say_the_same(sent: list[bytes], code: int | None) -> None:
    body, routing = asked("tools/call", NEWEST, REGION)
    answer = await post(endpoint(FIXTURES), body, [*routing, *((b"mcp-param-region", value) for value in sent)])
    told = json.loads(answer.body)
    assert told.get("error", {}).get("code") == code
    assert answer.status == (200 if code is None else 400)


@pytest.mark.proves("headers.absent-parameters")
@pytest.mark.parametrize("arguments", [{}, {"region": None}])
async def test_an_argument_that_is_not_there_needs_no_header_and_suffers_none(arguments: Any) -> None:
    body, routing = asked("tools/call", NEWEST, {**REGION, "arguments": arguments})
    told = json.loads((await post(endpoint(FIXTURES), body, routing)).body)
    assert told["result"]["isError"] is True
    status, refused = await error(endpoint(FIXTURES), body, [*routing, (b"mcp-param-region", b"AU")])
    assert (status, refused["error"]["code"]) == (400, -32020)


@pytest.mark.proves("headers.legacy")
@pytest.mark.parametrize("version", HANDSHAKE)
async def test_parameter_headers_mean_nothing_in_the_handshake_era(version: str) -> None:
    body, _ = asked("tools/call", version, REGION)
    sent = [*headers(version=version), (b"mcp-param-region", b"NZ")]
    assert json.loads((await post(endpoint(FIXTURES), body, sent)).body)["result"]["isError"] is False
