"""The one way to every page of the console: which store, who sits there, may they, did our own form ask."""

import asyncio
import hashlib
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

from storefront_mcp.calls.audit import OK, Entry, Who, moment
from storefront_mcp.calls.scopes import ALL_SCOPES, holds
from storefront_mcp.calls.seats import Seat
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.web.console.books import Books
from storefront_mcp.web.console.dress import Dress, private, see
from storefront_mcp.web.console.forms import Form, asked, csrf, sent
from storefront_mcp.web.console.refusals import NotForYou, NotSeated, lacks
from storefront_mcp.web.front import SITE
from storefront_mcp.web.site import Site

Asked = Request[Any, Any, Any]
SIGNS_IN: Final = ("manage:phases", "manage:checkouts", "manage:api_keys", "manage:audit", "manage:workspace")
"""Whoever holds one of these may sit down; each page asks for its own."""


class Place(Struct, frozen=True, kw_only=True):
    """Where the console of a store is."""

    path: str = "/operator"
    host: str | None = None
    """The only Host at which it answers; None for all of the store's."""
    lasts: int = 8 * 3600
    """Seconds after which people sign in again."""


class Tab(Struct, frozen=True):
    """A page that the navigation leads to."""

    at: str
    title: str
    needs: tuple[str, ...] = ()
    """Scopes of which one will do; none for whoever may sit down at all."""


class Visit(Struct, frozen=True, kw_only=True):
    """Somebody who may be here asks for a page."""

    desk: "Desk"
    request: Asked
    site: Site
    place: Place
    seat: Seat
    cookie: str
    form: Form = Form()

    @property
    def partial(self) -> bool:
        """Whether a script asks, for a part of the page only."""
        return isinstance(self.request, HTMXRequest) and bool(self.request.htmx)

    @property
    def store(self) -> StoreId:
        """Its store's id."""
        return self.site.store.id

    def address(self, at: str = "") -> str:
        """Where a page of this console is."""
        return f"{self.place.path}{at}"

    def page(
        self,
        template: str,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        **values: Any,  # noqa: ANN401 -- template values
    ) -> Response[bytes]:
        """A page, or its part where a script asks for that."""
        return self.desk.page(self, f"parts/{template}" if self.partial else template, status=status, **values)

    async def told(self, subject: str, **details: Any) -> None:  # noqa: ANN401 -- any JSON
        """Put on record what the operator did."""
        await self.desk.told(self.seat, subject, details)


class Action(Struct, frozen=True, kw_only=True):
    """Something that can be asked for, and the scope that it takes."""

    at: str
    method: Literal["GET", "POST"] = "GET"
    needs: tuple[str, ...] = ()
    """Scopes of which one will do; none for whoever may sit down at all."""
    run: Callable[[Visit], Awaitable[Response[Any]]]


class Desk:
    """Makes routes of actions. Nothing else leads to an action."""

    def __init__(self, places: Mapping[StoreId, Place], books: Books, dress: Dress, tabs: Sequence[Tab]) -> None:
        self.books = books
        self.dress = dress
        self.places = places
        self._tabs = tabs

    def routes(self, actions: Sequence[Action]) -> list[HTTPRouteHandler]:
        """Every action at every path where there is a console."""
        paths = {place.path for place in self.places.values()}
        return [
            *(self._route(path, action) for path in paths for action in actions),
            *(self._assets(path) for path in paths),
        ]

    def place(self, request: Asked) -> tuple[Site, Place]:
        """Which console is asked for. Raises NotFoundException where there is none."""
        site: Site = request.scope[SITE]  # type: ignore[typeddict-item]
        place = self.places.get(site.store.id)
        path = request.scope["path"]
        if place is None or not (path == place.path or path.startswith(f"{place.path}/")):
            raise NotFoundException
        host = request.headers.get("host", "").strip().lower()
        if place.host is not None and host != place.host.lower():
            raise NotFoundException
        return site, place

    def cookie(self, site: Site) -> str:
        """What the cookie of a seat is called."""
        return "__Secure-operator" if site.store.origin.startswith("https:") else "operator"

    async def seated(self, request: Asked, site: Site) -> tuple[Seat, str]:
        """Who sits there, and their cookie. Raises NotSeated."""
        cookie = request.cookies.get(self.cookie(site), "")
        found = await asyncio.to_thread(self._seat, cookie, site.store.id) if cookie else None
        if found is None:
            raise NotSeated
        return found, cookie

    def page(
        self,
        visit: Visit,
        template: str,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        **values: Any,  # noqa: ANN401 -- template values
    ) -> Response[bytes]:
        """A page for whoever sits there."""
        return self.dress.page(
            template,
            visit.site,
            status=status,
            root=visit.place.path,
            here=visit.request.scope["path"].removeprefix(visit.place.path),
            tabs=[tab for tab in self._tabs if _may(visit.seat, tab.needs)],
            seat=visit.seat,
            csrf=csrf(visit.cookie),
            **values,
        )

    async def told(self, seat: Seat, subject: str, details: Mapping[str, Any]) -> None:
        """Put on record what an operator did, on the disk."""
        entry = Entry(
            at=moment(self.books.now()),
            source="mcp",
            store=seat.store,
            what="operator.acted",
            subject=subject,
            who=Who(kind="operator", id=seat.by),
            outcome=OK,
            details=details,
        )
        await asyncio.to_thread(self.books.audit.write, [entry], survives="power")

    def first(self, seat: Seat) -> str:
        """The first page that somebody may see."""
        return next((tab.at for tab in self._tabs if _may(seat, tab.needs)), "/sign-in")

    def _seat(self, cookie: str, store: StoreId) -> Seat | None:
        """The seat that still counts, its key included."""
        now = self.books.now()
        seat = self.books.seats.find(digest(cookie), store, now)
        if seat is None or seat.key is None:
            return seat
        stored = self.books.keys.find(seat.key)
        return seat if stored is not None and stored.standing(now) == "valid" else None

    def _route(self, path: str, action: Action) -> HTTPRouteHandler:
        async def run(request: HTMXRequest) -> Response[Any]:
            site, place = self.place(request)
            try:
                seat, cookie = await self.seated(request, site)
            except NotSeated:
                return see(f"{place.path}/sign-in")
            visit = Visit(desk=self, request=request, site=site, place=place, seat=seat, cookie=cookie)
            try:
                return await action.run(await _admitted(visit, action))
            except NotForYou as refused:
                return self.page(visit, "told.html.j2", status=refused.status, title=refused.title, text=refused.text)

        made = get if action.method == "GET" else post
        return made(f"{path}{action.at}", include_in_schema=False, request_class=HTMXRequest)(run)

    def _assets(self, path: str) -> HTTPRouteHandler:
        @get(f"{path}/static/{{name:str}}", include_in_schema=False)
        async def asset(request: Asked, name: FromPath[str]) -> Response[bytes]:
            site, _ = self.place(request)
            found = self.dress.asset(name, site.store)
            if found is None:
                raise NotFoundException
            headers = {**private(None), "content-type": found.media_type, "cache-control": "private, max-age=86400"}
            return Response(found.body, headers=headers)

        return asset


async def _admitted(visit: Visit, action: Action) -> Visit:
    """The visit of somebody who may do this, with their form. Raises NotForYou."""
    if not _may(visit.seat, action.needs):
        scope = action.needs[0]
        raise lacks(scope, ALL_SCOPES[scope].allows)
    form = asked(visit.request) if action.method == "GET" else await sent(visit.request, visit.cookie)
    return replace(visit, form=form)


def _may(seat: Seat, needs: tuple[str, ...]) -> bool:
    return not needs or any(holds(seat.caller, scope) for scope in needs)


def digest(secret: str) -> bytes:
    """What is kept of a cookie or a link: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).digest()
