"""OAuth 2 protected resource metadata (RFC 9728): who issues the tokens that the MCP endpoint accepts.

It exists only while the endpoint is open and an issuer is configured, or customers can sign in here: beside a closed
endpoint, auditors would take it for a login that is required. It lists the scopes that open tools ask for and no
others: clients ask for what they see here unless a 401 or 403 names something else.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from msgspec import Struct

from storefront_mcp.access.buyer_scopes import open_buyer_scopes
from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.rules.json_rules import (
    LINK,
    TEXT,
    MemberRule,
    ValueConstraint,
    equals,
    equals_known,
    json_validator,
)
from storefront_mcp.cards.server_facts import token_issuer
from storefront_mcp.commerce.store import Store
from storefront_mcp.oauth.paths import account_endpoint
from storefront_mcp.roadmap.card import Card, DocumentValidator
from storefront_mcp.roadmap.roadmap import Roadmap

Address = Callable[[Store], str]


class ProtectedResource(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The document (RFC 9728 §2)."""

    resource: str
    """As people type it into their client, which compares it."""
    authorization_servers: tuple[str, ...]
    scopes_supported: tuple[str, ...] = ()
    bearer_methods_supported: tuple[str, ...]
    resource_name: str
    resource_documentation: str | None = None
    resource_policy_uri: str | None = None


def _issuer(store: Store, roadmap: Roadmap) -> str | None:
    return token_issuer(store, roadmap) if roadmap.open else None


def _scopes(store: Store, roadmap: Roadmap) -> tuple[str, ...]:
    if store.issuer is None:
        return open_buyer_scopes(roadmap)
    return tuple(sorted(set(roadmap.requirements.values())))


def _render(address: Address, store: Store, roadmap: Roadmap) -> bytes | None:
    issuer = _issuer(store, roadmap)
    if issuer is None:
        return None
    return pretty_json(
        ProtectedResource(
            resource=address(store),
            authorization_servers=(issuer,),
            scopes_supported=_scopes(store, roadmap),
            bearer_methods_supported=("header",),
            resource_name=store.name,
            resource_documentation=store.documentation,
            resource_policy_uri=None if store.issuer is not None else store.privacy_policy,
        )
    )


def _render_account(store: Store, roadmap: Roadmap) -> bytes | None:
    return None if store.issuer is not None else _render(account_endpoint, store, roadmap)


ISSUER: Final = ValueConstraint(
    f"{LINK.words}, without a query (RFC 8414)",
    lambda value, store, roadmap: LINK.holds(value, store, roadmap) and not {"?", "#"} & set(value),
)
SCOPES: Final = equals_known(lambda store, roadmap: list(_scopes(store, roadmap)), "the scopes that open tools ask for")


def _rules(address: Address) -> DocumentValidator:
    resource = equals_known(lambda store, _: address(store), "the address of the MCP endpoint")
    return json_validator(
        MemberRule("resource", resource),
        MemberRule("authorization_servers[]", ISSUER, "store.issuer"),
        MemberRule("scopes_supported", SCOPES, optional=True),
        MemberRule("bearer_methods_supported", equals(["header"])),
        MemberRule("resource_name", TEXT, "store.name"),
        MemberRule("resource_documentation", LINK, "store.documentation", optional=True),
        MemberRule("resource_policy_uri", LINK, "store.privacy_policy", optional=True),
    )


PROTECTED_RESOURCE: Final = Card(
    name="protected-resource",
    # Clients ask for the path-inserted form first (RFC 9728 §3.1).
    paths=("/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"),
    media_type=JSON_TYPE,
    render=partial(_render, lambda store: store.endpoint),
    validate=_rules(lambda store: store.endpoint),
)

ACCOUNT_RESOURCE: Final = Card(
    name="account-resource",
    paths=("/.well-known/oauth-protected-resource/mcp/account",),
    media_type=JSON_TYPE,
    render=_render_account,
    validate=_rules(account_endpoint),
)
"""For the endpoint that asks for a token from the first request on."""
