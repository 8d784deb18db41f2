"""Changes of catalogues that were seen, in SQL."""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import delete, func, insert, select

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.engine import Database
from storefront_mcp.database.tables.catalogue_changes import CATALOGUE_CHANGES
from storefront_mcp.records.catalogue_changes import MAX_NAME_CHARS, CatalogueChange

KEEP_SECONDS: Final = 6 * 3600
"""Who was away for longer reads everything anew, or has copies that are older than they may be."""
MAX_PARAMETERS: Final = 500

_C: Final = CATALOGUE_CHANGES.c


class SqlCatalogueChanges:
    """Implements `records.catalogue_changes.CatalogueChanges`; thread-safe, each method one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, store: StoreId, names: Iterable[str], *, now: float) -> None:
        """Tell that these are different; the newest number is higher than all before, also for who reads at once."""
        told = [name for name in dict.fromkeys(names) if len(name) <= MAX_NAME_CHARS]
        if not told:
            return
        with self._database.writing(alone="catalogue changes") as connection:
            last = connection.execute(select(func.max(_C.number))).scalar() or 0
            connection.execute(delete(CATALOGUE_CHANGES).where(_C.at < now - KEEP_SECONDS, _C.number < last))
            for start in range(0, len(told), MAX_PARAMETERS):
                part = told[start : start + MAX_PARAMETERS]
                connection.execute(
                    delete(CATALOGUE_CHANGES).where(_C.store == store, _C.name.in_(part), _C.number < last)
                )
            rows = [
                {"number": number, "store": store, "name": name, "at": now}
                for number, name in enumerate(told, start=last + 1)
            ]
            connection.execute(insert(CATALOGUE_CHANGES), rows)

    def last(self) -> int:
        """The number of the newest change; 0 before the first."""
        with self._database.reading() as connection:
            return connection.execute(select(func.max(_C.number))).scalar() or 0

    def list_after(self, number: int, *, store: StoreId | None = None, limit: int) -> Sequence[CatalogueChange]:
        """Changes after this number, of one store or of all, oldest first."""
        query = select(CATALOGUE_CHANGES).where(_C.number > number).order_by(_C.number).limit(limit)
        if store is not None:
            query = query.where(_C.store == store)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return [CatalogueChange(number=row.number, store=StoreId(row.store), name=row.name, at=row.at) for row in rows]
