"""From an OAuth 2 access token to its caller: a JWT by its signature, any other by asking its issuer."""

import asyncio
import datetime as dt
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import jwt

from storefront_mcp.calls.caller import Caller
from storefront_mcp.calls.credentials import CannotBeChecked, CredentialRefused
from storefront_mcp.identity.asking import NoAnswer, Questions
from storefront_mcp.identity.claims import Introspection, Terms
from storefront_mcp.identity.signing_keys import ALGORITHMS, SigningKeys, UnknownSigner

if TYPE_CHECKING:
    from jwt.types import Options

log: Final = logging.getLogger("storefront_mcp.identity")

TYPES: Final = frozenset({"at+jwt", "application/at+jwt", "jwt"})
"""RFC 9068 §2.1, and what most issuers write; anything else is no access token."""
ALLOWED: Final = frozenset().union(*ALGORITHMS.values())
USELESS: Final = "This is no access token that is accepted here."
REMEMBERED: Final = 10.0
"""Seconds that an issuer's word about a token counts: that long a revoked one may still be taken."""
KNOWN: Final = 4096
"""Tokens of which an issuer's word is remembered."""
BREATH: Final = 2.0
"""Seconds for which an issuer that failed is not asked again."""
AT_ONCE: Final = 8
"""Questions to an issuer at a time."""


class SignedTokens:
    """JWTs (RFC 7519, RFC 8725, RFC 9068)."""

    def __init__(self, terms: Terms, keys: SigningKeys, *, now: Callable[[], dt.datetime]) -> None:
        self._terms = terms
        self._keys = keys
        self._now = now

    async def caller(self, text: str) -> Caller:
        """Who holds this token. Raises CredentialRefused and CannotBeChecked.

        Keys come from the issuer's own set only: what a header says of `jwk`, `jku` or `x5u` is not read.
        """
        algorithm, kid = _header(text)
        try:
            key = await self._keys.key(kid, algorithm)
            claims = jwt.decode(text, key, algorithms=[algorithm], options=_SIGNATURE_ONLY)
        except UnknownSigner:
            raise CredentialRefused("This access token is signed with a key that its issuer does not have.") from None
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise CredentialRefused(USELESS) from None
        return self._terms.caller(claims, self._now())

    async def close(self) -> None:
        """Let go of the issuer."""
        await self._keys.close()


# Issuer, audience and times are checked by `claims`, with our clock and our words.
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


def _header(text: str) -> tuple[str, str | None]:
    """How a token claims to be signed: algorithm and key id. Raises CredentialRefused."""
    try:
        header = jwt.get_unverified_header(text)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise CredentialRefused(USELESS) from None
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    named = isinstance(algorithm, str) and isinstance(kid, str | None) and isinstance(kind, str)
    if not named or algorithm not in ALLOWED or kind.lower() not in TYPES or "crit" in header:
        raise CredentialRefused(USELESS)
    return algorithm, kid


class IntrospectedTokens:
    """Tokens of any form, each shown to its issuer (RFC 7662)."""

    def __init__(
        self,
        terms: Terms,
        introspection: Introspection,
        questions: Questions,
        *,
        now: Callable[[], dt.datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._terms = terms
        self._introspection = introspection
        self._questions = questions
        self._now = now
        self._clock = clock
        self._heard: OrderedDict[bytes, tuple[float, Mapping[str, Any]]] = OrderedDict()
        self._silent_until = float("-inf")
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def caller(self, text: str) -> Caller:
        """Who holds this token. Raises CredentialRefused and CannotBeChecked."""
        claims = await self._word(text)
        if claims.get("active") is not True:
            raise CredentialRefused("This access token is unknown to its issuer, expired or revoked.")
        # The issuer may leave its own name out (RFC 7662 §2.2): it is whom we asked.
        return self._terms.caller({"iss": self._terms.issuer, **claims}, self._now())

    async def close(self) -> None:
        """Nothing is held open here."""

    async def _word(self, text: str) -> Mapping[str, Any]:
        """What the issuer says, now or a moment ago; kept under a hash, so that memory holds no token."""
        name = hashlib.sha256(text.encode()).digest()
        found = self._heard.get(name)
        if found is not None and self._clock() - found[0] < REMEMBERED:
            return found[1]
        async with self._turns:
            moment = self._clock()
            claims = await self._asked(text, moment)
        self._heard[name] = (moment, claims)
        self._heard.move_to_end(name)
        if len(self._heard) > KNOWN:
            self._heard.popitem(last=False)
        return claims

    async def _asked(self, text: str, moment: float) -> Mapping[str, Any]:
        if moment < self._silent_until:
            raise CannotBeChecked("introspection failed a moment ago", retry_after=int(BREATH))
        there = self._introspection
        form = {"token": text, "token_type_hint": "access_token"}
        try:
            return await self._questions.post(there.endpoint, form, client_id=there.client_id, secret=there.secret)
        except NoAnswer as error:
            # Some issuers call a garbled token a bad request: whoever sends one must not stop the questions of others.
            if error.status != HTTPStatus.BAD_REQUEST:
                self._silent_until = self._clock() + BREATH
            log.warning("introspection: %s", error)
            raise CannotBeChecked(str(error), retry_after=int(BREATH)) from None
