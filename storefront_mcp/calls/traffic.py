"""What agents did, added up by the minute: the figures, and the port of where they are kept."""

from collections.abc import Sequence
from typing import Final, Literal, Protocol

from msgspec import Struct

from storefront_mcp.commerce.names import StoreId

Kind = Literal["tool", "shop", "missed"]
"""A tool that was called, a question to the shop, words that were searched for and not found."""

WITHIN: Final = (0.025, 0.1, 0.5, 2.0, 10.0)
"""Seconds: the bounds by which durations are told apart."""
OK: Final = "ok"


class Sum(Struct, frozen=True):
    """Some events, added up."""

    count: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    within: tuple[int, ...] = (0,) * len(WITHIN)
    """How many took no longer than each of the bounds, and longer than the one before."""

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(
            self.count + other.count,
            self.seconds + other.seconds,
            max(self.slowest, other.slowest),
            tuple(mine + theirs for mine, theirs in zip(self.within, other.within, strict=True)),
        )

    def quantile(self, share: float) -> float:
        """About how many seconds that share of the events took at most: a bound, or the slowest one."""
        passed = 0
        for bound, count in zip(WITHIN, self.within, strict=True):
            passed += count
            if passed >= share * self.count:
                return min(bound, self.slowest)
        return self.slowest


class Line(Struct, frozen=True, kw_only=True):
    """What happened in one span of time to one thing."""

    minute: int
    """Unix minutes: where the span begins."""
    kind: Kind
    name: str
    client: str = ""
    outcome: str = OK
    sum: Sum


class TrafficBook(Protocol):
    """The record, shared by every worker. Blocking: called from threads."""

    def add(self, store: StoreId, lines: Sequence[Line]) -> None:
        """Add to what there is already."""

    def read(self, store: StoreId, *, since: int, step: int) -> Sequence[Line]:
        """Everything from a minute on, added up by `step` minutes."""

    def prune(self, before: int) -> int:
        """Drop what is older than a minute; how many lines."""
