"""Router of the console: resolves store and session, checks scopes and CSRF, then runs an action."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Literal

from litestar import Request, Response
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, get, post
from litestar.params import FromPath
from litestar_htmx import HTMXRequest
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.access.caller import Caller
from storefront_mcp.access.scopes import ALL_SCOPES, has_scope
from storefront_mcp.checkout.record import State
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.console.dependencies import ConsoleDependencies
from storefront_mcp.console.errors import ConsoleError, NotSignedIn, missing_scope
from storefront_mcp.console.forms import csrf_token, posted_fields, query_fields
from storefront_mcp.console.rendering import ConsoleRenderer, private_headers
from storefront_mcp.records.audit import operator_entry
from storefront_mcp.records.console_sessions import ConsoleSession, secret_digest
from storefront_mcp.web.forms import FormFields
from storefront_mcp.web.host_router import SITE_SCOPE_KEY
from storefront_mcp.web.responses import see_other
from storefront_mcp.web.site import StoreSite

MAX_WAITING_COUNTED: Final = 100
ALL_STORES: Final = "/stores"
"""The page of every store that a browser is signed in to."""
OTHER_STORES: Final = "/at"
"""Below the path of a store's console: the consoles of the server's stores, by id."""
HttpRequest = Request[Any, Any, Any]
SIGN_IN_SCOPES: Final = ("manage:phases", "manage:checkouts", "manage:api_keys", "manage:audit", "manage:workspace")
"""One of these is needed to sign in; each page has its own besides."""


class ConsoleLocation(Struct, frozen=True, kw_only=True):
    """Mount point of a store's console."""

    path: str = "/operator"
    host: str | None = None
    """The only Host that it is served at; None for all of the store's."""
    session_seconds: int = 8 * 3600

    def is_served_at(self, host: str) -> bool:
        """Whether it answers at a Host."""
        return self.host is None or self.host.lower() == host.strip().lower()


class ConsolePlace(Struct, frozen=True, kw_only=True):
    """The console of a store as it is served at the address of one: its own, or that of another store of the server."""

    site: StoreSite
    location: ConsoleLocation
    root: str
    """Path of its pages."""
    home: StoreSite
    """The store at whose address it is served."""
    home_path: str
    """Path of that store's console; the session cookie is sent to everything below it."""

    @property
    def store(self) -> StoreId:
        """The store's id."""
        return self.site.store.id

    @property
    def cookie_name(self) -> str:
        """Name of the session cookie."""
        return "__Secure-operator" if self.is_https else "operator"

    @property
    def is_https(self) -> bool:
        """Whether browsers reach it by https."""
        return self.home.store.origin.startswith("https:")


class StoreSession(Struct, frozen=True, kw_only=True):
    """A store that a browser is signed in to."""

    place: ConsolePlace
    session: ConsoleSession


class ConsoleTab(Struct, frozen=True):
    """An entry of the navigation."""

    at: str
    title: str
    needs: tuple[str, ...] = ()
    """Scopes of which one suffices; empty for any session."""
    waits_in: tuple[State, ...] = ()
    """States of checkouts that wait for a person: the navigation shows how many there are."""
    for_sign_in: bool = False
    """Whether only stores whose customers can sign in have it."""


class ConsoleRequest(Struct, frozen=True, kw_only=True):
    """An authenticated, authorized request for a console page."""

    router: "ConsoleRouter"
    request: HttpRequest
    place: ConsolePlace
    session: ConsoleSession
    cookie: str
    store_sessions: Sequence[StoreSession] = ()
    """Every store that this browser is signed in to."""
    form: FormFields = FormFields()
    waiting: Mapping[str, int] = {}
    """How much waits for a person, by the address of a tab."""

    @property
    def partial(self) -> bool:
        """Whether htmx asks for a part of the page only."""
        return isinstance(self.request, HTMXRequest) and bool(self.request.htmx)

    @property
    def dependencies(self) -> ConsoleDependencies:
        """Of the router."""
        return self.router.dependencies

    @property
    def site(self) -> StoreSite:
        """The store on the web."""
        return self.place.site

    @property
    def store(self) -> StoreId:
        """The store's id."""
        return self.place.store

    def address(self, at: str = "") -> str:
        """Path of a page of this console."""
        return f"{self.place.root}{at}"

    def page(
        self,
        template: str,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        **values: Any,  # noqa: ANN401 -- template values
    ) -> Response[bytes]:
        """A rendered page, or its part for htmx."""
        return self.router.page(self, f"parts/{template}" if self.partial else template, status=status, **values)

    async def audit(self, subject: str, **details: Any) -> None:  # noqa: ANN401 -- any JSON
        """Write an `operator.acted` entry."""
        await self.router.audit(self.session, subject, details)


class ConsoleAction(Struct, frozen=True, kw_only=True):
    """A route of the console with the scopes that it needs."""

    at: str
    method: Literal["GET", "POST"] = "GET"
    needs: tuple[str, ...] = ()
    """Scopes of which one suffices; empty for any session."""
    run: Callable[[ConsoleRequest], Awaitable[Response[Any]]]


class ConsoleRouter:
    """Makes Litestar routes of actions; every action runs behind session, scope and CSRF checks."""

    def __init__(
        self,
        locations: Mapping[StoreId, ConsoleLocation],
        dependencies: ConsoleDependencies,
        renderer: ConsoleRenderer,
        tabs: Sequence[ConsoleTab],
    ) -> None:
        self.dependencies = dependencies
        self.renderer = renderer
        self.locations = locations
        self._tabs = tabs

    def routes(self, actions: Sequence[ConsoleAction]) -> list[HTTPRouteHandler]:
        """Every action and asset at every console path."""
        return [
            *(self._route(path, action) for path in self.paths for action in actions),
            *(self._assets(path) for path in {location.path for location in self.locations.values()}),
        ]

    @property
    def paths(self) -> Sequence[str]:
        """Where consoles are: each path, and below it the stores of the server by their ids."""
        paths = sorted({location.path for location in self.locations.values()})
        return [*paths, *(f"{path}{OTHER_STORES}/{{store:str}}" for path in paths if len(self.locations) > 1)]

    def home_of(self, request: HttpRequest) -> ConsolePlace:
        """The console of the store at whose address a request came. Raises NotFoundException."""
        home: StoreSite = request.scope[SITE_SCOPE_KEY]  # type: ignore[typeddict-item]
        location = self.locations.get(home.store.id)
        path, host = request.scope["path"], request.headers.get("host", "")
        if location is None or not (path == location.path or path.startswith(f"{location.path}/")):
            raise NotFoundException
        if not location.is_served_at(host):
            raise NotFoundException
        return ConsolePlace(site=home, location=location, root=location.path, home=home, home_path=location.path)

    async def place_of(self, request: HttpRequest) -> ConsolePlace:
        """The console that a request is about. Raises NotFoundException, and NotSignedIn.

        Nobody learns which other stores there are before they have signed in to one.
        """
        home = self.home_of(request)
        named = request.path_params.get("store")
        if named is None:
            return home
        if not await self.store_sessions_of(request, home):
            raise NotSignedIn
        found = next((one for one in self.places_beside(home, request) if one.store == named), None)
        if found is None:
            raise NotFoundException
        return found

    def places_beside(self, place: ConsolePlace, request: HttpRequest) -> Sequence[ConsolePlace]:
        """A place, and those of the other stores that are served at the same address."""
        host = request.headers.get("host", "")
        return [
            replace(
                place,
                site=self.dependencies.sites[store],
                location=location,
                root=place.home_path + ("" if store == place.home.store.id else f"{OTHER_STORES}/{store}"),
            )
            for store, location in self.locations.items()
            if location.is_served_at(host)
        ]

    async def session_of(self, request: HttpRequest, place: ConsolePlace) -> tuple[ConsoleSession, str]:
        """The valid session of a request, and its cookie. Raises NotSignedIn."""
        cookie = request.cookies.get(place.cookie_name, "")
        found = await asyncio.to_thread(self._find_session, cookie, place.store) if cookie else None
        if found is None:
            raise NotSignedIn
        return found, cookie

    async def store_sessions_of(self, request: HttpRequest, place: ConsolePlace) -> Sequence[StoreSession]:
        """Every store at this address that a browser is signed in to."""
        cookie, places = request.cookies.get(place.cookie_name, ""), self.places_beside(place, request)
        if not cookie:
            return ()
        found = await asyncio.to_thread(lambda: [self._find_session(cookie, one.store) for one in places])
        pairs = zip(places, found, strict=True)
        return [StoreSession(place=one, session=session) for one, session in pairs if session is not None]

    def page(
        self,
        request: ConsoleRequest,
        template: str,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        **values: Any,  # noqa: ANN401 -- template values
    ) -> Response[bytes]:
        """A rendered page with navigation and CSRF token."""
        return self.renderer.page(
            template,
            request.site,
            status=status,
            root=request.place.root,
            here=request.request.scope["path"].removeprefix(request.place.root),
            store_sessions=request.store_sessions if len(request.store_sessions) > 1 else (),
            home=request.place.home_path,
            tabs=self._tabs_of(request.session),
            waiting=request.waiting,
            session=request.session,
            csrf=csrf_token(request.cookie),
            **values,
        )

    async def audit(self, session: ConsoleSession, subject: str, details: Mapping[str, Any]) -> None:
        """Write an `operator.acted` entry that survives a power cut."""
        now = self.dependencies.now()
        entry = operator_entry(now, "operator.acted", subject, store=session.store, by=session.by, details=details)
        await asyncio.to_thread(self.dependencies.audit.write, [entry], survives="power")

    def first_tab(self, session: ConsoleSession) -> str:
        """Path of the first tab that the session may open."""
        return next((tab.at for tab in self._tabs_of(session)), "/sign-in")

    def _tabs_of(self, session: ConsoleSession) -> Sequence[ConsoleTab]:
        signs_in = self.dependencies.signs_in(session.store)
        return [tab for tab in self._tabs if may_act(session, tab.needs) and (signs_in or not tab.for_sign_in)]

    async def login_possible(self, site: StoreSite) -> bool:
        """Whether there is a session, a link or an API key by which anybody could sign in."""
        return await asyncio.to_thread(self._has_way_in, site.store.id)

    def _has_way_in(self, store: StoreId) -> bool:
        now = self.dependencies.now()
        return self.dependencies.console_sessions.has_sessions(store, now) or any(
            stored.status_at(now) == "valid" and may_sign_in(Caller(kind="key", scopes=stored.key.scopes))
            for stored in self.dependencies.api_keys.list(store)
        )

    async def count_waiting(self, session: ConsoleSession) -> Mapping[str, int]:
        """How much waits for a person, by the address of its tab; nothing that the session may not see."""
        counts = {
            tab.at: len(
                await self.dependencies.checkouts.list_by_state(session.store, tab.waits_in, limit=MAX_WAITING_COUNTED)
            )
            for tab in self._tabs
            if tab.waits_in and may_act(session, tab.needs)
        }
        return {at: count for at, count in counts.items() if count}

    def _find_session(self, cookie: str, store: StoreId) -> ConsoleSession | None:
        """The stored session, unless it or its API key is expired or revoked."""
        now = self.dependencies.now()
        session = self.dependencies.console_sessions.find_session(secret_digest(cookie, store), store, now)
        if session is None or session.key is None:
            return session
        stored = self.dependencies.api_keys.find(session.key)
        return session if stored is not None and stored.status_at(now) == "valid" else None

    def _route(self, path: str, action: ConsoleAction) -> HTTPRouteHandler:
        async def run(request: HTMXRequest) -> Response[Any]:
            place = self.home_of(request)
            try:
                place = await self.place_of(request)
                session, cookie = await self.session_of(request, place)
            except NotSignedIn:
                if not await self.login_possible(place.site):
                    raise NotFoundException from None
                return see_other(f"{place.root}/sign-in")
            authenticated = ConsoleRequest(
                router=self,
                request=request,
                place=place,
                session=session,
                cookie=cookie,
                store_sessions=await self.store_sessions_of(request, place) if len(self.locations) > 1 else (),
                waiting=await self.count_waiting(session),
            )
            try:
                return await action.run(await _authorized_request(authenticated, action))
            except ConsoleError as refused:
                return self.page(
                    authenticated, "told.html.j2", status=refused.status, title=refused.title, text=refused.text
                )

        made = get if action.method == "GET" else post
        return made(f"{path}{action.at}", include_in_schema=False, request_class=HTMXRequest)(run)

    def _assets(self, path: str) -> HTTPRouteHandler:
        @get(f"{path}/static/{{name:str}}", include_in_schema=False)
        async def asset(request: HttpRequest, name: FromPath[str]) -> Response[bytes]:
            found = self.renderer.asset(name, self.home_of(request).site.store)
            if found is None:
                raise NotFoundException
            headers = {
                **private_headers(None),
                "content-type": found.media_type,
                "cache-control": "private, max-age=86400",
            }
            return Response(found.body, headers=headers)

        return asset


async def _authorized_request(request: ConsoleRequest, action: ConsoleAction) -> ConsoleRequest:
    """The request with its fields, if the session has a scope of the action. Raises ConsoleError 400, 403."""
    if not may_act(request.session, action.needs):
        scope = action.needs[0]
        raise missing_scope(scope, ALL_SCOPES[scope].allows)
    form = (
        query_fields(request.request)
        if action.method == "GET"
        else await posted_fields(request.request, request.cookie)
    )
    return replace(request, form=form)


def may_sign_in(caller: Caller) -> bool:
    """Whether an API key with these scopes opens the console."""
    return any(has_scope(caller, scope) for scope in SIGN_IN_SCOPES)


def may_act(session: ConsoleSession, needs: tuple[str, ...]) -> bool:
    """Whether a session has one of some scopes, or none is needed."""
    return not needs or any(has_scope(session.caller, scope) for scope in needs)
