"""Resources and prompts as they are made from functions: addresses, variables, blanks and messages."""

from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st
from msgspec import Meta, Struct

from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.content import (
    ImageBlock,
    PromptMessage,
    ResourceBlob,
    ResourceText,
    TextBlock,
    resource_contents,
)
from storefront_mcp.tools.prompt import PromptArgument, prompt, prompt_messages
from storefront_mcp.tools.resource import resource
from storefront_mcp.tools.tool_context import MissingClientCapability, ToolContext


class Blanks(Struct, frozen=True, kw_only=True):
    """What to fill in."""

    needed: Annotated[str, Meta(description="Must be there")]
    spare: str = ""


@resource("leaf://{tree}/{branch}", media_type="text/plain")
async def some_leaf(variables: Mapping[str, str], shop: Shop) -> str:
    """One leaf."""
    return "/".join(variables.values())


@resource("leaf://all.of+them")
async def every_leaf(variables: Mapping[str, str], shop: Shop) -> str:
    """All leaves."""
    return ""


@prompt()
async def name_a_tree(args: Blanks, shop: Shop) -> str:
    """Name a tree."""
    return args.needed


@prompt()
async def talk_about_a_tree(args: Blanks, shop: Shop, context: ToolContext) -> Sequence[PromptMessage]:
    """Talk about a tree."""
    return ()


def test_a_resource_is_read_off_its_function() -> None:
    assert (some_leaf.name, some_leaf.title, some_leaf.description) == ("some_leaf", "Some leaf", "One leaf.")
    assert (some_leaf.is_template, every_leaf.is_template) == (True, False)
    assert (some_leaf.media_type, every_leaf.media_type) == ("text/plain", "text/markdown")


@pytest.mark.parametrize(
    ("uri", "variables"),
    [
        ("leaf://oak/low", {"tree": "oak", "branch": "low"}),
        ("leaf://oak/a%2Fb", {"tree": "oak", "branch": "a/b"}),
        ("leaf://oak/low/", None),
        ("leaf://oak/", None),
        ("leaf://oak", None),
        ("leaf://oak/low?x=1", None),
        ("leaf://oak/low#x", None),
        ("leaf://oak/low\n", {"tree": "oak", "branch": "low\n"}),
        ("LEAF://oak/low", None),
        (" leaf://oak/low", None),
        ("", None),
    ],
)
def test_an_address_is_ours_whole_or_not_at_all(uri: str, variables: Mapping[str, str] | None) -> None:
    assert some_leaf.match(uri) == variables


def test_a_plain_address_is_taken_by_the_letter() -> None:
    assert every_leaf.match("leaf://all.of+them") == {}
    assert every_leaf.match("leaf://allXof+them") is None


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_value_survives_being_an_address(tree: str, branch: str) -> None:
    uri = f"leaf://{quote(tree, safe='')}/{quote(branch, safe='')}"
    assert some_leaf.match(uri) == {"tree": tree, "branch": branch}


@given(st.text(max_size=80))
def test_no_address_breaks_the_match(uri: str) -> None:
    found = some_leaf.match(uri)
    assert found is None or found.keys() == {"tree", "branch"}


def test_without_a_docstring_neither_is_made() -> None:
    async def silent(args: Blanks, shop: Shop) -> str:
        return args.needed

    async def empty(variables: Mapping[str, str], shop: Shop) -> str:
        return ""

    with pytest.raises(TypeError, match="prompt silent has no docstring"):
        prompt()(silent)
    with pytest.raises(TypeError, match="resource empty has no docstring"):
        resource("x://y")(empty)


def test_a_prompts_blanks_are_those_of_its_struct() -> None:
    assert name_a_tree.arguments == (
        PromptArgument("needed", "Must be there", True),
        PromptArgument("spare", "", False),
    )
    assert (name_a_tree.wants_context, talk_about_a_tree.wants_context) == (False, True)


def test_a_text_is_one_message_of_the_user_and_messages_stay_as_they_are() -> None:
    messages = [PromptMessage("assistant", TextBlock("a")), PromptMessage("user", ImageBlock("AA==", "image/png"))]
    assert prompt_messages("x") == (PromptMessage("user", TextBlock("x")),)
    assert prompt_messages(messages) == tuple(messages)


def test_contents_are_text_or_base64() -> None:
    assert resource_contents("x://y", "text/plain", "ä") == ResourceText("x://y", "text/plain", "ä")
    assert resource_contents("x://y", "image/png", b"\x00\xff") == ResourceBlob("x://y", "image/png", "AP8=")


def test_a_missing_capability_is_named() -> None:
    needed = MissingClientCapability({"elicitation": {"url": {}}, "sampling": {}})
    assert str(needed) == "This needs a client with elicitation, sampling."
    assert needed.capabilities == {"elicitation": {"url": {}}, "sampling": {}}
