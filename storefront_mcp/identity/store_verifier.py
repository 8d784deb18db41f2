"""Bearer token verifier of one store: API keys by their prefix, others as access tokens."""

import datetime as dt
from collections.abc import Callable
from typing import Final, Protocol

import httpx

from storefront_mcp.access.caller import Caller
from storefront_mcp.access.credentials import ApiKeyRepository, CredentialRefused
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.identity.api_key_format import KEY_PREFIX
from storefront_mcp.identity.api_key_verifier import ApiKeyVerifier
from storefront_mcp.identity.claims import IntrospectionConfig, TokenPolicy
from storefront_mcp.identity.issuer_client import IssuerClient

BUYER_TOKEN_PREFIX: Final = "sfa_"  # noqa: S105 -- what such tokens begin with
"""Of the access tokens that customers give to agents."""
MAX_TOKEN_CHARS: Final = 8192
"""Longest token; proxies reject longer headers as well."""


class _AccessTokenVerifier(Protocol):
    async def caller(self, text: str) -> Caller: ...

    async def close(self) -> None: ...


class StoreTokenVerifier:
    """`TokenVerifier` of one store."""

    def __init__(  # noqa: PLR0913 -- all but four have a value that fits
        self,
        *,
        store: StoreId,
        resource: str,
        keys: ApiKeyRepository,
        issuer: str | None = None,
        introspection: IntrospectionConfig | None = None,
        buyers: _AccessTokenVerifier | None = None,
        now: Callable[[], dt.datetime],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Without an `issuer`, only API keys are accepted; without `introspection`, its tokens are JWTs.

        `resource` is the endpoint's URL, the required audience; `buyers` verifies the tokens of customers who signed in
        here; `transport` is for requests to the issuer.
        """
        self._keys = ApiKeyVerifier(store, keys, now=now)
        self._buyers = buyers
        self._issuer_client = IssuerClient(transport)
        self._tokens: _AccessTokenVerifier | None = None
        if issuer is not None:
            terms = TokenPolicy(issuer=issuer, resource=resource, store=store)
            self._tokens = _access_token_verifier(terms, introspection, self._issuer_client, now)

    async def caller(self, token: str) -> Caller:
        """The caller of a token. Raises CredentialRefused and CredentialCheckUnavailable."""
        if len(token) > MAX_TOKEN_CHARS:
            raise CredentialRefused("This is longer than any access token that is accepted here.")
        if token.startswith(KEY_PREFIX):
            return await self._keys.caller(token)
        if self._buyers is not None and token.startswith(BUYER_TOKEN_PREFIX):
            return await self._buyers.caller(token)
        if self._tokens is None:
            raise CredentialRefused("Only API keys of this store are accepted here.")
        return await self._tokens.caller(token)

    async def close(self) -> None:
        """Wait for pending writes and close the connections."""
        await self._keys.close()
        for verifier in (self._buyers, self._tokens):
            if verifier is not None:
                await verifier.close()
        await self._issuer_client.close()


def _access_token_verifier(
    terms: TokenPolicy, introspection: IntrospectionConfig | None, client: IssuerClient, now: Callable[[], dt.datetime]
) -> _AccessTokenVerifier:
    # Lazy: signatures need a library of 9 MB, which a store without an issuer does not load.
    from storefront_mcp.identity.access_tokens import IntrospectionVerifier, JwtVerifier  # noqa: PLC0415
    from storefront_mcp.identity.jwks import JwksCache  # noqa: PLC0415

    if introspection is None:
        return JwtVerifier(terms, JwksCache(terms.issuer, client), now=now)
    return IntrospectionVerifier(terms, introspection, client, now=now)
