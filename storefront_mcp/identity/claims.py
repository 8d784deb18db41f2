"""What a token says, read with care: for us, from its issuer, now, and allowed what."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from storefront_mcp.calls.caller import Caller
from storefront_mcp.calls.credentials import CredentialRefused, Secret
from storefront_mcp.calls.scopes import known_scopes
from storefront_mcp.commerce.names import StoreId

SKEW: Final = 60
"""Seconds that clocks may differ."""
LONGEST: Final = 255
"""Characters of a subject or a client id (OpenID Connect Core §2)."""


class Introspection(Struct, frozen=True, kw_only=True):
    """Where tokens are shown to their issuer, and as whom."""

    endpoint: str
    client_id: str
    secret: Secret


class Terms(Struct, frozen=True, kw_only=True):
    """What a token must be to count at one store."""

    issuer: str
    """The issuer's identifier, exactly as its metadata have it."""
    resource: str
    """The URL of the endpoint."""
    store: StoreId

    def caller(self, claims: Mapping[str, Any], now: dt.datetime) -> Caller:
        """Whom these claims speak for; that the issuer made them is known already. Raises CredentialRefused."""
        if claims.get("iss") != self.issuer:
            raise CredentialRefused("This access token is from another issuer.")
        audience = claims.get("aud")
        # A token counts only where it was issued for (RFC 8707, RFC 9068 §4).
        if self.resource not in (audience if isinstance(audience, list) else [audience]):
            raise CredentialRefused(f"This access token was not issued for {self.resource}.")
        expires_at = _expiry(claims, now)
        client = _name(claims, "client_id") or _name(claims, "azp") or ""
        subject = _name(claims, "sub") or client
        if not subject:
            raise CredentialRefused("This access token does not say whom it speaks for.")
        return Caller(
            kind="token",
            principal=f"{self.issuer} {subject}",
            scopes=known_scopes(_scopes(claims)),
            client=client,
            store=self.store,
            expires_at=expires_at,
        )


def _expiry(claims: Mapping[str, Any], now: dt.datetime) -> dt.datetime:
    """When a token that counts now ceases to. Raises CredentialRefused, also for one that never does."""
    moment = now.timestamp()
    expires, begins = _seconds(claims.get("exp")), claims.get("nbf")
    if expires is None:
        raise CredentialRefused("This access token does not say when it expires.")
    if expires + SKEW <= moment:
        raise CredentialRefused("This access token has expired.")
    if begins is not None and ((start := _seconds(begins)) is None or start - SKEW > moment):
        raise CredentialRefused("This access token does not count yet.")
    return dt.datetime.fromtimestamp(expires, dt.UTC)


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    """`scope` is a text (RFC 8693 §4.2, RFC 7662); some issuers write `scp`, as a text or a list."""
    granted = claims.get("scope", claims.get("scp", ""))
    if isinstance(granted, str):
        return granted.split(" ")
    return [scope for scope in granted if isinstance(scope, str)] if isinstance(granted, list) else []


def _name(claims: Mapping[str, Any], claim: str) -> str | None:
    value = claims.get(claim)
    # It is shown on operators' terminals, where a control character does things.
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST and value.isprintable() else None


def _seconds(value: object) -> float | None:
    """A NumericDate that a calendar can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 253_402_300_800:  # noqa: PLR2004 -- the year 10000
        return None
    return float(value)
