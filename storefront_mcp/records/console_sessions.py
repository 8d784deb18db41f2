"""Console sessions and one-time login links, and the port that stores them."""

import datetime as dt
import hashlib
from typing import Protocol

from msgspec import Struct

from storefront_mcp.access.caller import Caller
from storefront_mcp.commerce.ids import StoreId


def secret_digest(secret: str, store: StoreId) -> bytes:
    """SHA-256 of a cookie or link for one store, as stored; 256 random bits need no slow hash.

    One secret has a row for each store that it opens: a row of one store is no way into another.
    """
    return hashlib.sha256(f"{secret}@{store}".encode()).digest()


class LoginLink(Struct, frozen=True, kw_only=True):
    """A one-time login link to the console."""

    digest: bytes
    """`secret_digest` of the link's secret."""
    store: StoreId
    by: str
    """The operator who made it, and is logged in by it."""
    expires_at: dt.datetime


class ConsoleSession(Struct, frozen=True, kw_only=True):
    """One login to the console."""

    digest: bytes
    """`secret_digest` of the cookie's value."""
    store: StoreId
    by: str
    """The operator's name in the audit."""
    scopes: frozenset[str]
    key: str | None = None
    """Public id of the API key of the login; the session ends with the key."""
    began_at: dt.datetime
    expires_at: dt.datetime

    @property
    def caller(self) -> Caller:
        """The session as a caller, for scope checks."""
        kind, principal = ("token", f"console:{self.by}") if self.key is None else ("key", self.key)
        return Caller(kind=kind, principal=principal, scopes=self.scopes, store=self.store)  # type: ignore[arg-type]


class ConsoleSessionRepository(Protocol):
    """Storage of sessions and links, shared by every worker. Blocking: called from threads."""

    def add_link(self, link: LoginLink) -> None:
        """Store a link."""

    def redeem_link(self, digest: bytes, store: StoreId, now: dt.datetime) -> LoginLink | None:
        """The link with that digest, which is used up by this; None when there is none that is valid."""

    def add_session(self, session: ConsoleSession) -> None:
        """Store a session."""

    def find_session(self, digest: bytes, store: StoreId, now: dt.datetime) -> ConsoleSession | None:
        """The session with that digest; None when there is none that is valid."""

    def end_session(self, digest: bytes) -> None:
        """Delete the session with that digest."""

    def end_all(self, store: StoreId) -> int:
        """Delete every session and link of a store; returns their number."""

    def has_sessions(self, store: StoreId, now: dt.datetime) -> bool:
        """Whether there is a valid session or link."""
