"""Signing in with an operator's key or by a link that opens once, and signing out."""

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

from storefront_mcp.calls.caller import Caller
from storefront_mcp.calls.scopes import ALL_SCOPES, holds
from storefront_mcp.calls.seats import Seat
from storefront_mcp.web.console.desk import SIGNS_IN, Action, Asked, Desk, Place, Visit, digest
from storefront_mcp.web.console.dress import see
from storefront_mcp.web.console.forms import Form, csrf, sent
from storefront_mcp.web.console.refusals import NotForYou, NotSeated
from storefront_mcp.web.door import TurnedAway
from storefront_mcp.web.site import Site

WAITING: Final = "operator-door"
"""The cookie of somebody who is about to sign in: it ties the form to the browser that asked for it."""
LONGEST: Final = 200
"""Characters of what is typed or linked that are looked at."""
LINK: Final = "once"


class Entrance:
    """The console's door."""

    def __init__(self, desk: Desk, *, token: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> None:
        self._desk = desk
        self._books = desk.books
        self._token = token

    def routes(self, paths: set[str]) -> list[HTTPRouteHandler]:
        """The form, what it leads to, and the link."""
        return [route for path in sorted(paths) for route in self._at(path)]

    @property
    def action(self) -> Action:
        """Signing out."""
        return Action(at="/sign-out", method="POST", run=self._leave)

    def _at(self, path: str) -> list[HTTPRouteHandler]:
        @get(f"{path}/sign-in", include_in_schema=False)
        async def show(request: Asked) -> Response[bytes]:
            site, place = await self._open(request)
            once = request.query_params.get(LINK, "")[:LONGEST]
            try:
                seat, _ = await self._desk.seated(request, site)
            except NotSeated:
                return self._form(request, site, place, once=once)
            return self._form(request, site, place, once=once) if once else see(place.path + self._desk.first(seat))

        @post(f"{path}/sign-in", include_in_schema=False)
        async def enter(request: Asked) -> Response[bytes]:
            site, place = await self._open(request)
            form = Form()
            try:
                form = await sent(request, request.cookies.get(WAITING, ""))
                return await self._seated(site, place, await self._whoever(request, site, form))
            except NotForYou as refused:
                return self._form(request, site, place, once=form.one(LINK)[:LONGEST], refused=refused)

        return [show, enter]

    async def _open(self, request: Asked) -> tuple[Site, Place]:
        """The console, where anybody could sign in at all. Raises NotFoundException."""
        site, place = self._desk.place(request)
        if not await asyncio.to_thread(self._awaits, site):
            raise NotFoundException
        return site, place

    def _awaits(self, site: Site) -> bool:
        now, store = self._books.now(), site.store.id
        if self._books.seats.in_use(store, now):
            return True
        return any(
            stored.standing(now) == "valid" and _may_sit(_caller(stored.key.scopes))
            for stored in self._books.keys.listed(store)
        )

    def _form(
        self, request: Asked, site: Site, place: Place, *, once: str, refused: NotForYou | None = None
    ) -> Response[bytes]:
        cookie = request.cookies.get(WAITING) or self._token()
        status = HTTPStatus.OK if refused is None else refused.status
        return self._desk.dress.page(
            "sign_in.html.j2",
            site,
            status=status,
            headers={"set-cookie": _cookie(site, place, WAITING, cookie, seconds=3600)},
            root=place.path,
            csrf=csrf(cookie),
            once=once,
            refused=refused,
        )

    async def _whoever(self, request: Asked, site: Site, form: Form) -> Seat:
        """Who may sit down, with a link or a key. Raises NotForYou."""
        once = form.one(LINK)[:LONGEST]
        return await (self._invited(request, site, once) if once else self._with_key(request, site, form.one("key")))

    async def _invited(self, request: Asked, site: Site, once: str) -> Seat:
        turnstile, headers = self._books.turnstiles[site.store.id], list(request.scope["headers"])
        address = turnstile.address(request.scope["client"], headers)
        refused = await turnstile.may_authenticate(address, headers)
        if refused is not None:
            raise _too_many(refused.retry_after)
        accepted = await asyncio.to_thread(self._books.seats.accept, digest(once), site.store.id, self._books.now())
        if accepted is None:
            await turnstile.turned_away(address, headers)
            text = "It opens once, and for a few minutes only. Make another one: storefront-mcp console"
            raise NotForYou(HTTPStatus.UNAUTHORIZED, "This link does not open any more", text)
        return self._seat(site, by=accepted.by, scopes=frozenset(ALL_SCOPES), key=None)

    async def _with_key(self, request: Asked, site: Site, key: str) -> Seat:
        """Asked at the store's own door, which counts what is refused."""
        headers = [field for field in request.scope["headers"] if field[0] != b"authorization"]
        headers.append((b"authorization", b"Bearer " + key[:LONGEST].encode("latin-1", "replace")))
        try:
            caller = await self._books.doors[site.store.id].admitted(headers, b"", request.scope["client"])
        except TurnedAway as away:
            if away.status == HTTPStatus.TOO_MANY_REQUESTS:
                raise _too_many(_retry_after(away)) from None
            if away.status == HTTPStatus.SERVICE_UNAVAILABLE:
                raise NotForYou(away.status, "Keys cannot be checked now", "Try again in a minute.") from None
            text = "It is no key of this shop, or it is expired or revoked. Look whether all of it was pasted."
            raise NotForYou(HTTPStatus.UNAUTHORIZED, "This key does not open the console", text) from None
        if caller.kind != "key" or not _may_sit(caller):
            text = f"The console takes an API key with at least one of the scopes {', '.join(SIGNS_IN)}."
            raise NotForYou(HTTPStatus.FORBIDDEN, "This key does not open the console", text)
        by = f"{caller.client} ({caller.identifier})"
        return self._seat(site, by=by, scopes=caller.scopes, key=caller.principal, until=caller.expires_at)

    def _seat(
        self, site: Site, *, by: str, scopes: frozenset[str], key: str | None, until: dt.datetime | None = None
    ) -> Seat:
        now = self._books.now()
        ends = now + dt.timedelta(seconds=self._desk.places[site.store.id].lasts)
        return Seat(
            digest=b"",
            store=site.store.id,
            by=by,
            scopes=scopes,
            key=key,
            began_at=now,
            expires_at=ends if until is None else min(ends, until),
        )

    async def _seated(self, site: Site, place: Place, seat: Seat) -> Response[bytes]:
        cookie = self._token()
        seat = replace(seat, digest=digest(cookie))
        await asyncio.to_thread(self._books.seats.take, seat)
        await self._desk.told(seat, "console.signed_in", {"with": "link" if seat.key is None else "key"})
        seconds = int((seat.expires_at - seat.began_at).total_seconds())
        set_ = _cookie(site, place, self._desk.cookie(site), cookie, seconds=seconds)
        return see(place.path + self._desk.first(seat), **{"set-cookie": set_})

    async def _leave(self, visit: Visit) -> Response[bytes]:
        await asyncio.to_thread(self._books.seats.leave, visit.seat.digest)
        await visit.told("console.signed_out")
        gone = _cookie(visit.site, visit.place, self._desk.cookie(visit.site), "", seconds=0)
        return see(visit.address("/sign-in"), **{"set-cookie": gone, "clear-site-data": '"cache"'})


def _cookie(site: Site, place: Place, name: str, value: str, *, seconds: int) -> str:
    """A cookie that no script reads and no other site sends (RFC 6265bis)."""
    secure = "; Secure" if site.store.origin.startswith("https:") else ""
    return f"{name}={value}; Path={place.path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"


def _caller(scopes: frozenset[str]) -> Caller:
    return Caller(kind="key", scopes=scopes)


def _may_sit(caller: Caller) -> bool:
    return any(holds(caller, scope) for scope in SIGNS_IN)


def _too_many(seconds: int | str) -> NotForYou:
    text = f"Too much was refused from your address. Try again in {seconds} seconds."
    return NotForYou(HTTPStatus.TOO_MANY_REQUESTS, "One moment, please", text)


def _retry_after(away: TurnedAway) -> str:
    return next((value.decode() for name, value in away.headers if name == b"retry-after"), "60")
