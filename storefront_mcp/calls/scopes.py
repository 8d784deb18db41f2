"""What a caller may be allowed to do: the catalogue of scopes, its sets, and the rules that read them.

Guests hold no scope and need none: a tool without a requirement is for everybody, whatever they hold.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from msgspec import Struct

from storefront_mcp.calls.caller import Caller


class Scope(Struct, frozen=True, kw_only=True):
    """One permission."""

    name: str
    """`verb:things`."""
    allows: str
    """Completes "allows to …", for people who grant it."""
    merchant: bool = False
    """Whether it belongs to running a shop, as opposed to owning it."""
    storefront: bool = False
    """Whether an agent that represents a buyer may hold it: nothing of customers, orders, figures or the workspace."""
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
    # Ours. They are parts of the workspace, so whoever may manage all of it needs no new scope; none is a `read:`
    # scope, because a read-only key holds every one of those, and an audit tells more than such a key should know.
    Scope(name="manage:phases", allows="open and close phases", within="manage:workspace"),
    Scope(name="manage:checkouts", allows="see, settle and give up checkouts", within="manage:workspace"),
    Scope(name="manage:audit", allows="read, export and verify the audit", within="manage:workspace"),
)
"""The catalogue. `write:` does not include `read:`: who does both is granted both."""

ALL_SCOPES: Final[Mapping[str, Scope]] = {scope.name: scope for scope in SCOPES}

MERCHANT_API_SCOPES: Final = frozenset(scope.name for scope in SCOPES if scope.merchant)
"""To run a shop without touching who owns it: what a usual integration is granted."""

STOREFRONT_SCOPES: Final = frozenset(scope.name for scope in SCOPES if scope.storefront)
"""For an agent that represents a buyer. Guest checkout needs none of them."""

READ_ONLY_API_KEY_SCOPES: Final = frozenset(scope.name for scope in SCOPES if scope.name.startswith("read:"))
"""Every `read:` scope: sees all that can be seen so, and changes nothing."""

ScopeSet = Literal["merchant", "storefront", "read-only"]
SETS: Final[Mapping[ScopeSet, frozenset[str]]] = {
    "merchant": MERCHANT_API_SCOPES,
    "storefront": STOREFRONT_SCOPES,
    "read-only": READ_ONLY_API_KEY_SCOPES,
}
"""The sets by the names that people grant them with."""


class UnknownScopes(Exception):
    """Scopes that are not in the catalogue; the message names them and all that are."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(f"There is no scope {', '.join(sorted(names))}; there are {', '.join(ALL_SCOPES)}.")


def chosen_scopes(words: Iterable[str]) -> frozenset[str]:
    """Scopes as people name them, one by one or as a set. Raises UnknownScopes.

    >>> sorted(chosen_scopes(["storefront", "read:orders"]))
    ['read:content', 'read:media', 'read:orders', 'read:sites']
    """
    named: set[str] = set()
    for word in words:
        named |= SETS.get(word, frozenset({word}))  # type: ignore[call-overload]
    if unknown := named - ALL_SCOPES.keys():
        raise UnknownScopes(unknown)
    return frozenset(named)


def known_scopes(words: Iterable[str]) -> frozenset[str]:
    """Those that are in the catalogue: an issuer grants scopes of its own as well, which mean nothing here."""
    return frozenset(words) & ALL_SCOPES.keys()


def in_order(scopes: Iterable[str]) -> tuple[str, ...]:
    """Scopes as the catalogue has them, so that two lists of the same are equal."""
    held = frozenset(scopes)
    return tuple(name for name in ALL_SCOPES if name in held)


def holds(caller: Caller, needed: str) -> bool:
    """Whether a caller has a scope, or a broader one."""
    if needed in caller.scopes:
        return True
    scope = ALL_SCOPES.get(needed)
    return scope is not None and scope.within is not None and scope.within in caller.scopes


def may_grant(caller: Caller, scopes: Iterable[str]) -> bool:
    """Whether a caller has everything that it wants to hand on."""
    return all(holds(caller, scope) for scope in scopes)


def may_call(caller: Caller, requirement: str | None) -> bool:
    """Whether a caller may call, and see in a list, a tool with this requirement."""
    return requirement is None or holds(caller, requirement)


def visible_tools(caller: Caller, requirements: Mapping[str, str]) -> frozenset[str]:
    """Which of the guarded tools (name to requirement) a caller sees; all others are for everybody.

    Where `requirements` is not empty, lists differ from caller to caller, and their cache scope is `private`.
    """
    return frozenset(tool for tool, requirement in requirements.items() if holds(caller, requirement))
