"""How an examination goes: in order, in bounded time, to the end whatever happens."""

import asyncio
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from storefront_mcp.backends.probe import ProbeFailed
from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.doctor import (
    ALL_CHECKS,
    AREAS,
    DoctorCheck,
    ExaminationProgress,
    ExaminationSubject,
    TimeBudget,
    examine,
)
from storefront_mcp.doctor.check import Findings, check
from storefront_mcp.doctor.patient import ExaminedStore
from storefront_mcp.findings import fault, note, ok, warning
from tests.unit.doctor.conftest import ExaminedServer
from tests.unit.doctor.stores import bad, of

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parent / "report.json"
NOTHING = ExaminationSubject(config="storefront.toml")


def found(id_: str, *after: str, level: Any = ok) -> DoctorCheck:
    @check(id_, "It is as it should be", "file", after=after)
    async def run(_: ExaminedStore) -> Findings:
        yield level("So it is.") if level is ok else level("So it is.", "Do something.")

    return run


async def test_a_check_waits_for_those_that_it_builds_on_wherever_they_stand() -> None:
    order: list[str] = []
    checks = [found("shop.b", "shop.a"), found("shop.c", "shop.b"), found("shop.a")]
    await examine(NOTHING, checks=checks, on_progress=lambda progress: order.append(progress.last.check.id))

    assert order == ["shop.a", "shop.b", "shop.c"]


async def test_what_builds_on_a_fault_is_skipped_and_so_is_what_builds_on_that() -> None:
    checks = [found("shop.a", level=fault), found("shop.b", "shop.a"), found("shop.c", "shop.b")]
    report = await examine(NOTHING, checks=checks)

    assert [one.outcome for one in report.checked] == ["fault", "skipped", "skipped"]
    assert [one.skipped for one in report.checked] == [
        None,
        "shop.a has to be put right first.",
        "shop.a has to be put right first.",
    ]
    assert report.counts == {"ok": 0, "note": 0, "warning": 0, "fault": 1, "skipped": 2}


async def test_warnings_and_notes_keep_nothing_from_being_checked() -> None:
    checks = [found("shop.a", level=warning), found("shop.b", "shop.a", level=note), found("shop.c", "shop.b")]
    report = await examine(NOTHING, checks=checks)

    assert [one.outcome for one in report.checked] == ["warning", "note", "ok"]
    assert report.healthy


async def test_what_a_subject_cannot_give_is_not_asked_for() -> None:
    report = await examine(ExaminationSubject(config="storefront.toml"))

    assert {one.check.id for one in report.checked} == {"settings.usable"}


@check("shop.endless", "It ends", "file")
async def endless(_: ExaminedStore) -> Findings:
    yield ok("It has begun.")
    await asyncio.Event().wait()
    yield ok("It has ended.")


async def test_a_check_that_does_not_end_is_ended_and_what_it_found_is_kept() -> None:
    report = await examine(NOTHING, checks=[endless], budget=TimeBudget(check=0.05))

    assert [finding.says for _, finding in report.findings] == [
        "It has begun.",
        "This check did not end within 0 s.",
    ]
    assert bad(report, "warning") == {
        "shop.endless": ["Look at what is slow above, or examine again when there is less to do."]
    }


async def test_when_the_time_is_up_the_rest_is_skipped() -> None:
    report = await examine(NOTHING, checks=[endless, found("shop.late", "shop.endless")], budget=TimeBudget(total=0.05))

    assert [one.outcome for one in report.checked] == ["warning", "skipped"]
    assert report.checked[1].skipped == "0.05 s had passed before its turn."
    assert report.seconds < 5


@pytest.mark.parametrize(
    ("error", "level", "fix"),
    [
        (
            ProbeFailed("http://x/", "silence", "…"),
            "fault",
            "Find out what keeps it: a firewall that drops, or a server that hangs.",
        ),
        (ShopDown(internal="GET /x: 500"), "fault", "Look at the shop's own log for the same minute."),
        (KeyError("x"), "warning", "Report it as a flaw of storefront-mcp, with the log."),
    ],
)
async def test_an_error_ends_a_check_and_not_the_examination(error: Exception, level: str, fix: str) -> None:
    @check("shop.breaks", "It holds", "file")
    async def breaks(_: ExaminedStore) -> Findings:
        yield ok("So far so good.")
        raise error

    report = await examine(NOTHING, checks=[breaks, found("shop.other")])

    assert bad(report, level) == {"shop.breaks": [fix]}
    assert report.checked[1].outcome == "ok"


async def test_no_more_than_four_checks_are_under_way_at_a_time() -> None:
    under_way, most = 0, 0
    together = asyncio.Event()

    def crowd(number: int) -> DoctorCheck:
        @check(f"shop.crowd{number}", "It is patient", "file")
        async def run(_: ExaminedStore) -> Findings:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            if under_way == 4:
                together.set()
            await together.wait()
            under_way -= 1
            yield ok("It was.")

        return run

    report = await examine(NOTHING, checks=[crowd(number) for number in range(12)], budget=TimeBudget(check=5))

    assert most == 4
    assert report.counts["ok"] == 12


async def test_progress_is_told_check_by_check() -> None:
    told: list[ExaminationProgress] = []
    await examine(NOTHING, checks=[found("shop.a"), found("shop.b")], on_progress=told.append)

    assert [(progress.done, progress.of) for progress in told] == [(1, 2), (2, 2)]


def test_every_check_has_an_id_of_its_own_an_area_and_known_ones_before_it() -> None:
    ids = [one.id for one in ALL_CHECKS]

    assert len(set(ids)) == len(ids)
    assert {one.area for one in ALL_CHECKS} == set(AREAS)
    for index, one in enumerate(ALL_CHECKS):
        assert set(one.after) <= set(ids[:index]), one.id
        assert all(set(earlier.needs) <= set(one.needs) for earlier in ALL_CHECKS if earlier.id in one.after), one.id


async def test_the_report_for_programs_has_its_golden_shape(update_goldens: bool) -> None:
    levels: tuple[Any, ...] = (ok, note, warning, fault)
    checks = [found(f"shop.{level.__name__}", level=level) for level in levels]
    checks += [found("shop.skipped", "shop.fault"), found("settings.first")]
    at = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    report = (await examine(NOTHING, checks=checks, now=lambda: at)).as_json()
    shaped = json.dumps(_steady(report), indent=2) + "\n"
    if update_goldens:
        GOLDEN.write_text(shaped, encoding="utf-8")

    assert shaped == GOLDEN.read_text(encoding="utf-8"), "run pytest with --update-goldens"


def _steady(report: dict[str, Any]) -> dict[str, Any]:
    """The same without the times, which differ from run to run."""
    for timed in (report, *(one for area in report["areas"] for one in area["checks"])):
        assert isinstance(timed["seconds"], float)
        timed["seconds"] = 0.0
    return report


async def test_a_healthy_demo_has_no_fault_at_all(examined: ExaminedServer) -> None:
    report = await examine(of(examined.settings, cart=True))

    assert bad(report) == {}
    assert bad(report, "warning") == {}
    assert report.counts["skipped"] == 0
    assert {one.check.id for one in report.checked} == {one.id for one in ALL_CHECKS}


@pytest.mark.parametrize("wanted", ["web", "behind", "settings"])
def test_a_check_gets_nothing_that_it_does_not_say_it_needs(wanted: str) -> None:
    patient = ExaminedStore(NOTHING, None, now=lambda: dt.datetime.now(dt.UTC))

    with pytest.raises(AssertionError, match="a check without"):
        getattr(patient, wanted)
