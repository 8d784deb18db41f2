"""Mirrors of catalogues on record, with the lease of their writers."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from sqlalchemy import Row, delete, or_, select, update

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.engine import Database
from storefront_mcp.database.tables.catalogue_mirrors import CATALOGUE_MIRRORS
from storefront_mcp.records.catalogue_mirrors import MirrorLeaseLost, MirrorRecord

FORGET_SECONDS: Final = 7 * 24 * 3600
"""A mirror that nobody told of for so long is no more."""

_M: Final = CATALOGUE_MIRRORS.c
_decode: Final = msgspec.json.Decoder(MirrorRecord).decode


class SqlMirrorRepository:
    """Implements `records.catalogue_mirrors.MirrorRepository`; thread-safe, each method one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lease(self, store: StoreId, place: str, owner: str, *, now: float, seconds: float) -> MirrorRecord | None:
        """Take the lease if it is free or the owner's own; None while somebody else holds it."""
        with self._database.reading() as connection:
            row = connection.execute(_select(store, place)).one_or_none()
        if row is not None and row.owner != owner and row.lease_until > now:
            # Most look only, and so wait for no lock.
            return None
        fresh = MirrorRecord(store=store, place=place)
        values = {"owner": owner, "lease_until": now + seconds, "seen_at": now}
        first = {"store": store, "place": place, "record": msgspec.json.encode(fresh)} | values
        taken = (
            self._database.insert(CATALOGUE_MIRRORS)
            .values(first)
            .on_conflict_do_update(
                index_elements=["store", "place"],
                set_=values,
                where=or_(_M.owner == owner, _M.lease_until <= now),
            )
            .returning(CATALOGUE_MIRRORS)
        )
        with self._database.writing() as connection:
            connection.execute(delete(CATALOGUE_MIRRORS).where(_M.seen_at < now - FORGET_SECONDS, _M.place != place))
            row = connection.execute(taken).one_or_none()
        return None if row is None else _record(row)

    def write(self, record: MirrorRecord) -> None:
        """Record how a mirror stands, and renew its lease. Raises MirrorLeaseLost, and then nothing was written."""
        values = {
            "lease_until": record.lease_until,
            "seen_at": record.seen_at,
            "record": msgspec.json.encode(record),
        }
        ours = (_M.store == record.store, _M.place == record.place, _M.owner == record.owner)
        with self._database.writing() as connection:
            if not connection.execute(update(CATALOGUE_MIRRORS).where(*ours).values(values)).rowcount:
                raise MirrorLeaseLost

    def release(self, store: StoreId, place: str, owner: str) -> None:
        """End a lease, if it is the owner's."""
        ours = (_M.store == store, _M.place == place, _M.owner == owner)
        with self._database.writing() as connection:
            connection.execute(update(CATALOGUE_MIRRORS).where(*ours).values(lease_until=0.0))

    def find(self, store: StoreId, place: str) -> MirrorRecord | None:
        """What is on record of one."""
        with self._database.reading() as connection:
            row = connection.execute(_select(store, place)).one_or_none()
        return None if row is None else _record(row)

    def list_by_store(self, store: StoreId) -> Sequence[MirrorRecord]:
        """Those of a store in all places that were seen within the last days."""
        query = select(CATALOGUE_MIRRORS).where(_M.store == store).order_by(_M.place)
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(query)]


def _select(store: StoreId, place: str) -> Any:  # noqa: ANN401 -- SQLAlchemy's select of rows
    return select(CATALOGUE_MIRRORS).where(_M.store == store, _M.place == place)


def _record(row: Row[Any]) -> MirrorRecord:
    return replace(_decode(row.record), owner=row.owner, lease_until=row.lease_until, seen_at=row.seen_at)
