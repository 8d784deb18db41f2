"""Asks a shop at a pace that it can bear: slower when it is, and again after it was busy or down."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Final, TypeVar

from storefront_mcp.commerce.errors import ShopBusy, ShopDown

T = TypeVar("T")

SLOW_FACTOR: Final = 2.0
"""An answer that takes so many times the median is a sign of a shop that has enough to do."""
SLOW_SECONDS: Final = 0.25
"""Answers that take less are no burden."""
MEDIAN_ANSWERS: Final = 50
MAX_PAUSE_SECONDS: Final = 30.0
"""Between two questions to a shop that is slow."""
FIRST_RETRY_SECONDS: Final = 5.0
MAX_RETRY_SECONDS: Final = 300.0
"""Between two questions to a shop that does not answer."""
MAX_BUSY_SECONDS: Final = 900.0
"""The longest pause that a shop may ask for."""

log: Final = logging.getLogger(__name__)


class ShopPace:
    """One question at a time. A question is repeated until it is answered; other errors than these two are raised."""

    def __init__(
        self,
        report: Callable[[str | None], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`report` hears why the shop cannot be read, and None when it can again."""
        self._report = report
        self._clock = clock
        self._sleep = sleep
        self._took: deque[float] = deque(maxlen=MEDIAN_ANSWERS)
        self._pause = 0.0
        self.questions = 0
        """Asked so far."""

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """The answer."""
        retry, failed = FIRST_RETRY_SECONDS, False
        while True:
            if self._pause:
                await self._sleep(self._pause)
            began = self._clock()
            self.questions += 1
            try:
                answer = await question()
            except ShopBusy as busy:
                failed = True
                self._report(f"the shop is busy: {busy.internal}")
                await self._sleep(min(max(1.0, busy.retry_after), MAX_BUSY_SECONDS))
            except ShopDown as down:
                failed = True
                self._report(f"the shop does not answer: {down.internal}")
                await self._sleep(retry)
                retry = min(2 * retry, MAX_RETRY_SECONDS)
            else:
                if failed:
                    self._report(None)
                self._adapt(self._clock() - began)
                return answer

    def _adapt(self, took: float) -> None:
        """Pause longer after slow answers, and shorter after others."""
        usual = median(self._took) if self._took else took
        self._took.append(took)
        if took > max(SLOW_FACTOR * usual, SLOW_SECONDS):
            self._pause = min(max(2 * self._pause, took), MAX_PAUSE_SECONDS)
        else:
            self._pause = self._pause / 2 if self._pause > SLOW_SECONDS else 0.0
