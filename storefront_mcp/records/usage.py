"""Usage statistics per minute, and the port that stores them."""

from collections.abc import Sequence
from typing import Final, Literal, Protocol

from msgspec import Struct

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.records.outcomes import OK

Kind = Literal["tool", "protocol", "shop", "missed"]
"""tool: a call. protocol: the same call, by the protocol that it came over. shop: an upstream call. missed: a search
without results."""

DURATION_BOUNDS_SECONDS: Final = (0.025, 0.1, 0.5, 2.0, 10.0)
"""Upper bounds of the duration histogram's buckets."""


class DurationSummary(Struct, frozen=True):
    """Count and durations of some events."""

    count: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    within: tuple[int, ...] = (0,) * len(DURATION_BOUNDS_SECONDS)
    """Histogram: events per bucket, those above the last bound left out."""

    def __add__(self, other: "DurationSummary") -> "DurationSummary":
        return DurationSummary(
            self.count + other.count,
            self.seconds + other.seconds,
            max(self.slowest, other.slowest),
            tuple(mine + theirs for mine, theirs in zip(self.within, other.within, strict=True)),
        )

    def quantile(self, share: float) -> float:
        """An estimate of a quantile in seconds: from its bucket, as if the events in it lay evenly."""
        wanted, below, lower = share * self.count, 0, 0.0
        for bound, count in zip(DURATION_BOUNDS_SECONDS, self.within, strict=True):
            upper = min(bound, self.slowest)
            if count and below + count >= wanted:
                return min(lower + (upper - lower) * (wanted - below) / count, upper)
            below, lower = below + count, bound
        beyond = self.count - below
        return min(lower + (self.slowest - lower) * (wanted - below) / beyond, self.slowest) if beyond else self.slowest


class UsageRow(Struct, frozen=True, kw_only=True):
    """Usage of one thing in one span of time."""

    minute: int
    """Start of the span in minutes since the Unix epoch."""
    kind: Kind
    name: str
    client: str = ""
    outcome: str = OK
    sum: DurationSummary


class UsageRepository(Protocol):
    """Storage of usage statistics, shared by every worker. Blocking: called from threads."""

    def add(self, store: StoreId, rows: Sequence[UsageRow]) -> None:
        """Add to the stored sums."""

    def read(self, store: StoreId, *, since: int, step: int) -> Sequence[UsageRow]:
        """Rows from the minute `since` on, summed over `step` minutes."""

    def prune(self, before: int) -> int:
        """Delete rows older than the minute `before`; returns their number."""
