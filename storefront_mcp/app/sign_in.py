"""Sign-in wiring: the authorization server, the pages and the accounts of each store whose customers sign in."""

import asyncio
import contextlib
import datetime as dt
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from storefront_mcp.access.buyer_scopes import open_buyer_scopes
from storefront_mcp.app.backends import accounts_of, customer_directory_of, token_customers_of
from storefront_mcp.app.background import background_jobs
from storefront_mcp.app.checkout import smtp_sender
from storefront_mcp.app.openid import openid_login, openid_provider_of
from storefront_mcp.calls.policy import CallPolicy
from storefront_mcp.cards.site.icon import brand_hue
from storefront_mcp.commerce.backend import ShopBackend
from storefront_mcp.commerce.customers import CustomerLogin
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.store import Store
from storefront_mcp.database.encryption import FieldEncryption
from storefront_mcp.database.engine import Database
from storefront_mcp.database.oauth import SqlOAuthRepository
from storefront_mcp.identity.buyer_tokens import BuyerTokenVerifier
from storefront_mcp.oauth.buyer_sign_in import BuyerSignIn
from storefront_mcp.oauth.client_documents import ClientDocuments
from storefront_mcp.oauth.client_registry import ClientRegistry
from storefront_mcp.oauth.connected_agents import ConnectedAgents
from storefront_mcp.oauth.customer_digests import SECRET_NAME, CustomerDigests
from storefront_mcp.oauth.customer_grants import CustomerGrants
from storefront_mcp.oauth.grant_accounts import GrantAccounts
from storefront_mcp.oauth.issuer_sign_in import IssuerSignIn
from storefront_mcp.oauth.limited_login import LimitedLogin
from storefront_mcp.oauth.server import AuthorizationServer
from storefront_mcp.oauth.shop_sessions import GrantSessions
from storefront_mcp.oauth.sign_in_steps import SignInContext
from storefront_mcp.oauth.tokens import GrantLifetimes
from storefront_mcp.public_http.document_fetcher import DocumentFetcher
from storefront_mcp.settings.mail import SmtpSettings
from storefront_mcp.settings.schema import StoreSettings
from storefront_mcp.web.authentication import BearerAuthenticator
from storefront_mcp.web.buyer_pages import BuyerPages
from storefront_mcp.web.customer_routes import customer_routes
from storefront_mcp.web.oauth_endpoints import OAuthEndpoints
from storefront_mcp.web.rate_limiting import RequestRateLimiter
from storefront_mcp.web.sign_in_pages import SignInPages, SignInSite
from storefront_mcp.web.site import StoreSite

if TYPE_CHECKING:
    from storefront_mcp.demo.customers import DemoCustomer
    from storefront_mcp.demo.shop import DemoShop
    from storefront_mcp.identity.openid_login import OpenIdLogin
    from storefront_mcp.oauth.mailed_codes import MailedCodeLogin

log: Final = logging.getLogger("storefront_mcp.app")

CLIENTS_SECRET_NAME: Final = "oauth clients"  # noqa: S105 -- a name
"""Of the secret that signs the ids of registered clients."""
SWEEP_SECONDS: Final = 30.0
"""Between two sweeps of what has expired; answers of used tokens are erased after a minute."""
SECONDS_PER_DAY: Final = 86_400.0


class SignInWiring:
    """Sign-in at the stores of one worker that have it switched on; nothing at the others."""

    def __init__(
        self,
        database: Database,
        encryption: FieldEncryption | None,
        *,
        smtp: SmtpSettings,
        now: Callable[[], dt.datetime],
    ) -> None:
        self._database = database
        self._smtp = smtp
        self._now = now
        self._records = SqlOAuthRepository(database, encryption, now=now)
        self._logins: dict[StoreId, LimitedLogin | OpenIdLogin] = {}
        self._mailing: list[MailedCodeLogin] = []
        self._accounts: dict[StoreId, GrantAccounts] = {}
        self._servers: dict[StoreId, AuthorizationServer] = {}
        self._sites: dict[StoreId, SignInSite] = {}
        self._grants: dict[StoreId, CustomerGrants] = {}

    def accounts(
        self, settings: StoreSettings, store: Store, backend: ShopBackend, policy: CallPolicy
    ) -> GrantAccounts | None:
        """The accounts of a store's customers; None where nobody signs in. Call it before `add`."""
        account_of = accounts_of(backend)
        login = self._login(settings, store, backend, policy) if settings.sign_in.on else None
        if account_of is None or login is None:
            return None
        self._logins[settings.id] = login
        sessions = GrantSessions(settings.id, login, self._records, now=self._seconds)
        self._accounts[settings.id] = GrantAccounts(sessions, account_of)
        return self._accounts[settings.id]

    def _login(
        self, settings: StoreSettings, store: Store, backend: ShopBackend, policy: CallPolicy
    ) -> "LimitedLogin | OpenIdLogin | None":
        provider, customers = openid_provider_of(settings, now=self._now), token_customers_of(backend)
        if provider is not None:
            return None if customers is None else openid_login(provider, customers)
        login = backend.login or self._mailed_codes(settings, store, backend)
        return None if login is None else self._limit_login(settings.id, login, policy)

    def _mailed_codes(self, settings: StoreSettings, store: Store, backend: ShopBackend) -> "MailedCodeLogin | None":
        """Sign-in by a code that is mailed, at a shop that signs nobody in by itself."""
        directory, host = customer_directory_of(backend), self._smtp.host
        if directory is None or host is None:
            return None
        from storefront_mcp.mail.code_mail import StoreCodeMailer  # noqa: PLC0415 -- as `smtp_sender`
        from storefront_mcp.mail.order_mail import MailSettings  # noqa: PLC0415 -- as above
        from storefront_mcp.oauth.mailed_codes import MailedCodeLogin  # noqa: PLC0415 -- as above

        sender = settings.mail.sender or self._smtp.sender or ""
        mailer = StoreCodeMailer(
            store,
            MailSettings(sender=sender, contact=settings.mail.contact or ""),
            smtp_sender(self._smtp, host),
            now=self._seconds,
        )
        login = MailedCodeLogin(directory, mailer, now=self._seconds)
        self._mailing.append(login)
        return login

    def _limit_login(self, store: StoreId, login: CustomerLogin, policy: CallPolicy) -> LimitedLogin:
        digests = self._digests(store)

        async def is_familiar(email: str) -> bool:
            return await asyncio.to_thread(self._records.is_familiar, store, digests.mailbox(email))

        return LimitedLogin(login, policy, mailbox_of=digests.guessed_mailbox, is_familiar=is_familiar)

    def add(
        self, settings: StoreSettings, site: StoreSite, limiter: RequestRateLimiter, *, shop: ASGIApp | None
    ) -> BuyerTokenVerifier | None:
        """Build the authorization server and the pages of a store; the verifier of its tokens, if there are any.

        `shop` is the embedded demo shop, if it is that.
        """
        store = site.store
        login = self._logins.get(store.id)
        if login is None:
            return None
        digests = self._digests(store.id)
        server = self._server(settings, site)
        context = SignInContext(
            store=store,
            login=login,
            records=self._records,
            subject_of=digests.subject,
            mailbox_of=digests.mailbox,
            new_code=server.new_code,
            grant_seconds=server.lifetimes.grant,
            now=self._seconds,
        )
        self._servers[store.id] = server
        self._sites[store.id] = SignInSite(
            sign_in=BuyerSignIn(context, login) if isinstance(login, LimitedLogin) else IssuerSignIn(context, login),
            agents=ConnectedAgents(context),
            server=server,
            address_of=lambda request: _address(request, limiter),
            register_url=settings.sign_in.register_url,
            reset_url=settings.sign_in.reset_url,
        )
        grants = self._grants[store.id] = CustomerGrants(
            store.id, self._records, subject_of=digests.subject, mailbox_of=digests.mailbox, now=self._seconds
        )
        if settings.upstream.kind == "demo":
            # As a real shop tells it, at /mcp/customers/revoke.
            cast("DemoShop", shop).demo.customers.on_password_change.append(partial(_void, grants))
        return BuyerTokenVerifier(store.id, self._records, now=self._now)

    def routes(self, authenticators: Mapping[StoreId, BearerAuthenticator]) -> list[HTTPRouteHandler]:
        """What clients, persons and the shop ask; none where nobody signs in."""
        if not self._servers:
            return []
        return [
            *OAuthEndpoints(self._servers, lambda store, request: self._sites[store].address_of(request)).routes(),
            *SignInPages(self._sites, BuyerPages(brand_hue)).routes(),
            *customer_routes(authenticators, self._grants),
        ]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Delete what has expired until the block ends, then wait for the renewals and the mails under way."""
        jobs = {"delete sign-ins that have expired": self._sweep()} if self._servers else {}
        try:
            async with background_jobs(jobs):
                yield
        finally:
            for accounts in self._accounts.values():
                await accounts.close()
            for login in self._logins.values():
                if not isinstance(login, LimitedLogin):
                    await login.close()
            for mailing in self._mailing:
                await mailing.close()

    def _server(self, settings: StoreSettings, site: StoreSite) -> AuthorizationServer:
        sign_in, store = settings.sign_in, site.store
        registry = ClientRegistry(
            store,
            self._records,
            key=self._database.shared_secret(CLIENTS_SECRET_NAME),
            fixed=sign_in.fixed_clients,
            documents=ClientDocuments(store.id, self._records, DocumentFetcher(), now=self._seconds)
            if sign_in.client_documents
            else None,
        )
        return AuthorizationServer(
            store,
            self._records,
            registry,
            key=self._database.shared_secret(SECRET_NAME),
            offered=lambda: open_buyer_scopes(site.shown.roadmap),
            now=self._seconds,
            lifetimes=GrantLifetimes(access=sign_in.token_lasts, grant=sign_in.grant_days * SECONDS_PER_DAY),
        )

    def _digests(self, store: StoreId) -> CustomerDigests:
        return CustomerDigests(store, self._database.shared_secret(SECRET_NAME))

    async def _sweep(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._records.sweep, now=self._seconds())
            except Exception:
                log.exception("sign-ins that have expired could not be deleted")
            await asyncio.sleep(SWEEP_SECONDS)

    def _seconds(self) -> float:
        return self._now().timestamp()


def _address(request: Request[Any, Any, Any], limiter: RequestRateLimiter) -> str:
    """Network address of a request's person; empty where it is not known."""
    return limiter.unsigned_origin(request.scope.get("client"), list(request.scope["headers"])).address


async def _void(grants: CustomerGrants, customer: "DemoCustomer") -> None:
    await grants.void(customer=str(customer.id), why="password")
