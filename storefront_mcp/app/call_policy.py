"""Call policy wiring: rate limits, idempotency and audit of each store."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from storefront_mcp.access.rate_limits import DailyQuota, SignatureVerifier, StoreRateLimits
from storefront_mcp.calls.policy import CallPolicy
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.store import Store
from storefront_mcp.database.audit_writer import AuditWriter
from storefront_mcp.database.engine import Database
from storefront_mcp.database.idempotency import SqlIdempotencyRepository
from storefront_mcp.database.row_quota import RowQuota
from storefront_mcp.identity.issuer_client import IssuerClient
from storefront_mcp.instrumentation import Instrumentation
from storefront_mcp.limits import create_rate_limiter
from storefront_mcp.settings.limits import LimitSettings
from storefront_mcp.settings.schema import StoreSettings
from storefront_mcp.settings.server import Settings
from storefront_mcp.web.forwarded import ClientAddressResolver
from storefront_mcp.web.forwarding import ForwardingMonitor
from storefront_mcp.web.rate_limiting import RequestRateLimiter

if TYPE_CHECKING:
    from storefront_mcp.identity.agent_keys import AgentKeyDirectory


class CallPolicyWiring:
    """Call policies of all stores of one worker. Raises RedisClientMissing."""

    def __init__(self, settings: Settings, database: Database, *, now: Callable[[], dt.datetime]) -> None:
        self._now = now
        self._unshared = settings.limits_store is None
        self._workers = settings.workers
        self._limiter, self._close_limiter = create_rate_limiter(settings.limits_store)
        guests = settings.guests
        self._entries = DailyQuota(
            per_holder=-(-guests.audit_entries_per_address // settings.workers),
            in_all=-(-guests.audit_entries // settings.workers),
        )
        answers = RowQuota(per_holder=guests.answers_per_address, in_all=guests.answers)
        self._idempotency = SqlIdempotencyRepository(database, now=now, quota=answers)
        self._policies: list[CallPolicy] = []
        self._audit_writer = AuditWriter(database, now=now, keep=dt.timedelta(days=settings.audit.keep_days))
        self._client_addresses = ClientAddressResolver(settings.trusted_proxies, settings.forwarded_by)
        self._key_directories: dict[str, AgentKeyDirectory] = {}

    def add(
        self, settings: StoreSettings, store: Store, instrumentation: Instrumentation | None = None
    ) -> tuple[CallPolicy, RequestRateLimiter]:
        """Build the call policy and the request limiter of one store."""
        rules = settings.limits.rules()
        if self._unshared:
            rules = rules.of_one_worker(self._workers)
        shop, wider = settings.upstream.url or settings.id, settings.signatures.wider
        limits = StoreRateLimits(
            settings.id,
            rules,
            self._limiter,
            upstream_scope=shop,
            signed_factor=wider,
            is_shared=self._client_addresses.is_shared,
        )
        policy = self._policy(settings.id, limits, instrumentation)
        monitor = ForwardingMonitor(store, self._client_addresses)
        return policy, RequestRateLimiter(policy, self._client_addresses, self._signatures(settings), monitor)

    @property
    def audit_failing(self) -> bool:
        """Whether entries of the audit wait that the database did not take."""
        return self._audit_writer.failing

    def unrouted_limiter(
        self, stores: Sequence[StoreSettings], instrumentation: Instrumentation | None
    ) -> RequestRateLimiter:
        """The request limiter of what belongs to no store, as wide as the widest `address` of any."""
        rates = [store.limits.rules().address for store in stores]
        widest = None if None in rates else min((rate for rate in rates if rate), key=lambda rate: rate.interval)
        rules = replace(LimitSettings().rules(), address=widest)
        policy = self._policy(StoreId(""), StoreRateLimits("", rules, self._limiter), instrumentation)
        return RequestRateLimiter(policy, self._client_addresses)

    def _policy(self, store: StoreId, limits: StoreRateLimits, instrumentation: Instrumentation | None) -> CallPolicy:
        policy = CallPolicy(
            store,
            limits=limits,
            answers=self._idempotency,
            audit_sink=self._audit_writer,
            now=self._now,
            instrumentation=instrumentation,
            entries=self._entries,
        )
        self._policies.append(policy)
        return policy

    def _signatures(self, store: StoreSettings) -> SignatureVerifier | None:
        """The verifier of HTTP message signatures (RFC 9421), if they are on; stores share the key directories."""
        if not store.signatures.on:
            return None
        # Its library is slow to import.
        from storefront_mcp.identity.agent_keys import AgentKeyDirectory  # noqa: PLC0415
        from storefront_mcp.identity.signatures import HttpSignatureVerifier  # noqa: PLC0415

        directories = {
            origin: self._key_directories.setdefault(origin, AgentKeyDirectory(origin, IssuerClient()))
            for origin in store.signatures.agents
        }
        return HttpSignatureVerifier(directories, scheme=store.origin.partition(":")[0], now=self._now)

    async def close(self) -> None:
        """Write the queued audit entries and close the connections. Call it before the database is closed."""
        for policy in self._policies:
            policy.flush_audit()
        self._audit_writer.close()
        await self._close_limiter()
        for keys in self._key_directories.values():
            await keys.close()


def unshared_limits_warning(settings: Settings) -> str | None:
    """The start-up warning of limits that workers do not share; None where they do or there is one worker."""
    if settings.workers == 1 or settings.limits_store is not None:
        return None
    return (
        f"Each of the {settings.workers} workers counts limits for itself: they are that many times as wide, except "
        "coupons and sign_ins, which are divided among them. Set limits_store to share them."
    )
