"""Polls recorded flips and external flags in the background, and publishes each store's next roadmap."""

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, cast
from uuid import uuid4

from msgspec.structs import replace
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.provider import FeatureProvider
from openfeature.provider.no_op_provider import NoOpProvider

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.roadmap.audience import STRANGER, CallerTraits, evaluation_context
from storefront_mcp.roadmap.external_flags import ExternalFlagPoller
from storefront_mcp.roadmap.flag_provider import FlagRule, FlipFlagProvider
from storefront_mcp.roadmap.flips import FlipRepository, PhaseStatuses, with_statuses
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.roadmap import Phase, Roadmap
from storefront_mcp.roadmap.terms import NO_TERMS, FlipTerms

log: Final = logging.getLogger(__name__)

SCHEDULE_SECONDS: Final = 1.0
"""Between two looks at scheduled flips."""
FLAG_KEY: Final = "storefront.{store}.{phase}"
"""Template of a phase's flag key at an OpenFeature provider."""

Publish = Callable[[StoreId, Roadmap], None]
"""Receives a store's next roadmap, on the event loop's thread."""


class RoadmapRefresher:
    """Keeps every store's roadmap up to date in one process.

    `planned` holds each store's roadmap with every phase in its manifest's status. Flips are polled every `interval`
    seconds, the `external` provider every `poll` seconds. A phase is open only if both allow it: one that the external
    provider does not allow is published as paused, and with it the active phases that require it.

    `Roadmap.version` is the number of the store's last flip, but at least the last published one plus one, so that it
    also tells roadmaps apart that differ by the day or by external answers.

    `flips` must not be shared: `current_statuses` resets its `has_changed`.
    """

    def __init__(  # noqa: PLR0913 -- each has a value that fits, but for the first three
        self,
        planned: Mapping[StoreId, Roadmap],
        flips: FlipRepository,
        publish: Publish,
        *,
        today: Callable[[], dt.date] = lambda: dt.datetime.now(dt.UTC).date(),
        interval: float = 0.2,
        external: FeatureProvider | None = None,
        key: str = FLAG_KEY,
        poll: float = 5.0,
        timeout: float = 5.0,
    ) -> None:
        self._planned = planned
        self._flips = flips
        self._publish = publish
        self._today = today
        self._interval = interval
        self._key = key
        self._timeout = timeout
        self._recorded = FlipFlagProvider()
        self._domain = f"storefront-recorded-{uuid4().hex}"
        api.set_provider_and_wait(self._recorded, self._domain)
        self._client = api.get_client(self._domain)
        self._external = None if external is None else ExternalFlagPoller(external, self._contexts(), poll=poll)
        self._statuses: Mapping[StoreId, PhaseStatuses] = {}
        self._clock = time.monotonic
        self._next_schedule = 0.0
        self._published_day: dt.date | None = None
        self._published_answers: Mapping[str, bool] | None = None
        self._published: dict[StoreId, tuple[int, Roadmap]] = {}

    def refresh(self) -> None:
        """Publish every store's roadmap, at start-up; waits up to `timeout` seconds for external answers."""
        if self._external is not None:
            self._external.start(timeout=self._timeout)
        self._published_day = None
        self.poll()

    def roadmap(self, store: StoreId) -> Roadmap:
        """The last published roadmap of a store: a stranger's."""
        return self._published[store][1]

    def roadmap_for(self, store: StoreId, traits: CallerTraits) -> Roadmap:
        """The roadmap of a caller, with version and day of the last published one."""
        shown = self.roadmap(store)
        return replace(self._evaluate(store, traits), version=shown.version, as_of=shown.as_of)

    def shown_flips(self) -> Mapping[StoreId, int]:
        """By store, the number of the last flip that its published roadmap includes."""
        return {store: number for store, (number, _) in self._published.items()}

    def poll(self) -> None:
        """Publish what changed since the last poll."""
        self._publish_changes(self._changed_statuses())

    async def run(self) -> None:
        """Poll until cancelled; a failed poll is logged and the last roadmap stays."""
        failing = False
        while True:
            await asyncio.sleep(self._interval)
            try:
                # The database may be remote, so it is read in a thread.
                self._publish_changes(await asyncio.to_thread(self._look))
            except Exception:
                # Once per failure, not five times a second.
                if not failing:
                    log.exception("the flags cannot be read; the last roadmap stays")
                failing = True
            else:
                failing = False

    def close(self) -> None:
        """Unregister the providers."""
        if self._external is not None:
            self._external.close()
        api.set_provider(NoOpProvider(), self._domain)

    def _look(self) -> Mapping[StoreId, PhaseStatuses] | None:
        """Make what is scheduled, once a second, and read the recorded statuses, if they have changed."""
        now = self._clock()
        if now >= self._next_schedule:
            self._next_schedule = now + SCHEDULE_SECONDS
            self._flips.flip_due(self._planned)
        return self._changed_statuses()

    def _changed_statuses(self) -> Mapping[StoreId, PhaseStatuses] | None:
        """The recorded statuses, if they have changed."""
        return self._flips.current_statuses() if self._flips.has_changed() or self._published_day is None else None

    def _publish_changes(self, changed: Mapping[StoreId, PhaseStatuses] | None) -> None:
        answers = None if self._external is None else self._external.answers
        today = self._today()
        if changed is None and today == self._published_day and answers is self._published_answers:
            return
        # Reset until all is published: a poll that fails half-way is repeated as a whole.
        self._published_day = None
        if changed is not None:
            self._statuses = changed
        self._recorded.replace_rules(self._flag_rules())
        for store in self._planned:
            self._publish_store(store, as_of=today)
        self._published_day, self._published_answers = today, answers

    def _publish_store(self, store: StoreId, *, as_of: dt.date) -> None:
        recorded = self._recorded_statuses(store)
        number, last = self._published.get(store, (-1, None))
        roadmap = replace(self._evaluate(store, STRANGER), version=recorded.version, as_of=as_of)
        if last is not None:
            if number == recorded.version and replace(roadmap, version=last.version) == last:
                return
            roadmap = replace(roadmap, version=max(recorded.version, last.version + 1))
        self._published[store] = (recorded.version, roadmap)
        self._publish(store, roadmap)

    def _evaluate(self, store: StoreId, traits: CallerTraits) -> Roadmap:
        """The roadmap of a caller, without version and day."""
        planned, recorded = self._planned[store], self._recorded_statuses(store)
        statuses = {
            phase.name: cast(
                "Status",
                self._client.get_string_value(
                    self._key_of(store, phase), "planned", evaluation_context(store, phase.name, traits)
                ),
            )
            for phase in planned.phases
        }
        possible = dict(_restrict(planned, recorded.statuses, self._possible_phases(store)))
        statuses = dict(_restrict(planned, statuses, self._possible_phases(store)))
        stop = next((stop for stop in recorded.stops if stop.ends_payment), None)
        phases = tuple(
            replace(
                phase,
                status=statuses[phase.name],
                terms=self._terms_for(store, phase, statuses, traits),
                stopped=any(one.scope != "buying" and one.closes(phase, traits.client) for one in recorded.stops),
            )
            for phase in planned.phases
        )
        limited = traits == STRANGER and any(
            possible.get(phase.name) == "active"
            and phase.status != "active"
            and not any(stop.closes(phase, "") for stop in recorded.stops)
            for phase in phases
        )
        return replace(
            planned,
            phases=phases,
            limited=limited,
            differs=limited or any(not stop.ends_payment for stop in recorded.stops),
            payment_stop=None if stop is None else stop.terms,
        )

    def _terms_for(
        self, store: StoreId, phase: Phase, statuses: Mapping[str, Status], traits: CallerTraits
    ) -> FlipTerms:
        """What a phase is shown with: the stop's terms where one closes it, else those on record for its status."""
        recorded = self._recorded_statuses(store)
        if recorded.statuses.get(phase.name, phase.status) == statuses[phase.name]:
            return recorded.terms.get(phase.name, NO_TERMS)
        stop = next((stop for stop in recorded.stops if stop.closes(phase, traits.client)), None)
        return NO_TERMS if stop is None or statuses[phase.name] != "paused" else stop.terms

    def _possible_phases(self, store: StoreId) -> set[str]:
        """The phases that the external provider, and what the store lacks, allow to be open."""
        answers = None if self._external is None else self._external.answers
        ready = (phase for phase in self._planned[store].phases if not phase.missing)
        return {phase.name for phase in ready if answers is None or answers[self._key_of(store, phase)]}

    def _recorded_statuses(self, store: StoreId) -> PhaseStatuses:
        return self._statuses.get(store, PhaseStatuses(0, {}))

    def _flag_rules(self) -> Mapping[str, FlagRule]:
        return {
            self._key_of(store, phase): FlagRule(phase=phase, stops=self._recorded_statuses(store).stops)
            for store, planned in self._planned.items()
            for phase in with_statuses(planned, self._recorded_statuses(store)).phases
        }

    def _contexts(self) -> Mapping[str, EvaluationContext]:
        """Each flag key with a stranger's context."""
        return {
            self._key_of(store, phase): evaluation_context(store, phase.name, STRANGER)
            for store, planned in self._planned.items()
            for phase in planned.phases
        }

    def _key_of(self, store: StoreId, phase: Phase) -> str:
        return self._key.format(store=store, phase=phase.name)


def _restrict(planned: Roadmap, statuses: Mapping[str, Status], allowed: set[str]) -> Iterable[tuple[str, Status]]:
    """The statuses restricted to the externally allowed phases; required phases come first in `planned`."""
    open_now: set[str] = set()
    for phase in planned.phases:
        status = statuses.get(phase.name, phase.status)
        if status == "active":
            if phase.name in allowed and open_now.issuperset(phase.manifest.requires):
                open_now.add(phase.name)
            else:
                status = "paused"
        yield phase.name, status
