"""Login to the console by API key or one-time link, and logout."""

import asyncio
import datetime as dt
import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from litestar import Response
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, get, post
from msgspec.structs import replace

from storefront_mcp.access.scopes import ALL_SCOPES
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.console.errors import ConsoleError, NotSignedIn
from storefront_mcp.console.forms import csrf_token, posted_fields
from storefront_mcp.console.routing import (
    ALL_STORES,
    SIGN_IN_SCOPES,
    ConsoleAction,
    ConsolePlace,
    ConsoleRequest,
    ConsoleRouter,
    HttpRequest,
    may_sign_in,
)
from storefront_mcp.records.console_sessions import ConsoleSession, LoginLink, secret_digest
from storefront_mcp.web.authentication import HttpRejection
from storefront_mcp.web.forms import FormFields
from storefront_mcp.web.responses import see_other
from storefront_mcp.web.site import StoreSite

LOGIN_COOKIE: Final = "operator-door"
"""Cookie that the CSRF token of the sign-in form belongs to."""
MAX_SECRET_CHARS: Final = 200
"""Of a key or a link; the rest is cut off."""
LINK_FIELD: Final = "once"


class LoginRoutes:
    """Routes of the sign-in form and of logout."""

    def __init__(self, router: ConsoleRouter, *, token: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> None:
        self._router = router
        self._dependencies = router.dependencies
        self._token = token

    def routes(self) -> list[HTTPRouteHandler]:
        """GET and POST of the sign-in form at each console path."""
        return [route for path in self._router.paths for route in self._form_routes(path)]

    @property
    def action(self) -> ConsoleAction:
        """The logout route."""
        return ConsoleAction(at="/sign-out", method="POST", run=self._sign_out)

    def _form_routes(self, path: str) -> list[HTTPRouteHandler]:
        @get(f"{path}/sign-in", include_in_schema=False)
        async def show(request: HttpRequest) -> Response[bytes]:
            place = await self._console_of(request)
            once = request.query_params.get(LINK_FIELD, "")[:MAX_SECRET_CHARS]
            try:
                session, _ = await self._router.session_of(request, place)
            except NotSignedIn:
                return self._form(request, place, once=once)
            return (
                self._form(request, place, once=once)
                if once
                else see_other(place.root + self._router.first_tab(session))
            )

        @post(f"{path}/sign-in", include_in_schema=False)
        async def submit(request: HttpRequest) -> Response[bytes]:
            place = await self._console_of(request)
            form = FormFields()
            try:
                form = await posted_fields(request, request.cookies.get(LOGIN_COOKIE, ""))
                return await self._start_sessions(request, place, await self._authenticate_form(request, place, form))
            except ConsoleError as refused:
                return self._form(request, place, once=form.one(LINK_FIELD)[:MAX_SECRET_CHARS], refused=refused)

        return [show, submit]

    async def _console_of(self, request: HttpRequest) -> ConsolePlace:
        """The console at this request's address, where anybody can sign in at all. Raises NotFoundException."""
        try:
            place = await self._router.place_of(request)
        except NotSignedIn:
            raise NotFoundException from None
        if not await self._router.login_possible(place.site):
            raise NotFoundException
        return place

    def _form(
        self,
        request: HttpRequest,
        place: ConsolePlace,
        *,
        once: str,
        refused: ConsoleError | None = None,
    ) -> Response[bytes]:
        cookie = request.cookies.get(LOGIN_COOKIE) or self._token()
        status = HTTPStatus.OK if refused is None else refused.status
        return self._router.renderer.page(
            "sign_in.html.j2",
            place.home,
            status=status,
            headers={"set-cookie": _cookie(place, LOGIN_COOKIE, cookie, seconds=3600)},
            root=place.root,
            home=place.home_path,
            csrf=csrf_token(cookie),
            once=once,
            refused=refused,
        )

    async def _authenticate_form(
        self, request: HttpRequest, place: ConsolePlace, form: FormFields
    ) -> list[ConsoleSession]:
        """Authenticate the login form by one-time link or API key. Returns unsaved sessions, of a key only one.

        Raises ConsoleError 401, 403, 429, 503.
        """
        once = form.one(LINK_FIELD)[:MAX_SECRET_CHARS]
        if once:
            return await self._by_link(request, place, once)
        return [await self._by_key(request, place.site, form.one("key"))]

    async def _by_link(self, request: HttpRequest, place: ConsolePlace, once: str) -> list[ConsoleSession]:
        """A session of each store at this address that the link was made for."""
        limiter = self._dependencies.rate_limiters[place.store]
        origin = limiter.unsigned_origin(request.scope["client"], list(request.scope["headers"]))
        refused = await limiter.may_authenticate(origin)
        if refused is not None:
            raise _limited_error(refused.retry_after)
        sites = [one.site for one in self._router.places_beside(place, request)]
        redeemed = await asyncio.to_thread(lambda: [self._redeem(once, site.store.id) for site in sites])
        accepted = [(site, link) for site, link in zip(sites, redeemed, strict=True) if link is not None]
        if not accepted:
            await limiter.count_rejection(origin)
            text = "It opens once, and for a few minutes only. Make another one: storefront-mcp console"
            raise ConsoleError(HTTPStatus.UNAUTHORIZED, "This link does not open any more", text)
        scopes = frozenset(ALL_SCOPES)
        return [self._new_session(site, by=link.by, scopes=scopes, key=None) for site, link in accepted]

    def _redeem(self, once: str, store: StoreId) -> LoginLink | None:
        sessions = self._dependencies.console_sessions
        return sessions.redeem_link(secret_digest(once, store), store, self._dependencies.now())

    async def _by_key(self, request: HttpRequest, site: StoreSite, key: str) -> ConsoleSession:
        """By the store's own authenticator, which rate-limits rejections."""
        headers = [field for field in request.scope["headers"] if field[0] != b"authorization"]
        headers.append((b"authorization", b"Bearer " + key[:MAX_SECRET_CHARS].encode("latin-1", "replace")))
        origin = self._dependencies.rate_limiters[site.store.id].unsigned_origin(request.scope["client"], headers)
        try:
            caller = await self._dependencies.authenticators[site.store.id].authenticate(origin, b"")
        except HttpRejection as rejection:
            if rejection.status == HTTPStatus.TOO_MANY_REQUESTS:
                raise _limited_error(_retry_after(rejection)) from None
            if rejection.status == HTTPStatus.SERVICE_UNAVAILABLE:
                raise ConsoleError(rejection.status, "Keys cannot be checked now", "Try again in a minute.") from None
            text = "It is no key of this shop, or it is expired or revoked. Look whether all of it was pasted."
            raise ConsoleError(HTTPStatus.UNAUTHORIZED, "This key does not open the console", text) from None
        if caller.kind != "key" or not may_sign_in(caller):
            text = f"The console takes an API key with at least one of the scopes {', '.join(SIGN_IN_SCOPES)}."
            raise ConsoleError(HTTPStatus.FORBIDDEN, "This key does not open the console", text)
        by = f"{caller.client} ({caller.identifier})"
        return self._new_session(site, by=by, scopes=caller.scopes, key=caller.principal, until=caller.expires_at)

    def _new_session(
        self, site: StoreSite, *, by: str, scopes: frozenset[str], key: str | None, until: dt.datetime | None = None
    ) -> ConsoleSession:
        now = self._dependencies.now()
        ends = now + dt.timedelta(seconds=self._router.locations[site.store.id].session_seconds)
        return ConsoleSession(
            digest=b"",
            store=site.store.id,
            by=by,
            scopes=scopes,
            key=key,
            began_at=now,
            expires_at=ends if until is None else min(ends, until),
        )

    async def _start_sessions(
        self, request: HttpRequest, place: ConsolePlace, sessions: list[ConsoleSession]
    ) -> Response[bytes]:
        """Sign in to more stores, under a new cookie that takes the place of the browser's old one."""
        cookie = self._token()
        opened = await self._router.store_sessions_of(request, place)
        held = [one.session for one in opened]
        entered = {session.store for session in sessions}
        kept = [session for session in held if session.store not in entered]
        new = [replace(one, digest=secret_digest(cookie, one.store)) for one in (*sessions, *kept)]

        def save() -> None:
            for one in new:
                self._dependencies.console_sessions.add_session(one)
            for one in held:
                self._dependencies.console_sessions.end_session(one.digest)

        await asyncio.to_thread(save)
        for session in sessions:
            await self._router.audit(session, "console.signed_in", {"with": "link" if session.key is None else "key"})
        ends = max(session.expires_at for session in new)
        seconds = int((ends - self._dependencies.now()).total_seconds())
        set_ = _cookie(place, place.cookie_name, cookie, seconds=seconds)
        here = next((one for one in sessions if one.store == place.store), sessions[0])
        root = next(one.root for one in self._router.places_beside(place, request) if one.store == here.store)
        to = place.root + ALL_STORES if len(new) > 1 else root + self._router.first_tab(here)
        return see_other(to if here.store == place.store else root, **{"set-cookie": set_})

    async def _sign_out(self, request: ConsoleRequest) -> Response[bytes]:
        """Of every store at once."""
        sessions = [one.session for one in request.store_sessions] or [request.session]
        end = self._dependencies.console_sessions.end_session
        await asyncio.to_thread(lambda: [end(session.digest) for session in sessions])
        for session in sessions:
            await self._router.audit(session, "console.signed_out", {})
        gone = _cookie(request.place, request.place.cookie_name, "", seconds=0)
        return see_other(request.address("/sign-in"), **{"set-cookie": gone, "clear-site-data": '"cache"'})


def _cookie(place: ConsolePlace, name: str, value: str, *, seconds: int) -> str:
    """Set-Cookie value: HttpOnly, SameSite=Strict, Secure over https (RFC 6265bis)."""
    secure = "; Secure" if place.is_https else ""
    return f"{name}={value}; Path={place.home_path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"


def _limited_error(seconds: int | str) -> ConsoleError:
    text = f"Too much was refused from your address. Try again in {seconds} seconds."
    return ConsoleError(HTTPStatus.TOO_MANY_REQUESTS, "One moment, please", text)


def _retry_after(rejection: HttpRejection) -> str:
    return next((value.decode() for name, value in rejection.headers if name == b"retry-after"), "60")
