"""Codes and tokens of buyers: their format, and the response that hands them out."""

import base64
import hashlib
from typing import Final

import msgspec
from msgspec import Struct

from storefront_mcp.access.secret_format import public_id, secret_digest, secret_pattern, secret_text
from storefront_mcp.records.oauth import AuthorizationRequest, GrantRecord, IssuedCode, IssuedTokens

ACCESS_PREFIX: Final = "sfa_"
REFRESH_PREFIX: Final = "sfr_"
CODE_PREFIX: Final = "sfc_"
ACCESS_PATTERN: Final = secret_pattern(ACCESS_PREFIX)


class GrantLifetimes(Struct, frozen=True, kw_only=True):
    """How long things of a sign-in last, in seconds."""

    request: float = 600.0
    """A pending request: a person reads and types."""
    code: float = 60.0
    access: float = 3600.0
    grant: float = 30 * 86_400.0
    """And its refresh tokens, from the permission on: using it makes it no longer."""
    grace: float = 60.0
    """How long a used refresh token gives its answer again, as several processes of a person share one and race."""


class TokenAnswer(Struct, frozen=True, kw_only=True):
    """A token response (RFC 6749 §5.1); `scope` always, as it may be less than was asked."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 -- the type
    expires_in: int
    refresh_token: str
    scope: str


def grant_of_token(text: str) -> str:
    """The grant's id in an access token. Raises MalformedSecret."""
    return public_id(text, ACCESS_PATTERN, "access token")


def new_code(request: AuthorizationRequest, grant: str, expires_at: float) -> tuple[str, IssuedCode]:
    """A new code of a grant's id: its text, and what is stored of it."""
    text = secret_text(CODE_PREFIX, grant)
    stored = IssuedCode(
        digest=secret_digest(text),
        redirect_uri=request.redirect_uri,
        challenge=request.challenge,
        expires_at=expires_at,
    )
    return text, stored


def new_tokens(grant: GrantRecord, scopes: tuple[str, ...], *, now: float, lifetime: float) -> IssuedTokens:
    """New tokens of a grant with some of its scopes; the access token ends with the grant at the latest."""
    access, refresh = secret_text(ACCESS_PREFIX, grant.id), secret_text(REFRESH_PREFIX, grant.id)
    expires_at = min(now + lifetime, grant.expires_at)
    answer = TokenAnswer(
        access_token=access, expires_in=int(expires_at - now), refresh_token=refresh, scope=" ".join(scopes)
    )
    return IssuedTokens(
        access=secret_digest(access),
        refresh=secret_digest(refresh),
        scopes=scopes,
        access_expires_at=expires_at,
        answer=msgspec.json.encode(answer),
    )


def challenge_of(verifier: str) -> str:
    """S256 of a code verifier (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
