"""docs/agents.md shows every tool as it is, and what shopping costs a model."""

import re
from pathlib import Path

import pytest

from tests.guards.docs.markdown import ROOT, is_generated
from tests.guards.docs.shopping import ORDERING, Bought, costs, delivered, journey, reference

PAGE = ROOT / "docs" / "agents.md"
MOST = 6_000
"""Tokens of a browse-and-cart journey."""
TOLERANCE = 0.10
NUMBER = re.compile(r"(?<=\| )(\**)(\d+)(\**)(?= \|$)", re.MULTILINE)


@pytest.fixture
async def bought(tmp_path: Path) -> Bought:
    """One journey through every tool."""
    return await journey(tmp_path)


async def test_every_delivered_tool_is_shown_as_it_is(bought: Bought, update_goldens: bool) -> None:
    made = reference(bought)

    assert {told.tool for told in bought.calls} == set(delivered())
    assert is_generated(PAGE, "tools", made, update=update_goldens) == made, "run make goldens"


async def test_the_costs_are_what_they_were_give_or_take_a_tenth(bought: Bought, update_goldens: bool) -> None:
    made = costs(bought)
    shown = is_generated(PAGE, "costs", made, update=update_goldens)

    assert NUMBER.sub("N", shown) == NUMBER.sub("N", made), "run make goldens"
    for before, now in zip(NUMBER.findall(shown), NUMBER.findall(made), strict=True):
        assert int(before[1]) == pytest.approx(int(now[1]), rel=TOLERANCE, abs=3), "run make goldens"


async def test_browsing_and_filling_a_cart_costs_less_than_six_thousand_tokens(bought: Bought) -> None:
    assert sum(told.tokens for told in bought.calls if told.tool not in ORDERING) < MOST


async def test_an_order_costs_less_than_a_thousand_tokens(bought: Bought) -> None:
    assert sum(told.tokens for told in bought.calls if told.tool in ORDERING) < 1_000
