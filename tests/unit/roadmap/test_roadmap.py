"""The steps that phases may take, alone and together."""

import datetime as dt
from itertools import product

import pytest

from storefront_mcp.roadmap.flips import PhaseStatuses, with_statuses
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.roadmap import FlipRefused, Roadmap
from storefront_mcp.roadmap.terms import NO_TERMS, FlipTerms, TermsRefused, flip_terms
from tests.chaos.flips.environment import phase, roadmap, statuses
from tests.unit.cards import states

STATUSES: tuple[Status, ...] = ("planned", "active", "paused", "retired")
ALLOWED = {("planned", "active"), ("active", "paused"), ("paused", "active"), ("paused", "retired")}


def at(**standing: Status) -> Roadmap:
    """The usual roadmap with these statuses, after flip 6."""
    return with_statuses(roadmap(), PhaseStatuses(6, standing))


@pytest.mark.parametrize(("before", "after"), list(product(STATUSES, STATUSES)))
def test_a_phase_walks_from_planned_over_active_and_paused_to_retired(before: Status, after: Status) -> None:
    alone = with_statuses(roadmap(phase(1, "browse")), PhaseStatuses(6, {"browse": before}))
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
                "cart: requires browse, which would be paused; flip both together or cart first.",
                "care: requires browse, which would be paused; flip both together or care first.",
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
    found = shown.phase_of("look_cart")
    assert found is not None
    assert found.name == "cart"
    retired = shown.phase_of("look_care")
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


def test_a_pause_is_given_another_reason_and_nothing_else_is_repeated() -> None:
    why = FlipTerms(reason="stocktaking")
    paused = at(browse="active").with_status({"browse": "paused"}, why)

    assert paused.pause == why
    assert paused.with_status({"browse": "paused"}, FlipTerms(reason="a leak")).pause == FlipTerms(reason="a leak")
    with pytest.raises(FlipRefused, match="browse: is paused and cannot become paused"):
        paused.with_status({"browse": "paused"}, why)
    assert paused.with_status({"browse": "active"}).phases[0].terms == NO_TERMS


@pytest.mark.parametrize(
    ("reason", "until", "says"),
    [
        ("x" * 201, None, "at most 200"),
        ("a\x07b", None, "printable"),
        ("", dt.datetime(2027, 1, 1), "an offset"),  # noqa: DTZ001 -- what is refused
    ],
)
def test_terms_that_nobody_could_read_are_refused(reason: str, until: dt.datetime | None, says: str) -> None:
    with pytest.raises(TermsRefused, match=says):
        flip_terms(reason, until)


def test_terms_are_one_line_that_ends_once() -> None:
    until = dt.datetime(2027, 2, 1, 9, tzinfo=dt.timezone(dt.timedelta(hours=10)))

    assert flip_terms(" stock\n taking. ", until).sentences == (
        "Closed for now: stock taking. It is expected to open again on 31 January 2027, 23:00 UTC."
    )
    assert NO_TERMS.sentences == "Closed for now."


@pytest.mark.parametrize("terms", [FlipTerms(share=10), FlipTerms(share=0, clients=("claude",))])
def test_a_phase_that_customers_sign_in_for_opens_for_everybody_or_nobody(terms: FlipTerms) -> None:
    real = states.roadmap("checkout")
    with pytest.raises(FlipRefused, match="p4_account: customers sign in for it"):
        real.with_status({"p4_account": "active"}, terms)
    assert real.with_status({"p4_account": "active"}).signs_in
