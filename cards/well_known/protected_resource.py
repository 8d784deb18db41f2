"""OAuth 2 protected resource metadata (RFC 9728): who issues the tokens that the MCP endpoint accepts.

It exists only while the endpoint is open and an issuer is configured: beside a closed endpoint, auditors would take it
for a login that is required. It lists the scopes that open tools ask for and no others: clients ask for what they see
here unless a 401 or 403 names something else.
"""

from typing import Final

from msgspec import Struct

from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.rules.json_rules import (
    ENDPOINT,
    LINK,
    TEXT,
    MemberRule,
    ValueConstraint,
    equals,
    equals_known,
    json_validator,
)
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.roadmap import Roadmap


class ProtectedResource(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The document (RFC 9728 §2)."""

    resource: str
    authorization_servers: tuple[str, ...]
    scopes_supported: tuple[str, ...] = ()
    bearer_methods_supported: tuple[str, ...]
    resource_name: str
    resource_documentation: str | None = None


def _render(store: Store, roadmap: Roadmap) -> bytes | None:
    if store.issuer is None or not roadmap.open:
        return None
    return pretty_json(
        ProtectedResource(
            resource=store.endpoint,
            authorization_servers=(store.issuer,),
            scopes_supported=tuple(sorted(set(roadmap.requirements.values()))),
            bearer_methods_supported=("header",),
            resource_name=store.name,
            resource_documentation=store.documentation,
        )
    )


ISSUER: Final = ValueConstraint(
    f"{LINK.words}, without a query (RFC 8414)",
    lambda value, store, roadmap: LINK.holds(value, store, roadmap) and not {"?", "#"} & set(value),
)
SCOPES: Final = equals_known(
    lambda _, roadmap: sorted(set(roadmap.requirements.values())), "the scopes that open tools ask for"
)
PROTECTED_RESOURCE: Final = Card(
    name="protected-resource",
    # Clients ask for the path-inserted form first (RFC 9728 §3.1).
    paths=("/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"),
    media_type=JSON_TYPE,
    render=_render,
    validate=json_validator(
        MemberRule("resource", ENDPOINT),
        MemberRule("authorization_servers[]", ISSUER, "store.issuer"),
        MemberRule("scopes_supported", SCOPES, optional=True),
        MemberRule("bearer_methods_supported", equals(["header"])),
        MemberRule("resource_name", TEXT, "store.name"),
        MemberRule("resource_documentation", LINK, "store.documentation", optional=True),
    ),
)
