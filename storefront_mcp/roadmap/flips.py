"""Flips (recorded status changes of phases) and `FlipRepository`, the port that stores them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.roadmap.emergency_stops import EmergencyStop, StopScope
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.roadmap.terms import NO_TERMS, FlipTerms


class PhaseStatuses(Struct, frozen=True):
    """The recorded statuses of a store's phases; phases never flipped are absent."""

    version: int
    """Number of the store's last flip; 0 before the first."""
    statuses: Mapping[str, Status]
    terms: Mapping[str, FlipTerms] = {}
    """Of the last flip of each phase; phases without any are absent."""
    stops: tuple[EmergencyStop, ...] = ()
    """Those in force, the oldest first."""


class Flip(Struct, frozen=True, kw_only=True):
    """One recorded status change of one phase."""

    number: int
    """Changes made in one transaction share their number."""
    store: StoreId
    phase: str
    before: Status
    after: Status
    by: str
    at: dt.datetime
    terms: FlipTerms = NO_TERMS


class ScheduledFlip(Struct, frozen=True, kw_only=True):
    """A flip that the server makes at a moment."""

    id: str
    store: StoreId
    changes: Mapping[str, Status]
    terms: FlipTerms = NO_TERMS
    at: dt.datetime
    by: str
    outcome: str = ""
    """Empty while it waits; afterwards `done`, `cancelled`, or `refused: ` and why."""

    @property
    def is_refused(self) -> bool:
        """Whether it could not be made at its moment."""
        return self.outcome.startswith("refused: ")

    def is_superseded(self, flips: Sequence[Flip], scheduled: Sequence["ScheduledFlip"]) -> bool:
        """Whether one of its phases was flipped since its moment, or is to be flipped alike later on."""
        return any(flip.phase in self.changes and flip.at >= self.at for flip in flips) or any(
            not other.outcome and other.changes.items() & self.changes.items() for other in scheduled
        )


class FlipRepository(Protocol):
    """Storage of flips. Blocking: called from threads."""

    def current_statuses(self) -> Mapping[StoreId, PhaseStatuses]:
        """Every store's statuses, read in one transaction."""

    def has_changed(self) -> bool:
        """Whether anything was written since the last `current_statuses`; cheap enough for five calls a second."""

    def flip(
        self,
        planned: Roadmap,
        store: StoreId,
        changes: Mapping[str, Status],
        *,
        by: str,
        terms: FlipTerms = NO_TERMS,
    ) -> PhaseStatuses:
        """Check `changes` against the current record and write them with their terms, all or none. Raises FlipRefused.

        `planned` is the store's roadmap with every phase in its manifest's status.
        """

    def stop(self, store: StoreId, scope: StopScope, *, client: str = "", reason: str = "", by: str) -> EmergencyStop:
        """Record a stop, which is in force at once. A second one of the same scope replaces the reason."""

    def resume(self, store: StoreId, *, by: str, client: str | None = None) -> Sequence[EmergencyStop]:
        """End every stop of a store, or that of one client program; those that were in force."""

    def schedule(
        self,
        planned: Roadmap,
        store: StoreId,
        changes: Mapping[str, Status],
        *,
        by: str,
        terms: FlipTerms,
        at: dt.datetime,
    ) -> ScheduledFlip:
        """Record a flip for later. Raises FlipRefused for phases that do not exist and for a moment that has passed."""

    def list_schedule(self, store: StoreId) -> Sequence[ScheduledFlip]:
        """The scheduled flips that wait, and those of the last week, by their moment."""

    def refused_schedule(self, store: StoreId) -> Sequence[ScheduledFlip]:
        """The scheduled flips that could not be made, until they are cancelled or superseded; by their moment."""

    def unschedule(self, store: StoreId, id_: str, *, by: str) -> bool:
        """Cancel a scheduled flip that waits, or no longer show one that was refused; whether there was one."""

    def flip_due(self, planned: Mapping[StoreId, Roadmap]) -> int:
        """Make the scheduled flips whose moment has come, each once over all processes; their number."""

    def history(self, store: StoreId | None = None) -> Sequence[Flip]:
        """Every flip, oldest first."""


def with_statuses(planned: Roadmap, recorded: PhaseStatuses) -> Roadmap:
    """The roadmap with the recorded statuses; those of phases that no longer exist are ignored."""
    return replace(
        planned,
        version=recorded.version,
        phases=tuple(
            replace(
                phase,
                status=recorded.statuses.get(phase.name, phase.status),
                terms=recorded.terms.get(phase.name, NO_TERMS),
            )
            for phase in planned.phases
        ),
    )
