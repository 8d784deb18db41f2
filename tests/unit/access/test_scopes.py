"""The catalogue of scopes and the rules that read it."""

import pytest

from storefront_mcp.access.buyer_scopes import BUYER_SCOPE_NAMES
from storefront_mcp.access.caller import GUEST, Caller
from storefront_mcp.access.scopes import (
    ALL_SCOPES,
    MERCHANT_API_SCOPES,
    READ_ONLY_API_KEY_SCOPES,
    SCOPES,
    STOREFRONT_SCOPES,
    UnknownScopes,
    has_scope,
    known_scopes,
    may_grant,
    parse_scopes,
    sorted_scopes,
    visible_tools,
)
from storefront_mcp.app import all_phases

OURS = {"manage:phases", "manage:checkouts", "manage:grants", "manage:audit"}


def key(*scopes: str) -> Caller:
    return Caller(kind="key", principal="id", scopes=frozenset(scopes))


def test_the_merchant_set_runs_a_shop_and_does_not_own_it() -> None:
    assert {
        *("read:analytics", "read:content", "write:content", "read:customers", "write:customers"),
        *("read:orders", "write:orders", "read:sites", "write:sites", "read:media", "write:media"),
    } == MERCHANT_API_SCOPES


def test_storefront_mode_sees_no_customers_orders_figures_or_insides() -> None:
    assert {"read:sites", "read:content", "read:media"} == STOREFRONT_SCOPES


def test_the_read_only_set_is_every_read_scope() -> None:
    assert {name for name in ALL_SCOPES if name.startswith("read:")} == READ_ONLY_API_KEY_SCOPES
    assert len(READ_ONLY_API_KEY_SCOPES) == 6


def test_the_catalogue_is_whole_and_each_name_is_once() -> None:
    assert len(ALL_SCOPES) == len(SCOPES) == 17 + len(OURS)
    assert {*ALL_SCOPES} >= OURS | {"delete:sites", "manage:voice", "manage:domains", "manage:api_keys", "manage:team"}
    assert all(scope.within is None or scope.within in ALL_SCOPES for scope in SCOPES)


def test_our_own_scopes_are_in_no_set_and_parts_of_the_workspace() -> None:
    assert not OURS & (MERCHANT_API_SCOPES | STOREFRONT_SCOPES | READ_ONLY_API_KEY_SCOPES)
    assert all(has_scope(key("manage:workspace"), scope) for scope in OURS)
    assert not has_scope(key("manage:workspace"), "manage:api_keys")
    assert not has_scope(key("manage:phases"), "manage:workspace")


def test_writing_does_not_include_reading() -> None:
    assert not has_scope(key("write:orders"), "read:orders")


def test_sets_are_named_like_scopes() -> None:
    assert parse_scopes(["storefront", "read:orders"]) == STOREFRONT_SCOPES | {"read:orders"}
    assert parse_scopes(["merchant", "read-only"]) == MERCHANT_API_SCOPES | READ_ONLY_API_KEY_SCOPES
    with pytest.raises(UnknownScopes, match="There is no scope read:order; there are read:sites"):
        parse_scopes(["read:order"])


def test_scopes_of_others_mean_nothing() -> None:
    assert known_scopes(["openid", "read:orders", ""]) == {"read:orders"}
    assert sorted_scopes({"read:orders", "read:sites"}) == ("read:sites", "read:orders")
    assert not has_scope(key("openid"), "openid:more")


def test_nobody_hands_on_more_than_they_have() -> None:
    assert may_grant(key("manage:workspace"), ["manage:audit"])
    assert not may_grant(key("read:orders"), ["read:orders", "write:orders"])


def test_lists_show_what_a_caller_may_call() -> None:
    requirements = {"get_customer_orders": "read:orders", "open_phase": "manage:phases"}
    assert visible_tools(GUEST, requirements) == frozenset()
    assert visible_tools(key("read:orders"), requirements) == {"get_customer_orders"}


def test_a_guest_has_one_name_and_nothing_else() -> None:
    assert GUEST.identifier == "guest"
    assert GUEST.kind == "guest"
    assert key().kind == "key"


def test_every_promise_asks_for_a_scope_that_exists() -> None:
    asked = {promise.name: promise.scope for phase in all_phases() for promise in phase.manifest.tools}
    assert {scope for scope in asked.values() if scope is not None} <= ALL_SCOPES.keys() | set(BUYER_SCOPE_NAMES)
    assert asked["get_customer_orders"] == "orders:read"


def test_scopes_of_buyers_and_of_operators_never_mix() -> None:
    assert not ALL_SCOPES.keys() & set(BUYER_SCOPE_NAMES)
    everything = frozenset({*ALL_SCOPES, *BUYER_SCOPE_NAMES})
    for kind in ("guest", "key", "token"):
        forged = Caller(kind=kind, principal="id", scopes=everything)
        assert not any(has_scope(forged, scope) for scope in BUYER_SCOPE_NAMES)
    customer = Caller(kind="customer", principal="id", scopes=everything)
    assert all(has_scope(customer, scope) for scope in BUYER_SCOPE_NAMES)
    assert not any(has_scope(customer, scope) for scope in ALL_SCOPES)
    with pytest.raises(UnknownScopes):
        parse_scopes(["orders:read"])
    assert known_scopes(BUYER_SCOPE_NAMES) == frozenset()
    assert not may_grant(customer, ["read:orders"])


def test_guests_and_customers_see_what_they_could_be_given() -> None:
    requirements = {"get_order": "orders:read", "open_phase": "manage:phases"}
    customer = Caller(kind="customer", principal="id", scopes=frozenset({"profile:read"}))
    assert visible_tools(GUEST, requirements) == visible_tools(customer, requirements) == {"get_order"}
    assert visible_tools(key("read:orders"), requirements) == frozenset()


def test_storefront_mode_and_guests_see_nothing_of_customers() -> None:
    required = {
        promise.name: promise.scope
        for phase in all_phases()
        for promise in phase.manifest.tools
        if promise.auth == "required"
    }
    agent = key(*STOREFRONT_SCOPES)
    assert required
    assert not any(has_scope(agent, scope or "") for scope in required.values())
