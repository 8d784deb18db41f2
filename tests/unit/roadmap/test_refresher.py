"""What is shown, and when: the record, the shop's own flag provider, and the day."""

import asyncio
import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from openfeature.event import ProviderEventDetails
from openfeature.exception import ErrorCode
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.roadmap.emergency_stops import EmergencyStop, StopScope
from storefront_mcp.roadmap.flag_provider import FlagRule, FlipFlagProvider
from storefront_mcp.roadmap.flips import Flip, PhaseStatuses, ScheduledFlip
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.refresher import RoadmapRefresher
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.roadmap.terms import NO_TERMS, FlipTerms
from tests.chaos.flips.environment import DAY, PADDLE, PICKLE, roadmap, statuses

OPEN: dict[str, Status] = {"browse": "active", "cart": "active"}


class Record:
    """A record of flips that a test writes by hand."""

    def __init__(self) -> None:
        self.now: dict[StoreId, PhaseStatuses] = {}
        self.unread = True
        self.broken = False
        self.failed = asyncio.Event()

    def write(self, store: StoreId, version: int, standing: Mapping[str, Status]) -> None:
        self.now = {**self.now, store: PhaseStatuses(version, standing)}
        self.unread = True

    def has_changed(self) -> bool:
        return self.unread

    def current_statuses(self) -> Mapping[StoreId, PhaseStatuses]:
        if self.broken:
            self.failed.set()
            raise OSError("disk gone")
        self.unread = False
        return self.now

    def flip(
        self,
        planned: Roadmap,
        store: StoreId,
        changes: Mapping[str, Status],
        *,
        by: str,
        terms: FlipTerms = NO_TERMS,
    ) -> PhaseStatuses:
        raise NotImplementedError

    def history(self, store: StoreId | None = None) -> Sequence[Flip]:
        raise NotImplementedError

    def stop(self, store: StoreId, scope: StopScope, *, client: str = "", reason: str = "", by: str) -> EmergencyStop:
        raise NotImplementedError

    def resume(self, store: StoreId, *, by: str, client: str | None = None) -> Sequence[EmergencyStop]:
        raise NotImplementedError

    def schedule(self, *arguments: Any, **named: Any) -> ScheduledFlip:
        raise NotImplementedError

    def refused_schedule(self, store: StoreId) -> Sequence[ScheduledFlip]:
        raise NotImplementedError

    def list_schedule(self, store: StoreId) -> Sequence[ScheduledFlip]:
        raise NotImplementedError

    def unschedule(self, store: StoreId, id_: str, *, by: str) -> bool:
        raise NotImplementedError

    def flip_due(self, planned: Mapping[StoreId, Roadmap]) -> int:
        return 0


class Outside(InMemoryProvider):
    """A flag provider of the shop's own, in memory; `down` makes it fail."""

    def __init__(self, **flags: bool) -> None:
        super().__init__({})
        self.asked = threading.Semaphore(0)
        self.down = False
        self.ended = threading.Event()
        self.set(**flags)

    def set(self, **flags: bool) -> None:
        for name, value in flags.items():
            self._flags[f"storefront.pickle.{name}"] = InMemoryFlag("it", {"it": value})

    def resolve_boolean_details(self, *arguments: Any, **named: Any) -> Any:
        if self.down:
            raise ConnectionError("no answer")
        return super().resolve_boolean_details(*arguments, **named)

    def say_changed(self) -> None:
        self.emit_provider_configuration_changed(ProviderEventDetails())

    def shutdown(self) -> None:
        self.ended.set()


class Shown:
    """What a watch showed, store by store."""

    def __init__(self) -> None:
        self.all: list[tuple[StoreId, Roadmap]] = []
        self.again = asyncio.Event()

    def __call__(self, store: StoreId, shown: Roadmap) -> None:
        self.all.append((store, shown))
        self.again.set()

    def last(self, store: StoreId = PICKLE) -> dict[str, Status]:
        return statuses(next(shown for at, shown in reversed(self.all) if at == store))

    @property
    def versions(self) -> list[int]:
        return [shown.version for _, shown in self.all]


Watching = Callable[..., RoadmapRefresher]


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def watching(record: Record, shown: Shown) -> Iterator[Watching]:
    watches: list[RoadmapRefresher] = []

    def watching(*stores: StoreId, **named: Any) -> RoadmapRefresher:
        planned = dict.fromkeys(stores or (PICKLE,), roadmap())
        watches.append(RoadmapRefresher(planned, record, shown, **{"today": lambda: DAY, "poll": 60.0} | named))
        return watches[-1]

    yield watching
    for watch in watches:
        watch.close()


def until(condition: Callable[[], bool], *, within: float = 5.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"waited {within} seconds in vain"
        threading.Event().wait(0.005)


def test_the_start_shows_every_store(watching: Watching, record: Record, shown: Shown) -> None:
    record.write(PADDLE, 3, OPEN)
    watching(PICKLE, PADDLE).refresh()
    assert shown.last(PICKLE) == statuses(roadmap())
    assert shown.last(PADDLE) == {**statuses(roadmap()), **OPEN}
    assert shown.versions == [0, 3]


def test_only_stores_that_changed_are_shown_again(watching: Watching, record: Record, shown: Shown) -> None:
    watch = watching(PICKLE, PADDLE)
    watch.refresh()
    watch.poll()
    record.write(PADDLE, 1, {"browse": "active"})
    watch.poll()
    watch.poll()
    assert [(store, each.version) for store, each in shown.all] == [(PICKLE, 0), (PADDLE, 0), (PADDLE, 1)]


def test_midnight_brings_another_roadmap_with_another_version(watching: Watching, record: Record, shown: Shown) -> None:
    today = DAY
    record.write(PICKLE, 5, OPEN)
    watch = watching(today=lambda: today)
    watch.refresh()
    today += dt.timedelta(days=1)
    watch.poll()
    record.write(PICKLE, 6, {**OPEN, "cart": "paused"})
    watch.poll()
    record.write(PICKLE, 9, OPEN)
    watch.poll()
    assert [(each.version, each.as_of) for _, each in shown.all] == [(5, DAY), (6, today), (7, today), (9, today)]


async def test_a_record_that_cannot_be_read_leaves_the_last_roadmap(
    watching: Watching, record: Record, shown: Shown, caplog: pytest.LogCaptureFixture
) -> None:
    watch = watching(interval=0.001)
    watch.refresh()
    record.broken = True
    record.write(PICKLE, 1, OPEN)
    running = asyncio.create_task(watch.run())
    async with asyncio.timeout(60):
        for _ in range(3):
            await record.failed.wait()
            record.failed.clear()
        shown.again.clear()
        record.broken = False
        await shown.again.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert shown.versions == [0, 1]
    assert caplog.text.count("cannot be read") == 1, "once per failure, not five times a second"


def test_a_phase_is_open_only_if_both_say_so(watching: Watching, record: Record, shown: Shown) -> None:
    record.write(PICKLE, 1, OPEN)
    watching(external=Outside(browse=True, cart=False, checkout=True, care=True)).refresh()
    assert shown.last() == {"browse": "active", "cart": "paused", "checkout": "planned", "care": "planned"}


def test_what_stands_on_a_phase_kept_closed_is_closed_too(watching: Watching, record: Record, shown: Shown) -> None:
    record.write(PICKLE, 1, OPEN)
    watching(external=Outside(browse=False, cart=True)).refresh()
    assert shown.last()["browse"] == "paused"
    assert shown.last()["cart"] == "paused"


def test_a_change_outside_is_shown_when_the_provider_says_so(watching: Watching, record: Record, shown: Shown) -> None:
    record.write(PICKLE, 4, OPEN)
    outside = Outside(browse=True, cart=False)
    watch = watching(external=outside)
    watch.refresh()
    outside.set(cart=True)
    outside.say_changed()
    until(lambda: watch.poll() or shown.last()["cart"] == "active")
    outside.set(browse=False)
    outside.say_changed()
    until(lambda: watch.poll() or shown.last()["browse"] == "paused")
    assert shown.versions == [4, 5, 6], "every picture has a version of its own"


def test_a_provider_without_events_is_polled(watching: Watching, record: Record, shown: Shown) -> None:
    record.write(PICKLE, 1, OPEN)
    outside = Outside(browse=False)
    watch = watching(external=outside, poll=0.01)
    watch.refresh()
    outside.set(browse=True)
    until(lambda: watch.poll() or shown.last()["browse"] == "active")


def test_a_provider_that_fails_keeps_its_last_answer(
    watching: Watching, record: Record, shown: Shown, caplog: pytest.LogCaptureFixture
) -> None:
    record.write(PICKLE, 1, OPEN)
    outside = Outside(browse=True, cart=True, checkout=True, care=True)
    watch = watching(external=outside, poll=0.01)
    watch.refresh()
    assert shown.last()["cart"] == "active"
    outside.down = True
    until(lambda: "did not answer" in caplog.text)
    watch.poll()
    assert shown.last()["cart"] == "active"
    outside.set(cart=False)
    outside.down = False
    until(lambda: watch.poll() or shown.last()["cart"] == "paused")
    assert caplog.text.count("did not answer") == 1, "once per failure, not once per poll"


def test_a_flag_nobody_ever_answered_is_closed(
    watching: Watching, record: Record, shown: Shown, caplog: pytest.LogCaptureFixture
) -> None:
    record.write(PICKLE, 1, OPEN)
    watching(external=Outside(browse=True)).refresh()
    assert shown.last()["browse"] == "active"
    assert shown.last()["cart"] == "paused"
    assert "storefront.pickle.cart: FLAG_NOT_FOUND" in caplog.text


def test_a_provider_that_does_not_start_leaves_all_closed_but_the_server_up(
    watching: Watching, record: Record, shown: Shown, caplog: pytest.LogCaptureFixture
) -> None:
    class Refusing(Outside):
        def initialize(self, evaluation_context: Any) -> None:
            raise ConnectionError("no flag server")

    record.write(PICKLE, 1, OPEN)
    watching(external=Refusing(), timeout=5.0).refresh()
    assert "active" not in shown.last().values()
    assert "did not start: no flag server" in caplog.text


def test_a_provider_that_hangs_holds_nobody_up(
    watching: Watching, record: Record, shown: Shown, caplog: pytest.LogCaptureFixture
) -> None:
    answering = threading.Event()

    class Hanging(Outside):
        def resolve_boolean_details(self, *arguments: Any, **named: Any) -> Any:
            answering.wait(30)
            return super().resolve_boolean_details(*arguments, **named)

    record.write(PICKLE, 1, OPEN)
    watch = watching(external=Hanging(browse=True), timeout=0.01)
    watch.refresh()
    assert shown.last()["browse"] == "paused"
    assert "has not answered yet" in caplog.text
    record.write(PICKLE, 2, {"browse": "paused"})
    watch.poll()
    assert shown.versions == [1, 2]
    answering.set()


def test_the_name_of_a_flag_can_be_set(watching: Watching, record: Record, shown: Shown) -> None:
    record.write(PICKLE, 1, OPEN)
    outside = Outside()
    outside._flags["browse-at-pickle"] = InMemoryFlag("it", {"it": True})
    watching(external=outside, key="{phase}-at-{store}").refresh()
    assert shown.last()["browse"] == "active"


def test_closing_a_watch_shuts_the_provider_down(watching: Watching) -> None:
    outside = Outside(browse=True)
    watch = watching(external=outside)
    watch.refresh()
    watch.close()
    assert outside.ended.wait(120)


def test_two_watches_do_not_hear_each_other(watching: Watching, record: Record, shown: Shown) -> None:
    record.write(PICKLE, 1, OPEN)
    first, second = watching(external=Outside(browse=True)), watching(external=Outside(browse=False))
    first.refresh()
    assert shown.last()["browse"] == "active"
    second.refresh()
    assert shown.last()["browse"] == "paused"


def test_the_record_answers_as_an_openfeature_provider() -> None:
    provider = FlipFlagProvider()
    browse, cart, *_ = roadmap().phases
    provider.replace_rules(
        {
            "storefront.pickle.browse": FlagRule(phase=replace(browse, status="active")),
            "storefront.pickle.cart": FlagRule(phase=replace(cart, status="paused")),
        }
    )

    assert provider.resolve_string_details("storefront.pickle.cart", "planned").value == "paused"
    assert provider.resolve_boolean_details("storefront.pickle.browse", False).value is True
    assert provider.resolve_boolean_details("storefront.pickle.cart", True).value is False
    for resolve, default in (
        (provider.resolve_string_details, "planned"),
        (provider.resolve_boolean_details, True),
        (provider.resolve_integer_details, 3),
    ):
        unknown = resolve("storefront.pickle.nope", default)  # type: ignore[operator]
        assert (unknown.value, unknown.error_code) == (default, ErrorCode.FLAG_NOT_FOUND)
    for resolve, default in (
        (provider.resolve_integer_details, 3),
        (provider.resolve_float_details, 0.5),
        (provider.resolve_object_details, []),
    ):
        mistyped = resolve("storefront.pickle.browse", default)  # type: ignore[operator]
        assert (mistyped.value, mistyped.error_code) == (default, ErrorCode.TYPE_MISMATCH)
