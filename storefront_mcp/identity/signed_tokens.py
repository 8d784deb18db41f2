"""Signature checks of JSON Web Tokens (RFC 7519, RFC 8725): access tokens and ID tokens alike, without their claims."""

from collections.abc import Mapping, Set as AbstractSet
from typing import TYPE_CHECKING, Any, Final

import jwt

from storefront_mcp.access.credentials import CredentialRefused
from storefront_mcp.identity.jwks import ALGORITHMS, JwksCache, UnknownSigningKey

if TYPE_CHECKING:
    from jwt.types import Options

ALLOWED_ALGORITHMS: Final = frozenset().union(*ALGORITHMS.values())
REJECTED_TEXT: Final = "This is no access token that is accepted here."
"""Agents are told; whose ID token it is, is told our log only."""

# Issuer, audience and times are checked by policies, with the injected clock.
_SIGNATURE_ONLY: Final["Options"] = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


async def signed_claims(text: str, keys: JwksCache, *, types: AbstractSet[str]) -> Mapping[str, Any]:
    """The claims of a token that a key of its issuer has signed. Raises CredentialRefused, CredentialCheckUnavailable.

    `types` are the accepted `typ` headers, in small letters. Keys come from the issuer's JWKS only; the headers `jwk`,
    `jku` and `x5u` are ignored.
    """
    algorithm, kid = _header(text, types)
    try:
        key = await keys.key(kid, algorithm)
        claims: Mapping[str, Any] = jwt.decode(text, key, algorithms=[algorithm], options=_SIGNATURE_ONLY)
    except UnknownSigningKey:
        raise CredentialRefused("This access token is signed with a key that its issuer does not have.") from None
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise CredentialRefused(REJECTED_TEXT) from None
    return claims


def _header(text: str, types: AbstractSet[str]) -> tuple[str, str | None]:
    """Algorithm and key id in a token's header. Raises CredentialRefused."""
    try:
        header = jwt.get_unverified_header(text)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise CredentialRefused(REJECTED_TEXT) from None
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    named = isinstance(algorithm, str) and isinstance(kid, str | None) and isinstance(kind, str)
    if not named or algorithm not in ALLOWED_ALGORITHMS or kind.lower() not in types or "crit" in header:
        raise CredentialRefused(REJECTED_TEXT)
    return algorithm, kid
