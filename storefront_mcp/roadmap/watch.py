"""Look at the flags again and again, and show each store's next roadmap when they changed: never on a call's way."""

import asyncio
import datetime as dt
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final, cast
from uuid import uuid4

from msgspec.structs import replace
from openfeature import api
from openfeature.provider import FeatureProvider
from openfeature.provider.no_op_provider import NoOpProvider

from storefront_mcp.commerce.names import StoreId
from storefront_mcp.roadmap.flags import Flags, Standing, as_it_stands
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.outside import OutsideFlags
from storefront_mcp.roadmap.recorded import RecordedProvider
from storefront_mcp.roadmap.roadmap import Phase, Roadmap

LOG: Final = logging.getLogger(__name__)

KEY: Final = "storefront.{store}.{phase}"
"""What a phase's flag is called by an OpenFeature provider."""

Show = Callable[[StoreId, Roadmap], None]
"""Is handed a store's next roadmap; called on the thread that looks, which is the event loop's."""


class Watch:
    """Keeps every store's roadmap up to date in one process.

    `planned` holds each store's roadmap with every phase as its manifest starts it. The record is asked every
    `interval` seconds; `outside`, when there is one, has its own pace. A phase is open only if both say so: where the
    outside says no, an active phase is shown paused, and with it the active phases that require it.

    `Roadmap.version` is the number of the store's last flip, but never smaller than the last one shown plus one, so
    that it also tells roadmaps apart that differ by the day or by the outside's answers.

    Nobody else may call `flags.standing()`: give the watch a `Flags` of its own.
    """

    def __init__(  # noqa: PLR0913 -- each has a value that fits, but for the first three
        self,
        planned: Mapping[StoreId, Roadmap],
        flags: Flags,
        show: Show,
        *,
        today: Callable[[], dt.date] = lambda: dt.datetime.now(dt.UTC).date(),
        interval: float = 0.2,
        outside: FeatureProvider | None = None,
        key: str = KEY,
        poll: float = 5.0,
        patience: float = 5.0,
    ) -> None:
        self._planned = planned
        self._flags = flags
        self._show = show
        self._today = today
        self._interval = interval
        self._key = key
        self._patience = patience
        self._recorded = RecordedProvider()
        self._domain = f"storefront-recorded-{uuid4().hex}"
        api.set_provider_and_wait(self._recorded, self._domain)
        self._client = api.get_client(self._domain)
        self._outside = None if outside is None else OutsideFlags(outside, list(self._keys()), poll=poll)
        self._standing: Mapping[StoreId, Standing] = {}
        self._seen_day: dt.date | None = None
        self._seen_answers: Mapping[str, bool] | None = None
        self._shown: dict[StoreId, tuple[int, Roadmap]] = {}

    def refresh(self) -> None:
        """Show every store's roadmap now: for the start. Waits a little for the outside's first answers."""
        if self._outside is not None:
            self._outside.start(patience=self._patience)
        self._seen_day = None
        self.look()

    def look(self) -> None:
        """Show what changed since the last look; costs next to nothing when nothing did."""
        self._take(self._news())

    async def run(self) -> None:
        """Look until cancelled; a look that fails is logged and the last roadmap stays."""
        failing = False
        while True:
            await asyncio.sleep(self._interval)
            try:
                # The record may be at the other end of a wire, so the loop does not wait for it.
                self._take(await asyncio.to_thread(self._news))
            except Exception:
                # Once per failure, not five times a second.
                if not failing:
                    LOG.exception("the flags cannot be read; the last roadmap stays")
                failing = True
            else:
                failing = False

    def close(self) -> None:
        """Let go of the providers."""
        if self._outside is not None:
            self._outside.close()
        api.set_provider(NoOpProvider(), self._domain)

    def _news(self) -> Mapping[StoreId, Standing] | None:
        """The record, when it has changed."""
        return self._flags.standing() if self._flags.changed() or self._seen_day is None else None

    def _take(self, news: Mapping[StoreId, Standing] | None) -> None:
        answers = None if self._outside is None else self._outside.answers
        today = self._today()
        if news is None and today == self._seen_day and answers is self._seen_answers:
            return
        # Until all is shown nothing counts as seen: a look that fails half-way is taken again as a whole.
        self._seen_day = None
        if news is not None:
            self._standing = news
        self._recorded.take(self._statuses())
        for store, planned in self._planned.items():
            self._look_at(store, planned, answers, as_of=today)
        self._seen_day, self._seen_answers = today, answers

    def _look_at(self, store: StoreId, planned: Roadmap, answers: Mapping[str, bool] | None, *, as_of: dt.date) -> None:
        standing = self._standing.get(store, Standing(0, {}))
        statuses = {
            phase.name: cast("Status", self._client.get_string_value(self._key_of(store, phase), "planned"))
            for phase in planned.phases
        }
        if answers is not None:
            allowed = {phase.name for phase in planned.phases if answers[self._key_of(store, phase)]}
            statuses = dict(_kept_closed(planned, statuses, allowed))
        number, last = self._shown.get(store, (-1, None))
        roadmap = replace(as_it_stands(planned, Standing(standing.version, statuses)), as_of=as_of)
        if last is not None:
            if number == standing.version and replace(roadmap, version=last.version) == last:
                return
            roadmap = replace(roadmap, version=max(standing.version, last.version + 1))
        self._shown[store] = (standing.version, roadmap)
        self._show(store, roadmap)

    def _statuses(self) -> Mapping[str, Status]:
        return {
            self._key_of(store, phase): phase.status
            for store, planned in self._planned.items()
            for phase in as_it_stands(planned, self._standing.get(store, Standing(0, {}))).phases
        }

    def _keys(self) -> Iterable[str]:
        return (self._key_of(store, phase) for store, planned in self._planned.items() for phase in planned.phases)

    def _key_of(self, store: StoreId, phase: Phase) -> str:
        return self._key.format(store=store, phase=phase.name)


def _kept_closed(planned: Roadmap, statuses: Mapping[str, Status], allowed: set[str]) -> Iterable[tuple[str, Status]]:
    """The statuses under what the outside allows; phases come in order, each after those it requires."""
    open_now: set[str] = set()
    for phase in planned.phases:
        status = statuses[phase.name]
        if status == "active":
            if phase.name in allowed and open_now.issuperset(phase.manifest.requires):
                open_now.add(phase.name)
            else:
                status = "paused"
        yield phase.name, status
