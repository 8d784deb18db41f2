"""`SignInSteps`: what every sign-in at one store has in common, whatever the person does to prove who they are.

A pending request is bound to the browser that opened it by a cookie. It ends with the first answer to the client, after
`MAX_TRIES`, and by the clock.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.access.buyer_scopes import known_buyer_scopes
from storefront_mcp.access.minute_budget import MinuteBudget
from storefront_mcp.access.networks import provider_of
from storefront_mcp.access.secret_format import new_public_id, secret_digest
from storefront_mcp.commerce.customers import SessionRenewal, ShopSession, SignInError
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.store import Store
from storefront_mcp.oauth.redirection import client_view, form_target, return_address
from storefront_mcp.oauth.sign_in_views import AuthenticatedVisit, ReturnAddress, SignInPage, SignInRefusal, SignInView
from storefront_mcp.records.oauth import (
    AuthorizationRequest,
    AuthorizationRequestRecord,
    GrantRecord,
    IssuedCode,
    OAuthRepository,
    RequestStep,
)

log: Final = logging.getLogger("storefront_mcp.oauth")

REQUEST_SECONDS: Final = 600
"""Lifetime of a pending request: a person types."""
MAX_TRIES: Final = 5
"""Attempts to sign in per pending request."""
HANDLE_BYTES: Final = 32
OPENED_A_MINUTE: Final = 60
"""Pending requests that one network (/24, or /32 of IPv6) may open at one worker."""


class TooManyPending(Exception):
    """A network has too many pending requests for another one, or opens them too fast; those there are go on."""

    retry_after = 60
    """Seconds."""


class SignInEnded(Exception):
    """There is no such pending request in this browser: it is over, or it was never there."""


class SignInAttemptsExhausted(Exception):
    """The last attempt failed; the pending request is over."""


class SignInForm(Struct, frozen=True, kw_only=True):
    """What a browser sent with a form, bounded; `cookie` is the one of the sign-in."""

    handle: str
    cookie: str
    email: str = ""
    password: str = ""
    code: str = ""
    scopes: tuple[str, ...] = ()
    act: str = ""
    """Of several buttons, the one that was pressed."""
    address: str | None = None
    """Network address of the person, for the shop."""

    def __repr__(self) -> str:
        """Without anything that was typed."""
        return "SignInForm(…)"


class AuthenticatedVisitor(Struct, frozen=True, kw_only=True):
    """What is kept of a person while they look at the connected agents."""

    email: str


class SignInContext(Struct, frozen=True, kw_only=True):
    """One store's sign-in and what it needs."""

    store: Store
    login: SessionRenewal
    """What renews and ends sessions at the shop."""
    records: OAuthRepository
    subject_of: Callable[[str], str]
    """Subject of a customer id."""
    mailbox_of: Callable[[str], str]
    """Keyed digest of an e-mail address."""
    new_code: Callable[[AuthorizationRequest, str], tuple[str, IssuedCode]]
    """A code of a grant's id, and its record."""
    grant_seconds: float
    now: Callable[[], float]


class SignInSteps:
    """The steps. Every call may raise StorageUnavailable."""

    def __init__(self, context: SignInContext) -> None:
        self._context = context
        self._opened = MinuteBudget(OPENED_A_MINUTE, now=context.now)

    async def begin(self, request: AuthorizationRequest | None, *, address: str = "") -> SignInPage:
        """Begin to sign in for a client, or with None to see the connected agents.

        An empty `address` is not counted. Raises TooManyPending.
        """
        if address and not self._opened.spend(provider_of(address)):
            raise TooManyPending
        return await self.open_page(
            AuthorizationRequestRecord(
                digest=b"",
                store=self._context.store.id,
                browser=b"",
                request=request,
                expires_at=self._context.now() + REQUEST_SECONDS,
            )
        )

    async def open_page(self, record: AuthorizationRequestRecord) -> SignInPage:
        """Store a pending request under a new handle and a new cookie, and show it. Raises TooManyPending."""
        handle, cookie = new_handle(), new_handle()
        record = replace(record, digest=secret_digest(handle), browser=secret_digest(cookie))
        await self.open(record)
        return SignInPage(view=self.view(record, handle), cookie=cookie)

    async def cancel(self, form: SignInForm) -> ReturnAddress:
        """The person said no. Raises SignInEnded."""
        record = await self.pending(form)
        if record.request is None or not await self.end(record):
            raise SignInEnded
        return self._return(record.request, error="access_denied")

    async def count_try(self, record: AuthorizationRequestRecord) -> int:
        """Count an attempt; which one it is. Raises SignInEnded, and SignInAttemptsExhausted beyond `MAX_TRIES`."""
        tries = await asyncio.to_thread(self._context.records.count_try, record.digest)
        if tries == 0:
            raise SignInEnded
        if tries > MAX_TRIES:
            await self.end(record)
            raise SignInAttemptsExhausted
        return tries

    async def finish(
        self, record: AuthorizationRequestRecord, session: ShopSession, scopes: tuple[str, ...]
    ) -> ReturnAddress | AuthenticatedVisit:
        """The grant and the code for the client, or a visit to the connected agents. Raises SignInEnded."""
        context, request = self._context, record.request
        if request is None:
            if not await self.end(record):
                raise SignInEnded
            return await self.visit_agents(session)
        now = context.now()
        grant = GrantRecord(
            id=new_public_id(),
            store=context.store.id,
            customer=session.customer_id,
            subject=context.subject_of(session.customer_id),
            mailbox=context.mailbox_of(session.email),
            client_id=request.client_id,
            client_name=request.client_name,
            client_host=request.client_host,
            redirect_host=client_view(request).host,
            scopes=known_buyer_scopes(scopes),
            resource=request.resource,
            created_at=now,
            expires_at=now + context.grant_seconds,
            shop_until=session.expires_at,
        )
        text, code = context.new_code(request, grant.id)
        kept = await asyncio.to_thread(
            lambda: context.records.create_grant_with_code(
                grant, code, request=record.digest, session=msgspec.json.encode(session)
            )
        )
        if not kept:
            await self.end_session(session)
            raise SignInEnded
        return self._return(request, code=text)

    async def visit_agents(self, session: ShopSession) -> AuthenticatedVisit:
        """A visit to the connected agents: it needs no session at the shop any more. Raises TooManyPending."""
        context = self._context
        await self.end_session(session)
        handle = new_handle()
        await self.open(
            AuthorizationRequestRecord(
                digest=secret_digest(handle),
                store=context.store.id,
                browser=secret_digest(handle),
                request=None,
                step="agents",
                customer=msgspec.json.encode(AuthenticatedVisitor(email=session.email)),
                subject=context.subject_of(session.customer_id),
                expires_at=context.now() + REQUEST_SECONDS,
            )
        )
        return AuthenticatedVisit(handle=handle)

    async def pending(self, form: SignInForm, step: RequestStep | None = None) -> AuthorizationRequestRecord:
        """The pending request of a form. Raises SignInEnded, also for another browser and another step."""
        context = self._context
        record = await asyncio.to_thread(
            lambda: context.records.request(context.store.id, secret_digest(form.handle), now=context.now())
        )
        if (
            record is None
            or record.step == "agents"
            or (step is not None and record.step != step)
            or not secrets.compare_digest(record.browser, secret_digest(form.cookie))
        ):
            raise SignInEnded
        return record

    async def open(self, record: AuthorizationRequestRecord) -> None:
        """Store a pending request. Raises TooManyPending."""
        if not await asyncio.to_thread(self._context.records.open_request, record):
            raise TooManyPending

    async def end_session(self, session: ShopSession) -> None:
        """End a session at the shop that nothing needs any more; it dies by itself where that fails."""
        try:
            await self._context.login.end(session)
        except (ShopError, SignInError) as error:
            log.warning("a session at the shop could not be ended: %s", getattr(error, "internal", error))

    async def end(self, record: AuthorizationRequestRecord) -> bool:
        """End a pending request; whether it was there: of two that try, one succeeds."""
        return await asyncio.to_thread(self._context.records.end_request, record.digest)

    def _return(self, request: AuthorizationRequest, **answer: str) -> ReturnAddress:
        return return_address(request, self._context.store.origin, **answer)

    def view(
        self,
        record: AuthorizationRequestRecord,
        handle: str,
        *,
        email: str = "",
        scopes: tuple[str, ...] | None = None,
    ) -> SignInView:
        """What the page of a pending request shows; `scopes` are those that stay ticked, by default all."""
        request = record.request
        shown = SignInView(step="sign_in", handle=handle, client=None, email=email)
        if request is None:
            return shown
        ticked = request.scopes if scopes is None else scopes
        return replace(
            shown,
            client=client_view(request),
            scopes=[(scope, scope in ticked) for scope in request.scopes],
            ends_at=int(self._context.now() + self._context.grant_seconds),
            form_target=form_target(request.redirect_uri),
        )


def new_handle() -> str:
    """A secret that nobody guesses: of a pending request, or of a cookie."""
    return secrets.token_urlsafe(HANDLE_BYTES)


def refused_page(shown: SignInView, refusal: SignInRefusal) -> SignInPage:
    """The page again, with why nothing came of it."""
    return SignInPage(view=replace(shown, refused=refusal))
