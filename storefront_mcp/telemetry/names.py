"""Every number we tell Prometheus: names after its conventions, and labels whose values clients cannot multiply."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

FAST: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: from an answer out of memory to a shop that is about to be given up."""
PATIENT: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0)
"""Seconds that a shop takes."""


class Metric(Struct, frozen=True, kw_only=True):
    """One number, or one per combination of its labels."""

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
    "outcome": "`ok`, or the name of the error; of shops also the status of a refusal",
    "client": "a known program, `other`, or `unknown` when it said nothing",
    "protocol": "the protocol version",
    "operation": "method and path of the shop's interface, `{id}` for whatever varies",
    "state": "a checkout's state",
    "limit": "the limit's name in `[store.limits]`",
    "phase": "the phase",
    "to": "its status after the flip",
    "version": "of storefront-mcp",
}

REQUESTS: Final = Metric(
    name="storefront_http_request_duration_seconds",
    kind="histogram",
    help="HTTP requests: how many, and how long until the answer had left; streams until they ended.",
    labels=("store", "route", "method", "status"),
    buckets=FAST,
)
ASKED: Final = Metric(
    name="storefront_mcp_requests_total",
    kind="counter",
    help="Requests of agents, by the method of the protocol.",
    labels=("store", "method", "protocol", "client"),
)
CALLS: Final = Metric(
    name="storefront_tool_calls_total",
    kind="counter",
    help="Tool calls, and what became of them.",
    labels=("store", "tool", "outcome", "client", "protocol"),
)
CALL_SECONDS: Final = Metric(
    name="storefront_tool_call_duration_seconds",
    kind="histogram",
    help="How long tool calls took.",
    labels=("store", "tool"),
    buckets=FAST,
)
SHOP_SECONDS: Final = Metric(
    name="storefront_upstream_request_duration_seconds",
    kind="histogram",
    help="Questions to the shop: how many, how long each took, a second try included, and what became of them.",
    labels=("store", "operation", "outcome"),
    buckets=PATIENT,
)
CIRCUIT: Final = Metric(
    name="storefront_upstream_circuit_open",
    kind="gauge",
    help="1 while the shop is down and only probed now and then; of several workers, whether any sees it so.",
    labels=("store",),
)
STREAMS: Final = Metric(
    name="storefront_open_streams", kind="gauge", help="Event streams that are open now.", labels=("store",)
)
LIMITED: Final = Metric(
    name="storefront_limits_hit_total",
    kind="counter",
    help="Requests and calls that were one too many.",
    labels=("store", "limit"),
)
CHECKOUTS: Final = Metric(
    name="storefront_checkouts",
    kind="gauge",
    help="Checkouts on record by state; `needs_human` waits for an operator.",
    labels=("store", "state"),
)
LAG: Final = Metric(
    name="storefront_checkout_lag_seconds",
    kind="gauge",
    help="For how long the checkout that waits longest has been due; 0 while none is late.",
    labels=("store",),
)
FLIPS: Final = Metric(
    name="storefront_phase_flips_total",
    kind="counter",
    help="Flips on record.",
    labels=("store", "phase", "to"),
)
BUILD: Final = Metric(name="storefront_build_info", kind="gauge", help="Always 1.", labels=("version",))

METRICS: Final = (
    REQUESTS,
    ASKED,
    CALLS,
    CALL_SECONDS,
    SHOP_SECONDS,
    CIRCUIT,
    STREAMS,
    LIMITED,
    CHECKOUTS,
    LAG,
    FLIPS,
    BUILD,
)


def table() -> str:
    """The metrics as the manual shows them."""
    rows = [f"| `{one.name}` | {one.kind} | {_listed(one.labels)} | {one.help} |" for one in METRICS]
    labels = [f"| `{name}` | {meaning} |" for name, meaning in LABELS.items()]
    return "\n".join(
        [
            "| metric | kind | labels | what it tells |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
            "| label | values |",
            "| --- | --- |",
            *labels,
        ]
    )


def _listed(labels: tuple[str, ...]) -> str:
    return ", ".join(f"`{label}`" for label in labels)
