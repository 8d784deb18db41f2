"""API keys and token verification: their records, errors and ports."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final, Literal, Protocol

from msgspec import Struct

from storefront_mcp.access.caller import Caller
from storefront_mcp.access.scopes import sorted_scopes
from storefront_mcp.commerce.error_codes import CodedError
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.plain_text import visible_line

DEFAULT_KEY_LIFETIME: Final = dt.timedelta(days=365)
"""Of a key without a chosen expiry."""
MAX_KEY_LIFETIME: Final = dt.timedelta(days=3650)
MAX_LABEL_CHARS: Final = 100
LABEL_RULE: Final = f"A label has 1 to {MAX_LABEL_CHARS} characters, all of which can be seen."


def is_label(text: str) -> bool:
    """Whether keys may be labelled so: it is printed to terminals, and is the name of who acts with the key."""
    return 0 < len(text) <= MAX_LABEL_CHARS and text == visible_line(text)


class CredentialRefused(CodedError):
    """An invalid, expired or revoked credential; `str(error)` is safe to send to the client."""

    code = "invalid_token"


class CredentialCheckUnavailable(CodedError):
    """The issuer or the key record does not answer, so the credential cannot be verified and is not accepted."""

    code = "credential_check_unavailable"

    def __init__(self, internal: str, *, retry_after: int) -> None:
        """`internal` is for the log; `retry_after` in seconds."""
        super().__init__("Your credential cannot be checked now. Try again, or go on as a guest without it.")
        self.internal = internal
        self.retry_after = retry_after


class NoSuchKey(Exception):
    """No key of that id in this store."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"There is no key {id_[:64]}.")


class Secret:
    """A secret text that no log, traceback or repr shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret(…)"

    def reveal(self) -> str:
        """The text itself."""
        return self._text


class ApiKey(Struct, frozen=True, kw_only=True):
    """An API key's record, without the key itself. Times are in UTC."""

    id: str
    """The public part of the key, for logs and lists."""
    store: StoreId
    label: str
    scopes: frozenset[str]
    epoch: int
    """The store's key epoch at issue; a rotation increments it and voids every older key."""
    created_at: dt.datetime
    created_by: str
    expires_at: dt.datetime
    last_used_at: dt.datetime | None = None
    """Rounded to the minute."""
    revoked_at: dt.datetime | None = None


def key_view(key: ApiKey) -> dict[str, Any]:
    """A key as its store's operator sees it, for JSON."""
    return {
        "id": key.id,
        "label": key.label,
        "scopes": sorted_scopes(key.scopes),
        "created_at": key.created_at,
        "created_by": key.created_by,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }


class IssuedKey(Struct, frozen=True, kw_only=True):
    """A newly issued key: its record, and the only time that the secret can be read."""

    key: ApiKey
    secret: Secret
    digest: bytes


class KeyIssuer(Protocol):
    """Generates API keys; they are valid once stored."""

    def __call__(
        self,
        *,
        store: StoreId,
        label: str,
        scopes: frozenset[str],
        by: str,
        now: dt.datetime,
        lifetime: dt.timedelta,
    ) -> IssuedKey:
        """One new key."""


KeyStatus = Literal["valid", "expired", "revoked", "rotated"]
"""Only `valid` authenticates."""


class StoredKey(Struct, frozen=True, kw_only=True):
    """A stored key."""

    key: ApiKey
    digest: bytes
    """SHA-256 of the whole key."""
    current_epoch: int
    """The store's key epoch now."""

    def status_at(self, now: dt.datetime) -> KeyStatus:
        """Its status at `now`."""
        if self.key.revoked_at is not None:
            return "revoked"
        if self.key.epoch != self.current_epoch:
            return "rotated"
        return "expired" if self.key.expires_at <= now else "valid"

    def __repr__(self) -> str:
        return f"StoredKey({self.key.id})"


class ApiKeyRepository(Protocol):
    """Storage of API keys, shared by every worker. Blocking: called from threads."""

    def add(self, key: ApiKey, digest: bytes) -> ApiKey:
        """Store a new key under the store's current epoch, which the returned record has."""

    def find(self, id_: str) -> StoredKey | None:
        """The key with that public id; None when there is none."""

    def list(self, store: StoreId | None = None) -> Sequence[StoredKey]:
        """Keys, oldest first, revoked and expired ones included."""

    def revoke(self, store: StoreId, id_: str, *, by: str = "") -> ApiKey:
        """Revoke one key; idempotent. Raises NoSuchKey."""

    def replace(self, store: StoreId, id_: str, key: ApiKey, digest: bytes, *, until: dt.datetime, by: str) -> ApiKey:
        """Store a new key in the place of one, which counts until a moment; the new one. Raises NoSuchKey."""

    def rotate(self, store: StoreId, *, by: str = "") -> int:
        """Void every key of a store; returns the new epoch."""

    def note_use(self, id_: str, at: dt.datetime) -> None:
        """Store the time of use, at most once a minute."""


class TokenVerifier(Protocol):
    """Turns the bearer token of a request into a caller of one store."""

    async def caller(self, token: str) -> Caller:
        """Verify a token; never returns a guest. Raises CredentialRefused and CredentialCheckUnavailable only."""
