"""API keys on record, shared by every worker and by the command line."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy import Connection, RowMapping, Select, func, insert, or_, select, update

from storefront_mcp.calls.audit import What
from storefront_mcp.calls.credentials import ApiKey, NoSuchKey, StoredKey
from storefront_mcp.calls.scopes import in_order
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.database.audit import append, operator_entry
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.database.tables import API_KEYS, KEY_EPOCHS

USE_EVERY: Final = 60
"""Seconds between two notes of a key's use, over all workers."""


class DatabaseKeys:
    """Keys in the database. Implements `calls.credentials.ApiKeys`; may be shared by threads.

    What makes or voids a key survives a power cut: a revoked key must not come back.
    """

    def __init__(self, database: Database, *, now: Callable[[], dt.datetime] = utc_now) -> None:
        self._database = database
        self._now = now

    def add(self, key: ApiKey, digest: bytes) -> ApiKey:
        """Write a new key down, under the store's epoch as it is now, which the answer has."""
        with self._database.writing(survives="power", alone="api keys") as connection:
            key = replace(key, epoch=_epoch(connection, key.store))
            connection.execute(
                insert(API_KEYS).values(
                    id=key.id,
                    store=key.store,
                    digest=digest,
                    label=key.label,
                    scopes=" ".join(in_order(key.scopes)),
                    epoch=key.epoch,
                    created_at=int(key.created_at.timestamp()),
                    created_by=key.created_by,
                    expires_at=int(key.expires_at.timestamp()),
                )
            )
            told = {"label": key.label, "scopes": in_order(key.scopes)}
            self._tell(connection, "key.minted", key.id, key.store, key.created_by, told)
        return key

    def find(self, id_: str) -> StoredKey | None:
        """The key of that public id; None when there is none."""
        with self._database.reading() as connection:
            row = connection.execute(_stored().where(API_KEYS.c.id == id_)).mappings().one_or_none()
        return None if row is None else _read(row)

    def listed(self, store: StoreId | None = None) -> Sequence[StoredKey]:
        """Keys, oldest first, void ones included."""
        query = _stored() if store is None else _stored().where(API_KEYS.c.store == store)
        with self._database.reading() as connection:
            stored = [_read(row) for row in connection.execute(query).mappings()]
        # Sorted here: databases have alphabets of their own.
        return sorted(stored, key=lambda one: (one.key.created_at, one.key.id))

    def revoke(self, store: StoreId, id_: str, *, by: str = "") -> ApiKey:
        """Void one key for good; twice is once. Raises NoSuchKey."""
        ours = (API_KEYS.c.id == id_) & (API_KEYS.c.store == store)
        revoked_at = func.coalesce(API_KEYS.c.revoked_at, self._seconds())
        with self._database.writing(survives="power") as connection:
            connection.execute(update(API_KEYS).where(ours).values(revoked_at=revoked_at))
            row = connection.execute(_stored().where(ours)).mappings().one_or_none()
            if row is None:
                raise NoSuchKey(id_)
            self._tell(connection, "key.revoked", id_, store, by)
        return _read(row).key

    def rotate(self, store: StoreId, *, by: str = "") -> int:
        """Void every key of a store in one step; the answer is the new epoch."""
        with self._database.writing(survives="power", alone="api keys") as connection:
            epoch = _epoch(connection, store) + 1
            first = self._database.insert(KEY_EPOCHS).values(store=store, epoch=epoch)
            connection.execute(first.on_conflict_do_update(index_elements=["store"], set_={"epoch": epoch}))
            self._tell(connection, "keys.rotated", str(epoch), store, by)
        return epoch

    def used(self, id_: str, at: dt.datetime) -> None:
        """A key was used; written down at most once a minute."""
        moment = int(at.timestamp())
        long_ago = or_(API_KEYS.c.last_used_at.is_(None), API_KEYS.c.last_used_at <= moment - USE_EVERY)
        with self._database.writing() as connection:
            connection.execute(update(API_KEYS).where(API_KEYS.c.id == id_).where(long_ago).values(last_used_at=moment))

    def _tell(
        self,
        connection: Connection,
        what: What,
        subject: str,
        store: StoreId,
        by: str,
        details: Any = None,  # noqa: ANN401 -- any JSON
    ) -> None:
        """Put it on record in the same transaction: neither is ever without the other."""
        entry = operator_entry(self._now(), what, subject, store=store, by=by, details=details)
        append(self._database, connection, [entry])

    def _seconds(self) -> int:
        return int(self._now().timestamp())


def _epoch(connection: Connection, store: StoreId) -> int:
    query = select(KEY_EPOCHS.c.epoch).where(KEY_EPOCHS.c.store == store)
    epoch: int | None = connection.execute(query).scalar_one_or_none()
    return epoch or 0


def _stored() -> Select[Any]:
    """Keys, each beside its store's epoch, as one statement: both are of the same moment."""
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
