"""Authentication wiring: the bearer authenticator of each store, and the API key routes."""

import datetime as dt
from collections.abc import Callable, Mapping

from litestar.handlers import HTTPRouteHandler

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.database.engine import Database
from storefront_mcp.identity.api_key_format import mint_key
from storefront_mcp.identity.buyer_tokens import BuyerTokenVerifier
from storefront_mcp.identity.claims import IntrospectionConfig
from storefront_mcp.identity.redaction import redact_logs
from storefront_mcp.identity.store_verifier import StoreTokenVerifier
from storefront_mcp.settings.schema import OAuthSettings, StoreSettings
from storefront_mcp.web.api_key_routes import ApiKeyRoutes
from storefront_mcp.web.authentication import BearerAuthenticator
from storefront_mcp.web.rate_limiting import RequestRateLimiter
from storefront_mcp.web.site import StoreSite


class AuthenticationWiring:
    """Authentication of all stores of one worker. Constructing it has credentials redacted in the process's log."""

    def __init__(self, database: Database, *, now: Callable[[], dt.datetime]) -> None:
        redact_logs()
        self._keys = SqlApiKeyRepository(database, now=now)
        self._now = now
        self._verifiers: list[StoreTokenVerifier] = []

    def add(
        self,
        settings: StoreSettings,
        site: StoreSite,
        limiter: RequestRateLimiter,
        buyers: BuyerTokenVerifier | None = None,
    ) -> BearerAuthenticator:
        """Build the authenticator of a store: API keys, tokens of customers, JWTs of its issuer, introspection."""
        store = site.store
        verifier = StoreTokenVerifier(
            store=store.id,
            resource=store.endpoint,
            keys=self._keys,
            issuer=store.issuer,
            introspection=_introspection(settings.oauth),
            buyers=buyers,
            now=self._now,
        )
        self._verifiers.append(verifier)
        return BearerAuthenticator(site, verifier, limiter)

    def routes(self, authenticators: Mapping[StoreId, BearerAuthenticator]) -> list[HTTPRouteHandler]:
        """`/mcp/token`: mint, list and revoke API keys."""
        return ApiKeyRoutes(authenticators, self._keys, mint_key, now=self._now).routes()

    async def close(self) -> None:
        """Close the clients of the issuers."""
        for verifier in self._verifiers:
            await verifier.close()


def _introspection(oauth: OAuthSettings) -> IntrospectionConfig | None:
    """Token introspection (RFC 7662) of a store; None where it is not set up. The settings have all three or none."""
    if oauth.introspection_endpoint is None or oauth.client_id is None or oauth.client_secret is None:
        return None
    return IntrospectionConfig(
        endpoint=oauth.introspection_endpoint, client_id=oauth.client_id, secret=oauth.client_secret
    )
