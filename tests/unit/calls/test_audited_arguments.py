"""Arguments in the audit, by their types: no secret and nobody's data gets in, whatever a tool takes tomorrow."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given, strategies as st
from msgspec import Meta, Struct

from storefront_mcp.access.rate_limits import secret_digest
from storefront_mcp.app import all_phases
from storefront_mcp.calls.arguments import cart_of, redacted
from storefront_mcp.commerce.cart import CartHandle
from storefront_mcp.commerce.ids import CartId, Sku
from storefront_mcp.tools.tool import Tool

WRITING = [tool for phase in all_phases() for tool in phase.tools.values() if tool.writes]
PLANTED = "hunter2-ada@example.com-cart_secret"


class Inside(Struct, frozen=True):
    note: str
    sku: Sku = Sku("PAD-2")


class Everything(Struct, frozen=True, kw_only=True):
    cart_id: CartHandle
    skus: tuple[Sku, ...] = ()
    sku: Annotated[Sku | None, Meta(description="A description does not hide it")] = None
    quantity: int = 1
    mode: Literal["fast", "slow"] = "fast"
    gift: bool = False
    code: str = ""
    options: dict[str, str] = {}
    inside: Inside | None = None
    either: str | int | None = None
    idempotency_key: str = ""


def test_numbers_switches_choices_and_names_of_the_shop_are_shown() -> None:
    given_ = Everything(cart_id=CartId("c"), sku=Sku("PAD-3"), quantity=2, mode="slow", gift=True)
    assert redacted(given_) == {
        "cart_id": secret_digest("c"),
        "sku": "PAD-3",
        "quantity": 2,
        "mode": "slow",
        "gift": True,
    }


def test_texts_are_left_out_by_their_type() -> None:
    secret = Everything(
        cart_id=CartId(PLANTED),
        skus=(Sku(PLANTED),),
        code=PLANTED,
        options={PLANTED: PLANTED},
        inside=Inside(note=PLANTED, sku=Sku("PAD-3")),
        either=PLANTED,
        idempotency_key=PLANTED,
    )
    told = redacted(secret)
    assert PLANTED not in str(told)
    assert told == {
        "cart_id": secret_digest(PLANTED),
        **dict.fromkeys(("skus", "code", "options", "either", "idempotency_key"), "left out"),
        "inside": {"note": "left out", "sku": "PAD-3"},
    }


def test_what_was_not_sent_is_not_there() -> None:
    assert redacted(Everything(cart_id=CartId("c"))) == {"cart_id": secret_digest("c")}


def test_a_cart_is_found_by_type() -> None:
    assert cart_of(Everything(cart_id=CartId("c"))) == "c"
    assert cart_of(Inside(note="")) is None


NAMES_OF_THE_SHOP = {"sku", "line_id"}


@pytest.mark.parametrize("tool", WRITING, ids=lambda tool: tool.name)
def test_no_tool_puts_a_text_of_a_person_into_the_audit(tool: Tool) -> None:
    told = redacted(planted(tool.arguments))
    named = {name: value for name, value in told.items() if PLANTED in str(value)}
    assert set(named) <= NAMES_OF_THE_SHOP


@pytest.mark.parametrize("tool", WRITING, ids=lambda tool: tool.name)
def test_every_writing_tool_takes_a_key_and_says_so_where_a_repetition_would_do_something(tool: Tool) -> None:
    assert "idempotency_key" in tool.arguments.__struct_fields__
    listed = "idempotency_key" in tool.input_schema["properties"]
    assert listed is (tool.name in {"create_cart", "add_to_cart", "reorder"})
    assert "idempotency_key" not in tool.input_schema.get("required", ())


@given(st.text(max_size=30))
def test_a_handle_never_shows_in_its_digest(handle: str) -> None:
    told = redacted(Everything(cart_id=CartId(handle)))
    assert told.get("cart_id", secret_digest(handle)) == secret_digest(handle)


def planted(shape: type[Struct]) -> Struct:
    """Arguments with the same text planted wherever a text fits; constraints do not matter to what is told."""
    return shape(**{field.name: _planted(field.type) for field in msgspec.inspect.type_info(shape).fields})  # type: ignore[union-attr]


def _planted(kind: msgspec.inspect.Type) -> Any:  # noqa: PLR0911 -- a table
    match kind:
        case msgspec.inspect.Metadata():
            return _planted(kind.type)
        case msgspec.inspect.StructType():
            return kind.cls(**{field.name: _planted(field.type) for field in kind.fields})
        case msgspec.inspect.UnionType():
            return _planted(next(choice for choice in kind.types if not isinstance(choice, msgspec.inspect.NoneType)))
        case msgspec.inspect.DictType():
            return {PLANTED: PLANTED}
        case msgspec.inspect.BoolType() | msgspec.inspect.IntType():
            return 1
        case msgspec.inspect.ListType() | msgspec.inspect.VarTupleType():
            return [PLANTED]
        case _:
            return PLANTED
