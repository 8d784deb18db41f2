"""A bound on the processor time that the answers of one store's shop take from the other stores of a worker."""

import asyncio
import functools
import math
import time
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final, ParamSpec, TypeVar

from storefront_mcp.commerce.errors import ShopBusy, ShopDown

P = ParamSpec("P")
T = TypeVar("T")

BURST_SECONDS: Final = 1.0
"""Processor time that a store may use at once, after a pause."""


class WorkBudget:
    """A token bucket of processor seconds. Calls of a store that has used up its share are refused until it refills.

    A call under way is not stopped, since each is bounded by itself: it is the next ones that wait.
    """

    def __init__(
        self,
        share: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.thread_time,
    ) -> None:
        """`share` is of the worker's time, up to 1 (no bound); `used` is the thread's processor time, in seconds."""
        self._share = share
        self._clock = clock
        self._used = used
        self._left = BURST_SECONDS
        self._since = clock()

    def check(self) -> None:
        """Raise ShopBusy while the share is used up."""
        self.charge(0.0)
        if self._left < 0 and self._share < 1:
            pause = math.ceil(-self._left / self._share)
            raise ShopBusy(retry_after=max(pause, 1), internal=f"it took more than {self._share:.0%} of a worker")

    def charge(self, seconds: float) -> None:
        """Count processor time that an answer took, after what has been refilled since."""
        now = self._clock()
        self._left = min(self._left + (now - self._since) * self._share, BURST_SECONDS) - seconds
        self._since = now

    def limit(
        self, method: Callable[P, Coroutine[Any, Any, T]], *, within: float | None = None
    ) -> Callable[P, Coroutine[Any, Any, T]]:
        """The method, refused while the share is used up, and charged to it; with at most `within` seconds.

        It raises ShopBusy besides, and ShopDown when it is late. Without a bound on share and time it is itself.
        """
        if self._share >= 1 and within is None:
            return method

        @functools.wraps(method)
        async def limited(*args: P.args, **kwargs: P.kwargs) -> T:
            self.check()
            try:
                async with asyncio.timeout(within):
                    return await self.meter(method, *args, **kwargs)
            except TimeoutError as error:
                raise ShopDown(internal=f"no whole answer within {within} s") from error

        return limited

    @types.coroutine
    def meter(
        self, method: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> Generator[Any, Any, T]:
        """The result of a call, each step of which is charged. Tasks that it starts are not part of it.

        The call begins with the first step: one that is cancelled before leaves nothing that was never awaited.
        """
        work = method(*args, **kwargs)
        resume: Callable[[Any], Any] = work.send
        value: Any = None
        while True:
            began = self._used()
            try:
                waited = resume(value)
            except StopIteration as ended:
                result: T = ended.value
                return result
            finally:
                self.charge(self._used() - began)
            try:
                value = yield waited
                resume = work.send
            except BaseException as error:  # noqa: BLE001 -- the work may handle it, cancellation included
                resume, value = work.throw, error
