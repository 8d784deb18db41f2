"""A catalogue of a test's own, and what comes over a stream, each message checked against its version's schema."""

import contextlib
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from mcp_types.methods import parse_server_notification, validate_server_result

from storefront_mcp.access.caller import GUEST
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.mcp.dispatch import EndpointContext, ResponseStream, endpoint_context
from storefront_mcp.mcp.endpoint import JsonRpcEndpoint
from storefront_mcp.mcp.prepared import PreparedResponses
from storefront_mcp.mcp.request_state import RequestStateSigner
from storefront_mcp.mcp.subscriptions import StreamSubscriptions
from storefront_mcp.roadmap.manifest import PhaseManifest, PromisedContent, PromisedTool
from storefront_mcp.roadmap.roadmap import Phase, Roadmap
from storefront_mcp.tools.prompt import Prompt
from storefront_mcp.tools.resource import Resource
from storefront_mcp.tools.tool import Tool
from tests.fakes.memory_backend import NOW, MemoryBackend, shop_on
from tests.unit.mcp.requests import Headers, Json, asked

KEY = b"a key of the tests"


def roadmap_of(tools: Sequence[Tool], resources: Sequence[Resource] = (), prompts: Sequence[Prompt] = ()) -> Roadmap:
    """One open phase that holds these."""
    manifest = PhaseManifest(
        number=1,
        title="Stage",
        delivers="A test plays.",
        tools=tuple(PromisedTool(name=tool.name, summary="plays", backed_by="nothing") for tool in tools),
        resources=tuple(PromisedContent(name=resource.name, summary="plays") for resource in resources),
        prompts=tuple(PromisedContent(name=prompt.name, summary="plays") for prompt in prompts),
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


def stage(*tools: Tool, resources: Sequence[Resource] = (), prompts: Sequence[Prompt] = ()) -> JsonRpcEndpoint:
    """An endpoint that serves these and nothing else."""
    shop = shop_on(MemoryBackend())
    return JsonRpcEndpoint(
        endpoint_context(shop, KEY), PreparedResponses(shop.store, roadmap_of(tools, resources, prompts))
    )


def line_of(
    *, signer: RequestStateSigner | None = None, subscriptions: StreamSubscriptions | None = None
) -> EndpointContext:
    """A line with parts of a test's own."""
    return EndpointContext(
        shop=shop_on(MemoryBackend()),
        signer=signer or RequestStateSigner(KEY),
        subscriptions=subscriptions or StreamSubscriptions(),
    )


def call(tool: str, version: str, arguments: Any = None, **more: Any) -> tuple[Json, Headers]:
    """A tool call; `meta` goes into `_meta`, the rest into params."""
    meta = more.pop("meta", {})
    body, sent = asked("tools/call", version, {"name": tool, "arguments": arguments or {}, **more})
    body["params"]["_meta"] = body["params"].get("_meta", {}) | meta
    return body, sent


async def streamed(to: JsonRpcEndpoint, body: Json, sent: Headers) -> AsyncGenerator[bytes, None]:
    """The messages of an answer that must be a stream."""
    answer = await to.post(RequestOrigin(headers=sent), json.dumps(body).encode(), GUEST)
    assert isinstance(answer, ResponseStream), answer
    return answer.messages


async def said(to: JsonRpcEndpoint, body: Json, sent: Headers, version: str) -> list[Json]:
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
