"""Resources, prompts and completion of the real phases, over every version."""

import json
from typing import Any

import pytest
from msgspec import Struct

from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.mcp.completion import MAX_COMPLETIONS
from storefront_mcp.mcp.instructions import instructions
from storefront_mcp.tools.prompt import prompt
from storefront_mcp.tools.resource import Resource, resource
from tests.fakes.memory_backend import OPEN, PHASES, STORE, MemoryBackend, roadmap
from tests.unit.mcp.environment import stage
from tests.unit.mcp.requests import HANDSHAKE, NEWEST, VERSIONS, asked, endpoint, error, result


class Nothing(Struct, frozen=True):
    """No blanks."""


BROWSING = roadmap("p1_browse")
CLOSED = roadmap(p1_browse="paused", p2_cart="paused", p3_checkout="paused")
MISSING = {**dict.fromkeys(HANDSHAKE, (200, -32002)), NEWEST: (400, -32602)}
WRONG = {**dict.fromkeys(HANDSHAKE, (200, -32602)), NEWEST: (400, -32602)}


def gift(value: str, argument: str = "category") -> Any:
    return {"ref": {"type": "ref/prompt", "name": "find_a_gift"}, "argument": {"name": argument, "value": value}}


def address(uri: str, value: str, argument: str = "sku") -> Any:
    return {"ref": {"type": "ref/resource", "uri": uri}, "argument": {"name": argument, "value": value}}


@pytest.mark.parametrize("version", VERSIONS)
class TestReading:
    async def test_what_is_listed_can_be_read(self, version: str) -> None:
        served = endpoint()
        listed = (await result(served, "resources/list", version))["resources"]
        assert [entry["uri"] for entry in listed] == [
            "shop://store",
            "shop://categories",
            "shop://page/shipping",
            "shop://page/returns",
        ]
        assert all(("title" in entry) is (version >= "2025-06-18") for entry in listed[:2])
        for uri in ("shop://store", "shop://categories", "shop://page/shipping"):
            (contents,) = (await result(served, "resources/read", version, {"uri": uri}))["contents"]
            assert (contents["uri"], contents["mimeType"]) == (uri, "text/markdown")
            assert contents["text"]

    async def test_families_are_listed_as_templates_and_read_by_member(self, version: str) -> None:
        served = endpoint()
        listed = (await result(served, "resources/templates/list", version))["resourceTemplates"]
        assert [entry["uriTemplate"] for entry in listed] == ["shop://page/{identifier}", "product://{sku}"]
        for uri in ("product://PAD-2", "product://PAD%2D2"):
            (contents,) = (await result(served, "resources/read", version, {"uri": uri}))["contents"]
            assert (contents["uri"], contents["mimeType"]) == (uri, "application/json")
            assert json.loads(contents["text"])["sku"] == "PAD-2"

    @pytest.mark.parametrize(
        "uri",
        [
            "product://NO-SUCH",
            "shop://page/privacy",
            "shop://page/returns",
            "shop://nope",
            "product://a/b",
            "",
            "x",
            "☃",
        ],
    )
    async def test_what_is_not_there_is_said_with_its_address(self, version: str, uri: str) -> None:
        body, sent = asked("resources/read", version, {"uri": uri})
        if version == NEWEST:
            sent[-1] = (b"mcp-name", b"=?base64?4piD?=") if uri == "☃" else sent[-1]
        status, told = await error(endpoint(), body, sent)
        assert (status, told["error"]["code"]) == MISSING[version]
        assert told["error"]["data"] == {"uri": uri}

    async def test_a_shop_that_is_down_is_an_error_without_details(self, version: str) -> None:
        memory_backend = MemoryBackend()
        served = endpoint(memory_backend=memory_backend)
        for broken in (ShopDown("upstream said: password=hunter2"), RuntimeError("password=hunter2")):
            memory_backend.down = broken
            body, sent = asked("resources/read", version, {"uri": "shop://categories"})
            status, told = await error(served, body, sent)
            assert (status, told["error"]["code"]) == (200, -32603)
            if isinstance(broken, RuntimeError):
                assert "hunter2" not in json.dumps(told)

    @pytest.mark.parametrize("params", [{}, {"uri": 5}, {"uri": None}, {"uri": ["shop://store"]}])
    async def test_an_address_is_a_string(self, version: str, params: Any) -> None:
        status, told = await error(endpoint(), *asked("resources/read", version, params))
        assert (status, told["error"]["code"]) == WRONG[version]


@pytest.mark.parametrize("version", VERSIONS)
class TestPrompts:
    async def test_what_is_listed_can_be_filled_in(self, version: str) -> None:
        served = endpoint()
        listed = {one["name"]: one for one in (await result(served, "prompts/list", version))["prompts"]}
        assert list(listed) == ["find_a_gift", "compare_products", "fill_the_cart"]
        required = {
            name: [blank["name"] for blank in one["arguments"] if blank["required"]] for name, one in listed.items()
        }
        assert required == {
            "find_a_gift": ["recipient"],
            "compare_products": ["first", "second"],
            "fill_the_cart": ["wanted"],
        }
        for name, blanks in required.items():
            params = {"name": name, "arguments": dict.fromkeys(blanks, "PAD-2")}
            filled = await result(served, "prompts/get", version, params)
            assert filled["description"] == listed[name]["description"]
            (message,) = filled["messages"]
            assert message["role"] == "user"
            assert "PAD-2" in message["content"]["text"]

    @pytest.mark.parametrize(
        ("params", "says"),
        [
            ({}, "name"),
            ({"name": 5}, "name"),
            ({"name": "nope" * 100}, "Unknown prompt: nope"),
            ({"name": "find_a_gift"}, "recipient"),
            ({"name": "find_a_gift", "arguments": {}}, "recipient"),
            ({"name": "find_a_gift", "arguments": {"recipient": "Ada", "colour": "red"}}, "colour"),
            ({"name": "find_a_gift", "arguments": {"recipient": {}}}, "recipient"),
            ({"name": "find_a_gift", "arguments": []}, ""),
            ({"name": "finish_the_order", "arguments": {}}, "Unknown prompt"),
        ],
    )
    async def test_what_cannot_be_filled_in_is_wrong_params(self, version: str, params: Any, says: str) -> None:
        status, told = await error(endpoint(), *asked("prompts/get", version, params))
        assert (status, told["error"]["code"]) == WRONG[version]
        assert says in told["error"]["message"]

    async def test_a_prompt_that_asks_the_shop_fails_when_it_is_down(self, version: str) -> None:
        @prompt()
        async def cut_off(args: Nothing, shop: Shop) -> str:
            """Ask a shop that does not answer."""
            raise ShopDown("a wire was cut")

        status, told = await error(stage(prompts=[cut_off]), *asked("prompts/get", version, {"name": "cut_off"}))
        assert (status, told["error"]["code"]) == (200, -32603)


@pytest.mark.parametrize("version", VERSIONS)
class TestCompletion:
    @pytest.mark.parametrize(
        ("params", "values"),
        [
            (gift("p"), ["Paddles", "Pickleball"]),
            (gift("zzz"), []),
            (gift("a", "recipient"), []),
            (gift("a", "no_such_argument"), []),
            (address("product://{sku}", "paddle"), ["PAD-2"]),
            (address("shop://page/{identifier}", "ship", "identifier"), ["shipping"]),
            (address("shop://store", "x"), []),
            (gift("p") | {"context": {"arguments": {"recipient": "Ada"}}}, ["Paddles", "Pickleball"]),
        ],
    )
    async def test_what_was_typed_is_gone_on_with(self, version: str, params: Any, values: list[str]) -> None:
        told = await result(endpoint(), "completion/complete", version, params)
        assert told["completion"] == {"values": values, "total": len(values), "hasMore": False}

    @pytest.mark.parametrize(
        "params",
        [
            {},
            {"ref": {"type": "ref/prompt", "name": "find_a_gift"}},
            {"argument": {"name": "category", "value": ""}},
            {**gift(""), "ref": {"type": "ref/prompt", "name": "nope"}},
            {**gift(""), "ref": {"type": "ref/prompt"}},
            {**gift(""), "ref": {"type": "ref/tool", "name": "get_product"}},
            {**gift(""), "ref": "find_a_gift"},
            {**gift(""), "argument": {"name": "category"}},
            {**gift(""), "argument": {"name": "category", "value": 5}},
            address("product://{other}", ""),
            address("product://PAD-2", ""),
        ],
    )
    async def test_a_reference_to_nothing_is_wrong_params(self, version: str, params: Any) -> None:
        status, told = await error(endpoint(), *asked("completion/complete", version, params))
        assert (status, told["error"]["code"]) == WRONG[version]

    async def test_typing_does_not_fail_when_the_shop_does(self, version: str) -> None:
        memory_backend = MemoryBackend()
        memory_backend.down = ShopDown("a wire was cut")
        told = await result(endpoint(memory_backend=memory_backend), "completion/complete", version, gift("p"))
        assert told["completion"] == {"values": [], "total": 0, "hasMore": False}

    @pytest.mark.parametrize(("count", "more"), [(MAX_COMPLETIONS, False), (MAX_COMPLETIONS + 1, True)])
    async def test_no_more_than_a_hundred_values_are_sent_each_once(self, version: str, count: int, more: bool) -> None:
        served = stage(resources=[numbered(count)])
        told = await result(served, "completion/complete", version, address("many://{sku}", ""))
        assert told["completion"]["values"] == [str(number) for number in range(MAX_COMPLETIONS)]
        assert (told["completion"]["total"], told["completion"]["hasMore"]) == (count, more)


def numbered(count: int) -> Resource:
    """A family with this many members, of which the completion tells each twice."""

    async def all_of_them(typed: str, shop: Shop) -> list[str]:
        return [str(number) for number in range(count)] * 2

    @resource("many://{sku}", complete={"sku": all_of_them})
    async def many(variables: Any, shop: Shop) -> bytes:
        """One of many."""
        return b"\x00" + variables["sku"].encode()

    return many


@pytest.mark.parametrize("version", VERSIONS)
async def test_bytes_travel_as_base64(version: str) -> None:
    (contents,) = (await result(stage(resources=[numbered(1)]), "resources/read", version, {"uri": "many://7"}))[
        "contents"
    ]
    assert contents == {"uri": "many://7", "mimeType": "text/markdown", "blob": "ADc="}


class TestClosedPhases:
    @pytest.mark.parametrize("version", VERSIONS)
    async def test_their_resources_and_prompts_are_not_there(self, version: str) -> None:
        served = endpoint(CLOSED)
        lists = {
            "resources/list": "resources",
            "resources/templates/list": "resourceTemplates",
            "prompts/list": "prompts",
        }
        for method, key in lists.items():
            assert (await result(served, method, version))[key] == []
        status, told = await error(served, *asked("resources/read", version, {"uri": "shop://store"}))
        assert (status, told["error"]["code"]) == MISSING[version]
        for method, params in (
            ("prompts/get", {"name": "find_a_gift", "arguments": {"recipient": "Ada"}}),
            ("completion/complete", gift("p")),
            ("completion/complete", address("product://{sku}", "p")),
        ):
            status, told = await error(served, *asked(method, version, params))
            assert (status, told["error"]["code"]) == WRONG[version]

    async def test_a_prompt_opens_with_its_phase_and_no_other(self) -> None:
        names = [
            [one["name"] for one in (await result(endpoint(under), "prompts/list", NEWEST))["prompts"]]
            for under in (BROWSING, OPEN)
        ]
        assert names == [["find_a_gift", "compare_products"], ["find_a_gift", "compare_products", "fill_the_cart"]]


@pytest.mark.parametrize("statuses", range(2 ** len(PHASES)))
def test_instructions_are_short_in_every_state_of_the_roadmap(statuses: int) -> None:
    names = [phase.name for number, phase in enumerate(PHASES) if statuses >> number & 1]
    assert 10 < len(instructions(STORE, roadmap(*names)).split()) < 150
