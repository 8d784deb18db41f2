"""Phase registry: all phases, and a store's roadmap before any flip."""

import datetime as dt
from collections.abc import Mapping
from functools import cache
from typing import Final

from msgspec.structs import replace

from storefront_mcp import phases
from storefront_mcp.app.backends import lacked_by
from storefront_mcp.commerce.capabilities import ShopCapability
from storefront_mcp.database.engine import utc_now
from storefront_mcp.roadmap.loading import load_phases
from storefront_mcp.roadmap.roadmap import Phase, Roadmap
from storefront_mcp.settings.schema import StoreSettings

TOOLS_OF: Final[Mapping[ShopCapability, frozenset[str]]] = {
    ShopCapability.GIFT_CARDS: frozenset({"apply_gift_card", "remove_gift_card"}),
    ShopCapability.ORDER_CANCELLATION: frozenset({"cancel_order"}),
}
"""Tools that can do nothing where the shop lacks something."""
SCOPES_OF: Final[Mapping[ShopCapability, frozenset[str]]] = {
    ShopCapability.CUSTOMER_ORDERS: frozenset({"checkout"}),
}
"""Scopes that allow nothing where the shop lacks something: who may be a guest at a tool is one then."""


@cache
def all_phases() -> tuple[Phase, ...]:
    """Every phase, with what it promises and what is delivered. Raises: ManifestError, PhaseLoadError."""
    return load_phases(phases)


def planned_roadmap(settings: StoreSettings, *, today: dt.date | None = None) -> Roadmap:
    """A store's roadmap before any flip, with what the store still lacks for a phase.

    What the shop's software cannot do is not promised.
    """
    lacks = lacked_by(settings)
    tools = frozenset(tool for lacked in lacks for tool in TOOLS_OF.get(lacked, ()))
    scopes = frozenset(scope for lacked in lacks for scope in SCOPES_OF.get(lacked, ()))
    planned = tuple(
        replace(_for_guests(_without_tools(phase, tools), scopes), missing=_missing(phase, settings))
        for phase in all_phases()
    )
    return Roadmap(version=0, phases=planned, as_of=today or utc_now().date())


def _without_tools(phase: Phase, lacked: frozenset[str]) -> Phase:
    if lacked.isdisjoint(phase.tools):
        return phase
    promised = tuple(tool for tool in phase.manifest.tools if tool.name not in lacked)
    kept = {name: tool for name, tool in phase.tools.items() if name not in lacked}
    return replace(phase, manifest=replace(phase.manifest, tools=promised), tools=kept)


def _for_guests(phase: Phase, scopes: frozenset[str]) -> Phase:
    """The phase, whose tools take nobody for a customer by a scope of these."""
    if all(tool.scope not in scopes for tool in phase.manifest.tools):
        return phase
    promised = tuple(
        replace(tool, auth="none", scope=None) if tool.auth == "optional" and tool.scope in scopes else tool
        for tool in phase.manifest.tools
    )
    return replace(phase, manifest=replace(phase.manifest, tools=promised))


def _missing(phase: Phase, settings: StoreSettings) -> tuple[str, ...]:
    """What the store still lacks for a phase, as sentences."""
    payment = settings.missing_for_payment if phase.manifest.needs_payment else ()
    return payment + (settings.missing_for_sign_in if phase.manifest.needs_sign_in else ())
