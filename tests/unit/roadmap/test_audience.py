"""For whom a phase is open: shares, client programs, stops, and what strangers are shown meanwhile."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, strategies as st
from openfeature.evaluation_context import EvaluationContext

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.roadmap.audience import (
    BUCKETS,
    STRANGER,
    CallerTraits,
    bucket_of,
    caller_traits,
    evaluation_context,
)
from storefront_mcp.roadmap.emergency_stops import EmergencyStop, StopScope
from storefront_mcp.roadmap.flips import PhaseStatuses
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.refresher import RoadmapRefresher
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.roadmap.terms import FlipTerms, TermsRefused, audience_terms
from tests.chaos.flips.environment import DAY, PICKLE, roadmap, statuses
from tests.unit.roadmap.test_refresher import Outside, Record, Shown

AT = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
CLAUDE = CallerTraits(client="claude-code 2.1", key="k")
OTHER = CallerTraits(client="other 1", key="k")


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def watch(record: Record, shown: Shown) -> Iterator[RoadmapRefresher]:
    made = RoadmapRefresher({PICKLE: roadmap()}, record, shown, today=lambda: DAY)
    yield made
    made.close()


def stop(scope: StopScope, client: str = "", number: int = 9) -> EmergencyStop:
    return EmergencyStop(number=number, scope=scope, client=client, reason="a leak", by="ops", at=AT)


def write(record: Record, standing: Mapping[str, Status], version: int = 1, **more: object) -> None:
    record.now = {PICKLE: PhaseStatuses(version, standing, **more)}  # type: ignore[arg-type]
    record.unread = True


def seen(watch: RoadmapRefresher, traits: CallerTraits) -> dict[str, Status]:
    return statuses(watch.roadmap_for(PICKLE, traits))


def test_a_phase_for_named_programs_is_open_for_them_and_closed_for_a_stranger(
    watch: RoadmapRefresher, record: Record, shown: Shown
) -> None:
    write(record, {"browse": "active", "cart": "active"}, terms={"cart": audience_terms(None, ["claude"])})
    watch.refresh()

    assert shown.last() == {"browse": "active", "cart": "planned", "checkout": "planned", "care": "planned"}
    published = watch.roadmap(PICKLE)
    assert (published.limited, published.differs) == (True, True)
    assert seen(watch, CLAUDE)["cart"] == "active"
    assert seen(watch, OTHER)["cart"] == "planned"
    assert watch.roadmap_for(PICKLE, CLAUDE).version == published.version


def test_a_phase_that_requires_a_limited_one_is_open_for_the_same_callers(
    watch: RoadmapRefresher, record: Record, shown: Shown
) -> None:
    write(
        record,
        {"browse": "active", "cart": "active", "checkout": "active"},
        terms={"cart": FlipTerms(share=0, clients=("claude",), otherwise="paused")},
    )
    watch.refresh()

    assert shown.last()["cart"] == shown.last()["checkout"] == "paused"
    assert seen(watch, CLAUDE)["checkout"] == "active"


def test_a_wider_share_is_published_although_a_stranger_sees_no_difference(
    watch: RoadmapRefresher, record: Record, shown: Shown
) -> None:
    write(record, {"browse": "active"}, terms={"browse": audience_terms(10, [])})
    watch.refresh()
    write(record, {"browse": "active"}, version=2, terms={"browse": audience_terms(20, [])})
    watch.poll()

    assert shown.versions == [1, 2]
    assert [each.open for _, each in shown.all] == [False, False]


@given(share=st.integers(0, 100), number=st.integers(0, 10_000))
def test_who_is_in_a_share_stays_in_every_greater_one(share: int, number: int) -> None:
    key = caller_traits("pickle", "guest", "", f"192.0.2.{number}").key
    smaller, greater = audience_terms(share, []), audience_terms(min(share + 10, 100), [])

    assert smaller.admits("", key) <= greater.admits("", key)
    assert audience_terms(100, []).admits("", "")
    assert not audience_terms(0, []).admits("", key)


def test_a_share_is_about_that_many_callers() -> None:
    keys = [caller_traits("pickle", "guest", "", f"198.51.100.{number}").key for number in range(4_000)]

    assert all(0 <= bucket_of(key) < BUCKETS for key in keys)
    assert 300 < sum(audience_terms(10, []).admits("", key) for key in keys) < 500


def test_what_a_flag_depends_on_is_in_the_evaluation_context_and_no_address_is() -> None:
    traits = caller_traits("pickle", "key", "Claude-Code 2.1", "key:4fQ")
    context = evaluation_context("pickle", "p2_cart", traits)

    assert context.attributes == {
        "store": "pickle", "phase": "p2_cart", "callerKind": "key", "clientProgram": "claude-code 2.1"
    }  # fmt: skip
    assert context.targeting_key == traits.key != caller_traits("paddle", "key", "", "key:4fQ").key
    assert "4fQ" not in traits.key
    assert evaluation_context("pickle", "p2_cart", STRANGER).targeting_key is None


def test_the_flag_provider_of_the_shop_is_asked_with_the_context_of_a_stranger(record: Record, shown: Shown) -> None:
    asked: list[EvaluationContext | None] = []

    class Asked(Outside):
        def resolve_boolean_details(self, *arguments: Any, **named: Any) -> Any:
            asked.append(named["evaluation_context"])
            return super().resolve_boolean_details(*arguments, **named)

    write(record, {"browse": "active"})
    watch = RoadmapRefresher({PICKLE: roadmap()}, record, shown, today=lambda: DAY, external=Asked(browse=True))
    watch.refresh()
    watch.close()

    assert shown.last()["browse"] == "active"
    contexts = [context.attributes for context in asked if context is not None]
    assert {"store": "pickle", "phase": "browse", "callerKind": "guest", "clientProgram": ""} in contexts


@pytest.mark.parametrize(("share", "clients"), [(-1, []), (101, []), (None, ["x"]), (None, ["y" * 201])])
def test_an_audience_that_cannot_be_is_refused(share: float | None, clients: list[str]) -> None:
    with pytest.raises(TermsRefused):
        audience_terms(share, clients)


def test_an_audience_is_told_in_words() -> None:
    assert audience_terms(None, []).audience == ""
    assert audience_terms(12.5, ["claude", "Goose"]).audience == "12.5 % of the callers, and claude, goose"
    assert audience_terms(None, ["claude"]).audience == "claude"
    assert audience_terms(0, []).audience == "nobody"


def test_a_stop_of_everything_closes_all_and_payment_until_it_ends(
    watch: RoadmapRefresher, record: Record, shown: Shown
) -> None:
    write(record, {"browse": "active", "cart": "active"}, version=2, stops=(stop("everything"),))
    watch.refresh()

    closed = watch.roadmap(PICKLE)
    assert shown.last() == {"browse": "paused", "cart": "paused", "checkout": "planned", "care": "planned"}
    assert (closed.condition, closed.limited, closed.differs) == ("paused", False, False)
    assert closed.pause == closed.payment_stop == FlipTerms(reason="a leak")
    write(record, {"browse": "active", "cart": "active"}, version=3)
    watch.poll()
    assert shown.last()["cart"] == "active"
    assert watch.roadmap(PICKLE).payment_stop is None


def test_a_stop_of_one_program_is_for_that_program_alone(watch: RoadmapRefresher, record: Record, shown: Shown) -> None:
    write(record, {"browse": "active", "cart": "active"}, version=2, stops=(stop("client", "claude"),))
    watch.refresh()
    published: Roadmap = watch.roadmap(PICKLE)

    assert shown.last()["cart"] == "active"
    assert (published.differs, published.limited, published.payment_stop) == (True, False, None)
    assert not watch.roadmap_for(PICKLE, CLAUDE).open
    assert watch.roadmap_for(PICKLE, CLAUDE).pause == FlipTerms(reason="a leak")
    assert seen(watch, OTHER)["cart"] == "active"


def test_stores_are_stopped_one_by_one(record: Record, shown: Shown) -> None:
    other = StoreId("paddle")
    record.now = {
        PICKLE: PhaseStatuses(1, {"browse": "active"}, stops=(stop("everything"),)),
        other: PhaseStatuses(1, {"browse": "active"}),
    }
    watch = RoadmapRefresher(dict.fromkeys((PICKLE, other), roadmap()), record, shown, today=lambda: DAY)
    watch.refresh()
    watch.close()

    assert (shown.last()["browse"], shown.last(other)["browse"]) == ("paused", "active")
