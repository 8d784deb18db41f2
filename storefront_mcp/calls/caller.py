"""Who calls."""

import datetime as dt
from typing import Final, Literal

from msgspec import Struct

from storefront_mcp.commerce.names import StoreId


class Caller(Struct, frozen=True, kw_only=True):
    """On whose behalf a call is made. Guests shop without any credential, always.

    It carries no credential: what was sent is checked at the door and goes no further, least of all to the shop.
    """

    kind: Literal["guest", "key", "token"]
    principal: str = ""
    """A key's public id, or issuer and subject of a token; empty for guests, of whom nothing is known."""
    scopes: frozenset[str] = frozenset()
    client: str = ""
    """A key's label, or the OAuth client that a token was issued to."""
    store: StoreId | None = None
    """Where the credential counts; None for guests, who are guests everywhere."""
    expires_at: dt.datetime | None = None

    @property
    def is_guest(self) -> bool:
        """Whether no credential was sent."""
        return self.kind == "guest"

    @property
    def identifier(self) -> str:
        """One text per principal, for limits, idempotency and sealed state: `guest`, `key:4fQ…`, `token:…`."""
        return f"{self.kind}:{self.principal}" if self.principal else self.kind


GUEST: Final = Caller(kind="guest")
