"""API keys: minted and shown once, revoked for good, with their scopes in words."""

import asyncio
import datetime as dt
from http import HTTPStatus
from typing import Final

from litestar import Response

from storefront_mcp.calls.credentials import LIFETIME, LONGEST_LABEL, LONGEST_LIFETIME, NoSuchKey
from storefront_mcp.calls.scopes import SCOPES, holds, in_order, may_grant
from storefront_mcp.web.console.desk import Action, Tab, Visit
from storefront_mcp.web.console.dress import see
from storefront_mcp.web.console.refusals import NotForYou, unknown, unreadable

NEEDS: Final = ("manage:api_keys",)
TAB: Final = Tab("/keys", "Keys", NEEDS)
WORDS: Final = {scope.name: scope.allows for scope in SCOPES}
DIGITS: Final = 5


def actions() -> list[Action]:
    """What can be asked for."""
    return [
        Action(at=TAB.at, needs=NEEDS, run=show),
        Action(at=f"{TAB.at}/mint", method="POST", needs=NEEDS, run=mint),
        Action(at=f"{TAB.at}/revoke", method="POST", needs=NEEDS, run=revoke),
    ]


async def show(visit: Visit) -> Response[bytes]:
    """Every key of the store, newest first."""
    return await _shown(visit)


async def mint(visit: Visit) -> Response[bytes]:
    """Make a key. This answer is the only place where it can ever be read, so it is no redirect."""
    form, books = visit.form, visit.desk.books
    label, days, scopes = form.one("label"), form.one("days"), frozenset(form.all("scope"))
    if not scopes <= WORDS.keys():
        raise unreadable()
    problem = _problem(label, days, scopes)
    if problem:
        return await _shown(visit, status=HTTPStatus.UNPROCESSABLE_ENTITY, problem=problem, label=label, chosen=scopes)
    if not may_grant(visit.seat.caller, scopes):
        missing = ", ".join(scope for scope in in_order(scopes) if not holds(visit.seat.caller, scope))
        text = f"Nobody hands on more than they have, and yours lacks {missing}."
        raise NotForYou(HTTPStatus.FORBIDDEN, "Not with this key", text)
    new = books.mint(
        store=visit.store,
        label=label,
        scopes=scopes,
        by=visit.seat.by,
        now=books.now(),
        lifetime=dt.timedelta(days=int(days)),
    )
    key = await asyncio.to_thread(books.keys.add, new.key, new.digest)
    return await _shown(visit, status=HTTPStatus.CREATED, minted=key, secret=new.secret.reveal())


async def revoke(visit: Visit) -> Response[bytes]:
    """Void one for good."""
    try:
        key = await asyncio.to_thread(visit.desk.books.keys.revoke, visit.store, visit.form.one("id"), by=visit.seat.by)
    except NoSuchKey as error:
        raise unknown(str(error)) from None
    return see(visit.address(f"{TAB.at}?revoked={key.id}"))


async def _shown(visit: Visit, *, status: HTTPStatus = HTTPStatus.OK, **values: object) -> Response[bytes]:
    books = visit.desk.books
    now = books.now()
    stored = await asyncio.to_thread(books.keys.listed, visit.store)
    shown = {"minted": None, "secret": "", "problem": "", "label": "", "chosen": frozenset(), **values}
    return visit.page(
        "keys.html.j2",
        status=status,
        keys=[(one.key, one.standing(now)) for one in reversed(stored)],
        scopes=[scope for scope in SCOPES if holds(visit.seat.caller, scope.name)],
        words=WORDS,
        in_order=in_order,
        revoked=visit.form.one("revoked"),
        days=LIFETIME.days,
        longest_label=LONGEST_LABEL,
        longest_days=LONGEST_LIFETIME.days,
        **shown,
    )


def _problem(label: str, days: str, scopes: frozenset[str]) -> str:
    """What keeps a wish from being a key, as a sentence."""
    if not 0 < len(label) <= LONGEST_LABEL:
        return f"Say what the key is for, in 1 to {LONGEST_LABEL} characters."
    if not scopes:
        return "Choose at least one thing that it may do."
    if not (days.isascii() and days.isdecimal() and len(days) <= DIGITS and 1 <= int(days) <= LONGEST_LIFETIME.days):
        return f"It counts from 1 to {LONGEST_LIFETIME.days} days."
    return ""
