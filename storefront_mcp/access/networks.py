"""Wider networks of a client address, as one holder has many addresses: a customer's IPv6 /48, a provider's /32."""

import ipaddress
from typing import Final

SITE_BITS: Final = 48
"""Of an IPv6 address: what one customer of a provider gets at most (RFC 6177)."""
PROVIDER_BITS: Final = {4: 24, 6: 32}
"""By version of an address: what one holder may well have, and the smallest block of IPv6 that registries allocate."""


def site_of(address: str) -> str:
    """The /48 of an IPv6 address or network; any other text is returned as it is."""
    return _network(address, SITE_BITS) if ":" in address else address


def provider_of(address: str) -> str:
    """The /24 of an IPv4 address, the /32 of an IPv6 address or network; any other text as it is."""
    return _network(address, None)


def _network(address: str, bits: int | None) -> str:
    try:
        one = ipaddress.ip_interface(address).ip
    except ValueError:
        return address
    return str(ipaddress.ip_interface(f"{one}/{bits or PROVIDER_BITS[one.version]}").network)
