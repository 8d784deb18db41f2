"""A tool is read off its function, and its schemas are what a model can be given."""

from typing import Annotated

import pytest
from jsonschema import Draft202012Validator
from msgspec import Meta, Struct

from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import schema_of, tool


class Wish(Struct, frozen=True, forbid_unknown_fields=True):
    """What is wished for."""

    sku: Annotated[str, Meta(description="From search.")]
    quantity: Annotated[int, Meta(ge=1)] = 1


class Branch(Struct, frozen=True):
    """A branch of a tree."""

    name: str
    length: int = 1


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
    assert (made.writes, made.destructive, made.idempotent) == expected


class NoWish(Struct, frozen=True):
    """Nothing is needed."""


@tool(writes=True)
async def begin_a_list(args: NoWish, shop: Shop) -> Branch:
    """Begin a list."""
    return Branch("list")


def test_a_key_that_tells_no_guest_from_another_says_whom_it_is_for() -> None:
    told = begin_a_list.input_schema["properties"]["idempotency_key"]["description"]
    assert told == "Makes repeats safe when signed in"
    assert make_a_wish.input_schema["properties"]["idempotency_key"]["description"] == "Makes repeats safe"


def test_a_tool_without_a_docstring_is_refused() -> None:
    async def silent(args: Wish, shop: Shop) -> Branch:
        return Branch(args.sku)

    with pytest.raises(TypeError, match="silent has no docstring"):
        tool()(silent)


def test_an_argument_schema_is_an_object_that_is_open_to_what_clients_add() -> None:
    schema = make_a_wish.input_schema
    Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    assert schema["properties"]["sku"] == {"type": "string", "description": "From search."}
    valid = Draft202012Validator(schema).is_valid
    assert valid({"sku": "PAD-2", "quantity": 3})
    assert not valid({"quantity": 3})
    assert not valid({"sku": "PAD-2", "quantity": 0})
    assert valid({"sku": "PAD-2", "toolCallId": "1"})
    assert "additionalProperties" not in schema


class Parcel(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Somewhere, and by way of somewhere else."""

    to: Annotated[Wish, Meta(description="Where to")]
    over: Wish | None = None
    country: Annotated[str, Meta(min_length=2, max_length=2)]
    note: Annotated[str, Meta(min_length=1, max_length=500)]
    marks: Annotated[dict[str, str | list[str]], Meta(description="By place")] = {}
    label: Annotated[str, Meta(max_length=9)] | None = None
    back: Annotated[Wish | None, Meta(description="If elsewhere", extra_json_schema={"as_text": True})] = None


def test_how_long_a_text_may_be_is_said_when_it_matters() -> None:
    members = schema_of(Parcel)["properties"]
    assert members["country"] == members["note"] == members["label"] == {"type": "string"}


def test_an_object_of_members_that_nobody_knows_is_published_as_its_text() -> None:
    marks = schema_of(Parcel)["properties"]["marks"]
    assert marks == {"type": "string", "description": "JSON as text. By place"}


def test_an_object_that_would_be_described_twice_may_be_published_as_its_text() -> None:
    back = schema_of(Parcel)["properties"]["back"]
    assert back == {"type": "string", "description": "JSON as text. If elsewhere"}


def test_an_object_is_described_where_it_is_meant_as_many_clients_follow_no_reference() -> None:
    schema = schema_of(Parcel)
    Draft202012Validator.check_schema(schema)
    assert "$" not in repr(schema)
    assert schema["properties"]["over"] == schema_of(Wish)
    assert schema["properties"]["to"] == schema_of(Wish) | {"description": "Where to"}
    valid = Draft202012Validator(schema).is_valid
    assert valid({"to": {"sku": "A"}, "country": "AU", "note": ""})
    assert not valid({"to": {"sku": "A"}, "over": {}, "country": "AU", "note": ""})


def test_no_title_is_paid_for() -> None:
    assert '"title"' not in repr(schema_of(Branch)).replace("'", '"')
