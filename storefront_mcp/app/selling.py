"""Put the checkouts of every store together: who takes the money, who keeps the record, who works through it."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable
from typing import Final

from litestar.handlers import HTTPRouteHandler

from cards.root.icon import hue
from storefront_mcp.checkout.cashier import Cashier
from storefront_mcp.checkout.desk import Desk
from storefront_mcp.checkout.reconciler import Reconciler
from storefront_mcp.checkout.trade import Terms, Trade
from storefront_mcp.commerce.backend import Backend
from storefront_mcp.commerce.guest_carts import GuestCarts
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.commerce.store import Store
from storefront_mcp.database.checkouts import DatabaseCheckouts
from storefront_mcp.database.engine import Database
from storefront_mcp.database.sandbox import DatabaseSandbox
from storefront_mcp.database.seal import PersonalSeal
from storefront_mcp.payments.port import Provider
from storefront_mcp.payments.sandbox import SandboxProvider
from storefront_mcp.settings.server import Settings
from storefront_mcp.settings.shape import PaymentSettings, StoreSettings
from storefront_mcp.web.buyers import BuyerPages
from storefront_mcp.web.pay import PayDesk, pay_routes
from storefront_mcp.web.sandbox import sandbox_routes
from storefront_mcp.web.webhooks import webhook_routes

METHODS: Final = {"stripe": "stripe_card", "sandbox": "prepaid"}
"""What shops call orders that are paid at a provider, where the operator does not say otherwise."""


PREPARES: Final = 12.0
"""Seconds that a backend may take for what it looks up before it asks for an order."""


class Selling:
    """The checkouts of all stores that can be paid. Add the stores, then run it for as long as the server runs."""

    def __init__(
        self,
        database: Database,
        *,
        secret: bytes,
        seal: PersonalSeal | None,
        keeps: dt.timedelta,
        now: Callable[[], dt.datetime],
    ) -> None:
        """`secret` is shared by all workers; personal data is kept for `keeps` after a checkout's end."""
        self._database = database
        self._secret = secret
        self._now: Callable[[], float] = lambda: now().timestamp()
        self._records = DatabaseCheckouts(database, seal=seal)
        self._trades: dict[StoreId, Trade] = {}
        self._reconciler = Reconciler(self._trades, self._records, now=self._now, keeps=keeps)
        self._desks: dict[StoreId, PayDesk] = {}
        self._providers: dict[StoreId, Provider] = {}
        self._sandboxes: dict[StoreId, SandboxProvider] = {}

    def add(self, chosen: StoreSettings, store: Store, backend: Backend, carts: GuestCarts) -> Desk | None:
        """Sell at this store too; None where nobody could pay. From now on its carts make way for checkouts."""
        payments = chosen.payments
        if payments.missing:
            return None
        provider = self._provider(payments, store)
        if provider is not None:
            self._providers[store.id] = provider
        trade = self._trades[store.id] = Trade(
            store=store,
            backend=backend,
            provider=provider,
            records=self._records,
            terms=terms(payments, order=chosen.upstream.timeouts.order),
            secret=self._secret,
            now=self._now,
        )
        self._desks[store.id] = PayDesk(paying=Cashier(trade, self._reconciler.hasten))
        desk = Desk(trade, carts.held, self._reconciler.hasten)
        carts.make_way = desk.before_change
        return desk

    @property
    def routes(self) -> list[HTTPRouteHandler]:
        """The pages where people pay, and where providers tell what happened; none where nothing is sold."""
        if not self._trades:
            return []
        pages = BuyerPages(hue)
        return [
            *pay_routes(self._desks, pages, now=self._now),
            *(sandbox_routes(self._sandboxes, pages) if self._sandboxes else []),
            *(webhook_routes(self._providers, self._records, now=self._now) if self._providers else []),
        ]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work through what is due, until the block ends."""
        if not self._trades:
            yield
            return
        working = asyncio.create_task(self._reconciler.run(), name="bring checkouts to their end")
        try:
            yield
        finally:
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working
            await self._reconciler.close()
            for provider in self._providers.values():
                await provider.close()

    def _provider(self, payments: PaymentSettings, store: Store) -> Provider | None:
        if payments.provider == "sandbox":
            book = DatabaseSandbox(self._database)
            sandbox = SandboxProvider(store.id, store.origin, book, now=self._now)
            self._sandboxes[store.id] = sandbox
            return sandbox
        if payments.provider == "stripe" and payments.secret_key is not None:
            # Stripe's library is large: only shops that use it pay for it.
            from storefront_mcp.payments.stripe import StripeProvider  # noqa: PLC0415

            secrets = [secret.reveal() for secret in payments.webhook_secrets]
            return StripeProvider(payments.secret_key.reveal(), secrets=secrets, url=payments.url)
        return None


def personal_seal(settings: Settings) -> PersonalSeal | None:
    """What encrypts personal data; None where the operator set no key."""
    keys = [key.reveal() for key in settings.personal_data.key]
    return PersonalSeal(keys) if keys else None


def terms(payments: PaymentSettings, *, order: float) -> Terms:
    """The operator's settings as the checkouts' terms; making an order takes the shop at most `order` seconds."""
    call = order + PREPARES
    return Terms(
        method=payments.method or METHODS.get(payments.provider or "", ""),
        offline=payments.offline,
        lasts=float(payments.lasts),
        settle=payments.settle + PREPARES,
        call=call,
        lease=2 * call,
    )
