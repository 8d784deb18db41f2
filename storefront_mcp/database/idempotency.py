"""Idempotency records in SQL, shared by every worker; answers are encrypted."""

import datetime as dt
import hashlib
import hmac
import itertools
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

import msgspec
from sqlalchemy import delete, select

from storefront_mcp.calls.idempotency import ANSWER_TTL_SECONDS, CLAIM_LEASE_SECONDS, IdempotencyRecord, IdempotentCall
from storefront_mcp.database.engine import Database, in_thread, utc_now
from storefront_mcp.database.row_quota import (
    OWN_INTERVAL_WRITES,
    SWEEP_INTERVAL_WRITES,
    RowQuota,
    drop_own_excess,
    sweep_excess,
    sweep_expired,
)
from storefront_mcp.database.tables.idempotency import REPLAYS

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ANSWER_QUOTA: Final = RowQuota(per_holder=2_000, in_all=100_000)
MAX_BYTES_PER_HOLDER: Final = 32 * 1024 * 1024
"""Of the stored answers of one client address."""
NONCE_BYTES: Final = 12


class SqlIdempotencyRepository:
    """Implements `calls.idempotency.IdempotencyRepository`.

    A row's key is an HMAC of store, tool, owner and idempotency key; its answer is encrypted (AES-256-GCM) under a key
    derived from the same values, which the database does not hold.
    """

    def __init__(
        self, database: Database, *, now: Callable[[], dt.datetime] = utc_now, quota: RowQuota = ANSWER_QUOTA
    ) -> None:
        """Above the quota, rows that expire next are deleted early: a client's own first."""
        self._database = database
        self._now = now
        self._quota = quota
        self._secret = database.shared_secret("replays")
        self._writes = itertools.count(1)

    @in_thread
    def claim(self, call: IdempotentCall) -> IdempotencyRecord | None:
        """The record of the key, or None when this call has claimed it."""
        key, now = self._derive_key("key", call), int(self._now().timestamp())
        arguments = hmac.digest(self._secret, b"arguments\0" + call.arguments, hashlib.sha256)
        held = {"arguments": arguments, "state": "running", "answer": None, "lease_until": now + CLAIM_LEASE_SECONDS}
        held["expires_at"] = now + ANSWER_TTL_SECONDS
        holder = held["holder"] = self._database.holder_digest()
        with self._database.writing(alone=key.hex()) as connection:
            fresh = self._database.insert(REPLAYS).values({"key": key} | held).on_conflict_do_nothing()
            if connection.execute(fresh.returning(REPLAYS.c.key)).one_or_none() is not None:
                writes = next(self._writes)
                if writes % OWN_INTERVAL_WRITES == 0:
                    size = REPLAYS.c.answer, MAX_BYTES_PER_HOLDER
                    drop_own_excess(connection, REPLAYS, holder, self._quota.per_holder, size)
                if writes % SWEEP_INTERVAL_WRITES == 0:
                    sweep_expired(connection, REPLAYS, now)
                    sweep_excess(connection, REPLAYS, self._quota.in_all)
                return None
            row = connection.execute(select(REPLAYS).where(REPLAYS.c.key == key)).one_or_none()
            if row is not None and row.expires_at > now:
                same = hmac.compare_digest(row.arguments, arguments)
                lost = row.state == "running" and row.lease_until <= now
                if not (lost and same and call.repeats):
                    return IdempotencyRecord(
                        same=same,
                        state="unclear" if lost else row.state,
                        answer=self._decrypt(call, row.answer, same=same),
                    )
            connection.execute(
                self._database.insert(REPLAYS)
                .values({"key": key} | held)
                .on_conflict_do_update(index_elements=["key"], set_=held)
            )
        return None

    @in_thread
    def store_answer(self, call: IdempotentCall, answer: bytes) -> None:
        """Store the answer, encrypted."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        encrypted = nonce + _cipher(self._derive_key("answer", call)).encrypt(nonce, answer, None)
        self._store_outcome(call, "answered", encrypted)

    @in_thread
    def mark_unknown(self, call: IdempotentCall) -> None:
        """Store that the outcome is unknown."""
        self._store_outcome(call, "unclear", None)

    @in_thread
    def release(self, call: IdempotentCall) -> None:
        """Delete the claim."""
        with self._database.writing() as connection:
            connection.execute(delete(REPLAYS).where(REPLAYS.c.key == self._derive_key("key", call)))

    def _store_outcome(self, call: IdempotentCall, state: Literal["answered", "unclear"], answer: bytes | None) -> None:
        expires_at = int(self._now().timestamp()) + ANSWER_TTL_SECONDS
        ended = {"state": state, "answer": answer, "expires_at": expires_at}
        # Durable, as the next call under the key must not act again.
        with self._database.writing(survives="power") as connection:
            connection.execute(REPLAYS.update().where(REPLAYS.c.key == self._derive_key("key", call)).values(ended))

    def _decrypt(self, call: IdempotentCall, encrypted: bytes | None, *, same: bool) -> bytes:
        if encrypted is None or not same:
            return b""
        return _cipher(self._derive_key("answer", call)).decrypt(encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:], None)

    def _derive_key(self, purpose: str, call: IdempotentCall) -> bytes:
        """HMAC-SHA256 of purpose and call; as JSON, the encoding is unambiguous."""
        scope = msgspec.json.encode((purpose, call.store, call.tool, call.owner, call.key))
        return hmac.digest(self._secret, scope, hashlib.sha256)


def _cipher(key: bytes) -> "AESGCM":
    # 6 MB that are needed only once a client sends a key.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    return AESGCM(key)
