"""The clients of one store: whose id is known, whose document can be had, and which an operator has blocked."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from storefront_mcp.commerce.store import Store
from storefront_mcp.oauth.clients import OAuthClient, fixed_client, register_client, registered_client
from storefront_mcp.oauth.errors import UnknownClient
from storefront_mcp.records.oauth import OAuthRepository

UNKNOWN_TEXT: Final = "This shop does not know the assistant. Remove the shop from it, and add it again."
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

    async def check(self, id_: str) -> None:
        """Raise UnknownClient for an id that is none of ours; its document is not asked for, as the grant knows it."""
        await self._check_blocked(id_)
        is_url = self._documents is not None and self._documents.is_document_url(id_)
        if not is_url and self._known(id_) is None:
            raise UnknownClient(UNKNOWN_TEXT)

    def register(self, body: bytes, *, now: float) -> Mapping[str, Any]:
        """The answer to a registration (RFC 7591). Raises EndpointRefusal."""
        return register_client(self._store.id, body, self._key, now=now)

    def _known(self, id_: str) -> OAuthClient | None:
        return fixed_client(self._fixed, id_) or registered_client(self._store.id, id_, self._key)

    async def _check_blocked(self, id_: str) -> None:
        kept = await asyncio.to_thread(self._repository.find_client, self._store.id, id_)
        if kept is not None and kept.blocked_at is not None:
            raise UnknownClient(BLOCKED_TEXT)
