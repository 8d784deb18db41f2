"""OAuth 2 authorization server metadata (RFC 8414): where customers sign in, and how clients ask them.

It exists only while a tool is open that takes a signed-in customer. Every list is stated: readers take a missing one
for something else than nothing.
"""

from typing import Final

from msgspec import Struct

from storefront_mcp.access.buyer_scopes import BUYER_SCOPE_NAMES, open_buyer_scopes
from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.rules.json_rules import MemberRule, equals, equals_known, json_validator
from storefront_mcp.commerce.store import Store
from storefront_mcp.oauth.paths import (
    AUTHORIZE_PATH,
    METADATA_PATH,
    REGISTER_PATH,
    REVOKE_PATH,
    TOKEN_PATH,
    account_endpoint,
)
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.roadmap import Roadmap


class AuthorizationServerMetadata(Struct, frozen=True, kw_only=True):
    """The document (RFC 8414 §2, RFC 9207 §3, RFC 9728 §4, draft-ietf-oauth-client-id-metadata-document)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    registration_endpoint: str
    revocation_endpoint: str
    scopes_supported: tuple[str, ...] = BUYER_SCOPE_NAMES
    response_types_supported: tuple[str, ...] = ("code",)
    response_modes_supported: tuple[str, ...] = ("query",)
    grant_types_supported: tuple[str, ...] = ("authorization_code", "refresh_token")
    token_endpoint_auth_methods_supported: tuple[str, ...]
    revocation_endpoint_auth_methods_supported: tuple[str, ...]
    code_challenge_methods_supported: tuple[str, ...] = ("S256",)
    authorization_response_iss_parameter_supported: bool = True
    client_id_metadata_document_supported: bool
    protected_resources: tuple[str, ...]
    service_documentation: str


def _render(store: Store, roadmap: Roadmap) -> bytes | None:
    if store.issuer is not None or not open_buyer_scopes(roadmap):
        return None
    return pretty_json(
        AuthorizationServerMetadata(
            issuer=store.origin,
            authorization_endpoint=store.url(AUTHORIZE_PATH),
            token_endpoint=store.url(TOKEN_PATH),
            registration_endpoint=store.url(REGISTER_PATH),
            revocation_endpoint=store.url(REVOKE_PATH),
            scopes_supported=open_buyer_scopes(roadmap),
            token_endpoint_auth_methods_supported=_methods(store),
            revocation_endpoint_auth_methods_supported=_methods(store),
            client_id_metadata_document_supported=store.client_documents,
            protected_resources=(store.endpoint, account_endpoint(store)),
            service_documentation=store.documentation or store.url("/llms.txt"),
        )
    )


def _methods(store: Store) -> tuple[str, ...]:
    """How clients prove themselves (RFC 8414 §2): most are public."""
    return ("none", "client_secret_basic", "client_secret_post") if store.client_secrets else ("none",)


AUTHORIZATION_SERVER: Final = Card(
    name="authorization-server",
    paths=(METADATA_PATH,),
    media_type=JSON_TYPE,
    render=_render,
    validate=json_validator(
        # Clients compare it as a string (RFC 8414 §3.3).
        MemberRule("issuer", equals_known(lambda store, _: store.origin, "the origin, without a path")),
        MemberRule("response_types_supported", equals(["code"])),
        MemberRule("grant_types_supported", equals(["authorization_code", "refresh_token"])),
        MemberRule(
            "token_endpoint_auth_methods_supported",
            equals_known(lambda store, _: list(_methods(store)), "none, and the ways of clients that have a secret"),
        ),
        MemberRule("code_challenge_methods_supported", equals(["S256"])),
        MemberRule("authorization_response_iss_parameter_supported", equals(value=True)),
        MemberRule(
            "scopes_supported",
            equals_known(lambda _, roadmap: list(open_buyer_scopes(roadmap)), "the scopes that open tools take"),
        ),
    ),
)
