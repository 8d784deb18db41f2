"""Prompts: templates that a user starts and the model receives, and the `@prompt` decorator."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, get_type_hints

import msgspec
from msgspec import Struct

from storefront_mcp.tools.content import PromptMessage, TextBlock
from storefront_mcp.tools.resource import Complete
from storefront_mcp.tools.tool_context import InputRequired


class PromptArgument(Struct, frozen=True):
    """One argument of a prompt; values are text."""

    name: str
    description: str
    required: bool


class Prompt(Struct, frozen=True, kw_only=True):
    """A delivered prompt."""

    name: str
    title: str
    description: str
    arguments: tuple[PromptArgument, ...]
    shape: type[Struct]
    render: Callable[..., Awaitable[Any]]
    """Takes the arguments and the shop, and a `ToolContext` where it `wants_context`."""
    wants_context: bool = False
    complete: Mapping[str, Complete] = {}


def prompt(
    *, complete: Mapping[str, Complete] | None = None
) -> Callable[[Callable[..., Awaitable[str | Sequence[PromptMessage] | InputRequired]]], Prompt]:
    """Make a prompt of `async def name(args: Args, shop: Shop) -> str`; text is one user message.

    A third parameter, `context: ToolContext`, lets it ask the client.
    """

    def made(render: Callable[..., Awaitable[str | Sequence[PromptMessage] | InputRequired]]) -> Prompt:
        name = render.__name__
        hints = get_type_hints(render)
        shape = hints["args"]
        description = inspect.getdoc(render)
        if not description:
            message = f"prompt {name} has no docstring: nobody would know what it is for"
            raise TypeError(message)
        return Prompt(
            name=name,
            title=name.replace("_", " ").capitalize(),
            description=description,
            arguments=_arguments(shape),
            shape=shape,
            render=render,
            wants_context="context" in hints,
            complete=complete or {},
        )

    return made


def prompt_messages(rendered: str | Sequence[PromptMessage]) -> tuple[PromptMessage, ...]:
    """The messages of a rendered prompt."""
    return (PromptMessage("user", TextBlock(rendered)),) if isinstance(rendered, str) else tuple(rendered)


def _arguments(shape: type[Struct]) -> tuple[PromptArgument, ...]:
    _, components = msgspec.json.schema_components([shape])
    schema = components[shape.__name__]
    required = set(schema.get("required", ()))
    return tuple(
        PromptArgument(name, member.get("description", ""), name in required)
        for name, member in schema["properties"].items()
    )
