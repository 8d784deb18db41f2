"""The port through which the standing of phases is read and written."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.commerce.names import StoreId
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.roadmap import Roadmap


class Standing(Struct, frozen=True):
    """Where a store's phases stand on record; phases never flipped are absent."""

    version: int
    """Number of the store's last flip; 0 before the first."""
    statuses: Mapping[str, Status]


class Flip(Struct, frozen=True, kw_only=True):
    """One change of one phase, as it was written down."""

    number: int
    """Changes written down together share their number."""
    store: StoreId
    phase: str
    before: Status
    after: Status
    by: str
    at: dt.datetime


class Flags(Protocol):
    """The record of flips: written down first, then shown."""

    def standing(self) -> Mapping[StoreId, Standing]:
        """Every store's standing, read in one transaction."""

    def changed(self) -> bool:
        """Whether anything was written since the last call of `standing`; cheap enough to ask five times a second."""

    def flip(self, planned: Roadmap, store: StoreId, changes: Mapping[str, Status], *, by: str) -> Standing:
        """Check `changes` against the record as it is now and write them down, all or none.

        `planned` is the store's roadmap with every phase as its manifest starts it. Raises FlipRefused.
        """

    def history(self, store: StoreId | None = None) -> Sequence[Flip]:
        """Every flip, oldest first."""


def as_it_stands(planned: Roadmap, standing: Standing) -> Roadmap:
    """The roadmap as the record has it; records of phases that no longer exist count for nothing."""
    return replace(
        planned,
        version=standing.version,
        phases=tuple(
            replace(phase, status=standing.statuses.get(phase.name, phase.status)) for phase in planned.phases
        ),
    )
