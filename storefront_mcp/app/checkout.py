"""Checkout wiring: payment providers, checkout records, the reconciler, payment pages and webhooks."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from litestar.handlers import HTTPRouteHandler

from storefront_mcp.app.background import background_jobs
from storefront_mcp.app.order_events import OrderEventWiring
from storefront_mcp.cards.site.icon import brand_hue
from storefront_mcp.checkout.agent import AgentCheckout
from storefront_mcp.checkout.buyer import BuyerCheckout
from storefront_mcp.checkout.context import CheckoutContext, CheckoutPolicy
from storefront_mcp.checkout.reconciler import Reconciler
from storefront_mcp.checkout.token_payment import TokenCheckout
from storefront_mcp.checkout.withdrawal import before_cart_change, refuse_ordered
from storefront_mcp.checkout_sessions import CheckoutSessions
from storefront_mcp.checkout_sessions.cart_links import CartLinks
from storefront_mcp.checkout_sessions.expiry import erase_expired
from storefront_mcp.commerce.accounts import CustomerAccounts
from storefront_mcp.commerce.backend import ShopBackend
from storefront_mcp.commerce.guest_carts import NO_OBSERVER, CartHandleRepository, CartObserver, GuestCarts
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.store import Store
from storefront_mcp.database.checkout_sessions import SqlCheckoutSessionRepository
from storefront_mcp.database.checkouts import SqlCheckoutRepository
from storefront_mcp.database.encryption import FieldEncryption
from storefront_mcp.database.engine import Database
from storefront_mcp.database.order_mails import SqlOrderMailQueue
from storefront_mcp.database.row_quota import RowQuota
from storefront_mcp.database.sandbox import SqlSandboxRepository
from storefront_mcp.mail.order_mail import MailSettings
from storefront_mcp.payments.provider import PaymentProvider
from storefront_mcp.payments.sandbox import SandboxProvider
from storefront_mcp.payments.tokens import TokenPayments
from storefront_mcp.roadmap.terms import FlipTerms
from storefront_mcp.settings.mail import SmtpSettings
from storefront_mcp.settings.schema import PaymentSettings, StoreSettings
from storefront_mcp.settings.server import Settings
from storefront_mcp.web.buyer_pages import BuyerPages
from storefront_mcp.web.cart_page import CartPageConfig, cart_routes
from storefront_mcp.web.payment_page import PaymentPageConfig, pay_routes
from storefront_mcp.web.payment_webhook import WebhookRefusals, webhook_routes
from storefront_mcp.web.rate_limiting import RequestRateLimiter
from storefront_mcp.web.sandbox_page import sandbox_routes

if TYPE_CHECKING:
    from storefront_mcp.mail.order_mailer import OrderMailer
    from storefront_mcp.mail.smtp_sender import SmtpSender

CART_PAGES_KEY: Final = "cart pages"
"""Name of the secret that addresses of carts' pages are sealed with."""
PREPARE_TIMEOUT_SECONDS: Final = 27.0
"""Limit of a backend's look-ups before it places an order."""


class CheckoutWiring:
    """Checkouts of all stores of one worker that can be paid. Add the stores, then enter `running`."""

    def __init__(
        self,
        database: Database,
        *,
        secret: bytes,
        encryption: FieldEncryption | None,
        retention: dt.timedelta,
        quota: RowQuota,
        smtp: SmtpSettings,
        now: Callable[[], dt.datetime],
    ) -> None:
        """`secret` is shared by all workers; personal data is erased `retention` after a checkout's end."""
        self._database = database
        self._secret = secret
        self._utc_now = now
        self._now: Callable[[], float] = lambda: now().timestamp()
        self.records = SqlCheckoutRepository(database, encryption=encryption, quota=quota)
        self._session_records = SqlCheckoutSessionRepository(database, encryption=encryption, quota=quota)
        self._order_events = OrderEventWiring(database, self.records, encryption=encryption, now=self._now)
        self.refusals = WebhookRefusals(now=self._now)
        self._contexts: dict[StoreId, CheckoutContext] = {}
        self._smtp = smtp
        self._mails: dict[StoreId, MailSettings] = {}
        self.reconciler = Reconciler(self._contexts, self.records, now=self._now, retention=retention)
        self._payment_pages: dict[StoreId, PaymentPageConfig] = {}
        self._cart_links: dict[StoreId, CartLinks] = {}
        self._cart_pages: dict[StoreId, CartPageConfig] = {}
        self._providers: dict[StoreId, PaymentProvider] = {}
        self._sandboxes: dict[StoreId, SandboxProvider] = {}
        self._tokens: dict[StoreId, TokenPayments] = {}

    def add(
        self,
        settings: StoreSettings,
        store: Store,
        backend: ShopBackend,
        handles: CartHandleRepository,
        *,
        accounts: CustomerAccounts | None = None,
        observer: CartObserver = NO_OBSERVER,
        payment_stop: Callable[[], FlipTerms | None],
    ) -> tuple[GuestCarts, AgentCheckout | None]:
        """Build the carts of a store and its agent-side checkout, which is None while payment is not set up."""
        carts = partial(GuestCarts, store.id, backend, handles, now=self._utc_now, observer=observer)
        payments = settings.payments
        if payments.missing:
            return carts(), None
        provider = self._provider(payments, store)
        if provider is not None:
            self._providers[store.id] = provider
        if self._smtp.host is not None:
            sender = settings.mail.sender or self._smtp.sender or ""
            self._mails[store.id] = MailSettings(sender=sender, contact=settings.mail.contact or "")
        context = self._contexts[store.id] = CheckoutContext(
            store=store,
            backend=backend,
            provider=provider,
            records=self.records,
            policy=checkout_policy(
                payments, order=settings.upstream.timeouts.order, sends_mail=store.id in self._mails
            ),
            secret=self._secret,
            now=self._now,
            payment_stop=payment_stop,
            accounts=accounts,
        )
        self._payment_pages[store.id] = PaymentPageConfig(
            paying=BuyerCheckout(context, self.reconciler.start_advancing)
        )
        guest_carts = carts(
            before_change=partial(before_cart_change, context), refuse_ordered=partial(refuse_ordered, context)
        )
        return guest_carts, AgentCheckout(context, guest_carts.lock, self.reconciler.start_advancing)

    def sessions(self, settings: StoreSettings, store: Store) -> CheckoutSessions | None:
        """The checkout sessions of a store, for agent protocols; None while payment is not set up."""
        if store.id not in self._contexts:
            return None
        links = self._cart_links[store.id] = CartLinks(store, self._database.shared_secret(CART_PAGES_KEY))
        self._order_events.add(settings, links, self._contexts[store.id].backend)
        return CheckoutSessions(store.id, self._session_records, now=self._now, cart_page=links.page)

    def token_checkout(self, store: StoreId) -> TokenCheckout | None:
        """Payment by tokens of agents; None while the store takes none."""
        tokens = self._tokens.get(store)
        if tokens is None:
            return None
        return TokenCheckout(self._contexts[store], tokens, self.reconciler.start_advancing)

    def add_cart_pages(self, store: StoreId, sessions: CheckoutSessions, limiter: RequestRateLimiter) -> None:
        """Serve pages of the carts of a store, to which its agent protocols lead."""
        links = self._cart_links[store]
        self._cart_pages[store] = CartPageConfig(sessions=sessions.for_pages(), links=links, limiter=limiter)

    def payment_url(self, store: StoreId, payment: str) -> str | None:
        """The page of a payment in the dashboard of the store's provider."""
        provider = self._providers.get(store)
        return None if provider is None else provider.payment_url(payment)

    @property
    def routes(self) -> list[HTTPRouteHandler]:
        """Payment pages and webhooks; none where no store can be paid."""
        if not self._contexts:
            return []
        tests = {store for store, provider in self._providers.items() if provider.is_test}
        pages = BuyerPages(brand_hue, test_stores=tests)
        return [
            *pay_routes(self._payment_pages, pages, now=self._now),
            *(cart_routes(self._cart_pages, pages) if self._cart_pages else []),
            *(sandbox_routes(self._sandboxes, pages) if self._sandboxes else []),
            *self._webhook_routes(),
        ]

    def _webhook_routes(self) -> list[HTTPRouteHandler]:
        if not self._providers:
            return []
        return webhook_routes(self._providers, self.records, refusals=self.refusals, now=self._now)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the reconciler until the block ends, then close the providers."""
        if not self._contexts:
            yield
            return
        jobs = {
            "bring checkouts to their end": self.reconciler.run(),
            "forget what checkout sessions knew": erase_expired(self._session_records, now=self._now),
            **self._order_events.jobs(),
        }
        if self._smtp.host is not None:
            jobs["confirm orders by mail"] = self._mailer(self._smtp.host).run()
        try:
            async with background_jobs(jobs):
                yield
        finally:
            await self.close()

    async def close(self) -> None:
        """Close the connections to payment providers."""
        await self.reconciler.close()
        for provider in self._providers.values():
            await provider.close()

    def _mailer(self, host: str) -> "OrderMailer":
        from storefront_mcp.mail.order_mailer import OrderMailer  # noqa: PLC0415 -- as `smtp_sender`

        sender, queue = smtp_sender(self._smtp, host), SqlOrderMailQueue(self._database)
        return OrderMailer(queue, self.records, sender, self._contexts, self._mails, now=self._now)

    def _provider(self, payments: PaymentSettings, store: Store) -> PaymentProvider | None:
        if payments.provider == "sandbox":
            repository = SqlSandboxRepository(self._database)
            sandbox = SandboxProvider(store.id, store.origin, repository, now=self._now)
            self._sandboxes[store.id] = sandbox
            return sandbox
        if payments.provider == "stripe" and payments.secret_key is not None:
            # Stripe's library is large.
            from storefront_mcp.payments.stripe.provider import StripeProvider  # noqa: PLC0415
            from storefront_mcp.payments.stripe.shared_tokens import SharedTokenProvider  # noqa: PLC0415

            key, secrets = payments.secret_key.reveal(), [secret.reveal() for secret in payments.webhook_secrets]
            if payments.token_profile is None:
                return StripeProvider(key, secrets=secrets, url=payments.url)
            provider = SharedTokenProvider(key, profile=payments.token_profile, secrets=secrets, url=payments.url)
            self._tokens[store.id] = provider
            return provider
        return None


def field_encryption(settings: Settings) -> FieldEncryption | None:
    """Encryption of personal fields; None where no key is set."""
    keys = [key.reveal() for key in settings.personal_data.key]
    return FieldEncryption(keys) if keys else None


def smtp_sender(smtp: SmtpSettings, host: str) -> "SmtpSender":
    """The sender of `[smtp]`."""
    # Only servers that send mail need its library.
    from storefront_mcp.mail.smtp_sender import SmtpSender, SmtpServer  # noqa: PLC0415

    server = SmtpServer(
        host=host,
        port=smtp.port,
        security=smtp.security,
        username=smtp.username,
        password=smtp.password,
        timeout_seconds=smtp.timeout,
    )
    return SmtpSender(server)


def checkout_policy(payments: PaymentSettings, *, order: float, sends_mail: bool = False) -> CheckoutPolicy:
    """The checkout policy of a store; `order` is the shop's timeout for placing an order, in seconds."""
    call = order + PREPARE_TIMEOUT_SECONDS
    return CheckoutPolicy(
        method=payments.served_method,
        offline=payments.offline,
        instructions=payments.instructions,
        sends_mail=sends_mail,
        lifetime_seconds=float(payments.lasts),
        settle_seconds=payments.settle + PREPARE_TIMEOUT_SECONDS,
        place_timeout_seconds=call,
        lease_seconds=2 * call,
    )
