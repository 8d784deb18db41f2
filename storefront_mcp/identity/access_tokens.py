"""Verifiers of OAuth 2 access tokens: JWTs by signature, others by introspection."""

import asyncio
import datetime as dt
import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from cachetools import TLRUCache

from storefront_mcp.access.caller import Caller
from storefront_mcp.access.credentials import CredentialCheckUnavailable, CredentialRefused
from storefront_mcp.identity.claims import IntrospectionConfig, TokenPolicy
from storefront_mcp.identity.issuer_client import IssuerClient, IssuerUnavailable
from storefront_mcp.identity.jwks import JwksCache
from storefront_mcp.identity.signed_tokens import signed_claims

log: Final = logging.getLogger("storefront_mcp.identity")

TOKEN_TYPES: Final = frozenset({"at+jwt", "application/at+jwt", "jwt"})
"""Accepted `typ` headers: RFC 9068 §2.1, and what most issuers write."""
ANSWER_TTL_SECONDS: Final = 10.0
"""How long an introspection result is cached, and so how long a revoked token may still be accepted."""
ANSWER_CACHE_SIZE: Final = 4096
"""Introspection results in the cache."""
FAILURE_BACKOFF_SECONDS: Final = 2.0
"""Time after a failure in which the issuer is not asked."""
MAX_CONCURRENT_INTROSPECTIONS: Final = 8
"""Introspection requests at a time."""


class JwtVerifier:
    """Verifier of JWT access tokens (RFC 7519, RFC 8725, RFC 9068)."""

    def __init__(self, terms: TokenPolicy, keys: JwksCache, *, now: Callable[[], dt.datetime]) -> None:
        self._terms = terms
        self._keys = keys
        self._now = now

    async def caller(self, text: str) -> Caller:
        """The caller of a token. Raises CredentialRefused and CredentialCheckUnavailable.

        Keys come from the issuer's JWKS only; the headers `jwk`, `jku` and `x5u` are ignored.
        """
        return self._terms.caller(await signed_claims(text, self._keys, types=TOKEN_TYPES), self._now())

    async def close(self) -> None:
        """Stop fetching keys."""
        await self._keys.close()


class IntrospectionVerifier:
    """Verifier of access tokens of any form, by introspection (RFC 7662)."""

    def __init__(
        self,
        terms: TokenPolicy,
        introspection: IntrospectionConfig,
        client: IssuerClient,
        *,
        now: Callable[[], dt.datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._terms = terms
        self._introspection = introspection
        self._client = client
        self._now = now
        self._clock = clock
        self._answers: TLRUCache[bytes, tuple[float, Mapping[str, Any]]] = TLRUCache(
            ANSWER_CACHE_SIZE, lambda _digest, answer, _now: answer[0] + ANSWER_TTL_SECONDS, timer=clock
        )
        """By the token's SHA-256: when the issuer was asked, and its claims."""
        self._backoff_until = float("-inf")
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_INTROSPECTIONS)

    async def caller(self, text: str) -> Caller:
        """The caller of a token. Raises CredentialRefused and CredentialCheckUnavailable."""
        claims = await self._introspect(text)
        if claims.get("active") is not True:
            raise CredentialRefused("This access token is unknown to its issuer, expired or revoked.")
        # The issuer may leave out `iss` (RFC 7662 §2.2): it is the one that was asked.
        return self._terms.caller({"iss": self._terms.issuer, **claims}, self._now())

    async def close(self) -> None:
        """Do nothing: the client is closed by its owner."""

    async def _introspect(self, text: str) -> Mapping[str, Any]:
        """Claims of a token, from the cache or the issuer; keyed by digest, so that memory holds no token."""
        name = hashlib.sha256(text.encode()).digest()
        found = self._answers.get(name)
        if found is not None:
            return found[1]
        async with self._slots:
            moment = self._clock()
            claims = await self._request(text, moment)
        self._answers[name] = (moment, claims)
        return claims

    async def _request(self, text: str, moment: float) -> Mapping[str, Any]:
        if moment < self._backoff_until:
            raise CredentialCheckUnavailable(
                "introspection failed a moment ago", retry_after=int(FAILURE_BACKOFF_SECONDS)
            )
        there = self._introspection
        form = {"token": text, "token_type_hint": "access_token"}
        try:
            return await self._client.post(there.endpoint, form, client_id=there.client_id, secret=there.secret)
        except IssuerUnavailable as error:
            # Some issuers answer 400 to a garbled token: that must not start the backoff for other tokens.
            if error.status != HTTPStatus.BAD_REQUEST:
                self._backoff_until = self._clock() + FAILURE_BACKOFF_SECONDS
            log.warning("introspection: %s", error)
            raise CredentialCheckUnavailable(str(error), retry_after=int(FAILURE_BACKOFF_SECONDS)) from None
