"""Scopes for buyers: what a person lets an agent do in their name.

A catalogue of its own, `things:verb`, so that no set of operator scopes can hold one: keys and foreign issuers never
grant these, and the tokens of buyers never hold others.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from storefront_mcp.roadmap.roadmap import Roadmap


class BuyerScope(Struct, frozen=True, kw_only=True):
    """One permission that a person gives."""

    name: str
    """`things:verb`, or `things` alone."""
    allows: str
    """Completes "lets it …" for the person who gives it; in English, which pages translate."""


BUYER_SCOPES: Final[tuple[BuyerScope, ...]] = (
    BuyerScope(name="profile:read", allows="see your name, e-mail and saved addresses"),
    BuyerScope(name="orders:read", allows="see your orders and where they are"),
    BuyerScope(name="orders:write", allows="cancel orders that are not paid or sent"),
    BuyerScope(name="checkout", allows="prepare orders in your name; you still pay yourself"),
)
"""The catalogue, in the order in which challenges and pages list it. None includes another."""

BUYER_SCOPE_NAMES: Final = tuple(scope.name for scope in BUYER_SCOPES)


def known_buyer_scopes(words: Iterable[str]) -> tuple[str, ...]:
    """Those of the catalogue, in its order; others are ignored, as clients ask for what they know of elsewhere."""
    asked = frozenset(words)
    return tuple(name for name in BUYER_SCOPE_NAMES if name in asked)


def open_buyer_scopes(roadmap: Roadmap) -> tuple[str, ...]:
    """The buyer scopes that open tools ask for, in the catalogue's order; empty while nobody can sign in."""
    if not roadmap.signs_in:
        return ()
    return known_buyer_scopes((*roadmap.requirements.values(), *roadmap.optional_scopes.values()))
