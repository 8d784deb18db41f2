"""Second level of the catalogue cache: Valkey or Redis, which the workers of one machine or of several share."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Hashable
from functools import cache
from typing import Any, Final, TypeVar, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from storefront_mcp.catalogue.cache_level import SharedAnswer, SharedKey
from storefront_mcp.commerce.error_codes import error_name

T = TypeVar("T")

log: Final = logging.getLogger(__name__)

SHARED_TIMEOUT_SECONDS: Final = 0.05
"""To connect and for one answer: asking a shop costs not much more."""
MAX_FAILURES: Final = 3
"""In a row, after which nothing is asked for PAUSE_SECONDS."""
PAUSE_SECONDS: Final = 5.0
WARNING_SECONDS: Final = 60.0
"""Between two warnings."""
MAX_CONNECTIONS: Final = 32
MAX_VALUE_BYTES: Final = 256 * 1024
MAX_LIFE_SECONDS: Final = 6 * 3600.0
"""Nothing is kept longer than it is on record what has changed."""
CLAIM_SECONDS: Final = 3.0
"""For so long one worker alone asks the shop for a key."""
SCHEMA_NUMBER: Final = 1
"""Of what is written. The types of values are a part of the keys besides, so that releases run side by side."""

_encode: Final = msgspec.msgpack.Encoder().encode


class SharedAnswerStore:
    """Implements `SharedLevel` for one store of one shop.

    While the server fails, everything is absent, and whoever asks may ask the shop. Keys are digests, as what is
    searched for may be somebody's name.
    """

    def __init__(
        self, redis: Redis, address: str, identity: object, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`address` is for people; `identity` tells store, shop, currency and language apart, as msgpack writes it."""
        self._redis = redis
        self._address = address
        self._identity = identity
        self._clock = clock
        self._turns = asyncio.Semaphore(MAX_CONNECTIONS)
        self._failures = 0
        self._troubles = 0
        """Commands that were not obeyed."""
        self._paused_until = 0.0
        self._warned_at = -WARNING_SECONDS

    @property
    def failing(self) -> bool:
        """Whether the server failed the last time it was asked."""
        return self._failures > 0

    async def find(self, key: SharedKey) -> SharedAnswer | None:
        """What is kept, however old."""
        found = await self._ask(lambda: self._redis.get(self._name(key)))
        if not isinstance(found, bytes):
            return None
        try:
            fetched, cost, value = _decoder(cast("Hashable", key.shape)).decode(found)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            # Foreign, or cut.
            return None
        return SharedAnswer(value=value, fetched=fetched, cost=cost)

    async def put(self, key: SharedKey, encoded: bytes, *, fetched: float, cost: float, life: float) -> None:
        """Keep a value, as msgpack has it, for so many seconds."""
        milliseconds = int(min(life, MAX_LIFE_SECONDS) * 1000)
        if len(encoded) > MAX_VALUE_BYTES or milliseconds <= 0:
            return
        # An array of three, the last of which is encoded already.
        written = b"\x93" + _encode(fetched) + _encode(cost) + encoded
        await self._ask(lambda: self._redis.set(self._name(key), written, px=milliseconds))

    async def claim(self, key: SharedKey) -> bool:
        """Whether this worker is the one to ask the shop now; also where the server cannot say."""
        name = self._name(key) + b":asking"
        troubles = self._troubles
        set_ = await self._ask(lambda: self._redis.set(name, b"1", nx=True, px=int(CLAIM_SECONDS * 1000)))
        return bool(set_) or self._troubles > troubles or self._clock() < self._paused_until

    def _name(self, key: SharedKey) -> bytes:
        said = _encode(
            (SCHEMA_NUMBER, _shape_digest(cast("Hashable", key.shape)), self._identity, key.kind, key.arguments)
        )
        return b"storefront-mcp:catalogue:" + hashlib.blake2b(said, digest_size=16).hexdigest().encode()

    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        if self._clock() < self._paused_until:
            return None
        try:
            async with self._turns:
                answer = await ask()
        except ResponseError as refused:
            # Full, or in want of a password; what it has may still be read.
            self._troubles += 1
            self._warn(refused)
            return None
        except (RedisError, OSError, TimeoutError) as error:
            self._troubles += 1
            self._failures += 1
            if self._failures >= MAX_FAILURES:
                self._paused_until = self._clock() + PAUSE_SECONDS
            self._warn(error)
            return None
        self._failures = 0
        return answer

    def _warn(self, error: Exception) -> None:
        if self._clock() - self._warned_at >= WARNING_SECONDS:
            self._warned_at = self._clock()
            log.warning(
                "%s fails (%s): each worker remembers what the shop said for itself", self._address, error_name(error)
            )


@cache
def _decoder(shape: Hashable) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(tuple[float, float, shape | None])  # type: ignore[valid-type]


@cache
def _shape_digest(shape: Hashable) -> bytes:
    """Different for types that are written differently."""
    written = msgspec.json.encode(msgspec.json.schema(shape))
    return hashlib.blake2b(written, digest_size=16).digest()
