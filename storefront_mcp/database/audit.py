"""The audit log in SQL: a hash chain of entries, in which every later change is detected."""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from storefront_mcp.database.audit_search import ENTRY_DECODER, search_audit, stored_entry
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.database.tables.audit import AUDIT, AUDIT_HEAD
from storefront_mcp.records.audit import (
    AuditActor,
    AuditEntry,
    AuditPage,
    AuditQuery,
    ChainVerification,
    Durability,
    StoredAuditEntry,
    audit_timestamp,
)
from storefront_mcp.records.outcomes import OK

HEAD_ID: Final = "head"
GENESIS_HASH: Final = bytes(32)
"""Hash before the first entry."""
VERIFY_PAGE_SIZE: Final = 1_000

UNREADABLE_ENTRY: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class ChainPosition(NamedTuple):
    """An entry of the chain up to which it was verified."""

    number: int
    hash: bytes


class AuditLog:
    """The audit log of one database. Blocks: for threads and commands."""

    def __init__(self, database: Database, *, now: Callable[[], dt.datetime] = utc_now) -> None:
        self._database = database
        self._now = now

    def write(self, entries: Sequence[AuditEntry], *, survives: Durability = "process") -> None:
        """Append entries, all or none."""
        with self._database.writing(survives=survives) as connection:
            append_entry(self._database, connection, entries)

    def read(
        self, *, since: str = "", store: str | None = None, last: int | None = None, after: int = 0
    ) -> Iterator[StoredAuditEntry]:
        """Entries, oldest first: since a time (ISO 8601), of one store, the `last` n, or those `after` a number."""
        query = select(AUDIT).where(AUDIT.c.number > after)
        if since:
            query = query.where(AUDIT.c.at >= since)
        if store is not None:
            query = query.where(AUDIT.c.store == store)
        with self._database.reading() as connection:
            if last is not None:
                newest = connection.execute(query.order_by(AUDIT.c.number.desc()).limit(last)).all()
                yield from (stored_entry(row) for row in reversed(newest))
                return
            while page := connection.execute(query.order_by(AUDIT.c.number).limit(VERIFY_PAGE_SIZE)).all():
                yield from (stored_entry(row) for row in page)
                query = query.where(AUDIT.c.number > page[-1].number)

    def search(self, query: AuditQuery, *, before: int | None = None, limit: int) -> AuditPage:
        """The newest `limit` entries that match, of numbers below `before`."""
        return search_audit(self._database, query, before=before, limit=limit)

    def verify(self) -> ChainVerification:
        """Verify the whole chain; what was changed, removed, inserted or moved is a problem with its number."""
        problems: list[str] = []
        count, first, number, hash_ = 0, 0, 0, GENESIS_HASH
        pruned: dict[int, bytes] = {}
        start: tuple[int, bytes] | None = None
        with self._database.reading() as connection:
            for row in _rows(connection):
                if count == 0:
                    # Whether the chain may begin here is known only from a later entry about the pruning.
                    first, number = row.number, row.number - 1
                    start = (number, row.hash)
                    expected = row.hash if number else link_hash(GENESIS_HASH, row.number, row.entry)
                else:
                    expected = link_hash(hash_, row.number, row.entry)
                problems += _problems(row, number + 1, expected)
                count, number, hash_ = count + 1, row.number, row.hash
                pruned |= _pruning(row.entry)
            head = connection.execute(select(AUDIT_HEAD).where(AUDIT_HEAD.c.name == HEAD_ID)).one_or_none()
            if start is not None and start[0]:
                problems += self._beginning(connection, *start, pruned)
        if (head.number, head.hash) != (number, hash_) if head is not None else count > 0:
            problems.append(f"the chain ends at entry {number}, and the record of its end says otherwise")
        return ChainVerification(entries=count, first=first, number=number, hash=hash_.hex(), problems=tuple(problems))

    def verify_page(self, position: ChainPosition | None) -> tuple[ChainPosition | None, Sequence[str]]:
        """Verify the next VERIFY_PAGE_SIZE entries; the position after them, None at the end, and the problems.

        Without a position, from the oldest entry on, whose hash is taken as it is where others were dropped before it.
        """
        begins = 0 if position is None else position.number
        problems: list[str] = []
        page = select(AUDIT).where(AUDIT.c.number >= begins).order_by(AUDIT.c.number).limit(VERIFY_PAGE_SIZE)
        with self._database.reading() as connection:
            rows = connection.execute(page).all()
            head = connection.execute(select(AUDIT_HEAD).where(AUDIT_HEAD.c.name == HEAD_ID)).one_or_none()
        number, hash_ = 0, GENESIS_HASH
        for row in rows:
            # The first one was verified with the page before, unless it was dropped since.
            known = position.hash if position is not None and position.number == row.number else row.hash
            after_dropped = number == 0 and row.number > 1
            expected = known if after_dropped else link_hash(hash_, row.number, row.entry)
            problems += _problems(row, row.number if after_dropped else number + 1, expected)
            number, hash_ = row.number, row.hash
        if len(rows) == VERIFY_PAGE_SIZE:
            return ChainPosition(number, hash_), problems
        if (head.number, head.hash) != (number, hash_) if head is not None else rows:
            problems.append(f"the chain ends at entry {number}, and the record of its end says otherwise")
        return None, problems

    def holds(self, number: int, hash_: str) -> bool:
        """Whether the entry of that number has this hash."""
        with self._database.reading() as connection:
            found = connection.execute(select(AUDIT.c.hash).where(AUDIT.c.number == number)).scalar_one_or_none()
        return found is not None and found.hex() == hash_

    def prune(self, before: dt.datetime) -> int:
        """Delete the entries before a time; their number.

        The hash of the last of them is appended as an entry, so that the chain remains verifiable.
        """
        with self._database.writing(survives="power") as connection:
            number, _ = _head(self._database, connection)
            kept = select(func.min(AUDIT.c.number)).where(AUDIT.c.at >= audit_timestamp(before))
            through = (connection.execute(kept).scalar_one() or number + 1) - 1
            last = connection.execute(select(AUDIT.c.hash).where(AUDIT.c.number == through)).scalar_one_or_none()
            if last is None:
                return 0
            append_entry(self._database, connection, [pruning_entry(audit_timestamp(self._now()), through, last)])
            return connection.execute(delete(AUDIT).where(AUDIT.c.number <= through)).rowcount

    def _beginning(self, connection: Connection, through: int, hash_: bytes, pruned: dict[int, bytes]) -> Iterator[str]:
        """Problems of a pruned chain: no entry about the pruning, or a first entry that does not follow it."""
        if through not in pruned:
            yield f"entries 1 to {through} are gone, and no entry tells that they were dropped"
            return
        first = connection.execute(select(AUDIT.c.entry).where(AUDIT.c.number == through + 1)).scalar_one()
        if link_hash(pruned[through], through + 1, first) != hash_:
            yield f"entry {through + 1} was changed, or is not the one that followed what was dropped"


def append_entry(database: Database, connection: Connection, entries: Sequence[AuditEntry]) -> None:
    """Append entries within the transaction of what they are about."""
    number, hash_ = _head(database, connection)
    rows = []
    for number, entry in enumerate(entries, number + 1):  # noqa: B020 -- counts on from the head
        body = msgspec.json.encode(entry)
        hash_ = link_hash(hash_, number, body)
        rows.append({"number": number, "at": entry.at, "store": entry.store, "entry": body, "hash": hash_})
    if rows:
        connection.execute(insert(AUDIT), rows)
        connection.execute(update(AUDIT_HEAD).where(AUDIT_HEAD.c.name == HEAD_ID).values(number=number, hash=hash_))


def link_hash(before: bytes, number: int, entry: bytes) -> bytes:
    """SHA-256 of the hash before, the number in 8 bytes (big-endian), and the entry as it is stored."""
    return hashlib.sha256(before + number.to_bytes(8) + entry).digest()


def pruning_entry(at: str, through: int, hash_: bytes) -> AuditEntry:
    """The entry that replaces all entries through a number."""
    return AuditEntry(
        at=at,
        source="mcp",
        store="",
        what="audit.pruned",
        subject=str(through),
        who=AuditActor(kind="server"),
        outcome=OK,
        details={"through": through, "hash": hash_.hex()},
    )


def _head(database: Database, connection: Connection) -> tuple[int, bytes]:
    """The end of the chain, locked until the transaction ends."""
    end = select(AUDIT_HEAD.c.number, AUDIT_HEAD.c.hash).where(AUDIT_HEAD.c.name == HEAD_ID).with_for_update()
    row = connection.execute(end).one_or_none()
    if row is None:
        fresh = database.insert(AUDIT_HEAD).values(name=HEAD_ID, number=0, hash=GENESIS_HASH)
        connection.execute(fresh.on_conflict_do_nothing())
        row = connection.execute(end).one()
    return row.number, row.hash


def _rows(connection: Connection) -> Iterator[Row[tuple[int, str, str, bytes, bytes]]]:
    after = -1
    while page := connection.execute(
        select(AUDIT).where(AUDIT.c.number > after).order_by(AUDIT.c.number).limit(VERIFY_PAGE_SIZE)
    ).all():
        yield from page
        after = page[-1].number


def _problems(row: Row[tuple[int, str, str, bytes, bytes]], number: int, expected: bytes) -> Iterator[str]:
    if row.number != number:
        yield f"entries {number} to {row.number - 1} are gone"
    elif row.hash != expected:
        yield f"entry {row.number} was changed, or what stood before it"
    try:
        entry = ENTRY_DECODER.decode(row.entry)
    except UNREADABLE_ENTRY:
        yield f"entry {row.number} cannot be read"
        return
    if (entry.at, entry.store) != (row.at, row.store):
        yield f"entry {row.number} is filed under another time or store than it says"


def _pruning(entry: bytes) -> dict[int, bytes]:
    """The number and hash that an entry about pruning holds; empty for any other entry."""
    if b"audit.pruned" not in entry:
        return {}
    try:
        read = ENTRY_DECODER.decode(entry)
        if read.what != "audit.pruned" or not read.details:
            return {}
        return {int(read.details["through"]): bytes.fromhex(read.details["hash"])}
    except (*UNREADABLE_ENTRY, KeyError, ValueError, TypeError):
        return {}
