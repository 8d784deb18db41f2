"""`IssuerSignIn`: the way of a person who signs in at an OpenID provider, from a request to a grant with its code.

    sign_in ──► issuer ──► consent ──► code for the client
       ▲          │           │
       └──────────┴───────────┴──────► cancelled: access_denied

A live session at the provider leads nobody through to a client (the confused deputy of MCP's security best practices):
the person is told of the client and goes to the provider by a click, and once back is asked, as whom they signed in,
what the client may do. `state` is the handle of a pending request: bound to the browser that left by a cookie, used
once, and as short-lived as any.
"""

import logging
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from storefront_mcp.access.secret_format import secret_digest
from storefront_mcp.commerce.customers import CustomerUnknown, IssuerLogin, ShopSession, SignInError
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.oauth.sign_in_steps import (
    REQUEST_SECONDS,
    SignInContext,
    SignInEnded,
    SignInForm,
    SignInSteps,
    new_handle,
    refused_page,
)
from storefront_mcp.oauth.sign_in_views import (
    IssuerVisit,
    RefusalReason,
    ReturnAddress,
    SignInAnswer,
    SignInPage,
    SignInRefusal,
    SignInView,
)
from storefront_mcp.records.oauth import AuthorizationRequest, AuthorizationRequestRecord

log: Final = logging.getLogger("storefront_mcp.oauth")


class IssuerSignIn:
    """The sign-in of one store's customers at an OpenID provider. Every call may raise StorageUnavailable."""

    def __init__(self, context: SignInContext, login: IssuerLogin) -> None:
        self._context = context
        self._login = login
        self._steps = SignInSteps(context)

    async def open(self, request: AuthorizationRequest | None, *, address: str = "") -> SignInPage:
        """As `BuyerSignIn.open`."""
        begun = await self._steps.begin(request, address=address)
        return replace(begun, view=self._leading(begun.view))

    async def cancel(self, form: SignInForm) -> ReturnAddress:
        """The person said no. Raises SignInEnded."""
        return await self._steps.cancel(form)

    async def sign_in(self, form: SignInForm) -> SignInAnswer:
        """The person goes to the provider. Raises SignInEnded, SignInAttemptsExhausted, TooManyPending."""
        record = await self._steps.pending(form, "sign_in")
        tries = await self._steps.count_try(record)
        state, cookie = new_handle(), new_handle()
        try:
            redirect = await self._login.begin(state)
        except ShopError as error:
            log.warning("the OpenID provider cannot be reached: %s", error.internal)
            shown = self._leading(self._steps.view(record, form.handle))
            return refused_page(shown, SignInRefusal(reason="down"))
        if not await self._steps.end(record):
            raise SignInEnded
        await self._steps.open(
            replace(
                record,
                digest=secret_digest(state),
                browser=secret_digest(cookie),
                step="issuer",
                tries=tries,
                customer=redirect.kept,
            )
        )
        return IssuerVisit(address=redirect.address, handle=state, cookie=cookie)

    async def come_back(self, state: str, cookie: str, answer: Mapping[str, str]) -> SignInAnswer:
        """The browser is back with an answer of the provider; where it signed somebody in, they are asked to consent.

        Raises SignInEnded, also for a `state` of another browser and one that was used; SignInAttemptsExhausted,
        TooManyPending.
        """
        record = await self._steps.pending(SignInForm(handle=state, cookie=cookie), "issuer")
        # Before anything else: whatever the answer is, it is the only one.
        if not await self._steps.end(record):
            raise SignInEnded
        try:
            session = await self._login.finish(answer, record.customer or b"")
        except CustomerUnknown as error:
            return await self._again(record, "unknown", error.internal)
        except SignInError as error:
            return await self._again(record, "issuer", error.internal)
        except ShopError as error:
            return await self._again(record, "down", error.internal)
        if record.request is None:
            return await self._steps.visit_agents(session)
        subject = self._context.subject_of(session.customer_id)
        opened = await self._steps.open_page(
            replace(
                record,
                step="consent",
                customer=msgspec.json.encode(session),
                subject=subject,
                expires_at=self._context.now() + REQUEST_SECONDS,
            )
        )
        return replace(opened, view=_asking(opened.view, session))

    async def allow(self, form: SignInForm) -> SignInAnswer:
        """The person said yes. Raises SignInEnded."""
        record = await self._steps.pending(form, "consent")
        session = msgspec.json.decode(record.customer or b"", type=ShopSession)
        scopes = tuple(one for one in record.request.scopes if one in form.scopes) if record.request else ()
        if not scopes:
            shown = _asking(self._steps.view(record, form.handle, scopes=scopes), session)
            return refused_page(shown, SignInRefusal(reason="nothing"))
        return await self._steps.finish(record, session, scopes)

    async def _again(self, record: AuthorizationRequestRecord, reason: RefusalReason, why: str) -> SignInPage:
        """The first page again, with why nothing came of it."""
        log.warning("nobody was signed in at the OpenID provider: %s", why)
        opened = await self._steps.open_page(replace(record, step="sign_in", customer=None))
        view = replace(self._leading(opened.view), refused=SignInRefusal(reason=reason))
        return replace(opened, view=view)

    def _leading(self, shown: SignInView) -> SignInView:
        """The page from which a person goes to the provider, which may send them on to yet another host."""
        parts = urlsplit(self._login.issuer)
        targets = f"{parts.scheme}: {shown.form_target}".strip()
        return replace(shown, asks_password=False, issuer_host=parts.netloc, form_target=targets)


def _asking(shown: SignInView, session: ShopSession) -> SignInView:
    """The page that asks for the permission, and says as whom the person signed in."""
    return replace(shown, step="consent", asks_password=False, email=session.email or session.name)
