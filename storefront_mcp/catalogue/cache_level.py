"""`SharedLevel`: the port of a cache that several workers share."""

from collections.abc import Hashable
from typing import Any, NamedTuple, Protocol

from msgspec import Struct


class SharedAnswer(Struct, frozen=True, kw_only=True):
    """What another worker was told by the shop."""

    value: Any
    """Of the kind's type; None where there is no such thing."""
    fetched: float
    """Unix seconds at which the shop was asked, by the other's clock."""
    cost: float
    """Seconds that the shop took."""


class SharedKey(NamedTuple):
    """What was read."""

    kind: str
    shape: type[Any]
    """Of the values."""
    arguments: Hashable


class SharedLevel(Protocol):
    """Never raises: what cannot be asked is absent, and what cannot be claimed is everybody's."""

    async def find(self, key: SharedKey) -> SharedAnswer | None:
        """What is kept, however old."""

    async def put(self, key: SharedKey, encoded: bytes, *, fetched: float, cost: float, life: float) -> None:
        """Keep a value, as msgpack has it, for so many seconds."""

    async def claim(self, key: SharedKey) -> bool:
        """Whether this worker is the one to ask the shop now."""
