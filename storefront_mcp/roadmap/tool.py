"""A tool: an argument struct in, a shop value out, a docstring for the model."""

import inspect
from collections.abc import Awaitable, Callable
from types import UnionType
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from storefront_mcp.roadmap.content import Content, Linked
from storefront_mcp.roadmap.conversation import Ask

R = TypeVar("R")
Schema = dict[str, Any]

Scarce = Literal["coupon", "cart", "order"]
"""What a tool uses up that is limited more tightly than calls: guesses of codes, new carts, orders."""

KEY: Final = "idempotency_key"
KeyText = Annotated[str, Meta(max_length=255, description="Makes repeats safe")]
"""Any text of the agent's own choice."""

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class Tool(Struct, frozen=True, kw_only=True):
    """A delivered tool. Hints are those of MCP tool annotations."""

    name: str
    title: str
    description: str
    arguments: type[Struct]
    result: Any
    run: Callable[..., Awaitable[Any]]
    """Takes the arguments and the shop, and its line to the client where it `talks`."""
    talks: bool = False
    writes: bool
    destroys: bool
    """Whether it can take away something the buyer had; only meaningful when it writes."""
    repeats: bool
    """Whether doing it twice is the same as doing it once."""
    limit: Scarce | None = None
    replays: bool = False
    """Whether its answers are kept under `idempotency_key`; not for tools that read, or see to it themselves."""
    input_schema: Schema
    output_schema: Schema | None
    """An outline: the members that are always there."""


def tool(
    *, writes: bool = False, destroys: bool = False, repeats: bool | None = None, limit: Scarce | None = None
) -> Callable[[Callable[..., Awaitable[R]]], Tool]:
    """Make a tool of `async def name(args: Args, shop: Shop) -> Value`.

    A tool that reports progress, logs or asks back takes a third parameter, `talk: Conversation`. Name, title,
    description and both schemas are read off the function. Reading tools repeat by nature. Every writing tool takes an
    `idempotency_key` as well: one that does not name it in its own arguments is given it.
    """

    def made(run: Callable[..., Awaitable[R]]) -> Tool:
        name = run.__name__
        hints = get_type_hints(run)
        description = inspect.getdoc(run)
        if not description:
            message = f"tool {name} has no docstring: the model would not know what it does"
            raise TypeError(message)
        replays = writes and KEY not in hints["args"].__struct_fields__
        arguments = _keyed(hints["args"]) if replays else hints["args"]
        return Tool(
            name=name,
            title=name.replace("_", " ").capitalize(),
            description=description,
            arguments=arguments,
            result=hints["return"],
            run=run,
            talks="talk" in hints,
            writes=writes,
            destroys=destroys,
            repeats=not writes if repeats is None else repeats,
            limit=limit,
            replays=replays,
            input_schema=schema_of(arguments),
            output_schema=_output(hints["return"]),
        )

    return made


def _keyed(arguments: type[Struct]) -> type[Struct]:
    """The same arguments and a key; to the tool they are its own."""
    return msgspec.defstruct(
        arguments.__name__,
        [(KEY, KeyText, "")],
        bases=(arguments,),
        module=arguments.__module__,
        kw_only=True,
    )


def schema_of(shape: Any) -> Schema:  # noqa: ANN401 -- any type that msgspec can describe
    """The JSON Schema 2020-12 of a type, with its root in place and no titles: models pay for every word."""
    (root,), components = msgspec.json.schema_components([shape], ref_template="#/$defs/{name}")
    definitions = {name: _bare(definition) for name, definition in components.items()}
    name = str(root.get("$ref", "")).removeprefix("#/$defs/")
    schema: Schema = dict(definitions[name]) if name in definitions else dict(root)
    used = {key: value for key, value in definitions.items() if key != name or _refers(definitions, name)}
    return schema | ({"$defs": used} if used else {})


def _output(result: Any) -> Schema | None:  # noqa: ANN401 -- any type
    """The outline of a tool's value, whether or not it may ask first; none where the value is blocks."""
    (value,) = {_unlinked(kind) for kind in _choices(result) if kind is not Ask}
    return None if value is Content else outline(schema_of(value))


def _choices(result: Any) -> tuple[Any, ...]:  # noqa: ANN401 -- any type
    return get_args(result) if get_origin(result) in {UnionType, Union} else (result,)


def _unlinked(kind: Any) -> Any:  # noqa: ANN401 -- any type
    """The value's type, with or without links beside it."""
    return get_args(kind)[0] if get_origin(kind) is Linked else kind


def outline(schema: Schema) -> Schema:
    """What a result always has, by type alone.

    A result explains itself when it comes; its schema is paid for in every conversation, whether it is called or not.
    """
    if "properties" not in schema:
        return schema
    required = schema.get("required", [])
    return {
        "type": "object",
        "properties": {name: _kind(schema["properties"][name]) for name in required},
        "required": required,
    }


def _kind(member: Schema) -> Schema:
    """The JSON type of a property and no more; a reference is to an object, as every definition here is one."""
    if "anyOf" in member:
        return {"anyOf": [_kind(choice) for choice in member["anyOf"]]}
    if "$ref" in member:
        return {"type": "object"}
    return {"type": member["type"]} if "type" in member else {}


def _bare(schema: Schema) -> Schema:
    """A definition without what costs words and says nothing: titles, empty defaults, "or null" for "left out"."""
    kept = {key: value for key, value in schema.items() if key not in {"title", "description"}}
    if not kept.get("required", True):
        del kept["required"]
    if "properties" in kept:
        kept["properties"] = {name: _plain(member) for name, member in kept["properties"].items()}
    return kept


def _plain(member: Schema) -> Schema:
    """A property; "X or null, null by default" is X that may be left out, as results leave it out and arguments may."""
    plain = dict(member)
    if "default" in plain and not plain["default"] and plain["default"] is not False:
        nothing = plain.pop("default")
        choices = [choice for choice in plain.get("anyOf", ()) if choice != {"type": "null"}]
        if nothing is None and len(choices) == 1:
            del plain["anyOf"]
            plain = choices[0] | plain
    # Only nonsense is longer, and models do not count letters: the refusal of a call says it in time.
    plain = {key: value for key, value in plain.items() if key not in {"minLength", "maxLength"}}
    # Said by the definition or the choices already, but some clients build their form by the type alone.
    if "$ref" in plain:
        return {"type": "object"} | plain
    words = all(isinstance(choice, str) for choice in plain.get("enum", (None,)))
    return {"type": "string"} | plain if words else plain


def _refers(definitions: dict[str, Schema], name: str) -> bool:
    """Whether any definition points at `name`, as recursive types do."""
    return f'"#/$defs/{name}"'.encode() in msgspec.json.encode(definitions)
