"""The bearers of one store: whoever sends a key or a token, told apart by how it begins."""

import datetime as dt
from collections.abc import Callable
from typing import Final, Protocol

import httpx

from storefront_mcp.calls.caller import Caller
from storefront_mcp.calls.credentials import ApiKeys, CredentialRefused
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.identity.asking import Questions
from storefront_mcp.identity.claims import Introspection, Terms
from storefront_mcp.identity.key_callers import KeyCallers
from storefront_mcp.identity.keys import PREFIX

LONGEST: Final = 8192
"""Characters of a token; proxies refuse longer headers as well."""


class _Tokens(Protocol):
    async def caller(self, text: str) -> Caller: ...

    async def close(self) -> None: ...


class Bearers:
    """Implements `calls.credentials.Identity` for one store."""

    def __init__(
        self,
        *,
        store: StoreId,
        resource: str,
        keys: ApiKeys,
        issuer: str | None = None,
        introspection: Introspection | None = None,
        now: Callable[[], dt.datetime],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Without an `issuer`, only keys count; without `introspection`, its tokens are JWTs.

        `resource` is the endpoint's URL, which tokens must be issued for; `transport` reaches the issuer.
        """
        self._keys = KeyCallers(store, keys, now=now)
        self._questions = Questions(transport)
        self._tokens: _Tokens | None = None
        if issuer is not None:
            terms = Terms(issuer=issuer, resource=resource, store=store)
            self._tokens = _tokens(terms, introspection, self._questions, now)

    async def caller(self, token: str) -> Caller:
        """Who sent this. Raises CredentialRefused and CannotBeChecked."""
        if len(token) > LONGEST:
            raise CredentialRefused("This is longer than any access token that is accepted here.")
        if token.startswith(PREFIX):
            return await self._keys.caller(token)
        if self._tokens is None:
            raise CredentialRefused("Only API keys of this store are accepted here.")
        return await self._tokens.caller(token)

    async def close(self) -> None:
        """Finish what is under way and let go of the issuer."""
        await self._keys.close()
        if self._tokens is not None:
            await self._tokens.close()
        await self._questions.close()


def _tokens(
    terms: Terms, introspection: Introspection | None, questions: Questions, now: Callable[[], dt.datetime]
) -> _Tokens:
    # Signatures need a library of 9 MB, which a store without an issuer does not load.
    from storefront_mcp.identity.signing_keys import SigningKeys  # noqa: PLC0415
    from storefront_mcp.identity.token_callers import IntrospectedTokens, SignedTokens  # noqa: PLC0415

    if introspection is None:
        return SignedTokens(terms, SigningKeys(terms.issuer, questions), now=now)
    return IntrospectedTokens(terms, introspection, questions, now=now)
