"""Who sits at the operator's console, and who was invited to, as a port of where that is kept."""

import datetime as dt
from typing import Protocol

from msgspec import Struct

from storefront_mcp.calls.caller import Caller
from storefront_mcp.commerce.names import StoreId


class Invitation(Struct, frozen=True, kw_only=True):
    """A way in that opens once."""

    digest: bytes
    """SHA-256 of what its link holds."""
    store: StoreId
    by: str
    """Who made it, and so who comes in by it."""
    expires_at: dt.datetime


class Seat(Struct, frozen=True, kw_only=True):
    """Somebody signed in."""

    digest: bytes
    """SHA-256 of what the browser's cookie holds."""
    store: StoreId
    by: str
    """What the audit calls them."""
    scopes: frozenset[str]
    key: str | None = None
    """Public id of the API key they signed in with: when it ends, so does the seat."""
    began_at: dt.datetime
    expires_at: dt.datetime

    @property
    def caller(self) -> Caller:
        """The same to the rules about scopes."""
        kind, principal = ("token", f"console:{self.by}") if self.key is None else ("key", self.key)
        return Caller(kind=kind, principal=principal, scopes=self.scopes, store=self.store)  # type: ignore[arg-type]


class Seats(Protocol):
    """The record, shared by every worker. Blocking: called from threads."""

    def invite(self, invitation: Invitation) -> None:
        """Write an invitation down."""

    def accept(self, digest: bytes, store: StoreId, now: dt.datetime) -> Invitation | None:
        """The invitation of that digest, which is used up by this; None when there is none that still counts."""

    def take(self, seat: Seat) -> None:
        """Write a seat down."""

    def find(self, digest: bytes, store: StoreId, now: dt.datetime) -> Seat | None:
        """The seat of that digest; None when there is none that still counts."""

    def leave(self, digest: bytes) -> None:
        """The seat of that digest is over."""

    def clear(self, store: StoreId) -> int:
        """Every seat and invitation of a store is over; how many there were."""

    def in_use(self, store: StoreId, now: dt.datetime) -> bool:
        """Whether somebody is seated or invited."""
