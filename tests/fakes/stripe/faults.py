"""Ways for a request to fail: scripted one by one, or by chance from a seed."""

import random
from collections import Counter, deque
from enum import StrEnum

from msgspec import Struct


class Fault(StrEnum):
    """What happens to a request instead of its answer. What was done, or was kept under the key, stays."""

    DOWN = "down"
    """503, nothing done, nothing kept."""
    LIMITED = "limited"
    """429, nothing done, nothing kept."""
    LOST = "lost"
    """The connection closes, nothing done."""
    SLOW = "slow"
    """The answer comes `seconds` late, and so does what it does."""
    BROKEN = "broken"
    """500, nothing done; the key keeps the 500."""
    ACTED_BROKEN = "acted_broken"
    """500, although it was done; the key keeps the 500."""
    ACTED_LOST = "acted_lost"
    """The connection closes after it was done; the key keeps the answer."""
    ACTED_SLOW = "acted_slow"
    """It is done at once, and the answer comes `seconds` late."""
    GARBAGE = "garbage"
    """It is done, and the answer is a page of HTML; the key keeps the right answer."""


class Planned(Struct, frozen=True, kw_only=True):
    """A fault for the next request that has this method (any when empty) and this text in its path."""

    fault: Fault
    method: str = ""
    path: str = ""
    times: int = 1
    seconds: float = 1.0


class Chances(Struct, frozen=True, kw_only=True):
    """How likely each fault is. What hits a request depends on the seed, the request and its repetition alone."""

    rates: dict[Fault, float] = {}
    seed: int = 0
    seconds: float = 1.0


class Faults:
    """The faults to come."""

    def __init__(self) -> None:
        self.planned: deque[Planned] = deque()
        self.chances = Chances()
        self._seen: Counter[tuple[str, ...]] = Counter()

    def plan(self, planned: Planned) -> None:
        self.planned.extend([planned] * planned.times)

    def clear(self) -> None:
        """Fail no more."""
        self.planned.clear()
        self.chances = Chances()

    def draw(self, method: str, path: str, key: str, *, repeats: bool = False) -> tuple[Fault | None, float]:
        """The fault for this request and its seconds; one that `repeats` a kept answer executes nothing to break."""
        for planned in self.planned:
            breaks = planned.fault in {Fault.BROKEN, Fault.ACTED_BROKEN}
            if planned.method in {"", method} and planned.path in path and not (breaks and repeats):
                self.planned.remove(planned)
                return planned.fault, planned.seconds
        if not self.chances.rates:
            return None, 0.0
        self._seen[method, path, key] += 1
        chance = random.Random(f"{self.chances.seed} {method} {path} {key} {self._seen[method, path, key]}").random()
        for fault, rate in self.chances.rates.items():
            chance -= rate
            if chance < 0:
                return fault, self.chances.seconds
        return None, 0.0
