"""Client addresses from the peer and from headers of trusted proxies (X-Forwarded-For; Forwarded, RFC 7239)."""

import ipaddress
import re
from collections.abc import Container, Iterable, Sequence
from typing import Final, Literal, TypeVar

ForwardedBy = Literal["x-forwarded-for", "forwarded"]
"""The header that the proxies write. A client can forge the other, so it is ignored."""

UNIDENTIFIED: Final = "unidentified"
"""Key of all clients whose proxy sent something that is no address."""
MAX_HOPS: Final = 32
"""Addresses of a header that are read, from the right."""
IPV6_PREFIX: Final = 64
"""Bits of an IPv6 address that identify a client, who may change the others (RFC 4291 §2.5.4)."""
PRIVATE_NETWORKS: Final = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10"),
    )
)
"""Where no client of a public store is (RFC 1918, RFC 6598, RFC 4193, RFC 4291 §2.5.6)."""
ADDRESS_CACHE_SIZE: Final = 4_096
"""Addresses remembered in plain dicts: each request looks one up. It saves 9 µs; cachetools would cost 0.6."""
MAX_CACHED_BYTES: Final = 256
"""A longer header is not cached."""

PREFIX_HEADER: Final = b"x-forwarded-prefix"
"""Written by proxies that serve this server below a path (Traefik, Spring, haproxy and nginx by configuration)."""
PREFIX_PATTERN: Final = re.compile(rb"(?:/[A-Za-z0-9._~-]{1,64}){1,8}/?")
PAIR_PATTERN: Final = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*([;,]|$)')
"""One parameter of `Forwarded` and its delimiter (RFC 7239 §4)."""

K = TypeVar("K")
V = TypeVar("V")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ClientAddressResolver:
    """Resolves client addresses of one server to keys: an IPv4 address, or the /64 of an IPv6 address.

    The key is empty where the client is unknown: a trusted proxy that names none, or this machine itself.
    """

    def __init__(self, trusted: Iterable[str], header: ForwardedBy = "x-forwarded-for") -> None:
        """`trusted` are the networks of trusted proxies, in CIDR form. Raises ValueError."""
        self._trusted: Sequence[Network] = [ipaddress.ip_network(network, strict=False) for network in trusted]
        self._header = header.encode()
        self._peers: dict[str, str | None] = {}
        self._chains: dict[bytes, str] = {}
        self.private: set[str] = set()
        """Keys of connected peers in `PRIVATE_NETWORKS` that are no trusted proxies."""
        self._shared: set[str] = set()

    def resolve(
        self,
        peer: Sequence[object] | None,
        headers: Iterable[tuple[bytes, bytes]],
        fields: Container[bytes] | None = None,
    ) -> str:
        """The key of a request's client; `fields` are the names of `headers`, where the caller has them.

        The client is the right-most address that is no trusted proxy: what a client forges stands left of what proxies
        add. A peer without an address is a local socket, and so a trusted proxy.
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

    def is_trusted_peer(self, peer: Sequence[object] | None) -> bool:
        """Whether the connected peer is a trusted proxy or a local socket."""
        address = _address(str(peer[0]) if peer else "")
        return address is None or self._is_trusted(address)

    def path_prefix(self, peer: Sequence[object] | None, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The path that a trusted proxy cut off, without a closing slash; empty if it names none, or no plain path."""
        named = [value for name, value in headers if name == PREFIX_HEADER]
        if len(named) != 1 or not self.is_trusted_peer(peer) or PREFIX_PATTERN.fullmatch(named[0]) is None:
            return ""
        return named[0].decode("ascii").rstrip("/")

    def names_client(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether a request has the header that proxies write."""
        return any(name == self._header for name, _ in headers)

    def share(self, key: str) -> None:
        """Note that many clients come from one address."""
        if len(self._shared) < ADDRESS_CACHE_SIZE:
            self._shared.add(key)

    def is_shared(self, key: str) -> bool:
        """Whether the key stands for clients that cannot be told apart."""
        return not key or key == UNIDENTIFIED or key in self._shared

    def _peer(self, host: str) -> str | None:
        """The key of a peer; None for a trusted proxy."""
        address = _address(host)
        key = None if address is None or self._is_trusted(address) else _key(address)
        if key is not None and any(address in network for network in PRIVATE_NETWORKS):
            if len(self.private) >= ADDRESS_CACHE_SIZE:
                self.private.clear()
            self.private.add(key)
        _cache(self._peers, host, key)
        return key

    def _chain(self, chain: bytes) -> str:
        text = chain.decode("latin-1")
        hops = _for_parameters(text) if self._header == b"forwarded" else text.split(",")[-MAX_HOPS:]
        key = "" if hops is not None else UNIDENTIFIED
        for hop in reversed((hops or [])[-MAX_HOPS:]):
            address = _node(hop)
            if address is None:
                key = UNIDENTIFIED
                break
            if not self._is_trusted(address):
                key = _key(address)
                break
        if len(chain) <= MAX_CACHED_BYTES:
            _cache(self._chains, chain, key)
        return key

    def _is_trusted(self, address: Address) -> bool:
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
    """An address in normal form: without a zone, and IPv4-mapped IPv6 as IPv4."""
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
    """The `for` of each hop of a `Forwarded` header; None when it is malformed."""
    hops: list[str] = []
    at, named = 0, ""
    while at < len(text):
        found = PAIR_PATTERN.match(text, at)
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


def _cache(cache: dict[K, V], key: K, value: V) -> None:
    """Cache a value; a full cache is cleared, so that clients cannot make it grow."""
    if len(cache) >= ADDRESS_CACHE_SIZE:
        cache.clear()
    cache[key] = value
