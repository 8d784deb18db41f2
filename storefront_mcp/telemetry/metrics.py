"""Definitions of all Prometheus metrics: names after its conventions, labels of bounded cardinality."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

FAST_BUCKETS_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""From an answer out of memory to a shop that is about to time out."""
SLOW_BUCKETS_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0)
"""For requests to the shop."""


class MetricDefinition(Struct, frozen=True, kw_only=True):
    """Name, kind, help, labels and buckets of one metric."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


LABELS: Final[Mapping[str, str]] = {
    "store": "the store's id; empty where no store is meant",
    "route": "the address without what varies in it; `other` for whatever we do not publish",
    "method": "HTTP's method, or the protocol's; `other` for unknown ones",
    "status": "the HTTP status",
    "tool": "a promised tool; `other` for whatever else was asked for",
    "outcome": (
        "`ok`, or an error code of [errors.md](errors.md); a JSON-RPC code where a request ended before its call; of "
        "shops also the status of a refusal"
    ),
    "client": "a known program, `other`, or `unknown` when it said nothing",
    "protocol": "the protocol version",
    "operation": "method and path of the shop's interface, `{id}` for whatever varies",
    "state": "a checkout's state; of order events `unpaid`, `waiting`, `told` or `failed`",
    "limit": "the limit's name in `[store.limits]`",
    "source": (
        "`memory` and `shared` (Valkey or Redis), `refreshing`: old, and asked for behind, `stale`: the shop did not "
        "answer, `missing`: known not to be there, `joined`: with a question under way, `shop`: it was asked"
    ),
    "condition": "what [alerts](operators.md#alerts) are about, without `database`; the server's at every store",
    "phase": "the phase",
    "bound": "one of `[guests]`: `carts`, `answers`, `checkouts` (open ones), `audit_entries` (of the last day)",
    "to": "its status after the flip",
    "version": "of storefront-mcp",
}

REQUESTS: Final = MetricDefinition(
    name="storefront_http_request_duration_seconds",
    kind="histogram",
    help="HTTP requests: how many, and how long until the answer had left; streams until they ended.",
    labels=("store", "route", "method", "status"),
    buckets=FAST_BUCKETS_SECONDS,
)
MCP_REQUESTS: Final = MetricDefinition(
    name="storefront_mcp_requests_total",
    kind="counter",
    help="Requests of agents, by the method of the protocol.",
    labels=("store", "method", "protocol", "client"),
)
CALLS: Final = MetricDefinition(
    name="storefront_tool_calls_total",
    kind="counter",
    help="Tool calls, and what became of them.",
    labels=("store", "tool", "outcome", "client", "protocol"),
)
CALL_SECONDS: Final = MetricDefinition(
    name="storefront_tool_call_duration_seconds",
    kind="histogram",
    help="How long tool calls took.",
    labels=("store", "tool"),
    buckets=FAST_BUCKETS_SECONDS,
)
SHOP_SECONDS: Final = MetricDefinition(
    name="storefront_upstream_request_duration_seconds",
    kind="histogram",
    help="Questions to the shop: how many, how long each took, a second try included, and what became of them.",
    labels=("store", "operation", "outcome"),
    buckets=SLOW_BUCKETS_SECONDS,
)
CIRCUIT: Final = MetricDefinition(
    name="storefront_upstream_circuit_open",
    kind="gauge",
    help="1 while the shop is down and only probed now and then; of several workers, whether any sees it so.",
    labels=("store",),
)
STREAMS: Final = MetricDefinition(
    name="storefront_open_streams", kind="gauge", help="Event streams that are open now.", labels=("store",)
)
LIMITED: Final = MetricDefinition(
    name="storefront_limits_hit_total",
    kind="counter",
    help="Requests and calls that were one too many.",
    labels=("store", "limit"),
)
CATALOGUE_READS: Final = MetricDefinition(
    name="storefront_catalogue_reads_total",
    kind="counter",
    help="Reads of the catalogue, by where the answer came from.",
    labels=("store", "source"),
)
CATALOGUE_BYTES: Final = MetricDefinition(
    name="storefront_catalogue_memory_bytes",
    kind="gauge",
    help="Memory that workers use to remember the catalogue, estimated; `catalogue.memory_mb` bounds it for each.",
    labels=("store",),
)
CHECKOUTS: Final = MetricDefinition(
    name="storefront_checkouts",
    kind="gauge",
    help="Checkouts on record by state; `needs_human` waits for an operator.",
    labels=("store", "state"),
)
LAG: Final = MetricDefinition(
    name="storefront_checkout_lag_seconds",
    kind="gauge",
    help="For how long the checkout that waits longest has been due or on its way; 0 while none is late.",
    labels=("store",),
)
ALERTS: Final = MetricDefinition(
    name="storefront_alerts",
    kind="gauge",
    help="1 while somebody has to see to it: raised by this server itself, and not resolved.",
    labels=("store", "condition"),
)
ORDER_EVENTS: Final = MetricDefinition(
    name="storefront_order_events",
    kind="gauge",
    help="Orders whose platform is told of them by webhook, by how far that is; `failed` was given up.",
    labels=("store", "state"),
)
WRITABLE: Final = MetricDefinition(
    name="storefront_database_writable", kind="gauge", help="1 if the database has just taken a write, else 0."
)
DISK_FREE: Final = MetricDefinition(
    name="storefront_database_disk_free_bytes",
    kind="gauge",
    help="Free on the disk of the database; absent where that is a server.",
)
DISK_SIZE: Final = MetricDefinition(name="storefront_database_disk_size_bytes", kind="gauge", help="Size of that disk.")
FLIPS: Final = MetricDefinition(
    name="storefront_phase_flips_total",
    kind="counter",
    help="Flips on record.",
    labels=("store", "phase", "to"),
)
GUEST_ROWS: Final = MetricDefinition(
    name="storefront_guest_rows_ratio",
    kind="gauge",
    help="How much of a bound of `[guests]` is filled; at 1 the idlest rows go, and audit entries are only counted.",
    labels=("bound",),
)
MIRROR_PRODUCTS: Final = MetricDefinition(
    name="storefront_mirror_products",
    kind="gauge",
    help="Products in the store's mirror, the least of several machines; 0 while it is not whole.",
    labels=("store",),
)
MIRROR_AGE: Final = MetricDefinition(
    name="storefront_mirror_age_seconds",
    kind="gauge",
    help="How long ago the shop last told the store's mirror what has changed, the longest of several machines.",
    labels=("store",),
)
MIRROR_PROBLEMS: Final = MetricDefinition(
    name="storefront_mirror_problems",
    kind="gauge",
    help="Mirrors of the store that something keeps from being current: see storefront-mcp catalogue status.",
    labels=("store",),
)
BUILD: Final = MetricDefinition(name="storefront_build_info", kind="gauge", help="Always 1.", labels=("version",))

METRICS: Final = tuple(one for one in list(globals().values()) if isinstance(one, MetricDefinition))
"""All of the above."""
