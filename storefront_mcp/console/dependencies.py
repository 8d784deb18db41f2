"""`ConsoleDependencies`: the repositories, authenticators and functions that console pages are given."""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct

from storefront_mcp.access.credentials import ApiKeyRepository, KeyIssuer
from storefront_mcp.checkout.record import CheckoutRepository
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.findings import Finding
from storefront_mcp.records.audit import AuditRepository
from storefront_mcp.records.console_sessions import ConsoleSessionRepository
from storefront_mcp.records.oauth import OAuthRepository
from storefront_mcp.records.order_events import OrderEventQueue
from storefront_mcp.records.order_mails import OrderMailQueue
from storefront_mcp.records.usage import UsageRepository
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.flips import FlipRepository
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.web.authentication import BearerAuthenticator
from storefront_mcp.web.rate_limiting import RequestRateLimiter
from storefront_mcp.web.site import StoreSite

TitledFinding = tuple[str, Finding]
"""What was checked, and what was found."""


class ConsoleDependencies(Struct, frozen=True, kw_only=True):
    """Everything that console pages read and write, of all stores."""

    console_sessions: ConsoleSessionRepository
    flips: FlipRepository
    sites: Mapping[StoreId, StoreSite]
    planned: Mapping[StoreId, Roadmap]
    """Each store's roadmap before any flip."""
    checkouts: CheckoutRepository
    order_mails: OrderMailQueue
    order_events: OrderEventQueue
    api_keys: ApiKeyRepository
    mint_key: KeyIssuer
    oauth: OAuthRepository
    signs_in: Callable[[StoreId], bool]
    """Whether customers of a store sign in here."""
    audit: AuditRepository
    cards: Sequence[Card]
    authenticators: Mapping[StoreId, BearerAuthenticator]
    rate_limiters: Mapping[StoreId, RequestRateLimiter]
    health_checks: Mapping[StoreId, Callable[[], Awaitable[Sequence[TitledFinding]]]]
    """Runs the health checks of a store."""
    examine: Callable[[StoreId], Awaitable[Sequence[TitledFinding]]]
    """Examines a store like `storefront-mcp doctor` without `--cart`, the worst first; takes up to 40 s."""
    usage: UsageRepository
    count_orders: Callable[[StoreId, float], int]
    """Counts orders placed since a moment in Unix seconds; blocks."""
    payment_url: Callable[[StoreId, str], str | None]
    """The page of a payment in the provider's dashboard."""
    now: Callable[[], dt.datetime]

    def unix_now(self) -> float:
        """The time in Unix seconds."""
        return self.now().timestamp()
