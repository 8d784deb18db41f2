"""OpenID provider wiring: where a store's customers sign in, if not at a form of ours."""

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

from storefront_mcp.commerce.customers import TokenCustomers
from storefront_mcp.oauth.paths import ISSUER_CALLBACK_PATH
from storefront_mcp.settings.schema import StoreSettings

if TYPE_CHECKING:
    from storefront_mcp.identity.openid_login import OpenIdLogin
    from storefront_mcp.identity.openid_provider import OpenIdProvider


def openid_provider_of(settings: StoreSettings, *, now: Callable[[], dt.datetime]) -> "OpenIdProvider | None":
    """The OpenID provider of a store; None for a store without one. Sends no request."""
    chosen = settings.sign_in.oidc
    if not settings.sign_in.on or chosen.issuer is None:
        return None
    # Lazy: signatures need a library of 9 MB, which other stores do not load.
    from storefront_mcp.identity.openid_provider import OpenIdClient, OpenIdProvider  # noqa: PLC0415

    client = OpenIdClient(
        issuer=chosen.issuer,
        client_id=chosen.client_id or "",
        secret=chosen.client_secret,
        redirect_uri=f"{settings.origin}{ISSUER_CALLBACK_PATH}",
        scopes=chosen.scopes,
        audience=chosen.audience,
    )
    return OpenIdProvider(client, now=now)


def openid_login(provider: "OpenIdProvider", customers: TokenCustomers) -> "OpenIdLogin":
    """Sign-in at a provider whose tokens the shop takes."""
    from storefront_mcp.identity.openid_login import OpenIdLogin  # noqa: PLC0415 -- as above

    return OpenIdLogin(provider, customers)
