"""Switches for tests: what makes the demo shop as unsafe as a real store, and what makes its next request fail."""

import random
from collections import deque
from enum import Enum

from msgspec import Struct


class Traps(Struct, frozen=True, kw_only=True):
    """Where a real store is unsafe the demo shop is not; every switch brings one unsafe behaviour back."""

    duplicate_orders: bool = False
    """Parallel place-order calls on one cart each make an order."""
    opaque_errors: bool = False
    """An incomplete place-order, or one for sold-out goods, ends in the same 500 that says nothing."""
    unchecked_orders: bool = False
    """No e-mail address, "not-an-email" and the country ZZ are accepted and stored."""
    older_fork: bool = False
    """Speak like the fork from before the API was merged: coupons by POST, whole carts for quotes and totals, empty
    answers to update and remove, 201 on add, 404 on add to an unknown cart, no addresses in place-order."""


class Fault(Enum):
    """A way to fail."""

    BEFORE = "500, and nothing was done"
    AFTER = "500, although it was done"
    CAPTURED = "500 after a payment module took the money, and before there was an order"
    GONE = "done, and no word of it until the caller gives up, or for so many seconds"
    SLOW = "the right answer, late"
    HTML = "200 with a page of HTML"
    TRUNCATED = "the right answer, cut in half"
    REDIRECT = "302 to another host"
    CLOSED = "the connection closes half-way through the body (only over real HTTP)"


class PlannedFault(Struct, frozen=True, kw_only=True):
    """A fault and the requests it is meant for."""

    fault: Fault
    method: str = ""
    path: str = ""
    seconds: float = 1.0

    def fits(self, method: str, path: str) -> bool:
        """Whether this request is meant; an empty method or path means any."""
        return self.method in {"", method} and self.path in path


class Chance(Struct, frozen=True, kw_only=True):
    """Faults that hit a share of the requests."""

    share: float
    """From 0 to 1."""
    faults: tuple[Fault, ...]
    method: str = ""
    path: str = ""
    seconds: float = 1.0
    """The longest that SLOW and GONE take."""


class Faults:
    """The faults to come: each hits one request, first planned first; then chance has its say, if it was asked to.

    >>> faults = Faults()
    >>> faults.next(Fault.AFTER, method="POST", path="/place-order")
    >>> faults.take("GET", "/api/rest/v2/products") is None
    True
    """

    def __init__(self) -> None:
        """Start with none."""
        self._planned: deque[PlannedFault] = deque()
        self._chance: tuple[Chance, random.Random] | None = None

    def next(self, fault: Fault, *, method: str = "", path: str = "", times: int = 1, seconds: float = 1.0) -> None:
        """Let the next `times` requests with this method and this text in their path fail.

        `seconds` is how long SLOW waits, and GONE at most.
        """
        planned = PlannedFault(fault=fault, method=method, path=path, seconds=seconds)
        self._planned.extend([planned] * times)

    def at_random(self, chance: "Chance", *, seed: int | str) -> None:
        """From now on fail by chance, the same way for the same seed and the same requests."""
        self._chance = (chance, random.Random(seed))  # noqa: S311 -- nothing is kept secret by it

    def clear(self) -> None:
        """Forget what has not happened yet."""
        self._planned.clear()
        self._chance = None

    def take(self, method: str, path: str) -> PlannedFault | None:
        """The fault for this request, used up by asking."""
        for planned in self._planned:
            if planned.fits(method, path):
                self._planned.remove(planned)
                return planned
        if self._chance is None:
            return None
        chance, dice = self._chance
        wanted = PlannedFault(fault=Fault.BEFORE, method=chance.method, path=chance.path)
        if not wanted.fits(method, path) or dice.random() >= chance.share:
            return None
        return PlannedFault(fault=dice.choice(chance.faults), seconds=dice.uniform(0, chance.seconds))
