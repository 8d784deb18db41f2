"""Whose request it is: the client's address, which proxies may tell and nobody else."""

import ipaddress
import re
from collections.abc import Container, Iterable, Sequence
from typing import Final, Literal, TypeVar

ForwardedBy = Literal["x-forwarded-for", "forwarded"]
"""The one header that the proxies write. The other is the client's to invent, so it is never looked at."""

UNIDENTIFIED: Final = "unidentified"
"""Everybody whose proxy said something that is no address: one client to us."""
HOPS: Final = 32
"""Addresses of a header that are looked at, from the right; more proxies than that are nobody's."""
IPV6_PREFIX: Final = 64
"""Bits of an IPv6 address that name a client: the rest is the client's own to change (RFC 4291, 2.5.4)."""
REMEMBERED: Final = 4_096
LONGEST: Final = 256
"""Characters of a header worth remembering."""

PAIR: Final = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*([;,]|$)')
"""One parameter of `Forwarded` and what ends it (RFC 7239, 4)."""

K = TypeVar("K")
V = TypeVar("V")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Addresses:
    """Reads client addresses for one server. Its answers are keys: an IPv4 address, or the /64 of an IPv6 address.

    The empty key is a client we cannot tell from others: a proxy of ours that names nobody, or this machine itself.
    """

    def __init__(self, trusted: Iterable[str], header: ForwardedBy = "x-forwarded-for") -> None:
        """`trusted` are networks in CIDR form, whose word on addresses counts. Raises ValueError."""
        self._trusted: Sequence[Network] = [ipaddress.ip_network(network, strict=False) for network in trusted]
        self._header = header.encode()
        self._peers: dict[str, str | None] = {}
        self._chains: dict[bytes, str] = {}

    def of(
        self,
        peer: Sequence[object] | None,
        headers: Iterable[tuple[bytes, bytes]],
        fields: Container[bytes] | None = None,
    ) -> str:
        """The key of a request's client, by the connection's other end and the request's headers.

        `fields` are the names of the headers, from a caller who has them so already.

        The client is the right-most address that is no proxy of ours: whatever a client writes stands left of what our
        proxies add, so it never wins. A peer without an address is a local socket, and so a proxy of ours.
        """
        host = str(peer[0]) if peer else ""
        try:
            key = self._peers[host]
        except KeyError:
            key = self._peer(host)
        if key is not None:
            return key
        if fields is not None and self._header not in fields:
            return ""
        found = [value for name, value in headers if name == self._header]
        if not found:
            return ""
        chain = found[0] if len(found) == 1 else b",".join(found)
        known = self._chains.get(chain)
        return self._chain(chain) if known is None else known

    def _peer(self, host: str) -> str | None:
        """The key of a peer; None for a proxy of ours."""
        address = _address(host)
        key = None if address is None or self._ours(address) else _key(address)
        _remember(self._peers, host, key)
        return key

    def _chain(self, chain: bytes) -> str:
        text = chain.decode("latin-1")
        hops = _for_parameters(text) if self._header == b"forwarded" else text.split(",")[-HOPS:]
        key = "" if hops is not None else UNIDENTIFIED
        for hop in reversed((hops or [])[-HOPS:]):
            address = _node(hop)
            if address is None:
                key = UNIDENTIFIED
                break
            if not self._ours(address):
                key = _key(address)
                break
        if len(chain) <= LONGEST:
            _remember(self._chains, chain, key)
        return key

    def _ours(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _node(text: str) -> Address | None:
    """An address with or without a port, as proxies write it: `192.0.2.1:80`, `[2001:db8::1]:80`, `2001:db8::1`."""
    text = text.strip()
    if text.startswith("["):
        inside, closed, rest = text[1:].partition("]")
        return _address(inside) if closed and re.fullmatch(r"(:\d{1,5})?", rest) else None
    if text.count(":") == 1:
        text, _, port = text.partition(":")
        if not re.fullmatch(r"\d{1,5}", port):
            return None
    return _address(text)


def _address(text: str) -> Address | None:
    """An address in its one form: without a zone, and IPv4 as IPv4 also where IPv6 carries it."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _key(address: Address) -> str:
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((int(address), IPV6_PREFIX), strict=False))


def _for_parameters(text: str) -> list[str] | None:
    """The `for` of each hop of a `Forwarded` header; None when the header is broken."""
    hops: list[str] = []
    at, named = 0, ""
    while at < len(text):
        found = PAIR.match(text, at)
        if found is None:
            return None
        name, quoted, plain, end = found.groups()
        if name.lower() == "for":
            named = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
        if end != ";":
            hops.append(named)
            named = ""
        at = found.end()
    return hops


def _remember(known: dict[K, V], key: K, value: V) -> None:
    """Keep an answer; a full memory starts afresh, so that strangers cannot make it grow."""
    if len(known) >= REMEMBERED:
        known.clear()
    known[key] = value
