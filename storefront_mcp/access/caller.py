"""Caller: the authenticated principal of a request, or a guest."""

import datetime as dt
from typing import Final, Literal

from msgspec import Struct

from storefront_mcp.commerce.ids import StoreId


class Caller(Struct, frozen=True, kw_only=True):
    """The principal a call is made for. Guests need no credential.

    It carries no credential: tokens are verified in `web` and go no further, least of all to the shop.
    """

    kind: Literal["guest", "key", "token", "customer"]
    """A customer signed in at the shop and let a client act; its token is one of this server."""
    principal: str = ""
    """A key's public id, issuer and subject of a token, or a customer's subject; empty for guests."""
    scopes: frozenset[str] = frozenset()
    client: str = ""
    """A key's label, or the OAuth client that a token was issued to."""
    store: StoreId | None = None
    """The store the credential is valid for; None for guests."""
    grant: str = ""
    """Id of what a customer granted to a client; empty for others."""
    expires_at: dt.datetime | None = None

    @property
    def identifier(self) -> str:
        """One text per principal, for rate limits, idempotency, request state: `guest`, `key:4fQ…`, `customer:…`."""
        return f"{self.kind}:{self.principal}" if self.principal else self.kind


GUEST: Final = Caller(kind="guest")
