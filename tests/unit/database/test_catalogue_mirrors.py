"""Mirrors on record: one writer at a time by lease, and what it tells of itself."""

import datetime as dt
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.catalogue_mirrors import FORGET_SECONDS, SqlMirrorRepository
from storefront_mcp.database.metrics_queries import SqlMetricsSource
from storefront_mcp.database.readiness import DatabaseReadiness
from storefront_mcp.records.catalogue_mirrors import MirrorLeaseLost, MirrorRecord

PICKLE = StoreId("pickle")
NOW = 1_800_000_000.0


@pytest.fixture
def mirrors(database: Database) -> SqlMirrorRepository:
    return SqlMirrorRepository(database)


def lease(mirrors: SqlMirrorRepository, owner: str, now: float = NOW, place: str = "here") -> MirrorRecord | None:
    return mirrors.lease(PICKLE, place, owner, now=now, seconds=30)


def test_the_first_to_ask_has_the_lease_until_it_ends(mirrors: SqlMirrorRepository) -> None:
    first = lease(mirrors, "a")

    assert first == MirrorRecord(store=PICKLE, place="here", owner="a", lease_until=NOW + 30, seen_at=NOW)
    assert first.has_writer(NOW + 29)
    assert not first.has_writer(NOW + 30)
    assert lease(mirrors, "b", NOW + 29) is None
    assert lease(mirrors, "a", NOW + 29) is not None
    assert lease(mirrors, "b", NOW + 58) is None
    assert lease(mirrors, "b", NOW + 59) is not None


def test_the_lease_is_of_one_store_in_one_place(mirrors: SqlMirrorRepository) -> None:
    assert lease(mirrors, "a") is not None
    assert lease(mirrors, "b", place="there") is not None
    assert mirrors.lease(StoreId("brine"), "here", "b", now=NOW, seconds=30) is not None
    assert [one.place for one in mirrors.list_by_store(PICKLE)] == ["here", "there"]


def test_what_is_written_is_found_and_outlives_the_lease(
    mirrors: SqlMirrorRepository, opened: Callable[[], Database]
) -> None:
    taken = lease(mirrors, "a")
    assert taken is not None
    told = replace(taken, generation=3, commit=7, products=20_000, as_of=NOW, problem="slow", lease_until=NOW + 40)

    mirrors.write(told)
    elsewhere = SqlMirrorRepository(opened())

    assert elsewhere.find(PICKLE, "here") == told
    assert elsewhere.find(PICKLE, "there") is None
    later = lease(elsewhere, "b", NOW + 41)
    assert later == replace(told, owner="b", lease_until=NOW + 71, seen_at=NOW + 41)


def test_who_has_lost_the_lease_writes_nothing_and_ends_nothing(mirrors: SqlMirrorRepository) -> None:
    lost = lease(mirrors, "a")
    assert lost is not None
    held = lease(mirrors, "b", NOW + 31)

    with pytest.raises(MirrorLeaseLost):
        mirrors.write(replace(lost, generation=9, lease_until=NOW + 90))
    mirrors.release(PICKLE, "here", "a")

    assert mirrors.find(PICKLE, "here") == held


def test_a_lease_that_was_given_back_is_free(mirrors: SqlMirrorRepository) -> None:
    lease(mirrors, "a")

    mirrors.release(PICKLE, "here", "a")

    assert lease(mirrors, "b") is not None


def test_a_place_that_nobody_told_of_for_long_is_forgotten(mirrors: SqlMirrorRepository) -> None:
    lease(mirrors, "a", place="gone")

    lease(mirrors, "b", NOW + FORGET_SECONDS + 1)

    assert [one.place for one in mirrors.list_by_store(PICKLE)] == ["here"]
    assert lease(mirrors, "b", NOW + 3 * FORGET_SECONDS) is not None


def test_figures_tell_the_worst_of_several_machines(mirrors: SqlMirrorRepository, database: Database) -> None:
    source = SqlMetricsSource(
        database,
        DatabaseReadiness(database),
        stores=["pickle", "brine"],
        folder=None,
        bounds={},
        now=lambda: dt.datetime.fromtimestamp(NOW, dt.UTC),
    )
    for place, fields in {
        "here": {"generation": 1, "products": 90, "as_of": NOW - 10, "seen_at": NOW},
        "there": {"generation": 2, "products": 80, "as_of": NOW - 500, "seen_at": NOW, "problem": "slow"},
        "gone": {"generation": 3, "products": 1, "as_of": NOW - 9e5, "seen_at": NOW - 100_000},
    }.items():
        taken = lease(mirrors, "a", place=place)
        assert taken is not None
        mirrors.write(replace(taken, **fields))

    assert source.mirrors() == {"pickle": (80, 500.0, 1)}
