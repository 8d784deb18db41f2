"""The steps that phases may take, alone and together."""

from itertools import product

import pytest

from storefront_mcp.roadmap.flags import Standing, as_it_stands
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.roadmap import FlipRefused, Roadmap
from tests.flips.world import phase, roadmap, statuses

STATUSES: tuple[Status, ...] = ("planned", "active", "paused", "retired")
ALLOWED = {("planned", "active"), ("active", "paused"), ("paused", "active"), ("paused", "retired")}


def at(**standing: Status) -> Roadmap:
    """The usual roadmap with these statuses, after flip 6."""
    return as_it_stands(roadmap(), Standing(6, standing))


@pytest.mark.parametrize(("before", "after"), list(product(STATUSES, STATUSES)))
def test_a_phase_walks_from_planned_over_active_and_paused_to_retired(before: Status, after: Status) -> None:
    alone = as_it_stands(roadmap(phase(1, "browse")), Standing(6, {"browse": before}))
    if (before, after) in ALLOWED:
        flipped = alone.with_status({"browse": after})
        assert statuses(flipped) == {"browse": after}
        assert flipped.version == 7
    else:
        with pytest.raises(
            FlipRefused, match=f"browse: is {before}(, and that is for good| and cannot become {after}, only )"
        ):
            alone.with_status({"browse": after})


@pytest.mark.parametrize(
    ("standing", "changes", "complaints"),
    [
        pytest.param(
            {},
            {"nope": "active"},
            ["nope: there is no such phase; there are browse, cart, checkout, care."],
            id="unknown",
        ),
        pytest.param(
            {},
            {"cart": "active"},
            ["cart: requires browse, which would be planned; flip both together or browse first."],
            id="too early",
        ),
        pytest.param(
            {"browse": "active", "cart": "active", "care": "active"},
            {"browse": "paused"},
            [
                "cart: requires browse, which would be paused; flip both together or browse first.",
                "care: requires browse, which would be paused; flip both together or browse first.",
            ],
            id="pulls the ground from under others",
        ),
        pytest.param(
            {"browse": "active", "cart": "paused", "care": "retired"},
            {"checkout": "active", "care": "active", "browse": "planned"},
            [
                "browse: is active and cannot become planned, only paused.",
                "checkout: requires cart, which would be paused; flip both together or cart first.",
                "care: is retired, and that is for good.",
                "care: requires browse, which would be planned; flip both together or browse first.",
            ],
            id="everything at once",
        ),
    ],
)
def test_every_complaint_is_told_at_once(
    standing: dict[str, Status], changes: dict[str, Status], complaints: list[str]
) -> None:
    with pytest.raises(FlipRefused) as refused:
        at(**standing).with_status(changes)
    assert sorted(refused.value.complaints) == sorted(complaints)
    assert str(refused.value).splitlines() == list(refused.value.complaints)


def test_phases_that_stand_on_each_other_open_and_close_together() -> None:
    both = at().with_status({"cart": "active", "browse": "active"})
    assert [tool.name for tool in both.open_tools()] == ["look", "look"]
    assert not both.with_status({"browse": "paused", "cart": "paused"}).open


def test_an_undelivered_phase_stays_closed_and_says_what_is_missing() -> None:
    late = roadmap(phase(1, "browse", delivered=False, missing=("Set up payment.",)))
    assert [promise.name for promise in late.phases[0].undelivered] == ["look_browse"]
    with pytest.raises(FlipRefused) as refused:
        late.with_status({"browse": "active"})
    assert refused.value.complaints == (
        "browse: look_browse is promised but not delivered yet.",
        "browse: Set up payment.",
    )


def test_a_retired_phase_promises_nothing_any_more() -> None:
    shown = at(browse="active", care="retired")
    assert [promise.name for _, promise in shown.promises()] == ["look_browse", "look_cart", "look_checkout"]
    found = shown.promised_in("look_cart")
    assert found is not None
    assert found.name == "cart"
    retired = shown.promised_in("look_care")
    assert retired is not None
    assert retired.status == "retired"
    assert shown.phase("nope") is None


def test_records_of_phases_that_are_gone_count_for_nothing() -> None:
    assert statuses(at(browse="active", bargains="active")) == {
        "browse": "active",
        "cart": "planned",
        "checkout": "planned",
        "care": "planned",
    }
