"""docs/agents.md shows every tool as it is, and what shopping costs a model."""

import re
from pathlib import Path

import pytest

from tests.guards.docs.markdown import ROOT, is_generated, table
from tests.guards.docs.shopping import (
    ORDERING,
    VERSION,
    Bought,
    account_journey,
    costs,
    delivered,
    journey,
    reference,
    session,
    session_costs,
)
from tests.journeys.wishes import WISHES
from tests.journeys.wishes.shopper import Shopper, open_shop

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "agents.md"
MOST = 6_000
"""Tokens of a browse-and-cart journey."""
MOST_LISTED = 2_798
"""Tokens of tools/list, with every phase open but that of the account."""
MOST_FOR_THE_ACCOUNT = 600
"""What its five tools add to that, and what says how tools take a customer's token."""
SESSION_CALLS = 13
MOST_IN_A_SESSION = 3_500
"""Tokens of a typical session's results, and of the tools as a model is given them."""
TOLERANCE = 0.10
NUMBER = re.compile(r"(?<=\| )(\**)(\d+)(\**)(?= \|$)", re.MULTILINE)


@pytest.fixture
async def bought(tmp_path: Path) -> Bought:
    """One journey through every tool."""
    return await journey(tmp_path)


@pytest.fixture
async def account() -> Bought:
    """One journey through every tool of a customer's account."""
    return await account_journey()


async def test_every_delivered_tool_is_shown_as_it_is(bought: Bought, account: Bought, update_goldens: bool) -> None:
    made = reference(bought, account)

    assert {told.tool for told in (*bought.calls, *account.calls)} == set(delivered())
    assert is_generated(PAGE, "tools", made, update=update_goldens) == made, "run make goldens"


async def test_the_costs_are_what_they_were_give_or_take_a_tenth(bought: Bought, update_goldens: bool) -> None:
    _is_about(costs(bought), "costs", update=update_goldens)


@pytest.mark.slow
async def test_the_wishes_take_what_they_took_give_or_take_a_tenth(tmp_path: Path, update_goldens: bool) -> None:
    with open_shop(tmp_path) as shop:
        rows = []
        for wish in WISHES:
            async with Shopper(shop, VERSION) as shopper:
                await wish.script(shopper)
                rows.append([wish.words, wish.ends, str(shopper.calls), str(shopper.tokens)])
    calls, tokens = (sum(int(row[at]) for row in rows) for at in (2, 3))
    rows.append(["**on average**", "", f"**{calls / len(rows):.1f}**", f"**{tokens // len(rows)}**"])
    _is_about(table(["Wish", "Ends with", "Calls", "Tokens"], rows), "wishes", update=update_goldens)


def _is_about(made: str, section: str, *, update: bool) -> None:
    """Assert that a generated table is the one that is shown, but for a tenth of its last column."""
    shown = is_generated(PAGE, section, made, update=update)
    assert NUMBER.sub("N", shown) == NUMBER.sub("N", made), "run make goldens"
    for before, now in zip(NUMBER.findall(shown), NUMBER.findall(made), strict=True):
        assert int(before[1]) == pytest.approx(int(now[1]), rel=TOLERANCE, abs=3), "run make goldens"


async def test_browsing_and_filling_a_cart_costs_less_than_six_thousand_tokens(bought: Bought) -> None:
    assert sum(told.tokens for told in bought.calls if told.tool not in ORDERING) < MOST


async def test_the_list_of_tools_costs_no_more_than_before_there_was_a_tool_for_gift_cards(bought: Bought) -> None:
    assert bought.list_tokens <= MOST_LISTED


async def test_the_tools_of_the_account_cost_what_is_said_once_a_buyer_can_sign_in(
    bought: Bought, account: Bought, update_goldens: bool
) -> None:
    assert account.list_tokens - bought.list_tokens <= MOST_FOR_THE_ACCOUNT
    _is_about(costs(account), "account", update=update_goldens)


@pytest.mark.slow
async def test_a_typical_session_of_thirteen_calls_costs_at_most_3500_tokens_with_the_tools(
    tmp_path: Path, update_goldens: bool
) -> None:
    typical = await session(tmp_path)
    _is_about(session_costs(typical), "session", update=update_goldens)
    assert len(typical.calls) == SESSION_CALLS
    assert typical.definition_tokens + typical.result_tokens <= MOST_IN_A_SESSION


@pytest.mark.slow
async def test_a_mirror_of_the_catalogue_leaves_a_session_within_its_bound(tmp_path: Path) -> None:
    typical = await session(tmp_path, mirror=True)
    assert typical.definition_tokens + typical.result_tokens <= MOST_IN_A_SESSION


async def test_an_order_costs_less_than_a_thousand_tokens(bought: Bought) -> None:
    assert sum(told.tokens for told in bought.calls if told.tool in ORDERING) < 1_000
