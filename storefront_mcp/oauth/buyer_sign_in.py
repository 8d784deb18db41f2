"""`BuyerSignIn`: the way of a person through the sign-in pages of one store, from a request to a grant with its code.

    sign_in ──► code ──► code for the client
       │          │
       └──────────┴────► cancelled: access_denied

A pending request is bound to the browser that opened it by a cookie, which is replaced once a password was right. It
ends with the first answer to the client, after `MAX_TRIES`, and by the clock.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.access.buyer_scopes import known_buyer_scopes
from storefront_mcp.access.secret_format import new_public_id, secret_digest
from storefront_mcp.commerce.customers import (
    AccountNotConfirmed,
    CodeNeeded,
    CustomerLogin,
    SessionOver,
    ShopSession,
    TooManyTries,
    WrongCredentials,
)
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.store import Store
from storefront_mcp.oauth.errors import ClientRefused
from storefront_mcp.oauth.redirection import client_view, form_target, return_address
from storefront_mcp.oauth.sign_in_views import (
    RefusalReason,
    ReturnAddress,
    ShownPage,
    SignedPerson,
    SignInAnswer,
    SignInRefusal,
    SignInView,
)
from storefront_mcp.records.oauth import (
    AuthorizationRequest,
    AuthorizationRequestRecord,
    GrantRecord,
    IssuedCode,
    OAuthRepository,
)

REQUEST_SECONDS: Final = 600
"""Lifetime of a pending request: a person types."""
MAX_TRIES: Final = 5
"""Attempts to sign in per pending request."""
HANDLE_BYTES: Final = 32

__all__ = ["BuyerSignIn", "ClientRefused", "SignInEnded", "SignInForm", "TriesSpent"]


class SignInEnded(Exception):
    """There is no such pending request in this browser: it is over, or it was never there."""


class TriesSpent(Exception):
    """The last attempt failed; the pending request is over."""


class SignInForm(Struct, frozen=True, kw_only=True):
    """What a browser sent with a form, bounded; `cookie` is the one of the sign-in."""

    handle: str
    cookie: str
    email: str = ""
    password: str = ""
    code: str = ""
    scopes: tuple[str, ...] = ()
    address: str | None = None
    """Network address of the person, for the shop."""

    def __repr__(self) -> str:
        """Without anything that was typed."""
        return "SignInForm(…)"


class PendingLogin(Struct, frozen=True, kw_only=True):
    """What is kept between the password and the code; never the password."""

    email: str
    scopes: tuple[str, ...]
    state: str
    mailed: bool
    password_again: bool


class SignedCustomer(Struct, frozen=True, kw_only=True):
    """What is kept of a person while they look at the connected agents."""

    email: str


class SignInContext(Struct, frozen=True, kw_only=True):
    """One store's sign-in and what it needs."""

    store: Store
    login: CustomerLogin
    records: OAuthRepository
    subject_of: Callable[[str], str]
    """Subject of a customer id."""
    mailbox_of: Callable[[str], str]
    """Keyed digest of an e-mail address."""
    new_code: Callable[[AuthorizationRequest, str], tuple[str, IssuedCode]]
    """A code of a grant's id, and its record."""
    grant_seconds: float
    now: Callable[[], float]


class BuyerSignIn:
    """The sign-in of one store's customers. Every call may raise StorageUnavailable."""

    def __init__(self, context: SignInContext) -> None:
        self._context = context

    async def open(self, request: AuthorizationRequest | None) -> ShownPage:
        """Begin to sign in for a client, or with None to see the connected agents."""
        handle, cookie = new_handle(), new_handle()
        record = AuthorizationRequestRecord(
            digest=secret_digest(handle),
            store=self._context.store.id,
            browser=secret_digest(cookie),
            request=request,
            expires_at=self._context.now() + REQUEST_SECONDS,
        )
        await self._open(record)
        return ShownPage(view=self._page(record, handle), cookie=cookie)

    async def sign_in(self, form: SignInForm) -> SignInAnswer:
        """E-mail address, password and permissions were sent. Raises SignInEnded, TriesSpent."""
        record = await self._pending(form, "sign_in")
        request = record.request
        scopes = () if request is None else tuple(one for one in request.scopes if one in form.scopes)
        shown = self._page(record, form.handle, email=form.email, scopes=scopes)
        by_password = self._context.login.form == "password"
        if not form.email or (by_password and not form.password):
            return _refuse(shown, SignInRefusal(reason="incomplete"))
        if request is not None and not scopes:
            return _refuse(shown, SignInRefusal(reason="nothing"))
        return await self._attempt(
            record,
            form,
            shown,
            PendingLogin(email=form.email, scopes=scopes, state="", mailed=False, password_again=by_password),
        )

    async def confirm(self, form: SignInForm) -> SignInAnswer:
        """A code was sent. Raises SignInEnded, TriesSpent."""
        record = await self._pending(form, "code")
        pending = msgspec.json.decode(record.customer or b"", type=PendingLogin)
        shown = self._code_page(record, form.handle, pending)
        if not form.code or (pending.password_again and not form.password):
            return _refuse(shown, SignInRefusal(reason="incomplete"))
        return await self._attempt(record, form, shown, pending)

    async def cancel(self, form: SignInForm) -> ReturnAddress:
        """The person said no. Raises SignInEnded."""
        record = await self._pending(form)
        if record.request is None or not await self._end(record):
            raise SignInEnded
        return self._return(record.request, error="access_denied")

    async def _attempt(
        self, record: AuthorizationRequestRecord, form: SignInForm, shown: SignInView, pending: PendingLogin
    ) -> SignInAnswer:
        """Ask the shop once."""
        tries = await asyncio.to_thread(self._context.records.count_try, record.digest)
        if tries == 0:
            raise SignInEnded
        if tries > MAX_TRIES:
            await self._end(record)
            raise TriesSpent
        try:
            answer = await self._context.login.sign_in(
                pending.email, form.password, code=form.code or None, address=form.address, state=pending.state
            )
        except WrongCredentials:
            reason: RefusalReason = "code" if form.code and not pending.password_again else "credentials"
            return await self._count_failure(record, shown, SignInRefusal(reason=reason), tries)
        except AccountNotConfirmed:
            return await self._count_failure(record, shown, SignInRefusal(reason="unconfirmed"), tries)
        except TooManyTries as error:
            return _refuse(shown, SignInRefusal(reason="limited", retry_after=error.retry_after))
        except (SessionOver, ShopError):
            return _refuse(shown, SignInRefusal(reason="down"))
        if isinstance(answer, ShopSession):
            return await self._finish(record, answer, pending.scopes)
        return await self._ask_code(record, form, pending, answer, tries)

    async def _count_failure(
        self, record: AuthorizationRequestRecord, shown: SignInView, refusal: SignInRefusal, tries: int
    ) -> ShownPage:
        if tries >= MAX_TRIES:
            await self._end(record)
            raise TriesSpent
        return _refuse(shown, refusal)

    async def _ask_code(
        self,
        record: AuthorizationRequestRecord,
        form: SignInForm,
        pending: PendingLogin,
        needed: CodeNeeded,
        tries: int,
    ) -> ShownPage:
        """Keep what the code belongs to, under a new cookie."""
        pending = replace(pending, state=needed.state, mailed=needed.mailed, password_again=needed.password_again)
        cookie = new_handle()
        changed = replace(record, step="code", browser=secret_digest(cookie), customer=msgspec.json.encode(pending))
        if not await asyncio.to_thread(self._context.records.update_request, changed):
            raise SignInEnded
        shown = self._code_page(changed, form.handle, pending)
        if needed.refused:
            refused = await self._count_failure(changed, shown, SignInRefusal(reason="code"), tries)
            return replace(refused, cookie=cookie)
        return ShownPage(view=shown, cookie=cookie)

    async def _finish(
        self, record: AuthorizationRequestRecord, session: ShopSession, scopes: tuple[str, ...]
    ) -> ReturnAddress | SignedPerson:
        context, request = self._context, record.request
        if request is None:
            return await self._open_agents(record, session)
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
            await context.login.end(session)
            raise SignInEnded
        return self._return(request, code=text)

    async def _open_agents(self, record: AuthorizationRequestRecord, session: ShopSession) -> SignedPerson:
        """A visit to the connected agents: it needs no session at the shop any more."""
        context = self._context
        if not await self._end(record):
            raise SignInEnded
        await context.login.end(session)
        handle = new_handle()
        await self._open(
            AuthorizationRequestRecord(
                digest=secret_digest(handle),
                store=context.store.id,
                browser=secret_digest(handle),
                request=None,
                step="agents",
                customer=msgspec.json.encode(SignedCustomer(email=session.email)),
                subject=context.subject_of(session.customer_id),
                expires_at=context.now() + REQUEST_SECONDS,
            )
        )
        return SignedPerson(handle=handle)

    async def _pending(self, form: SignInForm, step: str | None = None) -> AuthorizationRequestRecord:
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

    async def _open(self, record: AuthorizationRequestRecord) -> None:
        await asyncio.to_thread(lambda: self._context.records.open_request(record))

    async def _end(self, record: AuthorizationRequestRecord) -> bool:
        return await asyncio.to_thread(self._context.records.end_request, record.digest)

    def _return(self, request: AuthorizationRequest, **answer: str) -> ReturnAddress:
        return return_address(request, self._context.store.origin, **answer)

    def _page(
        self,
        record: AuthorizationRequestRecord,
        handle: str,
        *,
        email: str = "",
        scopes: tuple[str, ...] | None = None,
    ) -> SignInView:
        request, context = record.request, self._context
        shown = SignInView(
            step="sign_in",
            handle=handle,
            client=None,
            email=email,
            asks_password=context.login.form == "password",
        )
        if request is None:
            return shown
        ticked = request.scopes if scopes is None else scopes
        return replace(
            shown,
            client=client_view(request),
            scopes=[(scope, scope in ticked) for scope in request.scopes],
            ends_at=int(context.now() + context.grant_seconds),
            form_target=form_target(request.redirect_uri),
        )

    def _code_page(self, record: AuthorizationRequestRecord, handle: str, pending: PendingLogin) -> SignInView:
        shown = self._page(record, handle, email=pending.email, scopes=pending.scopes)
        return replace(shown, step="code", asks_password=pending.password_again, mailed=pending.mailed)


def new_handle() -> str:
    """A secret that nobody guesses: of a pending request, or of a cookie."""
    return secrets.token_urlsafe(HANDLE_BYTES)


def _refuse(shown: SignInView, refusal: SignInRefusal) -> ShownPage:
    return ShownPage(view=replace(shown, refused=refusal))
