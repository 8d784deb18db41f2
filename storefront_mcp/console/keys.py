"""API keys page: mint (the secret is shown once), search, replace with an overlap, revoke."""

import asyncio
import datetime as dt
from functools import partial
from http import HTTPStatus
from typing import Final

from litestar import Response

from storefront_mcp.access.credentials import (
    DEFAULT_KEY_LIFETIME,
    LABEL_RULE,
    MAX_KEY_LIFETIME,
    MAX_LABEL_CHARS,
    NoSuchKey,
    is_label,
)
from storefront_mcp.access.scopes import SCOPES, has_scope, may_grant, sorted_scopes
from storefront_mcp.console.errors import ConsoleError, not_found, unreadable_form
from storefront_mcp.console.routing import SIGN_IN_SCOPES, ConsoleAction, ConsoleRequest, ConsoleTab
from storefront_mcp.web.responses import see_other

REQUIRED_SCOPES: Final = ("manage:api_keys",)
TAB: Final = ConsoleTab("/keys", "Keys", REQUIRED_SCOPES)
SCOPE_WORDS: Final = {scope.name: scope.allows for scope in SCOPES}
MAX_DAYS_DIGITS: Final = 5
KEYS_PER_PAGE: Final = 50
DEFAULT_OVERLAP_HOURS: Final = 24
MAX_OVERLAP_HOURS: Final = 24 * 30
SERVER_SCOPES: Final = frozenset({*SIGN_IN_SCOPES, "read:analytics"})
"""Those that pages of the console, or the figures, take."""


def actions() -> list[ConsoleAction]:
    """The routes of this page."""
    return [
        ConsoleAction(at=TAB.at, needs=REQUIRED_SCOPES, run=show_keys),
        ConsoleAction(at=f"{TAB.at}/mint", method="POST", needs=REQUIRED_SCOPES, run=mint_key),
        ConsoleAction(at=f"{TAB.at}/replace", method="POST", needs=REQUIRED_SCOPES, run=replace_key),
        ConsoleAction(at=f"{TAB.at}/revoke", method="POST", needs=REQUIRED_SCOPES, run=revoke_key),
    ]


async def show_keys(request: ConsoleRequest) -> Response[bytes]:
    """Every key of the store, newest first."""
    return await _page(request)


async def mint_key(request: ConsoleRequest) -> Response[bytes]:
    """Mint a key. Only this response has the secret, so it is no redirect."""
    form, dependencies = request.form, request.dependencies
    label, days, scopes = form.one("label").strip(), form.one("days"), frozenset(form.all("scope"))
    if not scopes <= SCOPE_WORDS.keys():
        raise unreadable_form()
    problem = _problem(label, days, scopes)
    if problem:
        return await _page(request, status=HTTPStatus.UNPROCESSABLE_ENTITY, problem=problem, label=label, chosen=scopes)
    if not may_grant(request.session.caller, scopes):
        missing = ", ".join(scope for scope in sorted_scopes(scopes) if not has_scope(request.session.caller, scope))
        text = f"Nobody hands on more than they have, and yours lacks {missing}."
        raise ConsoleError(HTTPStatus.FORBIDDEN, "Not with this key", text)
    new = dependencies.mint_key(
        store=request.store,
        label=label,
        scopes=scopes,
        by=request.session.by,
        now=dependencies.now(),
        lifetime=dt.timedelta(days=int(days)),
    )
    key = await asyncio.to_thread(dependencies.api_keys.add, new.key, new.digest)
    return await _page(request, status=HTTPStatus.CREATED, minted=key, secret=new.secret.reveal())


async def replace_key(request: ConsoleRequest) -> Response[bytes]:
    """Mint a key with the label, the scopes and the lifetime of another, which counts for some more hours."""
    form, dependencies, now = request.form, request.dependencies, request.dependencies.now()
    hours = form.one("hours")
    if not (
        hours.isascii() and hours.isdecimal() and len(hours) <= MAX_DAYS_DIGITS and int(hours) <= MAX_OVERLAP_HOURS
    ):
        raise unreadable_form()
    stored = await asyncio.to_thread(dependencies.api_keys.find, form.one("id"))
    if stored is None or stored.key.store != request.store or stored.status_at(now) != "valid":
        raise not_found("There is no such key that counts.")
    old = stored.key
    if not may_grant(request.session.caller, old.scopes):
        raise ConsoleError(HTTPStatus.FORBIDDEN, "Not with this key", "Nobody hands on more than they have.")
    new = dependencies.mint_key(
        store=request.store,
        label=old.label,
        scopes=old.scopes,
        by=request.session.by,
        now=now,
        lifetime=old.expires_at - old.created_at,
    )
    until = now + dt.timedelta(hours=int(hours))
    swap = partial(
        dependencies.api_keys.replace, request.store, old.id, new.key, new.digest, until=until, by=request.session.by
    )
    key = await asyncio.to_thread(swap)
    return await _page(
        request, status=HTTPStatus.CREATED, minted=key, secret=new.secret.reveal(), replaced=(old, until)
    )


async def revoke_key(request: ConsoleRequest) -> Response[bytes]:
    """Revoke a key."""
    try:
        key = await asyncio.to_thread(
            request.dependencies.api_keys.revoke, request.store, request.form.one("id"), by=request.session.by
        )
    except NoSuchKey as error:
        raise not_found(str(error)) from None
    return see_other(request.address(f"{TAB.at}?revoked={key.id}"))


async def _page(request: ConsoleRequest, *, status: HTTPStatus = HTTPStatus.OK, **values: object) -> Response[bytes]:
    dependencies = request.dependencies
    now = dependencies.now()
    stored = await asyncio.to_thread(dependencies.api_keys.list, request.store)
    text, everything = request.form.one("text").lower(), request.form.one("all") == "1"
    found = [
        (one.key, one.status_at(now))
        for one in reversed(stored)
        if text in f"{one.key.label}\n{one.key.id}\n{one.key.created_by}".lower()
    ]
    counting = [(key, status) for key, status in found if everything or status == "valid"]
    pages = max(-(-len(counting) // KEYS_PER_PAGE), 1)
    asked = request.form.one("page", "1")
    page = min(int(asked), pages) if asked.isdecimal() and asked.isascii() and len(asked) <= MAX_DAYS_DIGITS else 1
    first = (max(page, 1) - 1) * KEYS_PER_PAGE
    offered = _useful_scopes(request)
    shown = {
        "minted": None,
        "secret": "",
        "problem": "",
        "label": "",
        "chosen": frozenset(),
        "replaced": None,
        **values,
    }
    return request.page(
        "keys.html.j2",
        status=status,
        keys=counting[first : first + KEYS_PER_PAGE],
        total=len(counting),
        void=len(found) - sum(status == "valid" for _, status in found),
        text=request.form.one("text"),
        everything=everything,
        page=max(page, 1),
        pages=pages,
        overlap=DEFAULT_OVERLAP_HOURS,
        longest_overlap=MAX_OVERLAP_HOURS,
        scopes=[scope for scope in SCOPES if scope.name in offered and has_scope(request.session.caller, scope.name)],
        words=SCOPE_WORDS,
        in_order=sorted_scopes,
        revoked=request.form.one("revoked"),
        days=DEFAULT_KEY_LIFETIME.days,
        longest_label=MAX_LABEL_CHARS,
        longest_days=MAX_KEY_LIFETIME.days,
        **shown,
    )


def _useful_scopes(request: ConsoleRequest) -> frozenset[str]:
    """The scopes that something takes: a promised tool, or this server itself."""
    promises = request.dependencies.planned[request.store].promises()
    return SERVER_SCOPES | {promise.scope for _, promise in promises if promise.scope is not None}


def _problem(label: str, days: str, scopes: frozenset[str]) -> str:
    """Why these fields make no key, as a sentence; empty where they do."""
    if not is_label(label):
        return f"Say what the key is for. {LABEL_RULE}"
    if not scopes:
        return "Choose at least one thing that it may do."
    if not (
        days.isascii() and days.isdecimal() and len(days) <= MAX_DAYS_DIGITS and 1 <= int(days) <= MAX_KEY_LIFETIME.days
    ):
        return f"It counts from 1 to {MAX_KEY_LIFETIME.days} days."
    return ""
