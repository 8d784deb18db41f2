"""Search of the audit log in the database, so that every entry is found and counted, however old."""

from collections.abc import Callable
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Text, and_, cast, func, literal, not_, or_, select

from storefront_mcp.database.engine import Database
from storefront_mcp.database.tables.audit import AUDIT
from storefront_mcp.records.audit import AuditEntry, AuditPage, AuditQuery, StoredAuditEntry
from storefront_mcp.records.outcomes import FORMER_OUTCOMES, INTERNAL_ERROR

ENTRY_DECODER: Final = msgspec.json.Decoder(AuditEntry)
CLASS_OUTCOME_GLOB: Final = '*"outcome":"[A-Z]*'
CLASS_OUTCOME_REGEX: Final = '"outcome":"[A-Z]'
"""Outcomes from before errors had codes: names of classes."""


def search_audit(database: Database, query: AuditQuery, *, before: int | None, limit: int) -> AuditPage:
    """The newest `limit` entries that match, of numbers below `before`; with how many match in all."""
    with database.reading() as connection:
        matching = _matching(connection, query)
        page = matching if before is None else matching & (AUDIT.c.number < before)
        rows = connection.execute(select(AUDIT).where(page).order_by(AUDIT.c.number.desc()).limit(limit)).all()
        older = matching & (AUDIT.c.number < rows[-1].number) if rows else None
        return AuditPage(
            entries=tuple(stored_entry(row) for row in rows),
            total=_count(connection, matching),
            older=0 if older is None else _count(connection, older),
        )


def stored_entry(row: Row[tuple[int, str, str, bytes, bytes]]) -> StoredAuditEntry:
    """An entry of its row. Raises msgspec.DecodeError where somebody damaged it."""
    return StoredAuditEntry(row.number, row.hash.hex(), ENTRY_DECODER.decode(row.entry))


def _count(connection: Connection, matching: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).select_from(AUDIT).where(matching)).scalar_one())


def _matching(connection: Connection, query: AuditQuery) -> ColumnElement[bool]:
    """The condition on rows. What is not a column is looked for in the entry's JSON, whose fields have an order."""
    contains = _contains_in_sqlite if connection.dialect.name == "sqlite" else _contains_in_postgresql
    found = [AUDIT.c.store == query.store, AUDIT.c.at >= query.since]
    if query.what:
        found.append(contains(f',"what":"{query.what}","subject":'))
    if query.request:
        found.append(contains(f'"request":"{query.request}"'))
    if query.text:
        found.append(or_(contains(query.text), *_former_outcomes(connection, query.text.lower(), contains)))
    return and_(*found)


def _former_outcomes(
    connection: Connection, text: str, contains: "Callable[[str], ColumnElement[bool]]"
) -> list[ColumnElement[bool]]:
    """Conditions for outcomes that are shown as a code with this text, and were recorded as the name of a class."""
    named = {name: contains(f'"outcome":"{name}"') for name in FORMER_OUTCOMES}
    found = [condition for name, condition in named.items() if text in FORMER_OUTCOMES[name]]
    if text in INTERNAL_ERROR:
        document = cast(AUDIT.c.entry, Text)
        of_a_class: ColumnElement[bool] = (
            document.op("GLOB")(CLASS_OUTCOME_GLOB)
            if connection.dialect.name == "sqlite"
            else func.encode(AUDIT.c.entry, "escape").op("~")(CLASS_OUTCOME_REGEX)
        )
        found.append(and_(of_a_class, not_(or_(*named.values()))))
    return found


def _contains_in_sqlite(text: str) -> ColumnElement[bool]:
    return func.instr(func.lower(cast(AUDIT.c.entry, Text)), func.lower(text)) > 0


def _contains_in_postgresql(text: str) -> ColumnElement[bool]:
    # As `escape`, which every sequence of bytes has, so that an entry that somebody damaged ends no search.
    wanted = func.encode(literal(text.encode()), "escape")
    return func.strpos(func.lower(func.encode(AUDIT.c.entry, "escape")), func.lower(wanted)) > 0
