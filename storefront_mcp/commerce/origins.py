"""Origins (RFC 6454): normal form, host, and whether one is loopback."""

import functools
import ipaddress
from urllib.parse import urlsplit


def normalise_origin(origin: str) -> str:
    """An origin as browsers serialise it: lower case, no default port. Raises ValueError."""
    parts = urlsplit(origin.lower())
    port = None if parts.port == {"http": 80, "https": 443}[parts.scheme] else parts.port
    host = parts.hostname or ""
    if not host:
        raise ValueError(origin)
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


@functools.lru_cache(maxsize=1024)
def is_loopback(origin: str) -> bool:
    """Whether the host of an origin or URL is this machine, which may do without https; False for what is no URL."""
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def origin_of(url: str) -> str:
    """The origin of a URL. Raises ValueError."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def host_of(origin: str) -> str:
    """The Host header of requests to an origin. Raises ValueError."""
    return urlsplit(origin).netloc


def reverse_domain_name(origin: str) -> str:
    """`example.pickle.shop` for `https://shop.pickle.example`; an IP address stays, with hyphens for colons."""
    host = urlsplit(origin).hostname or ""
    if _address(host) is not None:
        return host.replace(":", "-")
    return ".".join(reversed(host.split(".")))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
