"""The few commands of a Redis that the catalogue cache sends, in a dictionary, and the ways in which it fails."""

from collections.abc import Callable

from redis.exceptions import OutOfMemoryError, TimeoutError as RedisTimeoutError


class MemoryRedis:
    """Keys with an end, under a clock of the test's."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.kept: dict[bytes, tuple[bytes, float]] = {}
        self.down = False
        self.full = False
        self.asked = 0

    async def get(self, name: bytes) -> bytes | None:
        self._enter()
        value, until = self.kept.get(name, (b"", 0.0))
        return value if self._clock() < until else None

    async def set(self, name: bytes, value: bytes, *, px: int, nx: bool = False) -> bool | None:
        self._enter()
        if self.full:
            raise OutOfMemoryError
        if nx and self._clock() < self.kept.get(name, (b"", 0.0))[1]:
            return None
        self.kept[name] = (value, self._clock() + px / 1000)
        return True

    def _enter(self) -> None:
        self.asked += 1
        if self.down:
            raise RedisTimeoutError
