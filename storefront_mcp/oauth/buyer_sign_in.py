"""`BuyerSignIn`: the way of a person through the sign-in pages of one store, from a request to a grant with its code.

    sign_in ──► code ──► code for the client
       │          │
       └──────────┴────► cancelled: access_denied

The cookie to which a pending request is bound is replaced once a password was right.
"""

import asyncio

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.access.secret_format import secret_digest
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
from storefront_mcp.oauth.sign_in_steps import (
    MAX_TRIES,
    SignInAttemptsExhausted,
    SignInContext,
    SignInEnded,
    SignInForm,
    SignInSteps,
    new_handle,
    refused_page,
)
from storefront_mcp.oauth.sign_in_views import (
    RefusalReason,
    ReturnAddress,
    SignInAnswer,
    SignInPage,
    SignInRefusal,
    SignInView,
)
from storefront_mcp.records.oauth import AuthorizationRequest, AuthorizationRequestRecord


class PendingLogin(Struct, frozen=True, kw_only=True):
    """What is kept between the password and the code; never the password."""

    email: str
    scopes: tuple[str, ...]
    state: str
    mailed: bool
    password_again: bool


class BuyerSignIn:
    """The sign-in of one store's customers. Every call may raise StorageUnavailable."""

    def __init__(self, context: SignInContext, login: CustomerLogin) -> None:
        self._context = context
        self._login = login
        self._steps = SignInSteps(context)

    async def open(self, request: AuthorizationRequest | None, *, address: str = "") -> SignInPage:
        """Begin to sign in for a client, or with None to see the connected agents.

        An empty `address` is not counted. Raises TooManyPending.
        """
        begun = await self._steps.begin(request, address=address)
        return replace(begun, view=self._asking(begun.view))

    async def cancel(self, form: SignInForm) -> ReturnAddress:
        """The person said no. Raises SignInEnded."""
        return await self._steps.cancel(form)

    async def sign_in(self, form: SignInForm) -> SignInAnswer:
        """E-mail address, password and permissions were sent. Raises SignInEnded, SignInAttemptsExhausted."""
        record = await self._steps.pending(form, "sign_in")
        request = record.request
        scopes = () if request is None else tuple(one for one in request.scopes if one in form.scopes)
        shown = self._page(record, form.handle, email=form.email, scopes=scopes)
        by_password = self._login.form == "password"
        if not form.email or (by_password and not form.password):
            return refused_page(shown, SignInRefusal(reason="incomplete"))
        if request is not None and not scopes:
            return refused_page(shown, SignInRefusal(reason="nothing"))
        return await self._attempt(
            record,
            form,
            shown,
            PendingLogin(email=form.email, scopes=scopes, state="", mailed=False, password_again=by_password),
        )

    async def confirm(self, form: SignInForm) -> SignInAnswer:
        """A code was sent. Raises SignInEnded, SignInAttemptsExhausted."""
        record = await self._steps.pending(form, "code")
        pending = msgspec.json.decode(record.customer or b"", type=PendingLogin)
        shown = self._code_page(record, form.handle, pending)
        if not form.code or (pending.password_again and not form.password):
            return refused_page(shown, SignInRefusal(reason="incomplete"))
        return await self._attempt(record, form, shown, pending)

    async def _attempt(
        self, record: AuthorizationRequestRecord, form: SignInForm, shown: SignInView, pending: PendingLogin
    ) -> SignInAnswer:
        """Ask the shop once."""
        tries = await self._steps.count_try(record)
        try:
            answer = await self._login.sign_in(
                pending.email, form.password, code=form.code or None, address=form.address, state=pending.state
            )
        except WrongCredentials:
            reason: RefusalReason = "code" if form.code and not pending.password_again else "credentials"
            return await self._count_failure(record, shown, SignInRefusal(reason=reason), tries)
        except AccountNotConfirmed:
            return await self._count_failure(record, shown, SignInRefusal(reason="unconfirmed"), tries)
        except TooManyTries as error:
            return refused_page(shown, SignInRefusal(reason="limited", retry_after=error.retry_after))
        except (SessionOver, ShopError):
            return refused_page(shown, SignInRefusal(reason="down"))
        if isinstance(answer, ShopSession):
            return await self._steps.finish(record, answer, pending.scopes)
        return await self._ask_code(record, form, pending, answer, tries)

    async def _count_failure(
        self, record: AuthorizationRequestRecord, shown: SignInView, refusal: SignInRefusal, tries: int
    ) -> SignInPage:
        if tries >= MAX_TRIES:
            await self._steps.end(record)
            raise SignInAttemptsExhausted
        return refused_page(shown, refusal)

    async def _ask_code(
        self,
        record: AuthorizationRequestRecord,
        form: SignInForm,
        pending: PendingLogin,
        needed: CodeNeeded,
        tries: int,
    ) -> SignInPage:
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
        return SignInPage(view=shown, cookie=cookie)

    def _page(
        self, record: AuthorizationRequestRecord, handle: str, *, email: str, scopes: tuple[str, ...]
    ) -> SignInView:
        return self._asking(self._steps.view(record, handle, email=email, scopes=scopes))

    def _asking(self, shown: SignInView) -> SignInView:
        return replace(shown, asks_password=self._login.form == "password")

    def _code_page(self, record: AuthorizationRequestRecord, handle: str, pending: PendingLogin) -> SignInView:
        shown = self._page(record, handle, email=pending.email, scopes=pending.scopes)
        return replace(shown, step="code", asks_password=pending.password_again, mailed=pending.mailed)
