"""Wires the agent protocols of a store besides MCP."""

import datetime as dt
from collections.abc import Callable, Sequence

from storefront_mcp.a2a.context_ids import ContextIds
from storefront_mcp.a2a.endpoint import A2aEndpoint
from storefront_mcp.a2a.store_agent import StoreAgent
from storefront_mcp.a2a.tasks import TaskService
from storefront_mcp.acp.protocol import AcpProtocol
from storefront_mcp.agent_protocols.ucp import RELEASES
from storefront_mcp.app.platforms import PlatformWiring
from storefront_mcp.backends.postal.countries import country_code
from storefront_mcp.calls.agent_protocol import AgentProtocol
from storefront_mcp.checkout.token_payment import TokenCheckout
from storefront_mcp.checkout_sessions import CheckoutSessions
from storefront_mcp.checkout_sessions.sessions import no_page
from storefront_mcp.commerce.store import Store
from storefront_mcp.database.agent_tasks import SqlAgentTaskRepository
from storefront_mcp.database.engine import Database
from storefront_mcp.settings.agent_protocols import AcpSettings, UcpSettings
from storefront_mcp.settings.schema import StoreSettings
from storefront_mcp.ucp.carts import CartOperations
from storefront_mcp.ucp.catalog import CatalogOperations
from storefront_mcp.ucp.checkouts import CheckoutOperations
from storefront_mcp.ucp.operation_runner import OperationRunner
from storefront_mcp.ucp.operations import operations_of
from storefront_mcp.ucp.permalinks import UcpPermalinks
from storefront_mcp.ucp.policies import ShopPolicies
from storefront_mcp.ucp.protocol import UcpProtocol


def protocols_of(
    settings: StoreSettings,
    store: Store,
    sessions: CheckoutSessions | None,
    tokens: TokenCheckout | None,
    database: Database,
    platforms: PlatformWiring,
    *,
    now: Callable[[], dt.datetime],
) -> Sequence[AgentProtocol]:
    """The protocols that a store's settings turn on; `sessions` is None while payment is not set up.

    `tokens` is None where agents pay nothing themselves.
    """
    return [
        *(_ucp(settings.ucp, store, sessions, platforms) if settings.ucp.enabled else ()),
        *([UcpPermalinks(store, sessions)] if settings.ucp.enabled and sessions is not None else ()),
        *((_acp(settings.acp, sessions, tokens),) if settings.acp.enabled and sessions is not None else ()),
        *((_a2a(store, database, now),) if settings.a2a.enabled else ()),
    ]


def _acp(settings: AcpSettings, sessions: CheckoutSessions, tokens: TokenCheckout | None) -> AcpProtocol:
    return AcpProtocol(sessions, {webhook.owner for webhook in settings.webhooks}, tokens)


def _a2a(store: Store, database: Database, now: Callable[[], dt.datetime]) -> A2aEndpoint:
    tasks = TaskService(SqlAgentTaskRepository(database, store.id, now=now), now=now)
    return A2aEndpoint(StoreAgent(ContextIds(database.shared_secret("agent conversations")), tasks, country_code))


def _ucp(
    settings: UcpSettings, store: Store, sessions: CheckoutSessions | None, platforms: PlatformWiring
) -> Sequence[AgentProtocol]:
    policies = ShopPolicies()
    carts = CartOperations(no_page if sessions is None else sessions.cart_page, policies)
    checkouts = None if sessions is None else CheckoutOperations(sessions, policies)
    runner = OperationRunner(platforms.directory(settings, store))
    operations, signer = operations_of(CatalogOperations(policies), carts, checkouts), platforms.signer(settings)
    return [UcpProtocol(release, operations, runner, signer) for release in RELEASES]
