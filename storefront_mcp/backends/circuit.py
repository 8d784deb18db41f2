"""Stops asking a shop that is down, and finds out when it is back.

A library was considered (purgatory, aiobreaker, pybreaker): each brings its own clock, event system or storage for what
is one counter and one instant here, and none lets a cancelled probe count as "nothing learned".
"""

from collections.abc import Callable


class Circuit:
    """Closed while calls succeed; open after `failures` in a row; after `cool_down` seconds one call may probe.

    >>> now = 0.0
    >>> circuit = Circuit(failures=1, cool_down=10, clock=lambda: now)
    >>> circuit.record(alive=False)
    >>> circuit.admits()
    False
    >>> now = 10.0
    >>> circuit.admits(), circuit.admits()
    (True, False)
    >>> circuit.record(alive=True)
    >>> circuit.admits()
    True
    """

    def __init__(self, *, failures: int, cool_down: float, clock: Callable[[], float]) -> None:
        self._limit = failures
        self._cool_down = cool_down
        self._clock = clock
        self._failed = 0
        self._open_until: float | None = None
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether calls are refused, apart from a probe."""
        return self._open_until is not None

    def admits(self) -> bool:
        """Whether a call may be made now. A caller that hears yes must `record` how it went."""
        if self._open_until is None:
            return True
        if self._probing or self._clock() < self._open_until:
            return False
        self._probing = True
        return True

    def record(self, *, alive: bool | None) -> None:
        """How an admitted call went; None when it says nothing about the shop, such as a call we gave up ourselves."""
        self._probing = False
        if alive is None:
            return
        if alive:
            self._failed = 0
            self._open_until = None
            return
        self._failed += 1
        if self._failed >= self._limit:
            self._open_until = self._clock() + self._cool_down
