"""What a store and a platform have in common."""

from typing import Any

import pytest

from storefront_mcp.ucp.negotiation import NegotiatedCapabilities, OfferedCapability, negotiate
from storefront_mcp.ucp.platform_errors import FAILURE_STATUSES, PlatformRefused
from storefront_mcp.ucp.profiles import CapabilityEntry, PlatformProfile, VersionRange

NEW, OLD = "2026-08-25", "2026-04-08"
CHECKOUT, CART = "dev.ucp.shopping.checkout", "dev.ucp.shopping.cart"
DISCOUNT, FULFILLMENT, LOYALTY = "dev.ucp.shopping.discount", "dev.ucp.shopping.fulfillment", "com.example.loyalty"
OFFERED = {
    CHECKOUT: OfferedCapability((NEW,)),
    CART: OfferedCapability((NEW,)),
    DISCOUNT: OfferedCapability((NEW,), (CHECKOUT, CART)),
    FULFILLMENT: OfferedCapability((NEW,), (CHECKOUT,)),
    LOYALTY: OfferedCapability((NEW, OLD), (DISCOUNT,)),
}


def entry(version: str | None = NEW, **more: Any) -> CapabilityEntry:
    return CapabilityEntry(version=version, **more)


def agree(version: str = NEW, **said: tuple[CapabilityEntry, ...]) -> NegotiatedCapabilities:
    names = {"checkout": CHECKOUT, "cart": CART, "discount": DISCOUNT, "fulfillment": FULFILLMENT, "loyalty": LOYALTY}
    platform = PlatformProfile(
        profile="https://platform.example/p",
        version=version,
        capabilities={names.get(name, name): entries for name, entries in said.items()},
    )
    return negotiate(platform, NEW, OFFERED, supported={NEW, OLD})


def test_what_both_know_is_agreed_on_and_told_where_it_is_relevant() -> None:
    agreed = agree(checkout=(entry(),), discount=(entry(),), other=(entry(),))

    assert agreed.capabilities == {CHECKOUT: NEW, DISCOUNT: NEW}
    assert agreed.active({CHECKOUT, CART}) == {CHECKOUT: [{"version": NEW}]}


def test_the_newest_version_that_both_list_counts() -> None:
    found = agree(cart=(entry(),), discount=(entry(),), loyalty=(entry(OLD), entry("2027-01-01"), entry(NEW)))

    assert found.capabilities[LOYALTY] == NEW
    assert agree(cart=(entry(),), discount=(entry(),), loyalty=(entry(OLD),)).capabilities[LOYALTY] == OLD


def test_an_entry_without_a_version_fits_any() -> None:
    assert agree(cart=(entry(None),)).capabilities == {CART: NEW}


def test_extensions_of_nothing_that_is_left_are_pruned_until_nothing_changes() -> None:
    assert agree(cart=(entry(),), fulfillment=(entry(),)).capabilities == {CART: NEW}
    assert agree(checkout=(entry(),), loyalty=(entry(),)).capabilities == {CHECKOUT: NEW}
    with pytest.raises(PlatformRefused, match="in common"):
        agree(discount=(entry(),), loyalty=(entry(),), fulfillment=(entry(),))


@pytest.mark.parametrize(
    ("bounds", "left"),
    [
        ({"protocol": VersionRange("2026-04-08")}, {CHECKOUT, CART, DISCOUNT, LOYALTY}),
        ({"protocol": VersionRange(None, OLD)}, {CHECKOUT, CART}),
        ({"capabilities": {CART: VersionRange(NEW)}}, {CHECKOUT, CART, DISCOUNT, LOYALTY}),
        ({"capabilities": {CART: VersionRange("2027-01-01")}}, {CHECKOUT, CART}),
        ({"capabilities": {FULFILLMENT: VersionRange()}}, {CHECKOUT, CART}),
    ],
)
def test_what_requires_more_than_was_agreed_on_goes_and_takes_its_extensions_along(
    bounds: dict[str, Any], left: set[str]
) -> None:
    found = agree(checkout=(entry(),), cart=(entry(),), discount=(entry(**bounds),), loyalty=(entry(),))

    assert set(found.capabilities) == left


def test_a_platform_that_declares_nothing_is_taken_to_know_everything() -> None:
    assert set(agree().capabilities) == set(OFFERED)


def test_capabilities_of_other_versions_are_nothing_in_common() -> None:
    with pytest.raises(PlatformRefused) as refused:
        agree(checkout=(entry(OLD),))
    assert (refused.value.code, refused.value.failure) == (
        "capabilities_incompatible",
        FAILURE_STATUSES["capabilities_incompatible"],
    )
    assert refused.value.failure.rpc_code is None


def test_a_platform_of_an_older_version_that_is_served_may_ask() -> None:
    assert agree(OLD, checkout=(entry(),)).version == NEW


def test_a_version_that_is_not_served_is_refused_with_those_that_are() -> None:
    with pytest.raises(PlatformRefused, match=f"{OLD}, {NEW}") as refused:
        agree("2026-01-11")
    assert (refused.value.code, refused.value.failure.status) == ("version_unsupported", 422)


def test_only_what_is_no_failure_of_the_request_is_a_result() -> None:
    results = {code: failure.status for code, failure in FAILURE_STATUSES.items() if failure.rpc_code is None}

    assert results == {"capabilities_incompatible": 200}
    assert {each.status // 100 for code, each in FAILURE_STATUSES.items() if code not in results} == {4}
