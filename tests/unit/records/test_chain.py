"""The chain of the audit: whatever is changed later shows, and dropping what is old does not break it."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import DatabaseError

from storefront_mcp.database import Database
from storefront_mcp.database.audit import AuditLog, append_entry, link_hash
from storefront_mcp.database.tables.audit import AUDIT, AUDIT_HEAD
from storefront_mcp.records.audit import AuditActor, AuditQuery
from tests.often import often
from tests.unit.records.entries import entry

pytestmark = pytest.mark.slow

LATER = dt.datetime(2027, 2, 1, 9, 0, 5, tzinfo=dt.UTC)


@pytest.fixture
def log(database: Database) -> AuditLog:
    return AuditLog(database, now=lambda: LATER)


def numbers(log: AuditLog) -> list[int]:
    return [recorded.number for recorded in log.read()]


def test_entries_come_back_as_they_were_written(log: AuditLog) -> None:
    written = [entry(1), entry(2, store="brine", milliseconds=1.5, arguments={"sku": "PAD-2"}), entry(3)]
    log.write(written[:2])
    log.write(written[2:])
    assert [recorded.entry for recorded in log.read()] == written
    assert numbers(log) == [1, 2, 3]
    assert [recorded.number for recorded in log.read(store="brine")] == [2]
    assert [recorded.number for recorded in log.read(since="2027-02-01T09:00:02.000+00:00")] == [2, 3]
    assert [recorded.number for recorded in log.read(last=2)] == [2, 3]
    assert [recorded.number for recorded in log.read(after=2)] == [3]


def test_an_untouched_chain_is_whole(log: AuditLog) -> None:
    assert log.verify().entries == 0
    assert log.verify().problems == ()
    log.write([entry(number) for number in range(5)])
    verdict = log.verify()
    assert (verdict.entries, verdict.first, verdict.number, verdict.problems) == (5, 1, 5, ())
    assert log.holds(5, verdict.hash)
    assert not log.holds(4, verdict.hash)
    assert not log.holds(6, verdict.hash)


def test_writing_nothing_changes_nothing(log: AuditLog) -> None:
    log.write([])
    assert log.verify().entries == 0


def test_many_writers_make_one_chain(opened: Callable[[], Database]) -> None:
    logs = [AuditLog(opened()) for _ in range(4)]
    start = threading.Barrier(4)

    def write(log: AuditLog) -> None:
        start.wait()
        for number in range(10):
            log.write([entry(number), entry(number)])

    writers = [threading.Thread(target=write, args=(log,)) for log in logs]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert numbers(logs[0]) == list(range(1, 81))
    assert logs[0].verify().problems == ()


def test_an_entry_and_what_it_tells_of_are_written_together_or_not_at_all(database: Database, log: AuditLog) -> None:
    def written_with(number: int, *, fails: bool) -> None:
        with database.writing() as connection:
            append_entry(database, connection, [entry(number)])
            if fails:
                raise RuntimeError("the flip was refused")

    written_with(1, fails=False)
    with pytest.raises(RuntimeError):
        written_with(2, fails=True)
    assert numbers(log) == [1]
    assert log.verify().problems == ()


def test_the_database_itself_refuses_to_change_an_entry(database: Database, log: AuditLog) -> None:
    log.write([entry(1)])
    with pytest.raises(DatabaseError, match="only ever added"), database.writing() as connection:
        connection.execute(update(AUDIT).values(store="brine"))


def test_what_is_old_is_dropped_and_the_rest_can_still_be_verified(log: AuditLog) -> None:
    log.write([entry(number) for number in range(1, 11)])
    noted = log.verify()
    assert log.prune(LATER) == 4
    assert numbers(log) == [5, 6, 7, 8, 9, 10, 11]
    verdict = log.verify()
    assert (verdict.problems, verdict.first, verdict.entries) == ((), 5, 7)
    assert log.holds(10, noted.hash)
    (*_, pruned) = log.read()
    assert (pruned.entry.what, pruned.entry.subject, pruned.entry.who) == (
        "audit.pruned",
        "4",
        AuditActor(kind="server"),
    )
    assert log.prune(LATER) == 0
    assert log.prune(LATER + dt.timedelta(seconds=1)) == 1
    assert log.verify().problems == ()
    assert log.prune(LATER + dt.timedelta(days=1)) == 7, "the record of dropping is dropped too, and stays on record"
    assert log.verify().problems == ()


def test_an_empty_audit_has_nothing_to_drop(log: AuditLog) -> None:
    assert log.prune(LATER) == 0


# What somebody who can write to the database may do -------------------------------------------------------------------


def tamper(database: Database, change: Callable[[Connection], object]) -> None:
    """Change the tables as somebody who owns the database can."""
    with database.writing() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER audit_refuse_update")
        else:
            connection.exec_driver_sql("DROP TRIGGER audit_refuse_update ON audit")
        change(connection)


def forged(number: int) -> bytes:
    return msgspec.json.encode(entry(number, subject="remove_from_cart"))


def removed_first(connection: Connection) -> None:
    connection.execute(delete(AUDIT).where(AUDIT.c.number <= 2))


def removed_first_with_a_made_up_record(connection: Connection) -> None:
    removed_first(connection)
    lie = entry(9, what="audit.pruned", details={"through": 2, "hash": "00" * 32})
    last = connection.execute(select(AUDIT.c.hash).order_by(AUDIT.c.number.desc()).limit(1)).scalar_one()
    body = msgspec.json.encode(lie)
    row = {"number": 7, "at": lie.at, "store": lie.store, "entry": body, "hash": link_hash(last, 7, body)}
    connection.execute(insert(AUDIT).values(row))
    connection.execute(update(AUDIT_HEAD).values(number=7, hash=row["hash"]))


def inserted(connection: Connection) -> None:
    one = entry(7)
    row = {"number": 7, "at": one.at, "store": one.store, "entry": msgspec.json.encode(one), "hash": b"x" * 32}
    connection.execute(insert(AUDIT).values(row))


def swapped(connection: Connection) -> None:
    three, four = (connection.execute(select(AUDIT).where(AUDIT.c.number == number)).one() for number in (3, 4))
    for number, row in ((3, four), (4, three)):
        connection.execute(
            update(AUDIT)
            .where(AUDIT.c.number == number)
            .values(at=row.at, store=row.store, entry=row.entry, hash=row.hash)
        )


TAMPERING: dict[str, tuple[Callable[[Connection], object], str]] = {
    "an entry is changed": (
        lambda connection: connection.execute(update(AUDIT).where(AUDIT.c.number == 3).values(entry=forged(3))),
        "entry 3 was changed",
    ),
    "an entry and its hash are changed": (
        lambda connection: connection.execute(
            update(AUDIT).where(AUDIT.c.number == 3).values(entry=forged(3), hash=link_hash(bytes(32), 3, forged(3)))
        ),
        "entry 3 was changed",
    ),
    "an entry is unreadable": (
        lambda connection: connection.execute(update(AUDIT).where(AUDIT.c.number == 3).values(entry=b"{")),
        "entry 3 cannot be read",
    ),
    "an entry is filed under another store": (
        lambda connection: connection.execute(update(AUDIT).where(AUDIT.c.number == 3).values(store="brine")),
        "entry 3 is filed under another time or store",
    ),
    "one in the middle is removed": (
        lambda connection: connection.execute(delete(AUDIT).where(AUDIT.c.number == 3)),
        "entries 3 to 3 are gone",
    ),
    "the last is removed": (
        lambda connection: connection.execute(delete(AUDIT).where(AUDIT.c.number == 6)),
        "the chain ends at entry 5",
    ),
    "all are removed": (lambda connection: connection.execute(delete(AUDIT)), "the chain ends at entry 0"),
    "the record of the end is removed": (
        lambda connection: connection.execute(delete(AUDIT_HEAD)),
        "the chain ends at entry 6",
    ),
    "the first are removed": (removed_first, "entries 1 to 2 are gone"),
    "the first are removed with a record that is made up": (removed_first_with_a_made_up_record, "entry 3 was changed"),
    "one is inserted": (inserted, "entry 7 was changed"),
    "two are swapped": (swapped, "entry 3 was changed"),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_what_was_done_to_the_chain_is_found(database: Database, log: AuditLog, how: str) -> None:
    log.write([entry(number) for number in range(1, 7)])
    change, told = TAMPERING[how]
    tamper(database, change)
    problems = log.verify().problems
    assert any(problem.startswith(told) for problem in problems), problems


def test_a_chain_computed_anew_is_found_by_what_was_noted_elsewhere(database: Database, log: AuditLog) -> None:
    log.write([entry(number) for number in range(1, 7)])
    noted = log.verify()

    def anew(connection: Connection) -> None:
        connection.execute(delete(AUDIT))
        connection.execute(delete(AUDIT_HEAD))
        append_entry(database, connection, [entry(number) for number in (1, 2, 4, 5, 6, 7)])

    tamper(database, anew)
    assert log.verify().problems == ()
    assert not log.holds(noted.number, noted.hash)


@pytest.fixture(scope="module")
def one_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One database for many examples."""
    database = Database(Path(tmp_path_factory.mktemp("chain")) / "storefront.db")
    with database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_refuse_update")
    yield database
    database.close()


@settings(max_examples=often(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    count=st.integers(2, 8),
    order=st.randoms(use_true_random=False),
    edit=st.one_of(st.none(), st.tuples(st.integers(0, 7), st.integers(0, 10_000), st.integers(1, 255))),
)
def test_any_other_order_and_any_other_byte_is_found(
    one_file: Database, count: int, order: object, edit: tuple[int, int, int] | None
) -> None:
    log = AuditLog(one_file)
    with one_file.writing() as connection:
        connection.execute(delete(AUDIT))
        connection.execute(delete(AUDIT_HEAD))
    log.write([entry(number) for number in range(count)])
    assert log.verify().problems == ()
    with one_file.writing() as connection:
        rows = [dict(row) for row in connection.execute(select(AUDIT).order_by(AUDIT.c.number)).mappings()]
        bodies = [(row["at"], row["store"], row["entry"], row["hash"]) for row in rows]
        shuffled = list(bodies)
        order.shuffle(shuffled)  # type: ignore[attr-defined]
        if edit is not None:
            index, position, difference = edit[0] % count, edit[1], edit[2]
            at, store, body, hash_ = shuffled[index]
            changed = bytearray(body)
            changed[position % len(changed)] ^= difference
            shuffled[index] = (at, store, bytes(changed), hash_)
        connection.execute(delete(AUDIT))
        for row, (at, store, body, hash_) in zip(rows, shuffled, strict=True):
            connection.execute(insert(AUDIT).values(number=row["number"], at=at, store=store, entry=body, hash=hash_))
    assert bool(log.verify().problems) is (shuffled != bodies)


def test_a_search_looks_at_every_entry_of_the_store_and_counts_what_it_finds(database: Database) -> None:
    log = AuditLog(database)
    log.write([entry(number, outcome="out_of_stock" if number % 2 else "ok") for number in range(10)])
    log.write([entry(10, store="paddle"), entry(11, outcome="CartNotFound", request="r-1"), entry(12, outcome="Boom")])
    log.write([entry(13, subject="Käse"), entry(14, what="key.minted", subject="k1")])

    def found(before: int | None = None, limit: int = 100, **wanted: str) -> tuple[list[int], int, int]:
        page = log.search(AuditQuery(store="pickle", **wanted), before=before, limit=limit)
        return [one.number for one in page.entries], page.total, page.older

    everything = [15, 14, 13, 12, *range(10, 0, -1)]
    assert found() == (everything, 14, 0)
    assert found(limit=4) == (everything[:4], 14, 10)
    assert found(limit=4, before=12) == ([10, 9, 8, 7], 14, 6)
    assert found(text="OUT_of_stock", limit=2) == ([10, 8], 5, 3)
    assert found(text="cart_not_found") == ([12], 1, 0)
    assert found(text="internal_error") == ([13], 1, 0)
    assert found(text="Käse") == ([14], 1, 0)
    assert found(what="key.minted") == ([15], 1, 0)
    assert found(request="r-1") == ([12], 1, 0)
    assert found(since="2027-02-01T09:00:12") == ([15, 14, 13], 3, 0)
    assert found(text="no such words") == ([], 0, 0)
