"""Shoppers behind a proxy that does not tell who they are: noticed, said, and kept out of each other's way."""

import logging

import pytest
from msgspec.structs import replace

from storefront_mcp.commerce.store import Store
from storefront_mcp.web.forwarded import UNIDENTIFIED, ClientAddressResolver
from storefront_mcp.web.forwarding import FORWARDING_PROBLEMS, MIN_SIGHTINGS, ForwardingMonitor
from tests.fakes.memory_backend import STORE
from tests.unit.web.serving import Ticker

HTTPS = replace(STORE, origin="https://pickle.example")
HTTP = replace(STORE, origin="http://pickle.example")
LOCAL = replace(STORE, origin="http://127.0.0.1:8000")
HERE, INSIDE, OUTSIDE = ("127.0.0.1", 1), ("10.88.0.3", 1), ("203.0.113.7", 1)
NAMED = [(b"x-forwarded-for", b"198.51.100.9")]


@pytest.fixture
def addresses() -> ClientAddressResolver:
    return ClientAddressResolver(("127.0.0.0/8",))


@pytest.mark.parametrize(
    ("store", "peer", "headers", "state"),
    [
        (HTTPS, HERE, NAMED, "forwarded"),
        (HTTPS, None, NAMED, "forwarded"),
        (HTTPS, HERE, [(b"x-forwarded-for", b"127.0.0.1")], "forwarded"),
        (HTTPS, HERE, [], "missing"),
        (HTTPS, HERE, [(b"forwarded", b"for=198.51.100.9")], "missing"),
        (HTTPS, HERE, [(b"x-forwarded-for", b"unknown")], "unreadable"),
        (HTTPS, INSIDE, NAMED, "untrusted"),
        (HTTPS, INSIDE, [(b"via", b"1.1 cache")], "untrusted"),
        (HTTPS, INSIDE, [], "untrusted"),
        (HTTP, INSIDE, [], "direct"),
        (HTTP, INSIDE, NAMED, "untrusted"),
        # Whoever is outside may write what they like.
        (HTTPS, OUTSIDE, NAMED, "direct"),
        (HTTP, OUTSIDE, [], "direct"),
    ],
)
def test_how_a_request_arrived(
    addresses: ClientAddressResolver,
    store: Store,
    peer: tuple[str, int] | None,
    headers: list[tuple[bytes, bytes]],
    state: str,
) -> None:
    assert ForwardingMonitor(store, addresses).state(peer, headers) == state


@pytest.mark.parametrize(
    ("peer", "headers", "problem"),
    [(HERE, [], "missing"), (HERE, [(b"x-forwarded-for", b"?")], "unreadable"), (INSIDE, NAMED, "untrusted")],
)
def test_a_problem_is_said_once_it_is_no_accident_and_forgotten_when_it_is_solved(
    addresses: ClientAddressResolver,
    caplog: pytest.LogCaptureFixture,
    peer: tuple[str, int],
    headers: list[tuple[bytes, bytes]],
    problem: str,
) -> None:
    ticker = Ticker()
    monitor = ForwardingMonitor(HTTPS, addresses, clock=ticker)
    with caplog.at_level(logging.WARNING):
        for _ in range(MIN_SIGHTINGS - 1):
            monitor.observe(peer, headers)
        assert monitor.finding().level == "ok"
        for _ in range(MIN_SIGHTINGS):
            monitor.observe(peer, headers)
    says, fix = FORWARDING_PROBLEMS[problem]
    assert (monitor.finding().says, monitor.finding().fix) == (says, fix)
    assert caplog.messages == [f"{HTTPS.id}: {says} {fix}"]
    ticker.now += 3600.0
    assert monitor.finding().level == "ok"


def test_a_store_on_this_machine_has_no_problem(addresses: ClientAddressResolver) -> None:
    for store in (LOCAL, None):
        monitor = ForwardingMonitor(store, addresses)
        for _ in range(2 * MIN_SIGHTINGS):
            monitor.observe(HERE, [])
        assert monitor.finding().level == "ok"


def test_an_address_is_shared_only_where_many_stand_behind_it(addresses: ClientAddressResolver) -> None:
    monitor = ForwardingMonitor(HTTPS, addresses)
    for peer in (INSIDE, OUTSIDE, HERE):
        addresses.resolve(peer, NAMED)
        monitor.observe(peer, NAMED)
    shared = {address: addresses.is_shared(address) for address in ("10.88.0.3", "203.0.113.7", "198.51.100.9")}
    assert shared == {"10.88.0.3": True, "203.0.113.7": False, "198.51.100.9": False}
    assert addresses.is_shared("")
    assert addresses.is_shared(UNIDENTIFIED)
