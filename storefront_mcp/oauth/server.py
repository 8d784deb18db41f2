"""`AuthorizationServer`: sign-in at one store, from the first request to the last token."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from storefront_mcp.access.buyer_scopes import known_buyer_scopes
from storefront_mcp.access.minute_budget import MinuteBudget
from storefront_mcp.access.secret_format import secret_digest
from storefront_mcp.commerce.store import Store
from storefront_mcp.oauth.authorization import (
    authorization_request,
    read_parameters,
    requested_client_id,
    requested_redirect_uri,
)
from storefront_mcp.oauth.client_registry import ClientRegistry
from storefront_mcp.oauth.clients import is_client_id
from storefront_mcp.oauth.customer_digests import CustomerDigests
from storefront_mcp.oauth.errors import (
    ClientRefused,
    EndpointRefusal,
    RequestDenied,
    TooManyRegistrations,
    UnknownClient,
)
from storefront_mcp.oauth.sign_in_views import ReturnAddress
from storefront_mcp.oauth.token_requests import FormParameters, code_verifier, requested_resource
from storefront_mcp.oauth.tokens import GrantLifetimes, challenge_of, new_code, new_tokens
from storefront_mcp.records.oauth import (
    AuthorizationRequest,
    CodeExchange,
    ExchangeRefused,
    GrantRecord,
    IssuedCode,
    IssuedTokens,
    OAuthRepository,
    RefreshExchange,
)

log: Final = logging.getLogger("storefront_mcp.oauth")

REGISTRATIONS_A_MINUTE: Final = 20
"""Of one client address."""


class AuthorizationServer:
    """The authorization server of one store (RFC 6749). Its issuer is the store's origin."""

    def __init__(
        self,
        store: Store,
        repository: OAuthRepository,
        clients: ClientRegistry,
        *,
        key: bytes,
        offered: Callable[[], Sequence[str]],
        now: Callable[[], float],
        lifetimes: GrantLifetimes | None = None,
    ) -> None:
        """`key` makes subjects; `offered` are the buyer scopes of open tools, empty while nobody can sign in."""
        self._store = store
        self._clients = clients
        self._repository = repository
        self.lifetimes = lifetimes or GrantLifetimes()
        self._digests = CustomerDigests(store.id, key)
        self._offered = offered
        self._now = now
        self._registrations = MinuteBudget(REGISTRATIONS_A_MINUTE, now=now)

    @property
    def open(self) -> bool:
        """Whether a person can give a permission now."""
        return bool(self._offered())

    async def authorization_request(self, query: bytes, *, address: str = "") -> AuthorizationRequest | ReturnAddress:
        """The validated request of an authorization URL; an address where it is refused there.

        `address` is the person's, who is counted for what it takes to know the client. Raises ClientRefused.
        """
        parameters = read_parameters(query)
        # Before anything is fetched for whoever asks.
        requested_redirect_uri(parameters)
        try:
            client = await self._clients.find(requested_client_id(parameters), address=address)
        except UnknownClient as refused:
            raise ClientRefused(str(refused)) from None
        try:
            return authorization_request(parameters, client, self._store, tuple(self._offered()))
        except RequestDenied as denied:
            return denied.answer

    def new_code(self, request: AuthorizationRequest, grant: str) -> tuple[str, IssuedCode]:
        """A code for a new grant's id: its text, and what is stored of it."""
        return new_code(request, grant, self._now() + self.lifetimes.code)

    async def token(self, form: FormParameters) -> bytes:
        """The token response, as JSON. Raises EndpointRefusal."""
        kind = form.require("grant_type")
        if kind not in {"authorization_code", "refresh_token"}:
            raise EndpointRefusal("unsupported_grant_type", "Send authorization_code or refresh_token.")
        client_id = await self._client_id(form)
        resource = requested_resource(self._store, form)
        exchange = self._redeem if kind == "authorization_code" else self._refresh
        try:
            return await asyncio.to_thread(exchange, form, client_id, resource)
        except ExchangeRefused as refused:
            log.info("a token request of %s was refused: %s", client_id[:200], refused)
            raise EndpointRefusal(refused.code, str(refused)) from None

    async def revoke(self, form: FormParameters) -> None:
        """End the grant of a token; unknown tokens are as good as ended (RFC 7009 §2.2). Raises EndpointRefusal."""
        token = form.require("token")
        client_id = await self._client_id(form)
        digest = secret_digest(token)
        await asyncio.to_thread(self._repository.revoke, self._store.id, digest, client_id, now=self._now())

    async def register(self, body: bytes, *, address: str = "") -> Mapping[str, Any]:
        """The answer to a registration; an empty `address` is not counted.

        Raises EndpointRefusal and TooManyRegistrations.
        """
        if address and not self._registrations.spend(address):
            raise TooManyRegistrations
        return await self._clients.register(body, now=self._now())

    def subject(self, customer: str) -> str:
        """What stands for a customer of this store in audit, limits and logs."""
        return self._digests.subject(customer)

    def mailbox(self, email: str) -> str:
        """What stands for an e-mail address of this store."""
        return self._digests.mailbox(email)

    async def _client_id(self, form: FormParameters) -> str:
        """The client's id, if it is one of ours. Raises EndpointRefusal."""
        id_ = form.get("client_id")
        if id_ is None or not is_client_id(id_):
            raise EndpointRefusal("invalid_client", "Send the client_id that you were registered with.")
        try:
            await self._clients.check(id_, form.get("client_secret"))
        except UnknownClient as refused:
            raise EndpointRefusal("invalid_client", str(refused)) from None
        return id_

    def _redeem(self, form: FormParameters, client_id: str, resource: str | None) -> bytes:
        exchange = CodeExchange(
            store=self._store.id,
            digest=secret_digest(form.require("code")),
            client_id=client_id,
            redirect_uri=form.require("redirect_uri"),
            challenge=challenge_of(code_verifier(form)),
            resource=resource,
        )
        return self._repository.redeem_code(exchange, lambda grant: self._tokens(grant, grant.scopes), now=self._now())

    def _refresh(self, form: FormParameters, client_id: str, resource: str | None) -> bytes:
        exchange = RefreshExchange(
            store=self._store.id,
            digest=secret_digest(form.require("refresh_token")),
            client_id=client_id,
            resource=resource,
        )
        asked = known_buyer_scopes((form.get("scope") or "").split())

        def issue(grant: GrantRecord) -> IssuedTokens:
            return self._tokens(grant, tuple(scope for scope in grant.scopes if scope in asked) or grant.scopes)

        return self._repository.rotate_refresh(exchange, issue, now=self._now(), grace=self.lifetimes.grace)

    def _tokens(self, grant: GrantRecord, scopes: tuple[str, ...]) -> IssuedTokens:
        return new_tokens(grant, scopes, now=self._now(), lifetime=self.lifetimes.access)
