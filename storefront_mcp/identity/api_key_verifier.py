"""Verifier of API keys, with a cache of half a second."""

import asyncio
import datetime as dt
import hmac
import logging
import time
from collections.abc import Callable
from typing import Final

from cachetools import TTLCache

from storefront_mcp.access.caller import Caller
from storefront_mcp.access.credentials import ApiKeyRepository, CredentialCheckUnavailable, CredentialRefused, StoredKey
from storefront_mcp.access.secret_format import MalformedSecret, secret_digest
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.identity.api_key_format import public_id
from storefront_mcp.identity.look_up_cache import LookUpCache

log: Final = logging.getLogger("storefront_mcp.identity")

KEY_TTL_SECONDS: Final = 0.5
"""How long a look-up is cached, so that a revocation holds on every worker within one second.

SQLite's `data_version` would not spare the look-up: it changes with every cart."""
KEY_CACHE_SIZE: Final = 4096
"""Ids in the cache, unknown ones included, so that made-up keys take bounded memory."""
NOTE_USE_INTERVAL_SECONDS: Final = 60.0
RETRY_AFTER_SECONDS: Final = 5
"""Retry-After if the database cannot be read."""
_NO_DIGEST: Final = bytes(32)
UNKNOWN_KEY_TEXT: Final = "This API key is unknown here."


class ApiKeyVerifier:
    """Verifies the API keys of one store."""

    def __init__(
        self,
        store: StoreId,
        keys: ApiKeyRepository,
        *,
        now: Callable[[], dt.datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._keys = keys
        self._now = now
        self._stored: LookUpCache[str, StoredKey | None] = LookUpCache(
            self._find, seconds=KEY_TTL_SECONDS, size=KEY_CACHE_SIZE, clock=clock
        )
        self._writing: set[asyncio.Task[None]] = set()
        self._used: TTLCache[str, bool] = TTLCache(
            KEY_CACHE_SIZE, NOTE_USE_INTERVAL_SECONDS, timer=lambda: now().timestamp()
        )

    async def caller(self, text: str) -> Caller:
        """The caller of a key. Raises CredentialRefused and CredentialCheckUnavailable."""
        try:
            id_ = public_id(text)
        except MalformedSecret as error:
            raise CredentialRefused(str(error)) from None
        stored = await self._look_up(id_)
        # Compared for unknown ids too, so that the time taken reveals nothing.
        matches = hmac.compare_digest(secret_digest(text), _NO_DIGEST if stored is None else stored.digest)
        if stored is None or not matches or stored.key.store != self._store:
            raise CredentialRefused(UNKNOWN_KEY_TEXT)
        now = self._now()
        status = stored.status_at(now)
        if status != "valid":
            raise CredentialRefused(f"This API key is {'revoked' if status == 'rotated' else status}.")
        self._note_use(id_, now)
        return Caller(
            kind="key",
            principal=id_,
            scopes=stored.key.scopes,
            client=stored.key.label,
            store=self._store,
            expires_at=stored.key.expires_at,
        )

    async def close(self) -> None:
        """Wait for pending writes."""
        await asyncio.gather(*self._writing)

    async def _look_up(self, id_: str) -> StoredKey | None:
        try:
            return await self._stored.find(id_)
        except Exception as error:
            log.exception("key %s could not be looked up", id_)
            raise CredentialCheckUnavailable("the record of keys", retry_after=RETRY_AFTER_SECONDS) from error

    def _find(self, id_: str) -> StoredKey | None:
        return self._keys.find(id_)

    def _note_use(self, id_: str, now: dt.datetime) -> None:
        """Record the time of use, at most once a minute, without delaying the call."""
        if id_ in self._used:
            return
        self._used[id_] = True
        task = asyncio.create_task(self._write_use(id_, now), name="note the use of a key")
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write_use(self, id_: str, now: dt.datetime) -> None:
        try:
            await asyncio.to_thread(self._keys.note_use, id_, now)
        except Exception:
            log.exception("the use of key %s could not be written down", id_)
