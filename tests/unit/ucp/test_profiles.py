"""Profiles of platforms: whatever is published is read, and whatever is sent is bounded."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from storefront_mcp.ucp.platform_errors import PlatformRefused
from storefront_mcp.ucp.profiles import (
    MAX_CAPABILITIES,
    MAX_PROFILE_BYTES,
    MAX_PROFILE_CONTAINERS,
    MAX_PROFILE_DEPTH,
    CapabilityEntry,
    PlatformProfile,
    VersionRange,
    read_profile,
)
from tests.unit.message_signatures.signing import PLATFORM_KEY, public_jwk

URL = "https://platform.example/profile.json"
CHECKOUT = "dev.ucp.shopping.checkout"


def read(ucp: Any = ..., **more: Any) -> PlatformProfile:
    document = {"ucp": {"version": "2026-08-25", "capabilities": {CHECKOUT: [{}]}} if ucp is ... else ucp, **more}
    return read_profile(URL, json.dumps(document).encode())


def capabilities(said: Any) -> Any:
    return read({"version": "2026-08-25", "capabilities": said}).capabilities


def test_a_profile_without_services_schemas_and_specifications_is_read() -> None:
    platform = read()

    assert (platform.profile, platform.version, platform.known) == (URL, "2026-08-25", False)
    assert platform.capabilities == {CHECKOUT: (CapabilityEntry(version=None),)}
    assert platform.keys == {}


def test_a_whole_profile_is_read() -> None:
    requires = {
        "protocol": {"min": "2026-04-08"},
        "capabilities": {CHECKOUT: {"min": "2026-01-23", "max": "2026-09-01"}},
    }
    found = capabilities(
        {
            "com.example.extra": [{"version": "2026-08-25", "extends": CHECKOUT, "requires": requires}],
            "dev.ucp.shopping.order": [
                {"version": "2026-08-25", "config": {"webhook_url": "https://platform.example/h"}}
            ],
        }
    )

    (extra,) = found["com.example.extra"]
    assert extra.protocol == VersionRange("2026-04-08", None)
    assert extra.capabilities == {CHECKOUT: VersionRange("2026-01-23", "2026-09-01")}
    assert found["dev.ucp.shopping.order"][0].webhook_url == "https://platform.example/h"


@pytest.mark.parametrize("name", ["keys", "signing_keys"])
def test_keys_are_read_under_the_names_of_both_versions(name: str) -> None:
    assert set(read(**{name: [public_jwk(PLATFORM_KEY)]}).keys) == {"platform-1"}


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        ["dev.ucp.shopping.checkout"],
        [{"name": CHECKOUT, "version": "2026-01-11"}],
        "everything",
        7,
        {"Not.A.Name": [{}], "nodots": [{}], "x" * 129 + ".y": [{}]},
        {CHECKOUT: None},
        {CHECKOUT: {}},
        {CHECKOUT: "2026-08-25"},
        {CHECKOUT: ["2026-08-25"]},
        {CHECKOUT: [{"version": 3}, {"version": "draft"}]},
    ],
)
def test_what_says_no_capability_is_no_reason_to_refuse(said: Any) -> None:
    assert capabilities(said) == {}


@pytest.mark.parametrize(
    "requires",
    [None, 7, [], {"protocol": "2026-04-08", "capabilities": []}, {"protocol": {"min": 1}, "capabilities": {"x": {}}}],
)
def test_requirements_that_cannot_be_read_require_nothing(requires: Any) -> None:
    (entry,) = capabilities({CHECKOUT: [{"requires": requires, "config": {"webhook_url": ["x"]}}]})[CHECKOUT]

    assert entry == CapabilityEntry(version=None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"\xff\xfe",
        b"{}",
        b'{"ucp": []}',
        b'{"ucp": {}}',
        b'{"ucp": {"version": 20260825}}',
        b'{"ucp": {"version": "latest"}}',
        b"[" * 100_000,
        b'{"a":' * (MAX_PROFILE_DEPTH + 1) + b"1" + b"}" * (MAX_PROFILE_DEPTH + 1),
        b'{"a": [' + b",".join([b"[]"] * (MAX_PROFILE_CONTAINERS + 1)) + b"]}",
        b'{"ucp": {"version": "2026-08-25"}, "x": "' + b"y" * MAX_PROFILE_BYTES + b'"}',
        json.dumps(
            {"ucp": {"version": "2026-08-25", "capabilities": {f"a.b{n}": [] for n in range(MAX_CAPABILITIES + 1)}}}
        ).encode(),
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)
def test_what_is_no_profile_is_malformed(body: bytes) -> None:
    with pytest.raises(PlatformRefused) as refused:
        read_profile(URL, body)
    assert (refused.value.code, refused.value.failure.status) == ("profile_malformed", 422)


def test_brackets_in_texts_are_no_nesting() -> None:
    assert read(note='[[{"' * 100, other="\\" * 99).version == "2026-08-25"


def test_a_profile_of_128_kibibytes_is_read() -> None:
    assert read(note="x" * 128 * 1024).version == "2026-08-25"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, JSON, JSON, JSON)
def test_nothing_in_a_profile_breaks_its_reader(entries: Any, requires: Any, config: Any, keys: Any) -> None:
    document = {
        "ucp": {
            "version": "2026-08-25",
            "capabilities": {CHECKOUT: entries, "a.b": [{"requires": requires, "config": config}]},
        },
        "keys": keys,
    }
    platform = read_profile(URL, json.dumps(document).encode())

    assert set(platform.capabilities) <= {CHECKOUT, "a.b"}


@pytest.mark.parametrize(
    ("bounds", "version", "holds"),
    [
        (VersionRange(), "2026-08-25", True),
        (VersionRange("2026-08-25"), "2026-08-25", True),
        (VersionRange("2026-08-26"), "2026-08-25", False),
        (VersionRange(None, "2026-08-25"), "2026-08-25", True),
        (VersionRange(None, "2026-04-08"), "2026-08-25", False),
    ],
)
def test_ranges_hold_their_ends(bounds: VersionRange, version: str, holds: bool) -> None:
    assert bounds.holds(version) is holds
