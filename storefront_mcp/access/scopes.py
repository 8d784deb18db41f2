"""Scopes: the catalogue, its named sets, and the authorization checks.

Guests hold no scope; a tool without a required scope is open to everybody.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from msgspec import Struct

from storefront_mcp.access.buyer_scopes import BUYER_SCOPE_NAMES
from storefront_mcp.access.caller import Caller


class Scope(Struct, frozen=True, kw_only=True):
    """One permission."""

    name: str
    """`verb:things`."""
    allows: str
    """Completes "allows to …", for those who grant it."""
    merchant: bool = False
    """Whether it is part of the `merchant` set: running a shop, not owning it."""
    storefront: bool = False
    """Whether it is part of the `storefront` set, for agents that represent a buyer."""
    within: str | None = None
    """A broader scope that includes this one (MCP authorization: broader scopes satisfy narrower ones)."""


SCOPES: Final[tuple[Scope, ...]] = (
    Scope(name="read:sites", allows="read what is public about the shop", merchant=True, storefront=True),
    Scope(name="write:sites", allows="change what the shop says of itself", merchant=True),
    Scope(name="delete:sites", allows="take a shop down"),
    Scope(name="read:content", allows="read products, collections and pages", merchant=True, storefront=True),
    Scope(name="write:content", allows="change products, collections, pages and coupons", merchant=True),
    Scope(name="read:customers", allows="read customers and their details", merchant=True),
    Scope(name="write:customers", allows="change customers and their groups", merchant=True),
    Scope(name="read:orders", allows="read orders and order history", merchant=True),
    Scope(name="write:orders", allows="fulfil, return and change orders", merchant=True),
    Scope(name="read:media", allows="read public media", merchant=True, storefront=True),
    Scope(name="write:media", allows="add and change media", merchant=True),
    Scope(name="read:analytics", allows="read the shop's figures", merchant=True),
    Scope(name="manage:voice", allows="configure voice agents"),
    Scope(name="manage:domains", allows="attach and verify domains"),
    Scope(name="manage:api_keys", allows="mint, list and revoke API keys, with no more scopes than its holder has"),
    Scope(name="manage:workspace", allows="manage everything about how the shop is run here"),
    Scope(name="manage:team", allows="manage who works on the shop"),
    # Of this server. `manage:workspace` includes them; none is a `read:` scope, because a read-only key holds all of
    # those and must not read the audit.
    Scope(name="manage:phases", allows="open and close phases", within="manage:workspace"),
    Scope(name="manage:checkouts", allows="see, settle and give up checkouts", within="manage:workspace"),
    Scope(name="manage:grants", allows="end what customers let agents do", within="manage:workspace"),
    Scope(name="manage:audit", allows="read, export and verify the audit", within="manage:workspace"),
)
"""The catalogue. `write:` does not include `read:`."""

ALL_SCOPES: Final[Mapping[str, Scope]] = {scope.name: scope for scope in SCOPES}

MERCHANT_API_SCOPES: Final = frozenset(scope.name for scope in SCOPES if scope.merchant)
"""For integrations that run a shop."""

STOREFRONT_SCOPES: Final = frozenset(scope.name for scope in SCOPES if scope.storefront)
"""For agents that represent a buyer. Guest checkout needs none of them."""

READ_ONLY_API_KEY_SCOPES: Final = frozenset(scope.name for scope in SCOPES if scope.name.startswith("read:"))
"""Every `read:` scope."""

ScopeSet = Literal["merchant", "storefront", "read-only"]
SCOPE_SETS: Final[Mapping[ScopeSet, frozenset[str]]] = {
    "merchant": MERCHANT_API_SCOPES,
    "storefront": STOREFRONT_SCOPES,
    "read-only": READ_ONLY_API_KEY_SCOPES,
}
"""The sets by the names under which they are granted."""


class UnknownScopes(Exception):
    """Scopes that are not in the catalogue; the message names them and all that are."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(f"There is no scope {', '.join(sorted(names))}; there are {', '.join(ALL_SCOPES)}.")


def parse_scopes(words: Iterable[str]) -> frozenset[str]:
    """Scopes by name, or by the name of a set. Raises UnknownScopes.

    >>> sorted(parse_scopes(["storefront", "read:orders"]))
    ['read:content', 'read:media', 'read:orders', 'read:sites']
    """
    named: set[str] = set()
    for word in words:
        named |= SCOPE_SETS.get(word, frozenset({word}))  # type: ignore[call-overload]
    if unknown := named - ALL_SCOPES.keys():
        raise UnknownScopes(unknown)
    return frozenset(named)


def known_scopes(words: Iterable[str]) -> frozenset[str]:
    """Those of the catalogue; an issuer may grant others, which are ignored."""
    return frozenset(words) & ALL_SCOPES.keys()


def sorted_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """Scopes in the catalogue's order."""
    held = frozenset(scopes)
    return tuple(name for name in ALL_SCOPES if name in held)


def has_scope(caller: Caller, needed: str) -> bool:
    """Whether a caller holds a scope, or a broader one; scopes of buyers are for customers, and no others are."""
    if (needed in BUYER_SCOPE_NAMES) != (caller.kind == "customer"):
        return False
    if needed in caller.scopes:
        return True
    scope = ALL_SCOPES.get(needed)
    return scope is not None and scope.within is not None and scope.within in caller.scopes


def may_grant(caller: Caller, scopes: Iterable[str]) -> bool:
    """Whether a caller holds every scope that it wants to grant."""
    return all(has_scope(caller, scope) for scope in scopes)


def visible_tools(caller: Caller, requirements: Mapping[str, str]) -> frozenset[str]:
    """Which of the tools that require a scope (name to scope) a caller may see.

    Guests and customers see all that a customer can be given: calling one is how an agent comes to ask for it.
    """
    buys = caller.kind in {"guest", "customer"}
    return frozenset(
        tool
        for tool, requirement in requirements.items()
        if has_scope(caller, requirement) or (buys and requirement in BUYER_SCOPE_NAMES)
    )
