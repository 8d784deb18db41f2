"""A prompt: a task that a person starts, filled in and handed to the model."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, get_type_hints

import msgspec
from msgspec import Struct

from storefront_mcp.roadmap.content import Spoken, Text
from storefront_mcp.roadmap.conversation import Ask
from storefront_mcp.roadmap.resource import Complete


class Argument(Struct, frozen=True):
    """One blank of a prompt; values are text."""

    name: str
    description: str
    required: bool


class Prompt(Struct, frozen=True, kw_only=True):
    """A delivered prompt."""

    name: str
    title: str
    description: str
    arguments: tuple[Argument, ...]
    shape: type[Struct]
    render: Callable[..., Awaitable[Any]]
    """Takes the arguments and the shop, and its line to the client where it `talks`."""
    talks: bool = False
    complete: Mapping[str, Complete] = {}


def prompt(
    *, complete: Mapping[str, Complete] | None = None
) -> Callable[[Callable[..., Awaitable[str | Sequence[Spoken] | Ask]]], Prompt]:
    """Make a prompt of `async def name(args: Args, shop: Shop) -> str`; a text is one message of the user."""

    def made(render: Callable[..., Awaitable[str | Sequence[Spoken] | Ask]]) -> Prompt:
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
            talks="talk" in hints,
            complete=complete or {},
        )

    return made


def spoken(rendered: str | Sequence[Spoken]) -> tuple[Spoken, ...]:
    """The messages of a prompt."""
    return (Spoken("user", Text(rendered)),) if isinstance(rendered, str) else tuple(rendered)


def _arguments(shape: type[Struct]) -> tuple[Argument, ...]:
    _, components = msgspec.json.schema_components([shape])
    schema = components[shape.__name__]
    required = set(schema.get("required", ()))
    return tuple(
        Argument(name, member.get("description", ""), name in required) for name, member in schema["properties"].items()
    )
