"""The house rules of every store of one worker: limits, replays and the audit, as the settings want them."""

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

from storefront_mcp.calls.house import House
from storefront_mcp.calls.limits import Limits, Signatures
from storefront_mcp.calls.watching import Watcher
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.database.engine import Database
from storefront_mcp.database.replays import DatabaseReplays
from storefront_mcp.database.trail import DatabaseTrail
from storefront_mcp.identity.asking import Questions
from storefront_mcp.limits import buckets
from storefront_mcp.settings.server import Settings
from storefront_mcp.settings.shape import StoreSettings
from storefront_mcp.web.forwarded import Addresses
from storefront_mcp.web.turnstile import Turnstile

if TYPE_CHECKING:
    from storefront_mcp.identity.agent_keys import AgentKeys


class Housing:
    """What the stores of one worker share. Raises ClientMissing."""

    def __init__(self, settings: Settings, database: Database, *, now: Callable[[], dt.datetime]) -> None:
        self._now = now
        self._alone = settings.limits_store is None
        self._workers = settings.workers
        self._buckets, self._close_buckets = buckets(settings.limits_store)
        self._replays = DatabaseReplays(database, now=now)
        self._trail = DatabaseTrail(database, now=now, keep=dt.timedelta(days=settings.audit.keep_days))
        self._addresses = Addresses(settings.trusted_proxies, settings.forwarded_by)
        self._agents: dict[str, AgentKeys] = {}
        self.turnstiles: dict[StoreId, Turnstile] = {}

    def add(self, store: StoreSettings, watcher: Watcher | None = None) -> House:
        """The rules of one store; its turnstile is in `turnstiles` then."""
        rules = store.limits.rules()
        if self._alone:
            rules = rules.of_one_worker(self._workers)
        shop, wider = store.upstream.url or store.id, store.signatures.wider
        limits = Limits(store.id, rules, self._buckets, shop=shop, wider=wider)
        house = House(store.id, limits=limits, replays=self._replays, trail=self._trail, now=self._now, watcher=watcher)
        self.turnstiles[store.id] = Turnstile(house, self._addresses, self._signatures(store))
        return house

    def _signatures(self, store: StoreSettings) -> Signatures | None:
        """Who checks the signatures of this store's agents; stores share what is known of an agent's keys."""
        if not store.signatures.on:
            return None
        # Its library takes a while to load: only shops that use it wait for it.
        from storefront_mcp.identity.agent_keys import AgentKeys  # noqa: PLC0415
        from storefront_mcp.identity.signatures import AgentSignatures  # noqa: PLC0415

        agents = {
            origin: self._agents.setdefault(origin, AgentKeys(origin, Questions()))
            for origin in store.signatures.agents
        }
        return AgentSignatures(agents, scheme=store.origin.partition(":")[0], now=self._now)

    async def close(self) -> None:
        """Write what is left. Call it before the database is closed."""
        self._trail.close()
        await self._close_buckets()
        for keys in self._agents.values():
            await keys.close()


def counted_alone(settings: Settings) -> str | None:
    """What an operator should know of limits that workers do not share; None where there is nothing to know."""
    if settings.workers == 1 or settings.limits_store is not None:
        return None
    return (
        f"Each of the {settings.workers} workers counts limits for itself: they are that many times as wide, except "
        "coupons, which is divided among them. Set limits_store to share them."
    )
