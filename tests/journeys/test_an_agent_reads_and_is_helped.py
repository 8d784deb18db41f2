"""An agent reads what the shop says, starts a task from a prompt, and has its blanks completed."""

import json

import pytest

from tests.fakes.agent import Agent, Json, value


async def asked(agent: Agent, method: str, **params: object) -> Json:
    """The result of a request that must succeed."""
    answer = await agent.ask(method, **params)
    assert "result" in answer, answer
    result: Json = answer["result"]
    return result


async def read(agent: Agent, uri: str) -> str:
    (contents,) = (await asked(agent, "resources/read", uri=uri))["contents"]
    assert contents["uri"] == uri
    text: str = contents["text"]
    return text


@pytest.mark.needs("pages")
async def test_an_agent_learns_the_shop_from_its_resources(agent: Agent) -> None:
    listed = {entry["uri"]: entry for entry in (await asked(agent, "resources/list"))["resources"]}
    assert listed.keys() >= {"shop://store", "shop://categories", "shop://page/shipping", "shop://page/returns"}
    for uri, entry in listed.items():
        assert await read(agent, uri)
        assert entry["mimeType"] == "text/markdown"

    facts = await read(agent, "shop://store")
    assert facts.startswith("# Pickle Warehouse")
    assert "AUD" in facts
    outline = (await read(agent, "shop://categories")).splitlines()
    tree = value(await agent.call("list_categories", depth=1))["categories"]
    tops = [line.removeprefix("- ").partition(" (")[0] for line in outline if line.startswith("- ")]
    assert tops == [category["name"] for category in tree]

    (template,) = [
        entry["uriTemplate"]
        for entry in (await asked(agent, "resources/templates/list"))["resourceTemplates"]
        if entry["name"] == "product"
    ]
    product = json.loads(await read(agent, template.replace("{sku}", "PAD-2")))
    bought = value(await agent.call("get_product", sku="PAD-2", detail="full"))
    assert (product["name"], product["price"]) == (bought["name"], bought["price"])


async def test_an_agent_starts_a_task_from_a_prompt_with_its_blanks_completed(agent: Agent) -> None:
    prompts = {one["name"]: one for one in (await asked(agent, "prompts/list"))["prompts"]}
    assert {"find_a_gift", "compare_products", "fill_the_cart"} <= prompts.keys()

    gift = {"type": "ref/prompt", "name": "find_a_gift"}
    name = value(await agent.call("list_categories", depth=1))["categories"][0]["name"]
    typed = {"name": "category", "value": name[:3].lower()}
    completed = (await asked(agent, "completion/complete", ref=gift, argument=typed))["completion"]
    assert name in completed["values"]

    filled = await asked(agent, "prompts/get", name="find_a_gift", arguments={"recipient": "Ada", "category": name})
    (message,) = filled["messages"]
    assert message["role"] == "user"
    assert "Ada" in message["content"]["text"]
    assert repr(name) in message["content"]["text"]
    assert "get_product" in message["content"]["text"]
    assert {"get_product", "search_products"} <= set(await agent.tools())

    product = {"type": "ref/resource", "uri": "product://{sku}"}
    skus = await asked(agent, "completion/complete", ref=product, argument={"name": "sku", "value": "paddle"})
    sku = skus["completion"]["values"][0]
    assert value(await agent.call("get_product", sku=sku))["sku"] == sku


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("resources/read", {"uri": "product://NO-SUCH-THING"}),
        ("resources/read", {"uri": "shop://page/no-such-page"}),
        ("prompts/get", {"name": "no_such_prompt"}),
        ("prompts/get", {"name": "find_a_gift", "arguments": {}}),
        (
            "completion/complete",
            {"ref": {"type": "ref/prompt", "name": "nope"}, "argument": {"name": "a", "value": ""}},
        ),
    ],
)
async def test_what_is_not_there_is_an_error_in_the_words_of_the_version(
    agent: Agent, method: str, params: Json
) -> None:
    error = (await agent.ask(method, **params))["error"]
    missing = method == "resources/read" and not agent.modern
    assert error["code"] == (-32002 if missing else -32602)
    if method == "resources/read":
        assert error["data"] == params
