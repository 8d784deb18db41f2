"""Verifier of the access tokens that customers of a store give to agents, with a cache of half a second."""

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Callable
from typing import Final

from cachetools import TTLCache

from storefront_mcp.access.caller import Caller
from storefront_mcp.access.credentials import CredentialCheckUnavailable, CredentialRefused
from storefront_mcp.access.secret_format import MalformedSecret, secret_digest
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.identity.look_up_cache import LookUpCache
from storefront_mcp.oauth.tokens import grant_of_token
from storefront_mcp.records.oauth import GrantRecord, OAuthRepository, StoredToken

log: Final = logging.getLogger("storefront_mcp.identity")

TOKEN_TTL_SECONDS: Final = 0.5
"""How long a look-up is cached, so that the end of a grant holds on every worker within one second."""
TOKEN_CACHE_SIZE: Final = 4096
"""Digests in the cache, unknown ones included, so that made-up tokens take bounded memory."""
NOTE_USE_INTERVAL_SECONDS: Final = 60.0
RETRY_AFTER_SECONDS: Final = 5
"""Retry-After if the database cannot be read."""


class BuyerTokenVerifier:
    """Verifies the access tokens of one store's customers."""

    def __init__(
        self,
        store: StoreId,
        repository: OAuthRepository,
        *,
        now: Callable[[], dt.datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._repository = repository
        self._now = now
        self._tokens: LookUpCache[bytes, StoredToken | None] = LookUpCache(
            repository.find_token, seconds=TOKEN_TTL_SECONDS, size=TOKEN_CACHE_SIZE, clock=clock
        )
        self._writing: set[asyncio.Task[None]] = set()
        self._used: TTLCache[str, bool] = TTLCache(
            TOKEN_CACHE_SIZE, NOTE_USE_INTERVAL_SECONDS, timer=lambda: now().timestamp()
        )

    async def caller(self, text: str) -> Caller:
        """The customer's agent that a token is of. Raises CredentialRefused and CredentialCheckUnavailable."""
        try:
            grant_of_token(text)
        except MalformedSecret as error:
            raise CredentialRefused(str(error)) from None
        stored = await self._look_up(secret_digest(text))
        now = self._now()
        if stored is None or stored.kind != "access" or stored.grant.store != self._store:
            raise CredentialRefused("This access token is not known here, or its permission has ended.")
        if not stored.is_valid(now.timestamp()):
            raise CredentialRefused("This access token has expired, or its permission has ended.")
        self._note_use(stored.grant.id, now)
        return Caller(
            kind="customer",
            principal=stored.grant.subject,
            scopes=frozenset(stored.scopes),
            client=_client(stored.grant),
            store=self._store,
            grant=stored.grant.id,
            expires_at=dt.datetime.fromtimestamp(stored.expires_at, dt.UTC),
        )

    async def close(self) -> None:
        """Wait for pending writes."""
        await asyncio.gather(*self._writing)

    async def _look_up(self, digest: bytes) -> StoredToken | None:
        try:
            return await self._tokens.find(digest)
        except Exception as error:
            log.exception("an access token could not be looked up")
            raise CredentialCheckUnavailable("the record of tokens", retry_after=RETRY_AFTER_SECONDS) from error

    def _note_use(self, grant: str, now: dt.datetime) -> None:
        """Record the time of use, at most once a minute, without delaying the call."""
        if grant in self._used:
            return
        self._used[grant] = True
        task = asyncio.create_task(self._write_use(grant, now.timestamp()), name="note the use of a grant")
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write_use(self, grant: str, now: float) -> None:
        try:
            await asyncio.to_thread(self._repository.note_use, grant, now=now)
        except Exception:
            log.exception("the use of grant %s could not be written down", grant)


def _client(grant: GrantRecord) -> str:
    """What a grant's client calls itself, and the host that is proven of it."""
    host = grant.client_host or grant.redirect_host
    return f"{grant.client_name} ({host})".strip() if host else grant.client_name
