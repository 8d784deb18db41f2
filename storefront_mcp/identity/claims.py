"""Claim checks of access tokens and ID tokens: iss, aud (RFC 8707), exp and nbf (60 s skew), scope, nonce."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from storefront_mcp.access.caller import Caller
from storefront_mcp.access.credentials import CredentialRefused, Secret
from storefront_mcp.access.scopes import known_scopes
from storefront_mcp.commerce.ids import StoreId

CLOCK_SKEW_SECONDS: Final = 60
"""Accepted difference between the issuer's clock and ours."""
MAX_CLAIM_CHARS: Final = 255
"""Longest subject or client id (OpenID Connect Core §2)."""


class IntrospectionConfig(Struct, frozen=True, kw_only=True):
    """Introspection endpoint (RFC 7662) and the credentials for it."""

    endpoint: str
    client_id: str
    secret: Secret


class TokenPolicy(Struct, frozen=True, kw_only=True):
    """What one store requires of an access token."""

    issuer: str
    """Issuer identifier, exactly as in its metadata."""
    resource: str
    """URL of the MCP endpoint: the required audience."""
    store: StoreId

    def caller(self, claims: Mapping[str, Any], now: dt.datetime) -> Caller:
        """The caller of verified claims. Raises CredentialRefused."""
        if claims.get("iss") != self.issuer:
            raise CredentialRefused("This access token is from another issuer.")
        audience = claims.get("aud")
        # A token is valid only for its audience (RFC 8707, RFC 9068 §4).
        if self.resource not in (audience if isinstance(audience, list) else [audience]):
            raise CredentialRefused(f"This access token was not issued for {self.resource}.")
        expires_at = _expiry(claims, now)
        client = _identifier(claims, "client_id") or _identifier(claims, "azp") or ""
        subject = _identifier(claims, "sub") or client
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


class IdTokenPolicy(Struct, frozen=True, kw_only=True):
    """What one client of an OpenID provider requires of an ID token (OpenID Connect Core §3.1.3.7)."""

    issuer: str
    """Issuer identifier, exactly as in its metadata."""
    client_id: str

    def subject(self, claims: Mapping[str, Any], now: dt.datetime, *, nonce: str | None) -> str:
        """Whom verified claims are about; the `nonce` is that of the request, None for a refresh.

        Raises CredentialRefused.
        """
        if claims.get("iss") != self.issuer:
            raise CredentialRefused("This ID token is from another issuer.")
        audience, party = claims.get("aud"), claims.get("azp", self.client_id)
        audiences = audience if isinstance(audience, list) else [audience]
        # One of several audiences is who it was issued to only if `azp` says so.
        if self.client_id not in audiences or party != self.client_id or (len(audiences) > 1 and "azp" not in claims):
            raise CredentialRefused("This ID token was issued to another client.")
        _expiry(claims, now)
        issued = _seconds(claims.get("iat"))
        if issued is None or issued - CLOCK_SKEW_SECONDS > now.timestamp():
            raise CredentialRefused("This ID token does not say when it was issued.")
        if nonce is not None and claims.get("nonce") != nonce:
            raise CredentialRefused("This ID token is the answer to another request.")
        subject = _identifier(claims, "sub")
        if subject is None:
            raise CredentialRefused("This ID token does not say whom it speaks of.")
        return subject


def _expiry(claims: Mapping[str, Any], now: dt.datetime) -> dt.datetime:
    """Expiry of a token that is valid now. Raises CredentialRefused, also without `exp`."""
    moment = now.timestamp()
    expires, begins = _seconds(claims.get("exp")), claims.get("nbf")
    if expires is None:
        raise CredentialRefused("This access token does not say when it expires.")
    if expires + CLOCK_SKEW_SECONDS <= moment:
        raise CredentialRefused("This access token has expired.")
    if begins is not None and ((start := _seconds(begins)) is None or start - CLOCK_SKEW_SECONDS > moment):
        raise CredentialRefused("This access token does not count yet.")
    return dt.datetime.fromtimestamp(expires, dt.UTC)


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    """`scope` is a text (RFC 8693 §4.2, RFC 7662); some issuers write `scp`, as a text or a list."""
    granted = claims.get("scope", claims.get("scp", ""))
    if isinstance(granted, str):
        return granted.split(" ")
    return [scope for scope in granted if isinstance(scope, str)] if isinstance(granted, list) else []


def _identifier(claims: Mapping[str, Any], claim: str) -> str | None:
    value = claims.get(claim)
    # Printable only: it is shown on operators' terminals.
    return value if isinstance(value, str) and 0 < len(value) <= MAX_CLAIM_CHARS and value.isprintable() else None


def _seconds(value: object) -> float | None:
    """A NumericDate (RFC 7519 §2) before the year 10000, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 253_402_300_800:  # noqa: PLR2004 -- the year 10000
        return None
    return float(value)
