"""From an API key to its caller: one look at the record per key and half second."""

import asyncio
import datetime as dt
import hmac
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from storefront_mcp.calls.caller import Caller
from storefront_mcp.calls.credentials import ApiKeys, CannotBeChecked, CredentialRefused, StoredKey
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.identity.keys import KeyMisspelt, digest, public_id

log: Final = logging.getLogger("storefront_mcp.identity")

FRESH: Final = 0.5
"""Seconds that a look at the record counts, so that a revocation holds on every worker within one second.

A version of the record to compare with would not spare the look: SQLite's `data_version` moves with every cart."""
KNOWN: Final = 4096
"""Ids that are remembered, unknown ones included: made-up keys take no memory and no more looks than this allows."""
USE_EVERY: Final = dt.timedelta(minutes=1)
RETRY_AFTER: Final = 5
"""Seconds to wait when the record cannot be read."""
_NOBODY: Final = bytes(32)
UNKNOWN: Final = "This API key is unknown here."


class KeyCallers:
    """Checks the keys of one store."""

    def __init__(
        self,
        store: StoreId,
        keys: ApiKeys,
        *,
        now: Callable[[], dt.datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._keys = keys
        self._now = now
        self._clock = clock
        self._looked_up: OrderedDict[str, tuple[float, StoredKey | None]] = OrderedDict()
        self._writing: set[asyncio.Task[None]] = set()
        self._used: OrderedDict[str, dt.datetime] = OrderedDict()

    async def caller(self, text: str) -> Caller:
        """Who holds this key. Raises CredentialRefused and CannotBeChecked."""
        try:
            id_ = public_id(text)
        except KeyMisspelt as error:
            raise CredentialRefused(str(error)) from None
        stored = await self._stored(id_)
        # Unknown ids are compared too: how long a refusal takes says nothing.
        matches = hmac.compare_digest(digest(text), _NOBODY if stored is None else stored.digest)
        if stored is None or not matches or stored.key.store != self._store:
            raise CredentialRefused(UNKNOWN)
        now = self._now()
        standing = stored.standing(now)
        if standing != "valid":
            raise CredentialRefused(f"This API key is {'revoked' if standing == 'rotated' else standing}.")
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
        """Finish what is being written down."""
        await asyncio.gather(*self._writing)

    async def _stored(self, id_: str) -> StoredKey | None:
        moment = self._clock()
        found = self._looked_up.get(id_)
        if found is not None and moment - found[0] < FRESH:
            return found[1]
        try:
            stored = await asyncio.to_thread(self._keys.find, id_)
        except Exception as error:
            log.exception("key %s could not be looked up", id_)
            raise CannotBeChecked("the record of keys", retry_after=RETRY_AFTER) from error
        # The moment before the look: what was written while it went on is seen by the next one.
        self._looked_up[id_] = (moment, stored)
        self._looked_up.move_to_end(id_)
        if len(self._looked_up) > KNOWN:
            self._looked_up.popitem(last=False)
        return stored

    def _note_use(self, id_: str, now: dt.datetime) -> None:
        """Once a minute, and beside the call, never before it."""
        last = self._used.get(id_)
        if last is not None and now - last < USE_EVERY:
            return
        self._used[id_] = now
        self._used.move_to_end(id_)
        if len(self._used) > KNOWN:
            self._used.popitem(last=False)
        task = asyncio.create_task(self._write_use(id_, now), name="note the use of a key")
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write_use(self, id_: str, now: dt.datetime) -> None:
        try:
            await asyncio.to_thread(self._keys.used, id_, now)
        except Exception:
            log.exception("the use of key %s could not be written down", id_)
