"""Emergency stops, limited openings and scheduled flips on record."""

import datetime as dt
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.flips import SqlFlipRepository
from storefront_mcp.roadmap.flips import PhaseStatuses
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.roadmap import FlipRefused
from storefront_mcp.roadmap.terms import NO_TERMS, FlipTerms, audience_terms
from tests.chaos.flips.environment import PADDLE, PICKLE, roadmap

NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)


class Clock:
    """Stands until a test moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "flips.db")
    yield opened
    opened.close()


@pytest.fixture
def flips(database: Database, clock: Clock) -> Iterator[SqlFlipRepository]:
    made = SqlFlipRepository(database, now=clock)
    yield made
    made.close()


def standing(flips: SqlFlipRepository, store: StoreId = PICKLE) -> PhaseStatuses:
    return flips.current_statuses().get(store, PhaseStatuses(0, {}))


def acts(database: Database) -> list[str]:
    return [one.entry.subject for one in AuditLog(database).read() if one.entry.what == "operator.acted"]


def test_a_stop_is_in_force_until_the_store_is_resumed_and_both_are_on_record(
    database: Database, flips: SqlFlipRepository
) -> None:
    flips.flip(roadmap(), PICKLE, {"browse": "active"}, by="ops")
    flips.current_statuses()
    assert not flips.has_changed()
    stop = flips.stop(PICKLE, "buying", reason="wrong prices", by="nights")
    assert flips.has_changed()
    flips.stop(PICKLE, "client", client="badbot", by="nights")
    flips.stop(PADDLE, "everything", by="nights")

    found = standing(flips)
    assert found.version == 3
    assert found.statuses == {"browse": "active"}
    assert [(one.scope, one.client, one.reason) for one in found.stops] == [
        ("buying", "", "wrong prices"),
        ("client", "badbot", ""),
    ]
    assert found.stops[0] == stop
    assert not flips.has_changed()

    assert [one.scope for one in flips.resume(PICKLE, by="days", client="badbot")] == ["client"]
    assert [one.scope for one in standing(flips).stops] == ["buying"]
    assert [one.scope for one in flips.resume(PICKLE, by="days")] == ["buying"]
    assert flips.resume(PICKLE, by="days") == []
    assert standing(flips).stops == ()
    assert standing(flips).version == 6
    assert len(standing(flips, PADDLE).stops) == 1
    assert acts(database) == ["store.stopped"] * 3 + ["store.resumed"] * 2
    assert flips.flip(roadmap(), PICKLE, {"cart": "active"}, by="ops").version == 7


def test_a_second_stop_of_the_same_kind_only_changes_its_reason(flips: SqlFlipRepository) -> None:
    flips.stop(PICKLE, "everything", reason="a leak", by="nights")
    flips.stop(PICKLE, "everything", reason="a leak, found", by="nights")

    assert [one.reason for one in standing(flips).stops] == ["a leak, found"]
    assert len(flips.resume(PICKLE, by="days")) == 1


def test_a_limited_opening_remembers_what_everybody_else_is_shown(flips: SqlFlipRepository) -> None:
    share = audience_terms(10, ["Claude "])
    assert flips.flip(roadmap(), PICKLE, {"browse": "active"}, by="ops", terms=share).terms == {
        "browse": FlipTerms(share=10, clients=("claude",), otherwise="planned")
    }
    flips.flip(roadmap(), PICKLE, {"browse": "active"}, by="ops", terms=audience_terms(50, []))
    assert standing(flips).terms["browse"].otherwise == "planned"
    flips.flip(roadmap(), PICKLE, {"browse": "active"}, by="ops")
    assert standing(flips).terms == {}
    flips.flip(roadmap(), PICKLE, {"browse": "active"}, by="ops", terms=audience_terms(50, []))
    assert standing(flips).terms["browse"].otherwise == "paused", "it was open for everybody before"
    assert [flip.terms.share for flip in flips.history()] == [10, 50, 100, 50]


def test_a_scheduled_flip_is_made_once_when_its_moment_has_come(
    database: Database, flips: SqlFlipRepository, clock: Clock
) -> None:
    opens = NOW + dt.timedelta(hours=8)
    planned = {PICKLE: roadmap()}
    flip = flips.schedule(roadmap(), PICKLE, {"browse": "active"}, by="ops", terms=NO_TERMS, at=opens)
    closes = opens + dt.timedelta(hours=8)
    why = FlipTerms(reason="night")
    flips.schedule(roadmap(), PICKLE, {"browse": "paused"}, by="ops", terms=why, at=closes)

    assert flips.flip_due(planned) == 0
    clock.now = opens
    other = SqlFlipRepository(database, now=clock)
    assert [flips.flip_due(planned), other.flip_due(planned)] == [1, 0]
    other.close()
    assert standing(flips).statuses == {"browse": "active"}
    clock.now = closes + dt.timedelta(days=2)
    assert flips.flip_due(planned) == 1, "late is better than never"
    assert standing(flips).terms == {"browse": why}
    assert [one.by for one in flips.history()] == ["ops, scheduled"] * 2
    first, _ = flips.list_schedule(PICKLE)
    assert (first.id, first.outcome) == (flip.id, "done")
    clock.now = closes + dt.timedelta(days=30)
    assert flips.list_schedule(PICKLE) == []


def test_a_scheduled_flip_that_is_not_possible_then_says_why(
    database: Database, flips: SqlFlipRepository, caplog: pytest.LogCaptureFixture
) -> None:
    flips.schedule(roadmap(), PICKLE, {"cart": "active"}, by="ops", terms=NO_TERMS, at=NOW)
    with caplog.at_level(logging.ERROR):
        assert flips.flip_due({PADDLE: roadmap()}) == 0, "a store that is not served here is another server's"
        assert flips.flip_due({PICKLE: roadmap()}) == 1
    (flip,) = flips.list_schedule(PICKLE)

    assert flip.outcome.startswith("refused: cart: requires browse")
    assert "was refused: cart: requires browse" in caplog.text
    assert standing(flips).statuses == {}
    assert flips.flip_due({PICKLE: roadmap()}) == 0
    (entry,) = [one.entry for one in AuditLog(database).read() if one.entry.subject == "flip.refused"]
    assert entry.outcome == "flip_refused"
    assert entry.details
    assert "requires browse" in entry.details["refused"][0]


def test_a_refused_flip_is_shown_until_it_is_cancelled_or_another_takes_its_place(
    flips: SqlFlipRepository, clock: Clock
) -> None:
    planned = {PICKLE: roadmap()}
    tomorrow = NOW + dt.timedelta(days=1)

    def schedule(phase: str, status: Status, at: dt.datetime) -> str:
        return flips.schedule(roadmap(), PICKLE, {phase: status}, by="ops", terms=NO_TERMS, at=at).id

    def shown() -> list[str]:
        return [flip.id for flip in flips.refused_schedule(PICKLE)]

    cancelled = schedule("cart", "active", NOW)
    schedule("cart", "paused", tomorrow)
    assert shown() == []
    flips.flip_due(planned)
    assert shown() == [cancelled], "that it is to close later on is not that it is open"
    clock.now += dt.timedelta(hours=23)
    assert flips.unschedule(PICKLE, cancelled, by="ops")
    assert not flips.unschedule(PICKLE, cancelled, by="ops")
    assert shown() == []

    again = schedule("cart", "active", clock.now)
    flips.flip_due(planned)
    assert shown() == [again]
    later = schedule("cart", "active", clock.now + dt.timedelta(minutes=30))
    assert shown() == [], "it is scheduled anew"
    clock.now += dt.timedelta(minutes=30)
    flips.flip_due(planned)
    assert shown() == [again, later]
    clock.now += dt.timedelta(days=30)
    flips.flip_due(planned)
    assert shown()[:2] == [again, later], "nobody has seen to it"
    flips.flip(roadmap(), PICKLE, {"browse": "active", "cart": "active"}, by="ops")
    assert shown() == []


def test_a_scheduled_flip_is_cancelled_while_it_waits(
    database: Database, flips: SqlFlipRepository, clock: Clock
) -> None:
    later = NOW + dt.timedelta(hours=1)
    flip = flips.schedule(roadmap(), PICKLE, {"browse": "active"}, by="ops", terms=NO_TERMS, at=later)

    assert not flips.unschedule(PADDLE, flip.id, by="days")
    assert flips.unschedule(PICKLE, flip.id, by="days")
    assert not flips.unschedule(PICKLE, flip.id, by="days")
    clock.now = later
    assert flips.flip_due({PICKLE: roadmap()}) == 0
    assert [one.outcome for one in flips.list_schedule(PICKLE)] == ["cancelled"]
    assert acts(database) == ["flip.scheduled", "flip.cancelled"]


def test_a_flip_of_nothing_is_not_scheduled(flips: SqlFlipRepository) -> None:
    for changes in ({}, {"nope": "active"}):
        with pytest.raises(FlipRefused, match="there is no such phase"):
            flips.schedule(roadmap(), PICKLE, changes, by="ops", terms=NO_TERMS, at=NOW)  # type: ignore[arg-type]
