"""API keys in SQL, shared by every worker and the command line."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy import Connection, RowMapping, Select, func, insert, or_, select, update

from storefront_mcp.access.credentials import ApiKey, NoSuchKey, StoredKey
from storefront_mcp.access.scopes import sorted_scopes
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.audit import append_entry
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.database.tables.api_keys import API_KEYS, KEY_EPOCHS
from storefront_mcp.records.audit import What, operator_entry

NOTE_USE_EVERY_SECONDS: Final = 60
"""Least time between two writes of a key's last use, over all workers."""


class SqlApiKeyRepository:
    """Implements `access.credentials.ApiKeyRepository`; thread-safe.

    Creating and revoking survives a power cut: a revoked key must not come back.
    """

    def __init__(self, database: Database, *, now: Callable[[], dt.datetime] = utc_now) -> None:
        self._database = database
        self._now = now

    def add(self, key: ApiKey, digest: bytes) -> ApiKey:
        """Insert a key under the store's current epoch; the key with that epoch."""
        with self._database.writing(survives="power", alone="api keys") as connection:
            return self._add(connection, key, digest)

    def replace(self, store: StoreId, id_: str, key: ApiKey, digest: bytes, *, until: dt.datetime, by: str) -> ApiKey:
        """Insert a key in the place of another, which counts until a moment at most. Raises NoSuchKey."""
        old = (API_KEYS.c.id == id_) & (API_KEYS.c.store == store)
        moment = int(until.timestamp())
        with self._database.writing(survives="power", alone="api keys") as connection:
            if connection.execute(select(API_KEYS.c.id).where(old)).scalar_one_or_none() is None:
                raise NoSuchKey(id_)
            connection.execute(update(API_KEYS).where(old, API_KEYS.c.expires_at > moment).values(expires_at=moment))
            details = {"key": id_, "by_key": key.id, "until": until.isoformat()}
            self._audit(connection, "operator.acted", "key.replaced", store, by, details)
            return self._add(connection, key, digest)

    def find(self, id_: str) -> StoredKey | None:
        """The key of a public id; None when there is none."""
        with self._database.reading() as connection:
            row = connection.execute(_stored_keys().where(API_KEYS.c.id == id_)).mappings().one_or_none()
        return None if row is None else _read(row)

    def list(self, store: StoreId | None = None) -> Sequence[StoredKey]:
        """Keys, oldest first, revoked ones included."""
        query = _stored_keys() if store is None else _stored_keys().where(API_KEYS.c.store == store)
        with self._database.reading() as connection:
            stored = [_read(row) for row in connection.execute(query).mappings()]
        # Sorted here, as databases collate differently.
        return sorted(stored, key=lambda one: (one.key.created_at, one.key.id))

    def revoke(self, store: StoreId, id_: str, *, by: str = "") -> ApiKey:
        """Revoke a key; idempotent. Raises NoSuchKey."""
        if "\0" in id_:
            # PostgreSQL takes no such text.
            raise NoSuchKey(id_)
        ours = (API_KEYS.c.id == id_) & (API_KEYS.c.store == store)
        revoked_at = func.coalesce(API_KEYS.c.revoked_at, self._seconds())
        with self._database.writing(survives="power") as connection:
            connection.execute(update(API_KEYS).where(ours).values(revoked_at=revoked_at))
            row = connection.execute(_stored_keys().where(ours)).mappings().one_or_none()
            if row is None:
                raise NoSuchKey(id_)
            self._audit(connection, "key.revoked", id_, store, by)
        return _read(row).key

    def rotate(self, store: StoreId, *, by: str = "") -> int:
        """Revoke every key of a store at once; the new epoch."""
        with self._database.writing(survives="power", alone="api keys") as connection:
            epoch = _epoch(connection, store) + 1
            first = self._database.insert(KEY_EPOCHS).values(store=store, epoch=epoch)
            connection.execute(first.on_conflict_do_update(index_elements=["store"], set_={"epoch": epoch}))
            self._audit(connection, "keys.rotated", str(epoch), store, by)
        return epoch

    def note_use(self, id_: str, at: dt.datetime) -> None:
        """Record the last use of a key, at most once per NOTE_USE_EVERY_SECONDS."""
        moment = int(at.timestamp())
        long_ago = or_(API_KEYS.c.last_used_at.is_(None), API_KEYS.c.last_used_at <= moment - NOTE_USE_EVERY_SECONDS)
        with self._database.writing() as connection:
            connection.execute(update(API_KEYS).where(API_KEYS.c.id == id_).where(long_ago).values(last_used_at=moment))

    def _add(self, connection: Connection, key: ApiKey, digest: bytes) -> ApiKey:
        key = replace(key, epoch=_epoch(connection, key.store))
        connection.execute(
            insert(API_KEYS).values(
                id=key.id,
                store=key.store,
                digest=digest,
                label=key.label,
                scopes=" ".join(sorted_scopes(key.scopes)),
                epoch=key.epoch,
                created_at=int(key.created_at.timestamp()),
                created_by=key.created_by,
                expires_at=int(key.expires_at.timestamp()),
            )
        )
        details = {"label": key.label, "scopes": sorted_scopes(key.scopes)}
        self._audit(connection, "key.minted", key.id, key.store, key.created_by, details)
        return key

    def _audit(
        self,
        connection: Connection,
        what: What,
        subject: str,
        store: StoreId,
        by: str,
        details: Any = None,  # noqa: ANN401 -- any JSON
    ) -> None:
        """Append an audit entry in the same transaction."""
        entry = operator_entry(self._now(), what, subject, store=store, by=by, details=details)
        append_entry(self._database, connection, [entry])

    def _seconds(self) -> int:
        return int(self._now().timestamp())


def _epoch(connection: Connection, store: StoreId) -> int:
    query = select(KEY_EPOCHS.c.epoch).where(KEY_EPOCHS.c.store == store)
    epoch: int | None = connection.execute(query).scalar_one_or_none()
    return epoch or 0


def _stored_keys() -> Select[Any]:
    """Keys with the current epoch of their store, in one statement, so that both are of the same moment."""
    current = func.coalesce(KEY_EPOCHS.c.epoch, 0).label("current_epoch")
    return select(API_KEYS, current).outerjoin(KEY_EPOCHS, KEY_EPOCHS.c.store == API_KEYS.c.store)


def _read(row: RowMapping) -> StoredKey:
    key = ApiKey(
        id=row["id"],
        store=StoreId(row["store"]),
        label=row["label"],
        scopes=frozenset(row["scopes"].split()),
        epoch=row["epoch"],
        created_at=_moment(row["created_at"]),
        created_by=row["created_by"],
        expires_at=_moment(row["expires_at"]),
        last_used_at=None if row["last_used_at"] is None else _moment(row["last_used_at"]),
        revoked_at=None if row["revoked_at"] is None else _moment(row["revoked_at"]),
    )
    return StoredKey(key=key, digest=row["digest"], current_epoch=row["current_epoch"])


def _moment(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)
