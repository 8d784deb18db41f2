"""Whose request it is: proxies of ours may tell, and nobody else."""

import pytest
from hypothesis import given, strategies as st

from storefront_mcp.web.forwarded import ADDRESS_CACHE_SIZE, MAX_CACHED_BYTES, UNIDENTIFIED, ClientAddressResolver

PROXY = ("127.0.0.1", 9999)
TRUSTED = ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "2001:db8:cafe::/48")


def seen(peer: str | None, *values: str, trusted: tuple[str, ...] = TRUSTED, header: str = "x-forwarded-for") -> str:
    addresses = ClientAddressResolver(trusted, header)  # type: ignore[arg-type]
    headers = [(b"host", b"pickle.example"), *((header.encode(), value.encode("latin-1")) for value in values)]
    return addresses.resolve(None if peer is None else (peer, 1234), headers)


@pytest.mark.parametrize(
    ("peer", "values", "client"),
    [
        # Nobody else's word counts.
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("203.0.113.7", ["127.0.0.1"], "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", ["198.51.100.1"], "2001:db8:1:2::/64"),
        # A proxy of ours.
        ("127.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("::1", ["203.0.113.7"], "203.0.113.7"),
        ("::ffff:127.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        (None, ["203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7, 10.1.2.3"], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7", "10.1.2.3"], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7,2001:db8:cafe::7"], "203.0.113.7"),
        # What a client writes stands further left.
        ("127.0.0.1", ["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["127.0.0.1, 203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["198.51.100.1", "203.0.113.7, 10.0.0.1"], "203.0.113.7"),
        ("127.0.0.1", ["garbage, \x00, 203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["' OR 1=1 --, 203.0.113.7, 10.0.0.1"], "203.0.113.7"),
        # The spellings of one client.
        ("127.0.0.1", ["203.0.113.7:51234"], "203.0.113.7"),
        ("127.0.0.1", ["[2001:db8:1:2:3:4:5:6]:443"], "2001:db8:1:2::/64"),
        ("127.0.0.1", ["2001:DB8:1:2::9"], "2001:db8:1:2::/64"),
        ("127.0.0.1", ["2001:db8:1:2::9%eth0"], "2001:db8:1:2::/64"),
        ("127.0.0.1", ["::ffff:203.0.113.7"], "203.0.113.7"),
        # Nobody we could tell from others.
        ("127.0.0.1", [], ""),
        ("127.0.0.1", ["127.0.0.1"], ""),
        ("127.0.0.1", ["10.0.0.1, 127.0.0.1"], ""),
        # A proxy of ours that says something else than an address.
        ("127.0.0.1", ["unknown"], UNIDENTIFIED),
        ("127.0.0.1", ["203.0.113.7, unknown"], UNIDENTIFIED),
        ("127.0.0.1", [""], UNIDENTIFIED),
        ("127.0.0.1", ["203.0.113.7,"], UNIDENTIFIED),
        ("127.0.0.1", ["203.0.113.7:port"], UNIDENTIFIED),
        ("127.0.0.1", ["[2001:db8::1"], UNIDENTIFIED),
        ("127.0.0.1", ["[2001:db8::1]x"], UNIDENTIFIED),
        ("127.0.0.1", ["203.0.113.007"], UNIDENTIFIED),
        ("127.0.0.1", ["203.0.113"], UNIDENTIFIED),
    ],
)
def test_the_client_is_the_last_address_that_is_no_proxy_of_ours(
    peer: str | None, values: list[str], client: str
) -> None:
    assert seen(peer, *values) == client


@pytest.mark.parametrize(
    ("values", "client"),
    [
        (["for=203.0.113.7"], "203.0.113.7"),
        (["For=203.0.113.7;proto=https;by=10.0.0.1"], "203.0.113.7"),
        (['for="[2001:db8:1:2::9]:4711"'], "2001:db8:1:2::/64"),
        (['for="203.0.113.7:80"'], "203.0.113.7"),
        (["for=198.51.100.1, for=203.0.113.7, for=10.0.0.1"], "203.0.113.7"),
        (["for=198.51.100.1", "for=203.0.113.7"], "203.0.113.7"),
        (['for="198.51.100.1, for=192.0.2.1", for=203.0.113.7'], "203.0.113.7"),
        (['for="a\\"b", for=203.0.113.7'], "203.0.113.7"),
        (["proto=https"], UNIDENTIFIED),
        (["for=_hidden"], UNIDENTIFIED),
        (["for=unknown"], UNIDENTIFIED),
        (["203.0.113.7"], UNIDENTIFIED),
        (['for="203.0.113.7'], UNIDENTIFIED),
        (["for=203.0.113.7 for=198.51.100.1"], UNIDENTIFIED),
        ([], ""),
    ],
)
def test_the_standard_header_is_read_as_the_standard_says(values: list[str], client: str) -> None:
    assert seen("127.0.0.1", *values, header="forwarded") == client


def test_the_header_that_our_proxies_do_not_write_is_not_looked_at() -> None:
    smuggled = [
        (b"forwarded", b"for=198.51.100.1"),
        (b"x-real-ip", b"198.51.100.2"),
        (b"x-forwarded-for", b"203.0.113.7"),
    ]
    assert ClientAddressResolver(TRUSTED).resolve(PROXY, smuggled) == "203.0.113.7"
    assert ClientAddressResolver(TRUSTED, "forwarded").resolve(PROXY, smuggled) == "198.51.100.1"


def test_without_trusted_proxies_every_peer_is_a_client() -> None:
    assert seen("127.0.0.1", "203.0.113.7", trusted=()) == "127.0.0.1"


def test_more_hops_than_anybody_has_are_not_walked() -> None:
    chain = ", ".join(["203.0.113.7", *(["10.0.0.1"] * 40)])
    assert seen("127.0.0.1", chain) == ""


def test_a_network_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="not-a-network"):
        ClientAddressResolver(["not-a-network"])


def test_strangers_cannot_make_the_memory_of_answers_grow() -> None:
    addresses = ClientAddressResolver(TRUSTED)
    for number in range(3 * ADDRESS_CACHE_SIZE):
        addresses.resolve((f"203.{number >> 16}.{number >> 8 & 255}.{number & 255}", 1), [])
        addresses.resolve(PROXY, [(b"x-forwarded-for", f"x{number}, 203.0.113.7".encode())])
    assert len(addresses._peers) <= ADDRESS_CACHE_SIZE
    assert len(addresses._chains) <= ADDRESS_CACHE_SIZE
    addresses.resolve(PROXY, [(b"x-forwarded-for", b"x" * MAX_CACHED_BYTES + b", 203.0.113.8")])
    assert max(map(len, addresses._chains)) <= MAX_CACHED_BYTES


def test_the_same_question_is_answered_the_same_twice() -> None:
    addresses = ClientAddressResolver(TRUSTED)
    headers = [(b"x-forwarded-for", b"198.51.100.1, 203.0.113.7")]
    assert {addresses.resolve(PROXY, headers) for _ in range(3)} == {"203.0.113.7"}


@given(st.text(st.characters(max_codepoint=255), max_size=80))
def test_whatever_a_client_smuggles_in_its_own_address_wins(smuggled: str) -> None:
    assert seen("127.0.0.1", f"{smuggled}, 203.0.113.7") == "203.0.113.7"
    assert seen("203.0.113.7", smuggled) == "203.0.113.7"


@given(st.text(st.characters(max_codepoint=255), max_size=80))
def test_no_header_breaks_the_reader(value: str) -> None:
    for header in ("x-forwarded-for", "forwarded"):
        assert isinstance(seen("127.0.0.1", value, header=header), str)


@pytest.mark.parametrize("headers", [[], [(b"x-forwarded-for", b"203.0.113.7")], [(b"accept", b"*/*")]])
@pytest.mark.parametrize("peer", [PROXY, ("203.0.113.9", 1), None])
def test_header_names_are_a_short_cut_and_nothing_else(
    headers: list[tuple[bytes, bytes]], peer: tuple[str, int] | None
) -> None:
    addresses = ClientAddressResolver(TRUSTED)
    assert addresses.resolve(peer, headers, {name for name, _ in headers}) == addresses.resolve(peer, headers)
