"""Clients whose id is the URL of their metadata document (draft-ietf-oauth-client-id-metadata-document)."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from storefront_mcp.access.minute_budget import MinuteBudget
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.oauth.clients import MAX_CLIENT_ID_CHARS, OAuthClient, display_name
from storefront_mcp.oauth.errors import UnknownClient
from storefront_mcp.oauth.redirects import is_usable
from storefront_mcp.public_http.addresses import PUBLIC_URL_PATTERN, is_public_url
from storefront_mcp.public_http.documents import DocumentSource, DocumentUnavailable, FetchedDocument
from storefront_mcp.records.oauth import ClientRecord, OAuthRepository

log: Final = logging.getLogger("storefront_mcp.oauth")

MAX_REDIRECT_URIS: Final = 50
SECRET_METHODS: Final = frozenset({"client_secret_basic", "client_secret_post", "client_secret_jwt"})
DEFAULT_TTL_SECONDS: Final = 3600.0
MIN_TTL_SECONDS: Final = 300.0
MAX_TTL_SECONDS: Final = 86_400.0
"""Bounds of how long a document is fresh, whatever its Cache-Control says."""
FETCHES_AT_ONCE: Final = 2
FETCHES_A_MINUTE: Final = 10
"""Of one address that authorization requests come from."""
WAIT_SECONDS: Final = 0.8
"""The longest that a request waits for a fetch of others to end."""


class _Metadata(Struct, frozen=True):
    """The members that count; whatever else is there is ignored."""

    client_id: str
    redirect_uris: tuple[Any, ...] = ()
    client_name: Any = None
    token_endpoint_auth_method: Any = None
    client_secret: Any | UnsetType = UNSET
    client_secret_expires_at: Any | UnsetType = UNSET


_METADATA: Final = msgspec.json.Decoder(_Metadata)


class ClientDocuments:
    """Implements `client_registry.DocumentClients` for one store; what was fetched is shared by all workers."""

    def __init__(
        self,
        store: StoreId,
        records: OAuthRepository,
        source: DocumentSource,
        *,
        now: Callable[[], float],
    ) -> None:
        """`now` gives Unix seconds."""
        self._store = store
        self._records = records
        self._source = source
        self._now = now
        self._slots = asyncio.Semaphore(FETCHES_AT_ONCE)
        self._budget = MinuteBudget(FETCHES_A_MINUTE, now=now)

    def is_document_url(self, id_: str) -> bool:
        """Whether an id has the form of a document's URL; nothing is fetched."""
        return is_document_url(id_)

    async def find(self, id_: str, *, address: str) -> OAuthClient:
        """The client, from its document. Raises UnknownClient."""
        kept = await asyncio.to_thread(self._records.find_client, self._store, id_)
        if kept is not None and kept.document and self._now() < kept.fresh_until:
            return document_client(id_, kept.document)
        try:
            fetched = await self._fetch(id_, address)
        except DocumentUnavailable as error:
            log.info("a client's document: %s", error)
            if kept is not None and kept.document:
                # It is deleted a day after it was fresh.
                return document_client(id_, kept.document)
            raise UnknownClient("The assistant's description of itself cannot be read now. Try again.") from None
        client = document_client(id_, fetched.body)
        now = self._now()
        record = ClientRecord(
            store=self._store,
            id=id_,
            kind="document",
            document=fetched.body,
            fetched_at=now,
            fresh_until=now
            + fetched.ttl_seconds(default=DEFAULT_TTL_SECONDS, at_least=MIN_TTL_SECONDS, at_most=MAX_TTL_SECONDS),
        )
        await asyncio.to_thread(self._records.put_client, record)
        return client

    async def _fetch(self, url: str, address: str) -> FetchedDocument:
        """Fetch a document, unless too many are being fetched. Raises DocumentUnavailable."""
        if not self._budget.spend(address):
            raise DocumentUnavailable("too many were asked for from one address")
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._slots.acquire()
        except TimeoutError:
            raise DocumentUnavailable("others are being fetched") from None
        try:
            return await self._source.fetch(url)
        finally:
            self._slots.release()


def is_document_url(id_: str) -> bool:
    """Whether an id has the form of a document's URL."""
    return is_public_url(id_, max_chars=MAX_CLIENT_ID_CHARS)


def document_host(url: str) -> str:
    """The host name in a document's URL."""
    form = PUBLIC_URL_PATTERN.fullmatch(url)
    return "" if form is None else form["host"]


def document_client(url: str, body: bytes) -> OAuthClient:
    """The client that a document describes. Raises UnknownClient."""
    try:
        metadata = _METADATA.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnknownClient("The assistant's description of itself is no client metadata.") from None
    if metadata.client_id != url:
        raise UnknownClient("The assistant's description of itself is that of another one.")
    if metadata.client_secret is not UNSET or metadata.client_secret_expires_at is not UNSET:
        raise UnknownClient("The assistant's description of itself holds a secret, which is none any more.")
    if metadata.token_endpoint_auth_method in SECRET_METHODS:
        raise UnknownClient("The assistant wants to prove itself by a secret that nobody gave it.")
    uris = tuple(uri for uri in metadata.redirect_uris if isinstance(uri, str) and is_usable(uri))
    if not uris or len(metadata.redirect_uris) > MAX_REDIRECT_URIS:
        raise UnknownClient("The assistant's description of itself says nowhere to go.")
    return OAuthClient(
        id=url, kind="document", name=display_name(metadata.client_name), host=document_host(url), redirect_uris=uris
    )
