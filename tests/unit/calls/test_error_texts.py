"""What agents of other protocols hear: no text sends them to a tool of ours."""

import re

import pytest

from storefront_mcp.acp.errors import error_of
from storefront_mcp.app import all_phases
from storefront_mcp.calls.error_texts import TOOL_PATTERN, without_tool_names
from storefront_mcp.calls.errors import CallError
from storefront_mcp.checkout_sessions.problems import protocol_text
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.ucp.failures import refusal_of
from tests.guards.docs.errors_page import samples

TOOLS = {name for phase in all_phases() for name in phase.tools}
SAMPLES = [error for error in samples().values() if isinstance(error, ShopError | CallError)]


def test_each_tool_is_known_by_its_name() -> None:
    assert {name for name in TOOLS if TOOL_PATTERN.fullmatch(name) is None} == set()


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_no_error_names_a_tool_to_who_has_none(error: ShopError | CallError) -> None:
    tools = re.compile(rf"\b({'|'.join(sorted(TOOLS))})\b")
    for told in (protocol_text(error), str(refusal_of(error)), str(error_of(error))):
        assert told
        assert tools.search(told) is None, told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Only the shop can stop it; for more start another cart with create_cart.", "Only the shop can stop it."),
        ("It is not open yet, and place_order comes with it. Tell the buyer.", "It is not open yet. Tell the buyer."),
        ("See view_cart.", ""),
        ("Open continue_url and pay; then it is done.", "Open continue_url and pay; then it is done."),
    ],
)
def test_clauses_that_name_a_tool_are_left_out(text: str, told: str) -> None:
    assert without_tool_names(text) == told
