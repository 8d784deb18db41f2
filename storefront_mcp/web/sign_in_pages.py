"""`/oauth/authorize` and what follows: the pages on which a person signs in and lets an agent act for them.

`/account/agents` shows the same person who may act for them, and ends it.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Final, Protocol

from litestar import Request, Response
from litestar.enums import HttpMethod
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, get, post, route
from msgspec import Struct

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.oauth.buyer_sign_in import BuyerSignIn
from storefront_mcp.oauth.connected_agents import ConnectedAgents
from storefront_mcp.oauth.errors import ClientRefused
from storefront_mcp.oauth.issuer_answer import issuer_answer
from storefront_mcp.oauth.issuer_sign_in import IssuerSignIn
from storefront_mcp.oauth.paths import ISSUER_CALLBACK_PATH
from storefront_mcp.oauth.redirection import display_address
from storefront_mcp.oauth.sign_in_steps import SignInAttemptsExhausted, SignInEnded, SignInForm, TooManyPending
from storefront_mcp.oauth.sign_in_views import (
    AuthenticatedVisit,
    IssuerVisit,
    RefusalReason,
    ReturnAddress,
    SignInAnswer,
    SignInPage,
)
from storefront_mcp.records.oauth import AuthorizationRequest
from storefront_mcp.web.buyer_pages import BuyerPages, PageUnavailable, read_fields
from storefront_mcp.web.forms import FormFields
from storefront_mcp.web.host_router import site_of
from storefront_mcp.web.responses import see_other

log: Final = logging.getLogger("storefront_mcp.web")
HttpRequest = Request[Any, Any, Any]
READS: Final = [HttpMethod.GET, HttpMethod.HEAD]
AGENTS_PATH: Final = "/account/agents"
COOKIE_SECONDS: Final = 600
MAX_CHARS: Final = {"request": 64, "grant": 64, "email": 254, "password": 1024, "code": 32, "act": 16}
"""Of a field; a longer one is refused. E-mail addresses: RFC 5321 §4.5.3.1.3."""
REFUSED_STATUS: Final[Mapping[RefusalReason, HTTPStatus]] = {
    "credentials": HTTPStatus.FORBIDDEN,
    "code": HTTPStatus.FORBIDDEN,
    "unconfirmed": HTTPStatus.FORBIDDEN,
    "limited": HTTPStatus.TOO_MANY_REQUESTS,
    "nothing": HTTPStatus.UNPROCESSABLE_ENTITY,
    "incomplete": HTTPStatus.UNPROCESSABLE_ENTITY,
    "down": HTTPStatus.SERVICE_UNAVAILABLE,
    "issuer": HTTPStatus.FORBIDDEN,
    "unknown": HTTPStatus.FORBIDDEN,
}


class AuthorizationRequests(Protocol):
    """What the pages ask of a store's authorization server."""

    @property
    def open(self) -> bool:
        """Whether a person can give a permission now."""

    async def authorization_request(self, query: bytes, *, address: str = "") -> AuthorizationRequest | ReturnAddress:
        """The validated request of an authorization URL; an address where it is refused there. Raises ClientRefused."""


class SignInSite(Struct, frozen=True, kw_only=True):
    """The sign-in pages of one store."""

    sign_in: BuyerSignIn | IssuerSignIn
    """By a form of ours, or at an OpenID provider."""
    agents: ConnectedAgents
    server: AuthorizationRequests
    address_of: Callable[[HttpRequest], str]
    """Network address of a request's person; empty where it is not known."""
    register_url: str | None = None
    """The shop's own pages for who has no account, or no password any more."""
    reset_url: str | None = None


class SignInPages:
    """The pages, for the stores whose customers can sign in."""

    def __init__(self, sites: Mapping[StoreId, SignInSite], pages: BuyerPages) -> None:
        self._sites = sites
        self._pages = pages

    def routes(self) -> list[HTTPRouteHandler]:
        """Every route of the pages."""
        return [*self._sign_in_routes(self._options("failed")), *self._agents_routes(self._options("agents failed"))]

    def _options(self, failed: str) -> dict[str, Any]:
        """What routes have in common; `failed` is what a page tells that cannot be shown."""
        return {
            "include_in_schema": False,
            "exception_handlers": {
                PageUnavailable: partial(self._show_unavailable, failed),
                ClientRefused: partial(self._tell, "client", HTTPStatus.BAD_REQUEST),
                SignInEnded: partial(self._tell, "over", HTTPStatus.BAD_REQUEST),
                SignInAttemptsExhausted: partial(self._tell, "spent", HTTPStatus.TOO_MANY_REQUESTS),
                TooManyPending: self._tell_many,
                Exception: partial(self._show_failure, failed),
            },
        }

    def _sign_in_routes(self, options: dict[str, Any]) -> list[HTTPRouteHandler]:
        @route("/oauth/authorize", http_method=READS, **options)
        async def authorize(request: HttpRequest) -> Response[bytes]:
            """An authorization request (RFC 6749 §4.1.1): the page that asks the person."""
            site = self._site(request)
            query = request.scope["query_string"]
            address = site.address_of(request)
            asked = await site.server.authorization_request(query, address=address)
            if isinstance(asked, ReturnAddress):
                return self._refuse(request, asked)
            return self._show(request, await site.sign_in.open(asked, address=address))

        @post("/oauth/sign-in", **options)
        async def sign_in(request: HttpRequest) -> Response[bytes]:
            """E-mail address, password and permissions; or the way to the OpenID provider."""
            form = await self._form(request)
            return self._answer(request, await self._site(request).sign_in.sign_in(form), form.handle)

        @post("/oauth/code", **options)
        async def confirm(request: HttpRequest) -> Response[bytes]:
            """The second factor, or the code that was mailed."""
            sign_in = self._site(request).sign_in
            if not isinstance(sign_in, BuyerSignIn):
                raise NotFoundException
            form = await self._form(request)
            return self._answer(request, await sign_in.confirm(form), form.handle)

        @get(ISSUER_CALLBACK_PATH, **options)
        async def come_back(request: HttpRequest) -> Response[bytes]:
            """The answer of the OpenID provider (OpenID Connect Core §3.1.2.5)."""
            sign_in = self._site(request).sign_in
            if not isinstance(sign_in, IssuerSignIn):
                raise NotFoundException
            state, said = issuer_answer(request.scope["query_string"])
            cookie = request.cookies.get(_request_cookie(request, state), "")
            return self._answer(request, await sign_in.come_back(state, cookie, said), state)

        @post("/oauth/consent", **options)
        async def consent(request: HttpRequest) -> Response[bytes]:
            """The person said no; or yes, which is said here after the OpenID provider, and with the password else."""
            form, sign_in = await self._form(request), self._site(request).sign_in
            if isinstance(sign_in, IssuerSignIn) and form.act == "allow":
                return self._answer(request, await sign_in.allow(form), form.handle)
            return self._answer(request, await sign_in.cancel(form), form.handle)

        return [authorize, sign_in, confirm, come_back, consent]

    def _agents_routes(self, options: dict[str, Any]) -> list[HTTPRouteHandler]:
        @route(AGENTS_PATH, http_method=READS, **options)
        async def show(request: HttpRequest) -> Response[bytes]:
            """Who may act for the person that has signed in for this; else a page to do so."""
            site = self._site(request)
            try:
                page = await site.agents.page(_visit(request), ended="ended" in request.query_params)
            except SignInEnded:
                return self._show(request, await site.sign_in.open(None, address=site.address_of(request)))
            return self._pages.page("agents.html.j2", site_of(request).store, page=page)

        @post(AGENTS_PATH, **options)
        async def change(request: HttpRequest) -> Response[bytes]:
            """End one, or all, or the visit."""
            agents = self._site(request).agents
            fields = await read_fields(request)
            visit, shown, act = _visit(request), _field(fields, "request"), fields.one("act")
            if act == "leave":
                await agents.leave(visit, shown)
                gone = {"set-cookie": _cookie(request, _visit_cookie(request), "", seconds=0)}
                return self._tell("left", HTTPStatus.OK, request, headers=gone)
            if act not in {"end", "end-all"}:
                raise PageUnavailable(HTTPStatus.BAD_REQUEST)
            ended = await agents.end(visit, shown, _field(fields, "grant") if act == "end" else None)
            return see_other(f"{AGENTS_PATH}?ended" if ended else AGENTS_PATH)

        return [show, change]

    def _site(self, request: HttpRequest) -> SignInSite:
        site = self._sites.get(site_of(request).store.id)
        if site is None or not site.server.open:
            raise NotFoundException
        return site

    async def _form(self, request: HttpRequest) -> SignInForm:
        """The form of a page, bounded. Raises PageUnavailable."""
        site = self._site(request)
        fields = await read_fields(request)
        handle = _field(fields, "request")
        return SignInForm(
            handle=handle,
            cookie=request.cookies.get(_request_cookie(request, handle), ""),
            email=_field(fields, "email"),
            # Spaces at its ends are part of it.
            password=_check_length("password", next(iter(reversed(fields.all("password"))), "")),
            code=_field(fields, "code"),
            scopes=fields.all("scope"),
            act=_field(fields, "act"),
            address=site.address_of(request) or None,
        )

    def _answer(self, request: HttpRequest, answer: SignInAnswer, handle: str = "") -> Response[bytes]:
        if isinstance(answer, SignInPage):
            return self._show(request, answer)
        if isinstance(answer, IssuerVisit):
            cookie = _cookie(request, _request_cookie(request, answer.handle), answer.cookie)
            return see_other(answer.address, **{"set-cookie": cookie})
        if isinstance(answer, AuthenticatedVisit):
            cookie = _cookie(request, _visit_cookie(request), answer.handle)
            return see_other(AGENTS_PATH, **{"set-cookie": cookie})
        gone = {"set-cookie": _cookie(request, _request_cookie(request, handle), "", seconds=0)} if handle else {}
        if not answer.is_app:
            return see_other(answer.address, **gone)
        # Some browsers open an app only after a click.
        headers = {"refresh": f"0; url={answer.address}", **gone}
        return self._tell("return", HTTPStatus.OK, request, target=answer.address, headers=headers)

    def _refuse(self, request: HttpRequest, answer: ReturnAddress) -> Response[bytes]:
        """Send the browser back with an error; a person decides whether to go where anybody may have them sent."""
        if not answer.unproven:
            return self._answer(request, answer)
        return self._tell("refused", HTTPStatus.BAD_REQUEST, request, target=answer.address)

    def _show(self, request: HttpRequest, shown: SignInPage) -> Response[bytes]:
        site, view, headers = self._site(request), shown.view, {}
        if shown.cookie is not None:
            headers["set-cookie"] = _cookie(request, _request_cookie(request, view.handle), shown.cookie)
        if view.refused is not None and view.refused.retry_after:
            headers["retry-after"] = str(view.refused.retry_after)
        return self._pages.page(
            "sign_in.html.j2",
            site_of(request).store,
            status=HTTPStatus.OK if view.refused is None else REFUSED_STATUS[view.refused.reason],
            form_targets=view.form_target.split(),
            headers=headers,
            page=view,
            longest=MAX_CHARS,
            register_url=site.register_url,
            reset_url=site.reset_url,
        )

    def _tell(
        self,
        told: str,
        status: HTTPStatus,
        request: HttpRequest,
        error: Exception | None = None,
        *,
        target: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Response[bytes]:
        store = site_of(request).store
        detail = display_address(target) if error is None else str(error)
        return self._pages.page(
            "sign_in_told.html.j2", store, status=status, headers=headers, told=told, target=target, detail=detail
        )

    def _tell_many(self, request: HttpRequest, error: TooManyPending) -> Response[bytes]:
        headers = {"retry-after": str(error.retry_after)}
        return self._tell("many", HTTPStatus.TOO_MANY_REQUESTS, request, headers=headers)

    def _show_unavailable(self, failed: str, request: HttpRequest, error: PageUnavailable) -> Response[bytes]:
        return self._tell("foreign" if error.status == HTTPStatus.FORBIDDEN else failed, error.status, request)

    def _show_failure(self, failed: str, request: HttpRequest, error: Exception) -> Response[bytes]:
        log.error("a sign-in page failed", exc_info=error)
        return self._tell(failed, HTTPStatus.INTERNAL_SERVER_ERROR, request)


def _field(fields: FormFields, name: str) -> str:
    return _check_length(name, fields.one(name))


def _check_length(name: str, value: str) -> str:
    if len(value) > MAX_CHARS[name]:
        raise PageUnavailable(HTTPStatus.BAD_REQUEST)
    return value


def _visit(request: HttpRequest) -> str:
    return request.cookies.get(_visit_cookie(request), "")[: MAX_CHARS["request"]]


def _request_cookie(request: HttpRequest, handle: str) -> str:
    """One cookie per pending request, so that two of them do not get in each other's way."""
    return f"{_prefix(request)}sign-in-{hashlib.sha256(handle.encode()).hexdigest()[:12]}"


def _visit_cookie(request: HttpRequest) -> str:
    return f"{_prefix(request)}connected-agents"


def _prefix(request: HttpRequest) -> str:
    """Cookies of this host alone (RFC 6265bis §4.1.3.2); on plain http, which is loopback, browsers may keep none."""
    return "__Host-" if site_of(request).store.origin.startswith("https:") else ""


def _cookie(request: HttpRequest, name: str, value: str, *, seconds: int = COOKIE_SECONDS) -> str:
    secure = "; Secure" if _prefix(request) else ""
    return f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
