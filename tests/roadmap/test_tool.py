"""A tool is read off its function, and its schemas are what a model can be given."""

from typing import Annotated, Any

import pytest
from jsonschema import Draft202012Validator
from msgspec import Meta, Struct

from storefront_mcp.commerce.shop import Shop
from storefront_mcp.roadmap.content import Content, Linked
from storefront_mcp.roadmap.conversation import Ask
from storefront_mcp.roadmap.tool import outline, schema_of, tool


class Wish(Struct, frozen=True, forbid_unknown_fields=True):
    """What is wished for."""

    sku: Annotated[str, Meta(description="From search.")]
    quantity: Annotated[int, Meta(ge=1)] = 1


class Branch(Struct, frozen=True):
    """A branch of a tree."""

    name: str
    branches: "list[Branch]" = []


@tool(writes=True, destroys=True)
async def make_a_wish(args: Wish, shop: Shop) -> Branch:
    """Make a wish.

    Once.
    """
    return Branch(args.sku)


def test_name_texts_and_types_come_from_the_function() -> None:
    assert (make_a_wish.name, make_a_wish.title) == ("make_a_wish", "Make a wish")
    assert make_a_wish.description == "Make a wish.\n\nOnce."
    assert issubclass(make_a_wish.arguments, Wish)
    assert make_a_wish.result is Branch


@pytest.mark.parametrize(
    ("hints", "expected"),
    [
        ({}, (False, False, True)),
        ({"writes": True}, (True, False, False)),
        ({"writes": True, "destroys": True}, (True, True, False)),
        ({"writes": True, "repeats": True}, (True, False, True)),
    ],
)
def test_reading_repeats_by_nature_and_writing_only_when_said(
    hints: dict[str, bool], expected: tuple[bool, bool, bool]
) -> None:
    async def do(args: Wish, shop: Shop) -> Branch:
        """Do."""
        return Branch(args.sku)

    made = tool(**hints)(do)
    assert (made.writes, made.destroys, made.repeats) == expected


def test_a_tool_without_a_docstring_is_refused() -> None:
    async def silent(args: Wish, shop: Shop) -> Branch:
        return Branch(args.sku)

    with pytest.raises(TypeError, match="silent has no docstring"):
        tool()(silent)


def test_an_argument_schema_is_an_object_that_refuses_what_it_does_not_know() -> None:
    schema = make_a_wish.input_schema
    Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    assert schema["properties"]["sku"] == {"type": "string", "description": "From search."}
    valid = Draft202012Validator(schema).is_valid
    assert valid({"sku": "PAD-2", "quantity": 3})
    assert not valid({"quantity": 3})
    assert not valid({"sku": "PAD-2", "quantity": 0})
    assert not valid({"sku": "PAD-2", "colour": "red"})


def test_a_shape_that_holds_itself_keeps_its_definition() -> None:
    schema = schema_of(Branch)
    assert schema["type"] == "object"
    valid = Draft202012Validator(schema).is_valid
    assert valid({"name": "a", "branches": [{"name": "b", "branches": []}]})
    assert not valid({"name": "a", "branches": [{"name": 3}]})


@pytest.mark.parametrize("result", [Branch, Branch | Ask, Linked[Branch], Linked[Branch] | Ask, Ask | Linked[Branch]])
def test_a_tool_that_asks_first_or_links_pages_still_promises_its_value(result: Any) -> None:
    async def grow(args: Wish, shop: Shop) -> Any:
        """Grow a branch."""

    grow.__annotations__["return"] = result
    assert tool()(grow).output_schema == make_a_wish.output_schema


@pytest.mark.parametrize("result", [Content, Content | Ask])
def test_blocks_promise_nothing(result: Any) -> None:
    async def sing(args: Wish, shop: Shop) -> Any:
        """Sing."""

    sing.__annotations__["return"] = result
    assert tool()(sing).output_schema is None


class Parcel(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Somewhere, and by way of somewhere else."""

    to: Annotated[Wish, Meta(description="Where to")]
    over: Wish | None = None
    country: Annotated[str, Meta(min_length=2, max_length=2)]
    note: Annotated[str, Meta(min_length=1, max_length=500)]
    label: Annotated[str, Meta(max_length=9)] | None = None


def test_how_long_a_text_may_be_is_said_when_it_matters() -> None:
    members = schema_of(Parcel)["properties"]
    assert members["country"] == members["note"] == members["label"] == {"type": "string"}


def test_an_object_is_described_once_and_named_where_it_is_meant() -> None:
    schema = schema_of(Parcel)
    Draft202012Validator.check_schema(schema)
    assert schema["properties"]["to"] == {"type": "object", "$ref": "#/$defs/Wish", "description": "Where to"}
    assert schema["properties"]["over"] == {"type": "object", "$ref": "#/$defs/Wish"}
    valid = Draft202012Validator(schema).is_valid
    assert valid({"to": {"sku": "A"}, "country": "AU", "note": ""})
    assert not valid({"to": {"sku": "A"}, "over": {}, "country": "AU", "note": ""})


def test_no_title_is_paid_for() -> None:
    assert '"title"' not in repr(make_a_wish.output_schema).replace("'", '"')


def test_the_outline_of_a_result_has_what_is_always_there_and_no_more() -> None:
    full = {
        "type": "object",
        "properties": {
            "cart_id": {"type": "string", "description": "From create_cart"},
            "totals": {"$ref": "#/$defs/Totals"},
            "total": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]},
            "extra": {},
            "coupon": {"type": "string"},
        },
        "required": ["cart_id", "totals", "total", "extra"],
        "$defs": {"Totals": {"type": "object"}},
    }

    assert outline(full) == {
        "type": "object",
        "properties": {
            "cart_id": {"type": "string"},
            "totals": {"type": "object"},
            "total": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "extra": {},
        },
        "required": ["cart_id", "totals", "total", "extra"],
    }
    assert outline({"type": "string"}) == {"type": "string"}
