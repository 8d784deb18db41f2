"""Ways for a request to the demo shop to fail, planned one by one or drawn by chance."""

import random
from collections import deque
from enum import Enum

from msgspec import Struct


class DemoFault(Enum):
    """A way to fail."""

    BEFORE = "500, and nothing was done"
    AFTER = "500, although it was done"
    CAPTURED = "500 after a payment module took the money, and before there was an order"
    COMMITTED = "500 after the order was committed: it has no note, and its cart stays open"
    GONE = "done, and no answer until the caller gives up, or for so many seconds"
    SLOW = "the right answer, late"
    HTML = "200 with a page of HTML"
    TRUNCATED = "the right answer, cut in half"
    REDIRECT = "302 to another host"
    CLOSED = "the connection closes half-way through the body (only over real HTTP)"


class FaultPlan(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A fault and the requests it is meant for; an empty method or path means any."""

    fault: str
    """A name of `DemoFault`."""
    method: str = ""
    path: str = ""
    """Text in the path."""
    seconds: float = 1.0
    """How long SLOW waits, and GONE at most."""
    times: int = 1


class FaultRates(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Faults that hit a share of the requests, the same ones for the same seed."""

    seed: int | str
    share: float
    """From 0 to 1."""
    faults: tuple[str, ...]
    method: str = ""
    path: str = ""
    seconds: float = 1.0
    """The longest that SLOW and GONE take."""


class FaultQueue:
    """The faults to come: each hits one request, first planned first; then chance, if rates are set.

    >>> faults = FaultQueue()
    >>> faults.next(DemoFault.AFTER, method="POST", path="/place-order")
    >>> faults.take("GET", "/api/rest/v2/products") is None
    True
    """

    def __init__(self) -> None:
        """Start with none."""
        self._planned: deque[FaultPlan] = deque()
        self._rates: FaultRates | None = None
        self._random = random.Random()

    def next(self, fault: DemoFault, *, method: str = "", path: str = "", times: int = 1, seconds: float = 1.0) -> None:
        """Let the next `times` requests with this method and this text in their path fail."""
        self.plan(FaultPlan(fault=fault.name, method=method, path=path, times=times, seconds=seconds))

    def plan(self, plan: FaultPlan) -> None:
        """The same as data."""
        self._planned.extend([plan] * plan.times)

    def draw(self, rates: FaultRates) -> None:
        """Fail by chance from now on."""
        self._rates = rates
        self._random.seed(rates.seed)

    def clear(self) -> None:
        """Forget what has not happened yet."""
        self._planned.clear()
        self._rates = None

    def take(self, method: str, path: str) -> tuple[DemoFault, float] | None:
        """The fault for this request and its seconds, used up by asking."""
        for plan in self._planned:
            if plan.method in {"", method} and plan.path in path:
                self._planned.remove(plan)
                return DemoFault[plan.fault], plan.seconds
        rates = self._rates
        if rates is None or rates.method not in {"", method} or rates.path not in path:
            return None
        if self._random.random() >= rates.share:
            return None
        return DemoFault[self._random.choice(rates.faults)], self._random.uniform(0, rates.seconds)
