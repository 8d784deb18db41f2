"""Tools: the `@tool` decorator, which derives name, description and JSON Schema from a function."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, Literal, TypeVar, get_type_hints

import msgspec
from msgspec import Meta, Struct

R = TypeVar("R")
Schema = dict[str, Any]

Scarce = Literal["coupon", "cart", "order"]
"""Actions with tighter rate limits than calls: tries of coupons and gift cards, new carts, orders."""

IDEMPOTENCY_KEY: Final = "idempotency_key"
AS_CUSTOMER: Final = "as_customer"
"""The argument with which a tool whose sign-in is optional is asked to act in the customer's name, or not to."""
KeyText = Annotated[str, Meta(max_length=255, description="Makes repeats safe")]
"""Any text that the agent chooses."""
CallerKeyText = Annotated[str, Meta(max_length=255, description="Makes repeats safe when signed in")]
"""Of a tool that takes nothing else: without a cart a guest's key tells no guest from another, and is not replayed."""
UnlistedKeyText = Annotated[str, Meta(max_length=255, extra_json_schema={"unlisted": True})]
"""Of a tool whose repetition has no further effect: taken, and not worth its tokens in the schema."""


class Tool(Struct, frozen=True, kw_only=True):
    """A delivered tool. Hints are those of MCP tool annotations."""

    name: str
    title: str
    description: str
    arguments: type[Struct]
    result: Any
    run: Callable[..., Awaitable[Any]]
    """Takes the arguments and the shop, and a `ToolContext` where it `wants_context`."""
    wants_context: bool = False
    writes: bool
    destructive: bool
    """Whether it can remove something of the buyer's; only meaningful when it writes."""
    idempotent: bool
    """Whether a repetition has no further effect."""
    scarce_action: Scarce | None = None
    server_idempotency: bool = False
    """Whether the pipeline stores its answers under `idempotency_key`; not for tools that read or do so themselves."""
    input_schema: Schema


def tool(
    *, writes: bool = False, destroys: bool = False, repeats: bool | None = None, limit: Scarce | None = None
) -> Callable[[Callable[..., Awaitable[R]]], Tool]:
    """Make a tool of `async def name(args: Args, shop: Shop) -> Value`.

    A third parameter, `context: ToolContext`, lets it report progress, log and ask the client. Name, title, description
    and schema are derived from the function. Reading tools are idempotent. A writing tool whose arguments have
    no `idempotency_key` is given one, which is published unless it repeats without further effect.
    """

    def made(run: Callable[..., Awaitable[R]]) -> Tool:
        name = run.__name__
        hints = get_type_hints(run)
        description = inspect.getdoc(run)
        if not description:
            message = f"tool {name} has no docstring: the model would not know what it does"
            raise TypeError(message)
        keyed = writes and IDEMPOTENCY_KEY not in hints["args"].__struct_fields__
        idempotent = not writes if repeats is None else repeats
        # Gemini refuses all tools of a server for one that takes nothing, so a key is always published there.
        key = UnlistedKeyText if idempotent else KeyText if hints["args"].__struct_fields__ else CallerKeyText
        arguments = _with_idempotency_key(hints["args"], key) if keyed else hints["args"]
        return Tool(
            name=name,
            title=name.replace("_", " ").capitalize(),
            description=description,
            arguments=arguments,
            result=hints["return"],
            run=run,
            wants_context="context" in hints,
            writes=writes,
            destructive=destroys,
            idempotent=idempotent,
            scarce_action=limit,
            server_idempotency=keyed,
            input_schema=schema_of(arguments),
        )

    return made


def _with_idempotency_key(arguments: type[Struct], key: Any) -> type[Struct]:  # noqa: ANN401 -- an annotated type
    """A subclass of the arguments with an `idempotency_key` of the type `key`."""
    return msgspec.defstruct(
        arguments.__name__,
        [(IDEMPOTENCY_KEY, key, "")],
        bases=(arguments,),
        module=arguments.__module__,
        kw_only=True,
    )


def schema_of(shape: Any) -> Schema:  # noqa: ANN401 -- any type that msgspec can describe
    """The JSON Schema 2020-12 of a type, without titles (every word costs tokens) and without references.

    Clients that convert schemas for a model's provider fail on `$ref` beside other members, on `additionalProperties`,
    and on objects whose members are not known, which are published as their JSON text; so is what is marked `as_text`.

    Raises RecursionError for a type that holds itself.
    """
    (root,), components = msgspec.json.schema_components([shape], ref_template="#/$defs/{name}")
    return _inline_references(root, {f"#/$defs/{name}": _bare(definition) for name, definition in components.items()})


def _inline_references(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """A schema with each reference replaced by what it refers to; members beside a reference win."""

    def inline(value: Any) -> Any:  # noqa: ANN401 -- any JSON
        if isinstance(value, list):
            return [inline(one) for one in value]
        return _inline_references(value, definitions) if isinstance(value, dict) else value

    members = {name: inline(value) for name, value in schema.items()}
    reference = members.pop("$ref", None)
    return members if reference is None else _inline_references(definitions[reference], definitions) | members


def _bare(schema: Schema) -> Schema:
    """A definition without titles, descriptions, unlisted members, defaults and null for absent members."""
    kept = {key: value for key, value in schema.items() if key not in {"title", "description", "additionalProperties"}}
    if not kept.get("required", True):
        del kept["required"]
    if "properties" in kept:
        listed = {name: member for name, member in kept["properties"].items() if not member.get("unlisted")}
        kept["properties"] = {name: _plain(member) for name, member in listed.items()}
    return kept


def _plain(member: Schema) -> Schema:
    """A property; "X or null, null by default" becomes an optional X. Defaults that matter are in the description."""
    plain = dict(member)
    if plain.pop("default", ...) is None:
        choices = [choice for choice in plain.get("anyOf", ()) if choice != {"type": "null"}]
        if len(choices) == 1:
            del plain["anyOf"]
            plain = choices[0] | plain
    # Models do not count characters, and strict converters refuse mappings; the error of a call names what it wants.
    plain = {
        key: value for key, value in plain.items() if key not in {"minLength", "maxLength", "additionalProperties"}
    }
    if plain.pop("as_text", False) or (plain.get("type") == "object" and "properties" not in plain):
        # Of an object without known members Gemini refuses every tool, and a strict model can only send {}.
        plain = {"type": "string", "description": f"JSON as text. {plain.get('description', '')}".strip()}
    is_text = all(isinstance(choice, str) for choice in plain.get("enum", (None,)))
    return {"type": "string"} | plain if is_text else plain
