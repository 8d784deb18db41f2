"""Phase registry: all phases, and a store's roadmap before any flip."""

import datetime as dt
from functools import cache

from msgspec.structs import replace

from storefront_mcp import phases
from storefront_mcp.database.engine import utc_now
from storefront_mcp.roadmap.loading import load_phases
from storefront_mcp.roadmap.roadmap import Phase, Roadmap
from storefront_mcp.settings.schema import StoreSettings


@cache
def all_phases() -> tuple[Phase, ...]:
    """Every phase, with what it promises and what is delivered. Raises: ManifestError, PhaseLoadError."""
    return load_phases(phases)


def planned_roadmap(settings: StoreSettings, *, today: dt.date | None = None) -> Roadmap:
    """A store's roadmap before any flip, with what the store still lacks for a phase."""
    planned = tuple(replace(phase, missing=_missing(phase, settings)) for phase in all_phases())
    return Roadmap(version=0, phases=planned, as_of=today or utc_now().date())


def _missing(phase: Phase, settings: StoreSettings) -> tuple[str, ...]:
    """What the store still lacks for a phase, as sentences."""
    payment = settings.missing_for_payment if phase.manifest.needs_payment else ()
    return payment + (settings.missing_for_sign_in if phase.manifest.needs_sign_in else ())
