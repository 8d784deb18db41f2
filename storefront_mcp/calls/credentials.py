"""What a credential is checked against, as ports: who knows keys, and who turns what was sent into a Caller."""

import datetime as dt
from collections.abc import Sequence
from typing import Final, Literal, Protocol

from msgspec import Struct

from storefront_mcp.calls.caller import Caller
from storefront_mcp.commerce.names import StoreId

LIFETIME: Final = dt.timedelta(days=365)
"""Of a key whose expiry nobody chose."""
LONGEST_LIFETIME: Final = dt.timedelta(days=3650)
LONGEST_LABEL: Final = 100


class CredentialRefused(Exception):
    """A credential that is wrong, expired or revoked; `str(error)` may be told to whoever sent it."""


class CannotBeChecked(Exception):
    """A credential that nobody can vouch for now: its issuer, or our record, does not answer. It lets nobody in."""

    def __init__(self, internal: str, *, retry_after: int) -> None:
        """`internal` is for the log; `retry_after` in seconds."""
        super().__init__("Your credential cannot be checked now. Try again, or go on as a guest without it.")
        self.internal = internal
        self.retry_after = retry_after


class NoSuchKey(Exception):
    """A store has no key of that id."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"There is no key {id_[:64]}.")


class Secret:
    """A text that nobody sees by accident: not in a log, a traceback or a repr."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret(…)"

    def reveal(self) -> str:
        """The text itself; every call of this is a place to look at."""
        return self._text


class ApiKey(Struct, frozen=True, kw_only=True):
    """What is known of a key, the key itself excepted. Times are in UTC."""

    id: str
    """Public: the part of the key that logs and lists may show."""
    store: StoreId
    label: str
    scopes: frozenset[str]
    epoch: int
    """The store's key epoch at minting; rotating moves the store on, and every older key is void."""
    created_at: dt.datetime
    created_by: str
    expires_at: dt.datetime
    last_used_at: dt.datetime | None = None
    """To the minute."""
    revoked_at: dt.datetime | None = None


class Minted(Struct, frozen=True, kw_only=True):
    """A new key: what is kept of it, and the one time that it can be read."""

    key: ApiKey
    secret: Secret
    digest: bytes


class Mint(Protocol):
    """Makes new keys, which count once they are on record."""

    def __call__(
        self,
        *,
        store: StoreId,
        label: str,
        scopes: frozenset[str],
        by: str,
        now: dt.datetime,
        lifetime: dt.timedelta,
    ) -> Minted:
        """One new key."""


Standing = Literal["valid", "expired", "revoked", "rotated"]
"""Only the first one lets anybody in."""


class StoredKey(Struct, frozen=True, kw_only=True):
    """A key on record."""

    key: ApiKey
    digest: bytes
    """SHA-256 of the whole key."""
    current_epoch: int
    """The store's, now."""

    def standing(self, now: dt.datetime) -> Standing:
        """Whether it counts, and why not."""
        if self.key.revoked_at is not None:
            return "revoked"
        if self.key.epoch != self.current_epoch:
            return "rotated"
        return "expired" if self.key.expires_at <= now else "valid"

    def __repr__(self) -> str:
        return f"StoredKey({self.key.id})"


class ApiKeys(Protocol):
    """The record of keys, shared by every worker. Blocking: called from threads."""

    def add(self, key: ApiKey, digest: bytes) -> ApiKey:
        """Write a new key down, under the store's epoch as it is now, which the answer has."""

    def find(self, id_: str) -> StoredKey | None:
        """The key of that public id; None when there is none."""

    def listed(self, store: StoreId | None = None) -> Sequence[StoredKey]:
        """Keys, oldest first, void ones included."""

    def revoke(self, store: StoreId, id_: str, *, by: str = "") -> ApiKey:
        """Void one key for good; twice is once. Raises NoSuchKey."""

    def rotate(self, store: StoreId, *, by: str = "") -> int:
        """Void every key of a store in one step; the answer is the new epoch."""

    def used(self, id_: str, at: dt.datetime) -> None:
        """A key was used; written down at most once a minute."""


class Identity(Protocol):
    """Turns the bearer token of a request into a caller of one store."""

    async def caller(self, token: str) -> Caller:
        """Who sent this token. Raises CredentialRefused and CannotBeChecked, nothing else; never a guest."""
