"""Which addresses are the internet's own, and which URLs of strangers name a document there."""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

HTTPS_PORT: Final = 443
LOOK_UPS_AT_ONCE: Final = 16
"""Of host names, in one process."""
EMBEDDING_NETWORKS: Final = tuple(
    map(ipaddress.IPv6Network, ("::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
)
"""IPv6 addresses that lead to an IPv4 address inside them: mapped, compatible, NAT64 (two), 6to4, Teredo."""
SPECIAL_NETWORKS: Final = tuple(
    map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "5f00::/16", "fec0::/10"))
)
"""Of IANA's special-purpose registries (RFC 6890), what some Python calls global.

IETF protocols, relays of 6to4, documentation, segment routing, and the site-local addresses of old.
"""
PUBLIC_URL_PATTERN: Final = re.compile(
    r"https://(?P<host>(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?)(?P<path>/[!$%&'()*+,./0-9:;=?@A-Z_a-z~-]+)"
)
"""A host name with a dot, no address, no port, no userinfo, a path, no fragment."""
LOOPBACK_URL_PATTERN: Final = re.compile(
    r"https?://(?:(?:[a-z0-9-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?(?:/[!$%&'()*+,./0-9:;=?@A-Z_a-z~-]*)?"
)
DOT_SEGMENT_PATTERN: Final = re.compile(r"/(?:\.|%2e){1,2}(?:[/?]|$)", re.IGNORECASE)

Resolver = Callable[[str], Awaitable[Sequence[str]]]

_LOOK_UP_THREADS: Final = ThreadPoolExecutor(LOOK_UPS_AT_ONCE, thread_name_prefix="look-up")
"""A stranger's silent name server holds a thread long after the look-up was given up; the database uses asyncio's."""


async def resolve_host(host: str) -> Sequence[str]:
    """The addresses of a host name. Raises OSError."""
    look_up = partial(socket.getaddrinfo, host, HTTPS_PORT, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_LOOK_UP_THREADS, look_up)
    return [str(address[0]) for *_, address in found]


def is_public_address(text: str) -> bool:
    """Whether an address is one of the internet's, and leads to no other."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    # A zone (`%eth0`) is of a link of this machine.
    if "%" in text or any(address in network for network in (*EMBEDDING_NETWORKS, *SPECIAL_NETWORKS)):
        return False
    return address.is_global and not address.is_multicast


def is_loopback_address(text: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def is_public_url(url: str, *, max_chars: int) -> bool:
    """Whether a URL has the form of a document's on the internet; nothing is resolved."""
    return (
        len(url) <= max_chars
        and PUBLIC_URL_PATTERN.fullmatch(url) is not None
        and DOT_SEGMENT_PATTERN.search(url) is None
    )


def is_loopback_url(url: str, *, max_chars: int) -> bool:
    """Whether a URL has the form of one of this machine's, http or https, on any port."""
    return len(url) <= max_chars and LOOPBACK_URL_PATTERN.fullmatch(url) is not None
