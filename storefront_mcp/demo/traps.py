"""Switches for tests: what makes the demo shop as unsafe as a real store, and what makes its next request fail."""

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
    SLOW = "the right answer, late"
    HTML = "200 with a page of HTML"
    TRUNCATED = "the right answer, cut in half"
    REDIRECT = "302 to another host"
    CLOSED = "the connection closes half-way through the body (only over real HTTP)"


class PlannedFault(Struct, frozen=True, kw_only=True):
    """A fault and the requests it is meant for."""

    fault: Fault
    method: str
    path: str
    seconds: float

    def fits(self, method: str, path: str) -> bool:
        """Whether this request is meant; an empty method or path means any."""
        return self.method in {"", method} and self.path in path


class Faults:
    """The faults to come: each hits one request, first planned first.

    >>> faults = Faults()
    >>> faults.next(Fault.AFTER, method="POST", path="/place-order")
    >>> faults.take("GET", "/api/rest/v2/products") is None
    True
    """

    def __init__(self) -> None:
        """Start with none."""
        self._planned: deque[PlannedFault] = deque()

    def next(self, fault: Fault, *, method: str = "", path: str = "", times: int = 1, seconds: float = 1.0) -> None:
        """Let the next `times` requests with this method and this text in their path fail; `seconds` is for SLOW."""
        planned = PlannedFault(fault=fault, method=method, path=path, seconds=seconds)
        self._planned.extend([planned] * times)

    def clear(self) -> None:
        """Forget what has not happened yet."""
        self._planned.clear()

    def take(self, method: str, path: str) -> PlannedFault | None:
        """The fault for this request, used up by asking."""
        for planned in self._planned:
            if planned.fits(method, path):
                self._planned.remove(planned)
                return planned
        return None
