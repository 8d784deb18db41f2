"""Complete an argument of a prompt, or a variable of a resource's address, while it is typed."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.mcp.asking import Asked
from storefront_mcp.mcp.jsonrpc import UNREADABLE, Code, Refused
from storefront_mcp.mcp.results import dressed
from storefront_mcp.roadmap.resource import Complete

MOST: Final = 100
"""Values of one answer (specification, completion)."""


class Ref(Struct, frozen=True, tag_field="type"):
    """What the argument belongs to."""


class PromptRef(Ref, frozen=True, tag="ref/prompt"):
    """A prompt."""

    name: str


class ResourceRef(Ref, frozen=True, tag="ref/resource"):
    """A resource template."""

    uri: str


class Typed(Struct, frozen=True):
    """What was typed so far."""

    name: str
    value: str


async def complete(asked: Asked) -> bytes:
    """Values that go on from what was typed; none when the shop does not answer, as typing must not fail."""
    ref = _read(asked.params.ref, PromptRef | ResourceRef, "ref")
    typed = _read(asked.params.argument, Typed, "argument")
    completer = _completers(asked, ref).get(typed.name)
    values: list[str] = []
    if completer is not None:
        try:
            values = list(dict.fromkeys(await completer(typed.value, asked.shop)))
        except ShopError:
            values = []
    completion = {"values": values[:MOST], "total": len(values), "hasMore": len(values) > MOST}
    return dressed({"completion": completion}, asked.version, asked.shop.store)


def _completers(asked: Asked, ref: PromptRef | ResourceRef) -> Mapping[str, Complete]:
    roadmap = asked.catalogue.roadmap
    for prompt in roadmap.open_prompts() if isinstance(ref, PromptRef) else ():
        if isinstance(ref, PromptRef) and prompt.name == ref.name:
            return prompt.complete
    for resource in roadmap.open_resources() if isinstance(ref, ResourceRef) else ():
        if isinstance(ref, ResourceRef) and resource.uri == ref.uri:
            return resource.complete
    raise Refused(Code.INVALID_PARAMS, "params.ref names no prompt and no resource template")


def _read(raw: Raw | UnsetType, shape: Any, name: str) -> Any:  # noqa: ANN401 -- whatever the shape says
    if raw is UNSET:
        raise Refused(Code.INVALID_PARAMS, f"params.{name} is missing")
    try:
        return msgspec.json.decode(raw, type=shape)
    except UNREADABLE:
        raise Refused(Code.INVALID_PARAMS, f"params.{name} has another form") from None
