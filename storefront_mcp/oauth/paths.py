"""Where the authorization server of a store is found."""

from typing import Final

from storefront_mcp.commerce.store import Store

METADATA_PATH: Final = "/.well-known/oauth-authorization-server"
AUTHORIZE_PATH: Final = "/oauth/authorize"
TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 -- a path
REGISTER_PATH: Final = "/oauth/register"
REVOKE_PATH: Final = "/oauth/revoke"


def account_endpoint(store: Store) -> str:
    """URL of the MCP endpoint that asks for a token from the first request on."""
    return f"{store.endpoint}/account"
