"""A tool's arguments in words, read off its JSON Schema."""

from msgspec import Struct

from storefront_mcp.tools.tool import Schema, Tool


class ArgumentRow(Struct, frozen=True):
    """One row of a table of arguments."""

    name: str
    kind: str
    required: bool
    note: str


def arguments(tool: Tool) -> tuple[ArgumentRow, ...]:
    """The arguments of a tool in the order it declares them."""
    schema = tool.input_schema
    required = schema.get("required", ())
    return tuple(
        ArgumentRow(name, kind(member), name in required, member.get("description", ""))
        for name, member in schema.get("properties", {}).items()
    )


def kind(schema: Schema) -> str:
    """A short description of a schema's type and bounds: `integer 1 to 50`, `one of brief, full`, `list of string`."""
    if "enum" in schema:
        return f"one of {', '.join(str(choice) for choice in schema['enum'])}"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(kind(choice) for choice in schema["anyOf"]))
    named: str = schema.get("type", "any")
    if named == "array":
        return f"list of {kind(schema.get('items', {}))}"
    return named + (_members(schema) if named == "object" else _bounds(schema))


def _members(schema: Schema) -> str:
    """The members of an object, those that may be left out with a question mark."""
    required = schema.get("required", ())
    members = ", ".join(name if name in required else f"{name}?" for name in schema.get("properties", {}))
    return f" ({members})" if members else ""


def _bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" {low} to {high}"
    if low is not None:
        return f" from {low}"
    return "" if high is None else f" up to {high}"
