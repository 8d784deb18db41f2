"""Where the authorization server of a store is found."""

from typing import Final

from storefront_mcp.commerce.store import Store

METADATA_PATH: Final = "/.well-known/oauth-authorization-server"
AUTHORIZE_PATH: Final = "/oauth/authorize"
TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 -- a path
REGISTER_PATH: Final = "/oauth/register"
REVOKE_PATH: Final = "/oauth/revoke"
ISSUER_CALLBACK_PATH: Final = "/oauth/callback"
"""Where a browser comes back to from the OpenID provider of a store that has one."""
CLIENT_PATHS: Final = frozenset({TOKEN_PATH, REGISTER_PATH, REVOKE_PATH})
"""What clients ask without a person; they read JSON only."""


def account_endpoint(store: Store) -> str:
    """URL of the MCP endpoint that asks for a token from the first request on."""
    return f"{store.endpoint}/account"
