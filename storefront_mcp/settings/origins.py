"""Origins: how one is written, and which are this machine's own."""

import ipaddress
from urllib.parse import urlsplit


def tidy(origin: str) -> str:
    """An origin as browsers write it: small letters, no port where it is the scheme's own. Raises ValueError."""
    parts = urlsplit(origin.lower())
    port = None if parts.port == {"http": 80, "https": 443}[parts.scheme] else parts.port
    host = parts.hostname or ""
    if not host:
        raise ValueError(origin)
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def loopback(origin: str) -> bool:
    """Whether the origin is this machine and may do without https."""
    host = urlsplit(origin).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def host_of(origin: str) -> str:
    """The Host header of requests to this origin."""
    return urlsplit(origin).netloc


def reversed_name(origin: str) -> str:
    """`https://shop.pickle.example` is `example.pickle.shop`; an address stays as it is, hyphens for colons."""
    host = urlsplit(origin).hostname or ""
    if _address(host) is not None:
        return host.replace(":", "-")
    return ".".join(reversed(host.split(".")))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
