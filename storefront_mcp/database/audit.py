"""The audit on record: a chain of entries in which every later change shows."""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from storefront_mcp.calls.audit import OK, Entry, What, Who, moment
from storefront_mcp.database.engine import Database, Durability, utc_now
from storefront_mcp.database.tables import AUDIT, AUDIT_HEAD

HEAD: Final = "head"
GENESIS: Final = bytes(32)
"""What the first entry follows."""
PAGE: Final = 1_000

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_ENTRY: Final = msgspec.json.Decoder(Entry)


class Recorded(Struct, frozen=True):
    """An entry in its place."""

    number: int
    hash: str
    """In hexadecimal digits; covers the entry, its number and the hash before it."""
    entry: Entry


class Verdict(Struct, frozen=True, kw_only=True):
    """What became of the chain."""

    entries: int
    first: int
    """Number of the oldest entry that is kept."""
    number: int
    """Of the newest one."""
    hash: str
    """Of the newest one: note it elsewhere, and a later verification can be asked for it."""
    problems: tuple[str, ...]


class AuditLog:
    """The audit of one database. Blocking: called from threads and commands."""

    def __init__(self, database: Database, *, now: Callable[[], dt.datetime] = utc_now) -> None:
        self._database = database
        self._now = now

    def write(self, entries: Sequence[Entry], *, survives: Durability = "process") -> None:
        """Add entries, all or none."""
        with self._database.writing(survives=survives) as connection:
            append(self._database, connection, entries)

    def read(
        self, *, since: str = "", store: str | None = None, last: int | None = None, after: int = 0
    ) -> Iterator[Recorded]:
        """Entries, oldest first: from a moment on, of one store, only the `last` so many, or those `after` a number."""
        query = select(AUDIT).where(AUDIT.c.number > after)
        if since:
            query = query.where(AUDIT.c.at >= since)
        if store is not None:
            query = query.where(AUDIT.c.store == store)
        with self._database.reading() as connection:
            if last is not None:
                newest = connection.execute(query.order_by(AUDIT.c.number.desc()).limit(last)).all()
                yield from (_recorded(row) for row in reversed(newest))
                return
            while page := connection.execute(query.order_by(AUDIT.c.number).limit(PAGE)).all():
                yield from (_recorded(row) for row in page)
                query = query.where(AUDIT.c.number > page[-1].number)

    def verify(self) -> Verdict:
        """Walk the whole chain. What was changed, removed, inserted or moved is a problem, told with its number."""
        problems: list[str] = []
        count, first, number, hash_ = 0, 0, 0, GENESIS
        pruned: dict[int, bytes] = {}
        start: tuple[int, bytes] | None = None
        with self._database.reading() as connection:
            for row in _rows(connection):
                if count == 0:
                    # Whether this is where the chain may begin is known only when a later entry tells of the pruning.
                    first, number = row.number, row.number - 1
                    start = (number, row.hash)
                    expected = row.hash if number else link(GENESIS, row.number, row.entry)
                else:
                    expected = link(hash_, row.number, row.entry)
                problems += _problems(row, number + 1, expected)
                count, number, hash_ = count + 1, row.number, row.hash
                pruned |= _pruning(row.entry)
            head = connection.execute(select(AUDIT_HEAD).where(AUDIT_HEAD.c.name == HEAD)).one_or_none()
            if start is not None and start[0]:
                problems += self._beginning(connection, *start, pruned)
        if (head.number, head.hash) != (number, hash_) if head is not None else count > 0:
            problems.append(f"the chain ends at entry {number}, and the record of its end says otherwise")
        return Verdict(entries=count, first=first, number=number, hash=hash_.hex(), problems=tuple(problems))

    def holds(self, number: int, hash_: str) -> bool:
        """Whether the entry of that number is still the one whose hash was noted elsewhere."""
        with self._database.reading() as connection:
            found = connection.execute(select(AUDIT.c.hash).where(AUDIT.c.number == number)).scalar_one_or_none()
        return found is not None and found.hex() == hash_

    def prune(self, before: dt.datetime) -> int:
        """Drop the entries from before a moment; how many. The chain goes on from the hash of the last of them.

        That hash is written down as an entry of the chain itself, so dropping is as much on record as anything else.
        """
        with self._database.writing(survives="power") as connection:
            number, _ = _head(self._database, connection)
            kept = select(func.min(AUDIT.c.number)).where(AUDIT.c.at >= moment(before))
            through = (connection.execute(kept).scalar_one() or number + 1) - 1
            last = connection.execute(select(AUDIT.c.hash).where(AUDIT.c.number == through)).scalar_one_or_none()
            if last is None:
                return 0
            append(self._database, connection, [pruned_entry(moment(self._now()), through, last)])
            return connection.execute(delete(AUDIT).where(AUDIT.c.number <= through)).rowcount

    def _beginning(self, connection: Connection, through: int, hash_: bytes, pruned: dict[int, bytes]) -> Iterator[str]:
        """Whether entries were dropped by us, and the first one that is left follows the last that was dropped."""
        if through not in pruned:
            yield f"entries 1 to {through} are gone, and no entry tells that they were dropped"
            return
        first = connection.execute(select(AUDIT.c.entry).where(AUDIT.c.number == through + 1)).scalar_one()
        if link(pruned[through], through + 1, first) != hash_:
            yield f"entry {through + 1} was changed, or is not the one that followed what was dropped"


def append(database: Database, connection: Connection, entries: Sequence[Entry]) -> None:
    """Add entries within a transaction that does something else too: both are written, or neither."""
    number, hash_ = _head(database, connection)
    rows = []
    for number, entry in enumerate(entries, number + 1):  # noqa: B020 -- counts on from the head
        body = msgspec.json.encode(entry)
        hash_ = link(hash_, number, body)
        rows.append({"number": number, "at": entry.at, "store": entry.store, "entry": body, "hash": hash_})
    if rows:
        connection.execute(insert(AUDIT), rows)
        connection.execute(update(AUDIT_HEAD).where(AUDIT_HEAD.c.name == HEAD).values(number=number, hash=hash_))


def link(before: bytes, number: int, entry: bytes) -> bytes:
    """The hash of an entry: SHA-256 of the hash before, the number in 8 bytes, and the entry as it is stored."""
    return hashlib.sha256(before + number.to_bytes(8) + entry).digest()


def operator_entry(
    at: dt.datetime, what: What, subject: str, *, store: str, by: str, details: Mapping[str, Any] | None = None
) -> Entry:
    """The entry of something that a person did; `by` is what they are called."""
    return Entry(
        at=moment(at),
        source="mcp",
        store=store,
        what=what,
        subject=subject,
        who=Who(kind="operator", id=by),
        outcome=OK,
        details=UNSET if details is None else details,
    )


def pruned_entry(at: str, through: int, hash_: bytes) -> Entry:
    """The entry that stands for everything up to a number."""
    return Entry(
        at=at,
        source="mcp",
        store="",
        what="audit.pruned",
        subject=str(through),
        who=Who(kind="server"),
        outcome=OK,
        details={"through": through, "hash": hash_.hex()},
    )


def _head(database: Database, connection: Connection) -> tuple[int, bytes]:
    """The end of the chain, held until the transaction ends."""
    end = select(AUDIT_HEAD.c.number, AUDIT_HEAD.c.hash).where(AUDIT_HEAD.c.name == HEAD).with_for_update()
    row = connection.execute(end).one_or_none()
    if row is None:
        fresh = database.insert(AUDIT_HEAD).values(name=HEAD, number=0, hash=GENESIS)
        connection.execute(fresh.on_conflict_do_nothing())
        row = connection.execute(end).one()
    return row.number, row.hash


def _rows(connection: Connection) -> Iterator[Row[tuple[int, str, str, bytes, bytes]]]:
    after = -1
    while page := connection.execute(
        select(AUDIT).where(AUDIT.c.number > after).order_by(AUDIT.c.number).limit(PAGE)
    ).all():
        yield from page
        after = page[-1].number


def _problems(row: Row[tuple[int, str, str, bytes, bytes]], number: int, expected: bytes) -> Iterator[str]:
    if row.number != number:
        yield f"entries {number} to {row.number - 1} are gone"
    elif row.hash != expected:
        yield f"entry {row.number} was changed, or what stood before it"
    try:
        entry = _ENTRY.decode(row.entry)
    except UNREADABLE:
        yield f"entry {row.number} cannot be read"
        return
    if (entry.at, entry.store) != (row.at, row.store):
        yield f"entry {row.number} is filed under another time or store than it says"


def _pruning(entry: bytes) -> dict[int, bytes]:
    """What an entry says was dropped."""
    if b"audit.pruned" not in entry:
        return {}
    try:
        read = _ENTRY.decode(entry)
        if read.what != "audit.pruned" or not read.details:
            return {}
        return {int(read.details["through"]): bytes.fromhex(read.details["hash"])}
    except (*UNREADABLE, KeyError, ValueError, TypeError):
        return {}


def _recorded(row: Row[tuple[int, str, str, bytes, bytes]]) -> Recorded:
    return Recorded(row.number, row.hash.hex(), _ENTRY.decode(row.entry))
