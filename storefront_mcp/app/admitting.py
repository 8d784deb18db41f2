"""Put the doors of every store together: which keys and tokens open them, and who hands out keys."""

import datetime as dt
from collections.abc import Callable

from litestar.handlers import HTTPRouteHandler

from storefront_mcp.commerce.names import StoreId
from storefront_mcp.database.api_keys import DatabaseKeys
from storefront_mcp.database.engine import Database
from storefront_mcp.identity.bearers import Bearers
from storefront_mcp.identity.claims import Introspection
from storefront_mcp.identity.keys import mint
from storefront_mcp.identity.redaction import redact_logs
from storefront_mcp.settings.shape import OAuthSettings, StoreSettings
from storefront_mcp.web.door import Door
from storefront_mcp.web.site import Site
from storefront_mcp.web.tokens import TokenDesk
from storefront_mcp.web.turnstile import Turnstile


class Admitting:
    """The doors of all stores. From now on no credential is logged by this process."""

    def __init__(self, database: Database, *, now: Callable[[], dt.datetime]) -> None:
        redact_logs()
        self._keys = DatabaseKeys(database, now=now)
        self._now = now
        self._bearers: list[Bearers] = []
        self.doors: dict[StoreId, Door] = {}

    def add(self, chosen: StoreSettings, site: Site, turnstile: Turnstile) -> None:
        """Let in whoever this store's settings say."""
        store = site.store
        bearers = Bearers(
            store=store.id,
            resource=store.endpoint,
            keys=self._keys,
            issuer=store.issuer,
            introspection=_introspection(chosen.oauth),
            now=self._now,
        )
        self._bearers.append(bearers)
        self.doors[store.id] = Door(site, bearers, turnstile)

    @property
    def routes(self) -> list[HTTPRouteHandler]:
        """Where keys are minted, listed and revoked."""
        return TokenDesk(self.doors, self._keys, mint, now=self._now).routes()

    async def close(self) -> None:
        """Finish what is under way and let go of the issuers."""
        for bearers in self._bearers:
            await bearers.close()


def _introspection(oauth: OAuthSettings) -> Introspection | None:
    """The settings have all three or none."""
    if oauth.introspection_endpoint is None or oauth.client_id is None or oauth.client_secret is None:
        return None
    return Introspection(endpoint=oauth.introspection_endpoint, client_id=oauth.client_id, secret=oauth.client_secret)
