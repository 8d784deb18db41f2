"""`OpenIdLogin`: signs customers in at an OpenID provider whose access tokens the shop takes as its customers' own."""

import asyncio
import base64
import hashlib
import logging
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.access.credentials import CredentialRefused
from storefront_mcp.commerce.customers import (
    CustomerUnknown,
    IssuerRedirect,
    IssuerRefused,
    SessionOver,
    ShopSession,
    TokenCustomers,
    TooManyTries,
)
from storefront_mcp.commerce.errors import ShopDown, ShopMisconfigured
from storefront_mcp.identity.issuer_client import IssuerUnavailable
from storefront_mcp.identity.openid_provider import OpenIdProvider, ProviderTokens

log: Final = logging.getLogger("storefront_mcp.identity")

SECRET_BYTES: Final = 32
MAX_CODE_CHARS: Final = 4_096
PROVIDER_SECONDS: Final = 20.0
"""For all that one step of a sign-in asks of the provider; each request has a shorter time of its own."""
LIFE_SHARE: Final = 0.5
"""Part of an access token's life after which a call renews it first."""
SLOW: Final = "the OpenID provider took too long"
BUSY_SECONDS: Final = 60
"""Until the next renewal, after the provider had too many requests."""


class _Begun(Struct, frozen=True, kw_only=True):
    """What is kept while the person is at the provider."""

    nonce: str
    verifier: str


class _Renewal(Struct, frozen=True, kw_only=True):
    """What a session is renewed with."""

    refresh_token: str
    subject: str


class OpenIdLogin:
    """An `IssuerLogin`. A session's secret is the provider's access token, which the shop takes for its customer's."""

    def __init__(self, provider: OpenIdProvider, customers: TokenCustomers, *, total: float = PROVIDER_SECONDS) -> None:
        """`total` is in seconds, for what one step of a sign-in asks of the provider."""
        self._provider = provider
        self._customers = customers
        self._total = total

    @property
    def issuer(self) -> str:
        """As the port says."""
        return self._provider.client.issuer

    async def begin(self, state: str) -> IssuerRedirect:
        """As the port says."""
        begun = _Begun(nonce=secrets.token_urlsafe(SECRET_BYTES), verifier=secrets.token_urlsafe(SECRET_BYTES))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(begun.verifier.encode()).digest()).rstrip(b"=").decode()
        try:
            async with asyncio.timeout(self._total):
                address = await self._provider.authorization_address(
                    state=state, nonce=begun.nonce, challenge=challenge
                )
        except IssuerUnavailable as error:
            raise _down(error) from None
        except TimeoutError:
            raise ShopDown(internal=SLOW) from None
        return IssuerRedirect(address=address, kept=msgspec.json.encode(begun))

    async def finish(self, answer: Mapping[str, str], kept: bytes) -> ShopSession:
        """As the port says. The code goes to the token endpoint once, and a token whose answer is lost to nobody."""
        begun, code = msgspec.json.decode(kept, type=_Begun), answer.get("code", "")
        began = self._provider.seconds()
        try:
            async with asyncio.timeout(self._total):
                await self._provider.check_sender(answer.get("iss"))
                if "error" in answer or not 0 < len(code) <= MAX_CODE_CHARS:
                    raise IssuerRefused(internal=f"the provider gave no code: {answer.get('error', '')[:60]!r}")
                tokens = await self._provider.redeem(code, verifier=begun.verifier, nonce=begun.nonce)
        except CredentialRefused as refused:
            raise IssuerRefused(internal=str(refused)) from None
        except IssuerUnavailable as error:
            if error.error == "invalid_grant":
                raise IssuerRefused(internal=str(error)) from None
            raise _down(error) from None
        except TimeoutError:
            raise ShopDown(internal=SLOW) from None
        try:
            who = await self._customers.customer_of(tokens.access)
        except SessionOver as over:
            raise CustomerUnknown(internal=over.internal) from None
        session = ShopSession(secret="", customer_id=who.customer_id, name=who.name, email=who.email)
        return _renewed_session(session, tokens, began)

    async def renew(self, session: ShopSession) -> ShopSession:
        """As the port says; many providers void the old refresh token."""
        kept = msgspec.json.decode(session.renewal, type=_Renewal)
        began = self._provider.seconds()
        try:
            tokens = await self._provider.refresh(kept.refresh_token, subject=kept.subject)
        except CredentialRefused as refused:
            raise SessionOver(internal=str(refused)) from None
        except IssuerUnavailable as error:
            if error.error == "invalid_grant":
                raise SessionOver(internal=str(error)) from None
            if error.status == HTTPStatus.TOO_MANY_REQUESTS:
                raise TooManyTries(retry_after=BUSY_SECONDS, internal=str(error)) from None
            raise _down(error) from None
        return _renewed_session(session, replace(tokens, refresh=tokens.refresh or kept.refresh_token), began)

    async def close(self) -> None:
        """Close the connections to the provider."""
        await self._provider.close()

    async def end(self, session: ShopSession) -> None:
        """Nothing: at many providers it would end what other agents of the same person hold; unused tokens die."""


def _renewed_session(session: ShopSession, tokens: ProviderTokens, began: float) -> ShopSession:
    """A session with newer tokens. Without a refresh token it ends with its access token."""
    ends = None if tokens.lifetime is None else began + tokens.lifetime
    if not tokens.refresh:
        return replace(session, secret=tokens.access, expires_at=ends, renew_at=None, renewal="", secret_until=None)
    return replace(
        session,
        secret=tokens.access,
        expires_at=None,
        renew_at=None if tokens.lifetime is None else began + tokens.lifetime * LIFE_SHARE,
        renewal=msgspec.json.encode(_Renewal(refresh_token=tokens.refresh, subject=tokens.subject)).decode(),
        secret_until=ends,
    )


def _down(error: IssuerUnavailable) -> ShopDown:
    """What a provider's failure is to the person; what an operator has to mend is in the log as that."""
    if error.error in {"invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type"}:
        log.error("the OpenID provider refuses this store as its client: %s (%s)", error, error.error)
        return ShopMisconfigured(f"{error} ({error.error})")
    return ShopDown(internal=str(error))
