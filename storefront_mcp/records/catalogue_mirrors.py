"""What is on record about a store's mirror, and `MirrorRepository`, the port of its storage."""

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from storefront_mcp.commerce.ids import StoreId

MirrorState = Literal["absent", "building", "whole", "stale", "too_old"]
"""Nobody builds one; the first sweep is under way; searches are answered from it; they are, and say that it is old; the
shop is asked instead."""


class MirrorRecord(Struct, frozen=True, kw_only=True):
    """One store's mirror in one place, which is a folder on one machine. Times are Unix seconds, 0 for never."""

    store: StoreId
    place: str
    """Random id of the folder that holds it."""
    host: str = ""
    """Of the machine that writes it, for people."""
    owner: str = ""
    """Who holds the lease, or held it last."""
    lease_until: float = 0.0
    generation: int = 0
    """The one that is read; 0 before the first is whole."""
    commit: int = 0
    """Grows with every change that readers should see."""
    products: int = 0
    """In the generation that is read."""
    as_of: float = 0.0
    """When the shop last told what has changed."""
    stock_as_of: float = 0.0
    """Beginning of the last look at every product's stock that was finished."""
    swept_at: float = 0.0
    """Beginning of the sweep that filled the generation."""
    building: bool = False
    """Whether a sweep is under way."""
    read: int = 0
    """Products that the sweep under way has read."""
    total: int = 0
    """Products that the shop counts in it; 0 before it has said."""
    unreadable: int = 0
    """Products of the last sweep that the shop tells in a way that cannot be read."""
    bytes_used: int = 0
    """On disk, all generations."""
    problem: str | None = None
    """What keeps it from being current."""
    problem_since: float = 0.0
    change: int = 0
    """Number of the last `CatalogueChange` that the writer has read."""
    seen_at: float = 0.0
    """When the writer last told of itself."""

    def has_writer(self, now: float) -> bool:
        """Whether somebody writes it."""
        return self.lease_until > now

    def state(self, now: float, *, max_age: float, give_up: float) -> MirrorState:
        """How it stands; ages in seconds."""
        if not self.generation:
            return "building" if self.has_writer(now) else "absent"
        age = now - self.as_of
        if age > give_up:
            return "too_old"
        return "stale" if age > max_age else "whole"


class MirrorLeaseLost(Exception):
    """Another process writes this mirror now."""


class MirrorRepository(Protocol):
    """Storage of the records of mirrors, shared by all workers. Methods block."""

    def lease(self, store: StoreId, place: str, owner: str, *, now: float, seconds: float) -> MirrorRecord | None:
        """Take the lease if it is free or the owner's own; None while somebody else holds it."""

    def write(self, record: MirrorRecord) -> None:
        """Record how a mirror stands, and renew its lease. Raises MirrorLeaseLost, and then nothing was written."""

    def release(self, store: StoreId, place: str, owner: str) -> None:
        """End a lease, if it is the owner's."""

    def find(self, store: StoreId, place: str) -> MirrorRecord | None:
        """What is on record of one."""

    def list_by_store(self, store: StoreId) -> Sequence[MirrorRecord]:
        """Those of a store in all places that were seen within the last days."""
