"""`completion/complete`: values for an argument of a prompt or a variable of a resource template."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.mcp.jsonrpc import JSON_DECODE_ERRORS, ErrorCode, JsonRpcError
from storefront_mcp.mcp.request import McpRequest
from storefront_mcp.mcp.results import encode_result
from storefront_mcp.tools.resource import Complete

MAX_COMPLETIONS: Final = 100
"""Values of one result (specification, completion)."""


class CompletionRef(Struct, frozen=True, tag_field="type"):
    """The prompt or resource template that an argument belongs to."""


class PromptRef(CompletionRef, frozen=True, tag="ref/prompt"):
    """A prompt."""

    name: str


class ResourceRef(CompletionRef, frozen=True, tag="ref/resource"):
    """A resource template."""

    uri: str


class PartialArgument(Struct, frozen=True):
    """An argument as typed so far."""

    name: str
    value: str


async def complete_argument(request: McpRequest) -> bytes:
    """Values that continue what was typed; none if the shop fails, as typing must not."""
    ref = _read(request.params.ref, PromptRef | ResourceRef, "ref")
    partial = _read(request.params.argument, PartialArgument, "argument")
    completer = _completers(request, ref).get(partial.name)
    values: list[str] = []
    if completer is not None:
        try:
            values = list(dict.fromkeys(await completer(partial.value, request.shop)))
        except ShopError:
            values = []
    completion = {"values": values[:MAX_COMPLETIONS], "total": len(values), "hasMore": len(values) > MAX_COMPLETIONS}
    return encode_result({"completion": completion}, request.version, request.shop.store)


def _completers(request: McpRequest, ref: PromptRef | ResourceRef) -> Mapping[str, Complete]:
    roadmap = request.prepared.roadmap
    for prompt in roadmap.open_prompts() if isinstance(ref, PromptRef) else ():
        if isinstance(ref, PromptRef) and prompt.name == ref.name:
            return prompt.complete
    for resource in roadmap.open_resources() if isinstance(ref, ResourceRef) else ():
        if isinstance(ref, ResourceRef) and resource.uri == ref.uri:
            return resource.complete
    raise JsonRpcError(ErrorCode.INVALID_PARAMS, "params.ref names no prompt and no resource template")


def _read(raw: Raw | UnsetType, shape: Any, name: str) -> Any:  # noqa: ANN401 -- a value of the type
    if raw is UNSET:
        raise JsonRpcError(ErrorCode.INVALID_PARAMS, f"params.{name} is missing")
    try:
        return msgspec.json.decode(raw, type=shape)
    except JSON_DECODE_ERRORS:
        raise JsonRpcError(ErrorCode.INVALID_PARAMS, f"params.{name} has another form") from None
