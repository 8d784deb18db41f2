"""Whether the clients of a store can be told apart by address, and what to say when a proxy keeps them secret."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from storefront_mcp.commerce.origins import is_loopback
from storefront_mcp.commerce.store import Store
from storefront_mcp.findings import Finding, ok, warning
from storefront_mcp.instrumentation import Headers
from storefront_mcp.web.forwarded import UNIDENTIFIED, ClientAddressResolver

log: Final = logging.getLogger("storefront_mcp.web")

ForwardingState = Literal["direct", "forwarded", "missing", "unreadable", "untrusted"]
"""direct: the client itself is connected. forwarded: a trusted proxy names it. The others are problems."""
FORWARDING_HEADERS: Final = frozenset({b"x-forwarded-for", b"forwarded", b"x-real-ip", b"via"})
"""What proxies add to a request; from a private address that is no trusted proxy it tells one that was not named."""
MIN_SIGHTINGS: Final = 20
"""Requests from which on it is no accident, such as somebody's `curl` on this machine."""
SIGHTING_TTL_SECONDS: Final = 900.0
"""Seconds after which a problem that was not seen again counts as solved."""

FORWARDING_PROBLEMS: Final[Mapping[str, tuple[str, str]]] = {
    "missing": (
        "A trusted proxy does not say who its clients are: no limit per address holds, and guests are counted by cart.",
        "Let the proxy write X-Forwarded-For. nginx: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
    ),
    "unreadable": (
        "A trusted proxy writes something else than an address about its clients: all of them share one bucket.",
        "Let the proxy write the client's address into the header that forwarded_by names.",
    ),
    "untrusted": (
        "An unnamed proxy hides its clients behind one address; their carts, coupons and orders count by cart.",
        'Name its network besides this machine: trusted_proxies = ["127.0.0.0/8", "::1/128", "10.88.0.0/16"].',
    ),
}
"""What each problem means and what to do, as sentences."""


class ForwardingMonitor:
    """Watches how requests of one store arrive, in one process."""

    def __init__(
        self, store: Store | None, addresses: ClientAddressResolver, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Without a `store`, or for one on this machine, nothing is a problem."""
        origin = "" if store is None else store.origin
        self._name = "" if store is None else store.id
        self._public = bool(origin) and not is_loopback(origin)
        # We speak no TLS: whoever connects for an https origin is a proxy.
        self._behind_proxy = self._public and origin.startswith("https:")
        self._addresses = addresses
        self._clock = clock
        self._sightings: dict[str, int] = {}
        self._last: tuple[str, float] | None = None

    def state(self, peer: Sequence[object] | None, headers: Headers) -> ForwardingState:
        """How one request arrived."""
        address = self._addresses.resolve(peer, headers)
        if self._addresses.is_trusted_peer(peer):
            if address:
                return "unreadable" if address == UNIDENTIFIED else "forwarded"
            return "forwarded" if self._addresses.names_client(headers) else "missing"
        if address not in self._addresses.private:
            return "direct"
        tells = self._behind_proxy or any(name in FORWARDING_HEADERS for name, _ in headers)
        return "untrusted" if tells else "direct"

    def observe(self, peer: Sequence[object] | None, headers: Headers) -> None:
        """Note how a request arrived whose address is unknown, or private and not trusted; log a problem once."""
        state = self.state(peer, headers)
        if not self._public or state not in FORWARDING_PROBLEMS:
            return
        if state == "untrusted":
            self._addresses.share(self._addresses.resolve(peer, headers))
        seen = self._sightings[state] = self._sightings.get(state, 0) + 1
        if seen >= MIN_SIGHTINGS:
            self._last = state, self._clock()
        if seen == MIN_SIGHTINGS:
            log.warning("%s: %s %s", self._name, *FORWARDING_PROBLEMS[state])

    def finding(self) -> Finding:
        """What an operator should know."""
        if self._last is None or self._clock() - self._last[1] > SIGHTING_TTL_SECONDS:
            return ok("Requests tell their clients apart, as far as this worker saw.")
        says, fix = FORWARDING_PROBLEMS[self._last[0]]
        return warning(says, fix)
