"""The settings of limits, of client addresses and of the audit."""

import ipaddress
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from storefront_mcp.calls.limits import WRITTEN, Rate, Rules
from storefront_mcp.settings.problems import Problem

RateText = Annotated[
    str,
    Meta(
        pattern=rf"^(off|{WRITTEN.pattern})$",
        description='a rate such as "600/min burst 200" (s, min or h), or "off"',
    ),
]
SharedStore = Annotated[
    str,
    Meta(pattern=r"^(valkeys?|rediss?)://[^\s/@]*(@[^\s/@]+)?(/\d*)?$", description="a valkey:// or redis:// URL"),
]
Network = Annotated[str, Meta(pattern=r"^[0-9a-fA-F.:]+(/\d{1,3})?$", description="a network, such as 10.0.0.0/8")]
ForwardedBy = Annotated[
    Literal["x-forwarded-for", "forwarded"], Meta(description='"x-forwarded-for" or "forwarded" (RFC 7239)')
]
Days = Annotated[int, Meta(ge=1, le=36_500, description="a whole number of days from 1 to 36500")]

LOOPBACK: tuple[Network, ...] = ("127.0.0.0/8", "::1/128")


class LimitSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How often is too often, so that a shopper's agent never notices and a flood does."""

    address: RateText = "3000/min burst 600"
    guest: RateText = "1800/min burst 400"
    principal: RateText = "1200/min burst 300"
    cart: RateText = "120/min burst 60"
    coupons: RateText = "12/min burst 6"
    coupon: RateText = "4/min burst 4"
    carts: RateText = "60/min burst 30"
    orders: RateText = "20/min burst 10"
    failed: RateText = "20/min burst 20"

    def rules(self) -> Rules:
        """The same as rates."""
        return Rules(**{name: Rate.read(getattr(self, name)) for name in self.__struct_fields__})


class AuditSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The record of who did what."""

    keep_days: Days = 400


def limit_problems(table: Any, trusted: Iterable[str]) -> Iterable[Problem]:  # noqa: ANN401 -- the file's own table
    """What no type can tell: networks that are none, and a password that stands in the file."""
    for index, network in enumerate(trusted):
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            yield Problem(f"trusted_proxies[{index}]", f"wants a network, such as 10.0.0.0/8; got {network!r}.")
    url = table.get("limits_store")
    # What comes from a variable is no plain text here.
    if isinstance(url, str) and "@" in url:
        yield Problem("limits_store", "holds a password, which has no place here; set STOREFRONT_LIMITS_STORE.")
