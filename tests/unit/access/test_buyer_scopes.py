"""What a person may let an agent do, kept apart from what operators grant."""

import pytest

from storefront_mcp.access.buyer_scopes import BUYER_SCOPE_NAMES, BUYER_SCOPES, known_buyer_scopes
from storefront_mcp.access.scopes import ALL_SCOPES, SCOPE_SETS, UnknownScopes, parse_scopes


def test_no_scope_is_both_a_buyers_and_an_operators() -> None:
    assert not set(BUYER_SCOPE_NAMES) & set(ALL_SCOPES)
    assert not set(BUYER_SCOPE_NAMES) & set(SCOPE_SETS)


@pytest.mark.parametrize("name", BUYER_SCOPE_NAMES)
def test_an_operator_cannot_grant_a_scope_of_buyers(name: str) -> None:
    with pytest.raises(UnknownScopes, match=name):
        parse_scopes([name])


def test_each_scope_says_what_it_allows() -> None:
    assert len({scope.allows for scope in BUYER_SCOPES}) == len(BUYER_SCOPES)
    assert all(scope.allows[0].islower() and not scope.allows.endswith(".") for scope in BUYER_SCOPES)


def test_what_clients_ask_for_is_put_in_order_and_the_unknown_is_left_out() -> None:
    assert known_buyer_scopes(["checkout", "openid", "orders:read", "checkout"]) == ("orders:read", "checkout")
    assert known_buyer_scopes([]) == ()
