"""Sign-in wiring: the authorization server of each store that signs its customers in."""

import asyncio
import contextlib
import datetime as dt
import logging
from collections.abc import AsyncIterator, Callable
from typing import Final

from litestar.handlers import HTTPRouteHandler

from storefront_mcp.access.buyer_scopes import open_buyer_scopes
from storefront_mcp.app.background import background_jobs
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.encryption import FieldEncryption
from storefront_mcp.database.engine import Database
from storefront_mcp.database.oauth import SqlOAuthRepository
from storefront_mcp.identity.buyer_tokens import BuyerTokenVerifier
from storefront_mcp.oauth.client_registry import ClientRegistry
from storefront_mcp.oauth.server import AuthorizationServer
from storefront_mcp.oauth.tokens import GrantLifetimes
from storefront_mcp.settings.schema import StoreSettings
from storefront_mcp.web.oauth_endpoints import OAuthEndpoints
from storefront_mcp.web.site import StoreSite

log: Final = logging.getLogger("storefront_mcp.app")

SWEEP_SECONDS: Final = 30.0
"""Between two sweeps of what has expired; answers of used tokens are erased after a minute."""
SECONDS_PER_DAY: Final = 86_400.0


class SignInWiring:
    """Sign-in at the stores of one worker that have it switched on; nothing at the others."""

    def __init__(
        self, database: Database, encryption: FieldEncryption | None, *, now: Callable[[], dt.datetime]
    ) -> None:
        self._database = database
        self._now = now
        self.repository = SqlOAuthRepository(database, encryption, now=now)
        self.servers: dict[StoreId, AuthorizationServer] = {}

    def add(self, settings: StoreSettings, site: StoreSite) -> BuyerTokenVerifier | None:
        """Build the authorization server of a store; the verifier of its tokens, None where nobody signs in."""
        sign_in, store = settings.sign_in, site.store
        if not sign_in.on:
            return None
        registry = ClientRegistry(
            store, self.repository, key=self._database.shared_secret("oauth clients"), fixed=sign_in.fixed_clients
        )
        self.servers[store.id] = AuthorizationServer(
            store,
            self.repository,
            registry,
            key=self._database.shared_secret("customers"),
            offered=lambda: open_buyer_scopes(site.shown.roadmap),
            now=self._seconds,
            lifetimes=GrantLifetimes(access=sign_in.token_lasts, grant=sign_in.grant_days * SECONDS_PER_DAY),
        )
        return BuyerTokenVerifier(store.id, self.repository, now=self._now)

    def routes(self) -> list[HTTPRouteHandler]:
        """What clients ask the authorization servers; none where nobody signs in."""
        return OAuthEndpoints(self.servers).routes() if self.servers else []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Delete what has expired until the block ends."""
        jobs = {"delete sign-ins that have expired": self._sweep()} if self.servers else {}
        async with background_jobs(jobs):
            yield

    async def _sweep(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.repository.sweep, now=self._seconds())
            except Exception:
                log.exception("sign-ins that have expired could not be deleted")
            await asyncio.sleep(SWEEP_SECONDS)

    def _seconds(self) -> float:
        return self._now().timestamp()
