"""The clients of one store: whose id is known, whose document can be had, and which an operator has blocked."""

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from storefront_mcp.commerce.store import Store
from storefront_mcp.oauth.clients import OAuthClient, configured_client, register_client, registered_client
from storefront_mcp.oauth.errors import EndpointRefusal, UnknownClient
from storefront_mcp.records.oauth import OAuthRepository

UNKNOWN_TEXT: Final = "This shop does not know the assistant. Remove the shop from it, and add it again."
UNPROVEN_TEXT: Final = "This client proves itself by its secret: client_secret, or HTTP Basic authentication."
BLOCKED_TEXT: Final = "This shop lets this assistant in no more."


class DocumentClients(Protocol):
    """Clients whose id is the URL of their metadata document."""

    def is_document_url(self, id_: str) -> bool:
        """Whether an id has the form of one; nothing is fetched."""

    async def find(self, id_: str, *, address: str) -> OAuthClient:
        """The client, from its document. Raises UnknownClient."""


class ClientRegistry:
    """The clients of one store."""

    def __init__(
        self,
        store: Store,
        repository: OAuthRepository,
        *,
        key: bytes,
        fixed: Sequence[OAuthClient] = (),
        documents: DocumentClients | None = None,
    ) -> None:
        """`key` signs ids of registered clients; `fixed` are those of the settings."""
        self._store = store
        self._repository = repository
        self._key = key
        self._fixed = tuple(fixed)
        self._documents = documents

    async def find(self, id_: str, *, address: str) -> OAuthClient:
        """The client of an id, for an authorization request from an address. Raises UnknownClient."""
        await self._check_blocked(id_)
        client = self._known(id_)
        if client is not None:
            return client
        if self._documents is None or not self._documents.is_document_url(id_):
            raise UnknownClient(UNKNOWN_TEXT)
        return await self._documents.find(id_, address=address)

    async def check(self, id_: str, secret: str | None) -> None:
        """Raise UnknownClient for an id that is none of ours, and for a client with a secret that does not say it.

        No document is asked for, as the grant knows what was in it.
        """
        await self._check_blocked(id_)
        client = self._known(id_)
        is_url = self._documents is not None and self._documents.is_document_url(id_)
        if client is None and not is_url:
            raise UnknownClient(UNKNOWN_TEXT)
        own = None if client is None else client.secret
        if own is not None and not hmac.compare_digest(own.reveal().encode(), (secret or "").encode()):
            raise UnknownClient(UNPROVEN_TEXT)

    async def register(self, body: bytes, *, now: float) -> Mapping[str, Any]:
        """The answer to a registration (RFC 7591). Raises EndpointRefusal, also for who is blocked."""
        answer = register_client(self._store.id, body, self._key, now=now)
        try:
            await self._check_blocked(answer["client_id"])
        except UnknownClient as refused:
            raise EndpointRefusal("invalid_client_metadata", str(refused)) from None
        return answer

    def _known(self, id_: str) -> OAuthClient | None:
        return configured_client(self._fixed, id_) or registered_client(self._store.id, id_, self._key)

    async def _check_blocked(self, id_: str) -> None:
        kept = await asyncio.to_thread(self._repository.find_client, self._store.id, id_)
        if kept is not None and kept.blocked_at is not None:
            raise UnknownClient(BLOCKED_TEXT)
