"""Settings of rate limits, client addresses and the audit log."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from storefront_mcp.access.rate_limits import RATE_PATTERN, RateLimit, RateLimitRules
from storefront_mcp.access.stream_quota import MAX_STREAMS, MAX_STREAMS_PER_CALLER, STREAM_SECONDS, StreamQuota
from storefront_mcp.settings.problems import SettingProblem

RateText = Annotated[
    str,
    Meta(
        pattern=rf"^(off|{RATE_PATTERN.pattern})$",
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

Streams = Annotated[int, Meta(ge=1, le=100_000, description="a whole number from 1 to 100000")]
StreamSeconds = Annotated[
    int, Meta(ge=10, le=86_400, description="a whole number of seconds, from 10 to 86400 (a day)")
]

Rows = Annotated[int, Meta(ge=100, le=100_000_000, description="a whole number from 100 to 100000000")]

LOOPBACK_NETWORKS: tuple[Network, ...] = ("127.0.0.0/8", "::1/128")


class LimitSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store.limits]`: rate limits, wide enough for any shopper's agent."""

    address: RateText = "3000/min burst 600"
    guest: RateText = "1800/min burst 400"
    principal: RateText = "1200/min burst 300"
    cart: RateText = "120/min burst 60"
    coupons: RateText = "12/min burst 6"
    coupon: RateText = "4/min burst 4"
    carts: RateText = "60/min burst 30"
    orders: RateText = "20/min burst 10"
    failed: RateText = "20/min burst 20"
    sign_ins: RateText = "3/min burst 5"
    """At most 8 in any minute: Maho allows 10 to all of them together."""
    sign_in: RateText = "60/h burst 10"
    mailbox: RateText = "20/h burst 5"

    def rules(self) -> RateLimitRules:
        """The parsed rates."""
        return RateLimitRules(**{name: RateLimit.read(getattr(self, name)) for name in self.__struct_fields__})


class StreamSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store.streams]`: open streams of one worker, of `subscriptions/listen` and HTTP+SSE together."""

    at_most: Streams = MAX_STREAMS
    per_caller: Streams = MAX_STREAMS_PER_CALLER
    lasts: StreamSeconds = STREAM_SECONDS

    def quota(self) -> StreamQuota:
        """The quota of one worker."""
        return StreamQuota(at_most=self.at_most, per_caller=self.per_caller, seconds=self.lasts)


class AuditSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[audit]`."""

    keep_days: Days = 400


class GuestSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[guests]`: how much guests may make the server keep, from one client address and in all."""

    carts: Rows = 500_000
    carts_per_address: Rows = 5_000
    answers: Rows = 100_000
    answers_per_address: Rows = 2_000
    checkouts: Rows = 50_000
    checkouts_per_address: Rows = 1_000
    audit_entries: Rows = 100_000
    audit_entries_per_address: Rows = 5_000

    @property
    def in_all(self) -> Mapping[str, int]:
        """The bounds of all guests together, by name."""
        return {name: getattr(self, name) for name in ("carts", "answers", "checkouts", "audit_entries")}


def limit_problems(table: Any, trusted: Iterable[str]) -> Iterable[SettingProblem]:  # noqa: ANN401 -- the file's own table
    """Problems that no type can tell: invalid networks, and a password in the file."""
    for index, network in enumerate(trusted):
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            yield SettingProblem(f"trusted_proxies[{index}]", f"wants a network, such as 10.0.0.0/8; got {network!r}.")
    catalogue = table.get("catalogue")
    urls = {
        "limits_store": table.get("limits_store"),
        "catalogue.shared": catalogue.get("shared") if isinstance(catalogue, Mapping) else None,
    }
    for name, url in urls.items():
        # A value from a variable is a FromEnvironment here.
        if isinstance(url, str) and "@" in url:
            variable = f"STOREFRONT_{name.upper().replace('.', '__')}"
            yield SettingProblem(name, f"holds a password, which has no place here; set {variable}.")
