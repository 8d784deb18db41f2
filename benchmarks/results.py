"""What a run found: every single measurement, and medians and ratios over the rounds."""

from collections.abc import Iterable
from statistics import median

from msgspec import Struct

from benchmarks.load import Measured
from benchmarks.machine import Machine


class Reading(Struct, frozen=True):
    """One server under one load in one round."""

    server: str
    load: str
    """An ask and its connections: `call-2025-11-25 c=16`; `shop ` before it where the shop is asked."""
    round: int
    measured: Measured


class Start(Struct, frozen=True):
    """One start of a server."""

    server: str
    round: int
    first_answer: float
    """Seconds."""
    resident: float
    """Megabytes after the round's loads."""


class Results(Struct):
    """A whole run; what is written as JSON."""

    machine: Machine
    rounds: int
    seconds: int
    readings: list[Reading]
    starts: list[Start]

    def of(self, server: str, load: str) -> dict[int, Measured]:
        """A server's measurements by round."""
        return {one.round: one.measured for one in self.readings if (one.server, one.load) == (server, load)}

    def middle(self, server: str, load: str, field: str) -> float | None:
        """The median of one figure; None where it was not measured."""
        found = [getattr(measured, field) for measured in self.of(server, load).values()]
        return median(found) if found else None

    def ratio(self, server: str, other: str, load: str, *, other_load: str | None = None) -> float | None:
        """How many times as much as `other` it answers with the same processor time; under a load of its own, if named.

        The median over rounds, each compared within itself. On a core of its own a server's rate says the same; where
        others work on the machine too, rates say more about them.
        """
        ours, theirs = self.of(server, load), self.of(other, other_load or load)
        both = [theirs[number].cpu / ours[number].cpu for number in ours if number in theirs]
        return median(both) if both else None

    def share(self, server: str, load: str) -> float | None:
        """How much of its core it had, from 0 to 1."""
        found = self.of(server, load).values()
        return _median(one.rate * one.cpu / 1e6 for one in found)

    def first_answer(self, server: str) -> float | None:
        """Median seconds to the first answer."""
        return _median(one.first_answer for one in self.starts if one.server == server)

    def resident(self, server: str) -> float | None:
        """Median megabytes after load."""
        return _median(one.resident for one in self.starts if one.server == server)


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return median(found) if found else None


def load_name(ask: str, connections: int, *, shop: bool = False) -> str:
    """How a load is called in the results."""
    return f"{'shop ' if shop else ''}{ask} c={connections}"
