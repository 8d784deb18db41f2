"""Bounds on the open streams of one store in one process: in all, of one caller, and in time."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from storefront_mcp.access.rate_limits import LimitExceeded, RateLimit

MAX_STREAMS: Final = 500
MAX_STREAMS_PER_CALLER: Final = 50
STREAM_SECONDS: Final = 3600
RETRY_SECONDS: Final = 30.0
"""Seconds after which a refused client may try again."""


class StreamTimer(Protocol):
    """What will happen unless it is cancelled."""

    def cancel(self) -> None:
        """Do nothing at that time."""


def call_later(seconds: float, act: Callable[[], None]) -> StreamTimer:
    """Act after some seconds in the running event loop."""
    return asyncio.get_running_loop().call_later(seconds, act)


class StreamPlace:
    """One open stream's place in a quota."""

    def __init__(self, holder: str, end: Callable[[], None]) -> None:
        """`end` ends the stream; it is called once at most, and not after `StreamQuota.leave`."""
        self.holder = holder
        self.end = end
        self.timer: StreamTimer | None = None


class StreamQuota:
    """Admits streams of holders (a key, a token, a signing agent, else a client address; empty when unknown).

    Where all places are taken, the oldest stream of whoever has most of them ends for somebody who has fewer, so no
    number of streams that a few hold keeps others out.
    """

    def __init__(
        self,
        *,
        at_most: int = MAX_STREAMS,
        per_caller: int = MAX_STREAMS_PER_CALLER,
        seconds: float = STREAM_SECONDS,
        later: Callable[[float, Callable[[], None]], StreamTimer] = call_later,
    ) -> None:
        """`seconds` is the life time of a stream. Unknown holders share what is left and have no bound of their own."""
        self._at_most = at_most
        self._per_caller = per_caller
        self._seconds = seconds
        self._later = later
        self._places: dict[str, dict[StreamPlace, None]] = {}
        """By holder; the oldest first."""
        self.refusal = LimitExceeded(
            rule="streams", rate=RateLimit(per_caller, seconds / per_caller), wait=RETRY_SECONDS
        )
        """What `admit` says no with."""

    def __len__(self) -> int:
        """Open streams."""
        return sum(map(len, self._places.values()))

    def admit(self, holder: str, end: Callable[[], None]) -> StreamPlace | None:
        """A place for one more stream, or None."""
        own = len(self._places.get(holder, ()))
        if holder and own >= self._per_caller:
            return None
        if len(self) >= self._at_most:
            largest = max(self._places, key=lambda other: len(self._places[other]))
            if len(self._places[largest]) <= own + 1:
                return None
            self._expire(next(iter(self._places[largest])))
        place = StreamPlace(holder, end)
        self._places.setdefault(holder, {})[place] = None
        place.timer = self._later(self._seconds, lambda: self._expire(place))
        return place

    def leave(self, place: StreamPlace) -> None:
        """Give a place back, when its stream has ended; one that was taken away is not there any more."""
        if place.timer is not None:
            place.timer.cancel()
        held = self._places.get(place.holder, {})
        held.pop(place, None)
        if not held:
            self._places.pop(place.holder, None)

    def _expire(self, place: StreamPlace) -> None:
        self.leave(place)
        place.end()
