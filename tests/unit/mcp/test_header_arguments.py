"""Arguments that stand in headers too: both say the same, or the call is refused."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from msgspec import UNSET, Raw

from storefront_mcp.mcp.header_arguments import HeaderArgument, check_header_arguments, header_arguments
from storefront_mcp.mcp.jsonrpc import ErrorCode, JsonRpcError

SCHEMA = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "plain": {"type": "string"},
        "where": {"type": "object", "properties": {"zone": {"type": "integer", "x-mcp-header": "Zone"}}},
        "odd": True,
        "quick": {"type": "boolean", "x-mcp-header": "Quick"},
        "list": {"type": "array", "items": {"type": "string", "x-mcp-header": "Not-Reached"}},
    },
}
REGION, ZONE, QUICK = header_arguments(SCHEMA)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def coat(text: str) -> str:
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


def complaint(
    arguments: Any, *headers: tuple[str, str], repeated: tuple[HeaderArgument, ...] = (REGION, ZONE, QUICK)
) -> str:
    """What is wrong; nothing when all is well."""
    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    raw = arguments if arguments is UNSET or isinstance(arguments, Raw) else Raw(json.dumps(arguments).encode())
    try:
        check_header_arguments(repeated, sent, raw)
    except JsonRpcError as refused:
        return f"{refused.code} {refused.status} {refused}".removeprefix(f"{ErrorCode.HEADER_MISMATCH} 400 ")
    return ""


def test_marks_are_found_through_plain_properties_only() -> None:
    assert (
        HeaderArgument("mcp-param-region", ("region",)),
        HeaderArgument("mcp-param-zone", ("where", "zone")),
        HeaderArgument("mcp-param-quick", ("quick",)),
    ) == (REGION, ZONE, QUICK)
    assert header_arguments({"type": "object"}) == ()


@pytest.mark.parametrize(
    ("argument", "header", "same"),
    [
        ("eu", "eu", True),
        ("eu", " \teu ", True),
        ("eu", "EU", False),
        ("eu", "", False),
        ("", "", True),
        ("Zürich", coat("Zürich"), True),
        ("Zürich", coat("Genf"), False),
        ("eu", coat("eu"), True),
        ("=?base64?x", "=?base64?x", True),
        ("eu", "=?base64?ZXU?=", False),
        ("eu", "=?base64?Z!U=?=", False),
        ("eu", "=?base64?//8=?=", False),
        ("eu", "=?BASE64?ZXU=?=", False),
        (["eu"], "['eu']", False),
        ({}, "{}", False),
    ],
)
def test_a_text_is_compared_letter_by_letter(argument: Any, header: str, same: bool) -> None:
    told = complaint({"region": argument}, ("mcp-param-region", header), repeated=(REGION,))
    assert (told == "") is same
    if not same:
        assert told.startswith("Mcp-Param-Region ")


@pytest.mark.parametrize(
    ("argument", "header", "same"),
    [
        (42, "42", True),
        (42, "42.0", True),
        (42.0, "42", True),
        (-7, "-7", True),
        (42, "43", False),
        (42, "4_2", False),
        (42, "nan", False),
        (42, "٤٢", False),
        (42, "42.", False),
        (42, "", False),
        (2**53, str(2**53 + 1), False),
        (2**53 + 1, str(2**53 + 1), True),
        (10**399, "1" + "0" * 399, True),
        (10**399, "1", False),
        (True, "true", True),
        (False, "false", True),
        (True, "True", False),
        (True, "1", False),
        (1, "true", False),
    ],
)
def test_numbers_are_compared_as_numbers_and_truth_as_a_word(argument: Any, header: str, same: bool) -> None:
    value = header if header.isascii() else coat(header)
    told = complaint({"where": {"zone": argument}}, ("mcp-param-zone", value), repeated=(ZONE,))
    assert (told == "") is same


@pytest.mark.parametrize(
    ("arguments", "headers", "says"),
    [
        ({"region": "eu"}, [], "is missing"),
        ({"region": "eu"}, [("Mcp-Param-Region", "eu")], ""),
        ({"region": "eu"}, [("mcp-param-region", "eu"), ("mcp-param-region", "eu")], "sent twice"),
        ({}, [("mcp-param-region", "eu")], "no argument beside it"),
        ({"region": None}, [("mcp-param-region", "eu")], "no argument beside it"),
        ({"region": None}, [], ""),
        (UNSET, [], ""),
        (UNSET, [("mcp-param-region", "eu")], "no argument beside it"),
        ({"where": 5}, [("mcp-param-zone", "5")], "no argument beside it"),
        ({"where": {"zone": 5}}, [("mcp-param-zone", "5")], ""),
        ({"where": {"zone": 5}}, [("mcp-param-zone", "6")], "does not match the argument where.zone"),
        ([1], [], ""),
        ([1], [("mcp-param-region", "eu")], "no argument beside it"),
        ({"plain": "x"}, [("mcp-param-plain", "y"), ("mcp-param-other", "z")], ""),
        (Raw(b"[" * 100_000 + b"]" * 100_000), [("mcp-param-region", "eu")], "no argument beside it"),
    ],
)
def test_both_are_there_or_neither(arguments: Any, headers: list[tuple[str, str]], says: str) -> None:
    told = complaint(arguments, *headers)
    assert told.endswith(says)
    assert bool(told) is bool(says)


@given(st.text() | st.integers() | st.booleans())
def test_a_good_client_is_never_refused(argument: Any) -> None:
    header = json.dumps(argument) if not isinstance(argument, str) else coat(argument)
    assert complaint({"region": argument}, ("mcp-param-region", header), repeated=(REGION,)) == ""


@given(st.text(alphabet=st.characters(max_codepoint=255)), st.integers() | st.text() | NUMBERS | st.booleans())
def test_no_header_breaks_the_check(header: str, argument: Any) -> None:
    assert complaint({"region": argument}, ("mcp-param-region", header)) in {
        "",
        "Mcp-Param-Region does not match the argument region",
        "Mcp-Param-Region is not valid Base64 of UTF-8",
    }
