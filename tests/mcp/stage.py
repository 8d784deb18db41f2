"""A catalogue of a test's own, and what comes over a stream, each message checked against its version's schema."""

import contextlib
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from mcp_types.methods import parse_server_notification, validate_server_result

from storefront_mcp.calls.caller import GUEST
from storefront_mcp.mcp.answering import Line, Stream, line_for
from storefront_mcp.mcp.catalogue import Catalogue
from storefront_mcp.mcp.endpoint import Endpoint
from storefront_mcp.mcp.sealing import Seal
from storefront_mcp.mcp.subscriptions import Subscriptions
from storefront_mcp.roadmap.manifest import Manifest, Mention, Promise
from storefront_mcp.roadmap.prompt import Prompt
from storefront_mcp.roadmap.resource import Resource
from storefront_mcp.roadmap.roadmap import Phase, Roadmap
from storefront_mcp.roadmap.tool import Tool
from tests.mcp.asking import Headers, Json, asked
from tests.shelf import NOW, Shelf, shop_on

KEY = b"a key of the tests"


def roadmap_of(tools: Sequence[Tool], resources: Sequence[Resource] = (), prompts: Sequence[Prompt] = ()) -> Roadmap:
    """One open phase that holds these."""
    manifest = Manifest(
        number=1,
        title="Stage",
        delivers="A test plays.",
        tools=tuple(Promise(name=tool.name, summary="plays", backed_by="nothing") for tool in tools),
        resources=tuple(Mention(name=resource.name, summary="plays") for resource in resources),
        prompts=tuple(Mention(name=prompt.name, summary="plays") for prompt in prompts),
    )
    phase = Phase(
        name="stage",
        manifest=manifest,
        tools={tool.name: tool for tool in tools},
        resources={resource.name: resource for resource in resources},
        prompts={prompt.name: prompt for prompt in prompts},
        status="active",
    )
    return Roadmap(version=1, phases=(phase,), as_of=NOW.date())


def stage(*tools: Tool, resources: Sequence[Resource] = (), prompts: Sequence[Prompt] = ()) -> Endpoint:
    """An endpoint that serves these and nothing else."""
    shop = shop_on(Shelf())
    return Endpoint(line_for(shop, KEY), Catalogue(shop.store, roadmap_of(tools, resources, prompts)))


def line_of(*, seal: Seal | None = None, subscriptions: Subscriptions | None = None) -> Line:
    """A line with parts of a test's own."""
    return Line(shop=shop_on(Shelf()), seal=seal or Seal(KEY), subscriptions=subscriptions or Subscriptions())


def call(tool: str, version: str, arguments: Any = None, **more: Any) -> tuple[Json, Headers]:
    """A tool call; `meta` goes into `_meta`, the rest into params."""
    meta = more.pop("meta", {})
    body, sent = asked("tools/call", version, {"name": tool, "arguments": arguments or {}, **more})
    body["params"]["_meta"] = body["params"].get("_meta", {}) | meta
    return body, sent


async def streamed(to: Endpoint, body: Json, sent: Headers) -> AsyncGenerator[bytes, None]:
    """The messages of an answer that must be a stream."""
    answer = await to.post(sent, json.dumps(body).encode(), GUEST)
    assert isinstance(answer, Stream), answer
    return answer.messages


async def said(to: Endpoint, body: Json, sent: Headers, version: str) -> list[Json]:
    """All messages of a stream; the last one is the answer."""
    async with contextlib.aclosing(await streamed(to, body, sent)) as messages:
        heard = [json.loads(message) async for message in messages]
    *notes, last = heard
    for note in notes:
        check_note(note, version)
    assert last["id"] == body["id"]
    if "result" in last:
        validate_server_result(body["method"], version, last["result"])
    return heard


def check_note(note: Json, version: str) -> None:
    """A notification that the version has, and that wants no answer."""
    assert note.keys() == {"jsonrpc", "method", "params"}
    parse_server_notification(note["method"], version, note["params"])
