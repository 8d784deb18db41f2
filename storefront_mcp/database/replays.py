"""Answers under idempotency keys, shared by every worker and sealed against whoever reads the database."""

import asyncio
import datetime as dt
import hashlib
import hmac
import itertools
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

import msgspec
from sqlalchemy import Connection, delete, func, select

from storefront_mcp.calls.idempotency import LEASE, LIFETIME, Kept, Wish
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.database.keys import shared_key
from storefront_mcp.database.tables import REPLAYS

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SWEEP_EVERY: Final = 256
"""Writes between two sweeps."""
SWEEP: Final = 2_000
"""Rows that one sweep takes away at most."""
NONCE: Final = 12


class DatabaseReplays:
    """Implements `calls.idempotency.Replays`.

    Nothing is written in the clear: the key of a row is a keyed digest of whose key it is, and an answer is encrypted
    under a key that is made of the same words, which the database does not hold.
    """

    def __init__(self, database: Database, *, now: Callable[[], dt.datetime] = utc_now, at_most: int = 100_000) -> None:
        """Above `at_most` the answers that end soonest are swept away before their time."""
        self._database = database
        self._now = now
        self._at_most = at_most
        self._secret = shared_key(database, "replays")
        self._writes = itertools.count(1)

    async def begin(self, wish: Wish) -> Kept | None:
        """What is on record, or None when the key is the caller's now."""
        return await asyncio.to_thread(self._begin, wish)

    async def answered(self, wish: Wish, answer: bytes) -> None:
        """Keep an answer."""
        nonce = secrets.token_bytes(NONCE)
        sealed = nonce + _cipher(self._made("answer", wish)).encrypt(nonce, answer, None)
        await asyncio.to_thread(self._end, wish, "answered", sealed)

    async def unclear(self, wish: Wish) -> None:
        """Keep that nobody knows how it ended."""
        await asyncio.to_thread(self._end, wish, "unclear", None)

    async def forget(self, wish: Wish) -> None:
        """Let go of the key."""
        await asyncio.to_thread(self._forget, wish)

    def _begin(self, wish: Wish) -> Kept | None:
        key, arguments, now = self._made("key", wish), self._arguments(wish), self._seconds()
        held = {"arguments": arguments, "state": "running", "answer": None, "lease_until": now + LEASE}
        held["expires_at"] = now + LIFETIME
        with self._database.writing(alone=key.hex()) as connection:
            fresh = self._database.insert(REPLAYS).values({"key": key} | held).on_conflict_do_nothing()
            if connection.execute(fresh.returning(REPLAYS.c.key)).one_or_none() is not None:
                self._sweep(connection)
                return None
            row = connection.execute(select(REPLAYS).where(REPLAYS.c.key == key)).one_or_none()
            if row is not None and row.expires_at > now:
                same = hmac.compare_digest(row.arguments, arguments)
                lost = row.state == "running" and row.lease_until <= now
                if not (lost and same and wish.repeats):
                    return Kept(
                        same=same,
                        state="unclear" if lost else row.state,
                        answer=self._opened(wish, row.answer, same=same),
                    )
            connection.execute(
                self._database.insert(REPLAYS)
                .values({"key": key} | held)
                .on_conflict_do_update(index_elements=["key"], set_=held)
            )
        return None

    def _end(self, wish: Wish, state: Literal["answered", "unclear"], answer: bytes | None) -> None:
        ended = {"state": state, "answer": answer, "expires_at": self._seconds() + LIFETIME}
        # What a key promises outlives a power cut: the next call under it must not do it again.
        with self._database.writing(survives="power") as connection:
            connection.execute(REPLAYS.update().where(REPLAYS.c.key == self._made("key", wish)).values(ended))

    def _forget(self, wish: Wish) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(REPLAYS).where(REPLAYS.c.key == self._made("key", wish)))

    def _opened(self, wish: Wish, sealed: bytes | None, *, same: bool) -> bytes:
        if sealed is None or not same:
            return b""
        return _cipher(self._made("answer", wish)).decrypt(sealed[:NONCE], sealed[NONCE:], None)

    def _sweep(self, connection: Connection) -> None:
        if next(self._writes) % SWEEP_EVERY:
            return
        expired = select(REPLAYS.c.key).where(REPLAYS.c.expires_at <= self._seconds()).limit(SWEEP)
        connection.execute(delete(REPLAYS).where(REPLAYS.c.key.in_(expired)))
        held = connection.execute(select(func.count()).select_from(REPLAYS)).scalar_one()
        too_many = min(SWEEP, held - self._at_most)
        if too_many > 0:
            soonest = select(REPLAYS.c.key).order_by(REPLAYS.c.expires_at).limit(too_many)
            connection.execute(delete(REPLAYS).where(REPLAYS.c.key.in_(soonest)))

    def _made(self, purpose: str, wish: Wish) -> bytes:
        """32 bytes for a purpose. As JSON, no two wishes are spelt alike."""
        words = msgspec.json.encode((purpose, wish.store, wish.tool, wish.owner, wish.key))
        return hmac.digest(self._secret, words, hashlib.sha256)

    def _arguments(self, wish: Wish) -> bytes:
        return hmac.digest(self._secret, b"arguments\0" + wish.arguments, hashlib.sha256)

    def _seconds(self) -> int:
        return int(self._now().timestamp())


def _cipher(key: bytes) -> "AESGCM":
    # 6 MB that a server can do without until a client first sends a key.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    return AESGCM(key)
