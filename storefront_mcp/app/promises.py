"""Which phases there are, and what a store's roadmap is before anybody has flipped anything."""

import datetime as dt
from functools import cache
from typing import Final

from msgspec.structs import replace

import phases
from storefront_mcp.database.engine import utc_now
from storefront_mcp.roadmap.loading import load_phases
from storefront_mcp.roadmap.roadmap import Phase, Roadmap
from storefront_mcp.settings.shape import StoreSettings

PAYING: Final = "p3_checkout"
"""The phase that needs a way to pay."""


@cache
def all_phases() -> tuple[Phase, ...]:
    """Every phase there is, as promised and as far as delivered."""
    return load_phases(phases)


def planned_roadmap(settings: StoreSettings, *, today: dt.date | None = None) -> Roadmap:
    """A store's roadmap before any flip, with what the store still lacks for a phase."""
    lacking = {PAYING: settings.payments.missing}
    planned = tuple(replace(phase, missing=lacking.get(phase.name, ())) for phase in all_phases())
    return Roadmap(version=0, phases=planned, as_of=today or utc_now().date())
