"""Tasks of agent conversations in SQL, shared by every worker; what opens a cart is encrypted."""

import datetime as dt
import hashlib
import hmac
import itertools
import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import ColumnElement, Select, select

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.engine import Database, in_thread, utc_now
from storefront_mcp.database.row_quota import (
    OWN_INTERVAL_WRITES,
    SWEEP_INTERVAL_WRITES,
    RowQuota,
    drop_own_excess,
    sweep_excess,
    sweep_expired,
)
from storefront_mcp.database.tables.agent_tasks import AGENT_TASKS
from storefront_mcp.records.agent_tasks import AgentTaskRecord

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TASK_QUOTA: Final = RowQuota(per_holder=2_000, in_all=100_000)
LIFETIME_SECONDS: Final = 7 * 86_400
"""After the last change, as of carts."""
ORDER_LIFETIME_SECONDS: Final = 30 * 86_400
"""Of a task with a checkout, as buyers ask where their order is."""
MAX_LISTED: Final = 50
"""Tasks of one conversation."""
NONCE_BYTES: Final = 12

_T: Final = AGENT_TASKS.c


class SqlAgentTaskRepository:
    """Implements `records.agent_tasks.AgentTaskRepository` for one store.

    A row is found by HMACs of the ids; the rest is encrypted (AES-256-GCM) under keys that are derived from them, which
    the database does not hold.
    """

    def __init__(
        self,
        database: Database,
        store: StoreId,
        *,
        now: Callable[[], dt.datetime] = utc_now,
        quota: RowQuota = TASK_QUOTA,
    ) -> None:
        """Above the quota, rows that expire next are deleted early: a client's own first."""
        self._database = database
        self._store = store
        self._now = now
        self._quota = quota
        self._secret = database.shared_secret("agent tasks")
        self._writes = itertools.count(1)

    @in_thread
    def find(self, id_: str) -> AgentTaskRecord | None:
        """The task of that id, unless it has expired."""
        with self._database.reading() as connection:
            row = connection.execute(self._alive(_T.key == self._derive("key", id_))).one_or_none()
        return None if row is None else self._record(row.sealed, id_)

    @in_thread
    def list_context(self, context: str) -> Sequence[AgentTaskRecord]:
        """The tasks of a conversation, the last changed first."""
        query = self._alive(_T.context == self._derive("context", context)).order_by(_T.changed_at.desc(), _T.key)
        with self._database.reading() as connection:
            rows = connection.execute(query.limit(MAX_LISTED)).all()
        key = self._derive("id", context)
        return [self._record(row.sealed, _open(key, row.sealed_id).decode()) for row in rows]

    @in_thread
    def put(self, record: AgentTaskRecord) -> None:
        """Insert or update a task."""
        now = int(self._now().timestamp())
        lifetime = ORDER_LIFETIME_SECONDS if record.checkout else LIFETIME_SECONDS
        changed = {
            "sealed": _seal(self._derive("task", record.id), msgspec.json.encode(record)),
            "changed_at": record.changed_at,
            "expires_at": now + lifetime,
        }
        holder = self._database.holder_digest()
        row = changed | {
            "key": self._derive("key", record.id),
            "context": self._derive("context", record.context),
            "sealed_id": _seal(self._derive("id", record.context), record.id.encode()),
            "holder": holder,
        }
        with self._database.writing() as connection:
            connection.execute(
                self._database.insert(AGENT_TASKS)
                .values(row)
                .on_conflict_do_update(index_elements=["key"], set_=changed)
            )
            writes = next(self._writes)
            if writes % OWN_INTERVAL_WRITES == 0:
                drop_own_excess(connection, AGENT_TASKS, holder, self._quota.per_holder)
            if writes % SWEEP_INTERVAL_WRITES == 0:
                sweep_expired(connection, AGENT_TASKS, now)
                sweep_excess(connection, AGENT_TASKS, self._quota.in_all)

    def _alive(self, condition: ColumnElement[bool]) -> Select[Any]:
        return select(AGENT_TASKS).where(condition, _T.expires_at > int(self._now().timestamp()))

    def _record(self, sealed: bytes, id_: str) -> AgentTaskRecord:
        return msgspec.json.decode(_open(self._derive("task", id_), sealed), type=AgentTaskRecord)

    def _derive(self, purpose: str, id_: str) -> bytes:
        """HMAC-SHA256 of purpose, store and id; as JSON, the encoding is unambiguous."""
        return hmac.digest(self._secret, msgspec.json.encode((purpose, self._store, id_)), hashlib.sha256)


def _seal(key: bytes, plain: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + _cipher(key).encrypt(nonce, plain, None)


def _open(key: bytes, sealed: bytes) -> bytes:
    return _cipher(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)


def _cipher(key: bytes) -> "AESGCM":
    # 6 MB that are needed only once an agent opens a task.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    return AESGCM(key)
