"""Customers page: what customers let agents do, and its end."""

import asyncio
import datetime as dt
from typing import Final

from litestar import Response

from storefront_mcp.access.buyer_scopes import BUYER_SCOPES
from storefront_mcp.console.errors import not_found, unreadable_form
from storefront_mcp.console.routing import ConsoleAction, ConsoleRequest, ConsoleTab
from storefront_mcp.oauth.clients import is_client_id, kind_of_client
from storefront_mcp.records.oauth import GrantRecord
from storefront_mcp.web.responses import see_other

REQUIRED_SCOPES: Final = ("manage:grants",)
TAB: Final = ConsoleTab("/customers", "Customers", REQUIRED_SCOPES, for_sign_in=True)
SCOPE_WORDS: Final = {scope.name: scope.allows for scope in BUYER_SCOPES}
MAX_READ: Final = 10_000
GRANTS_PER_PAGE: Final = 50


def actions() -> list[ConsoleAction]:
    """The routes of this page."""
    return [
        ConsoleAction(at=TAB.at, needs=REQUIRED_SCOPES, run=show_grants),
        ConsoleAction(at=f"{TAB.at}/end", method="POST", needs=REQUIRED_SCOPES, run=end_grants),
        ConsoleAction(at=f"{TAB.at}/block", method="POST", needs=REQUIRED_SCOPES, run=block_client),
        ConsoleAction(at=f"{TAB.at}/unblock", method="POST", needs=REQUIRED_SCOPES, run=unblock_client),
    ]


async def show_grants(request: ConsoleRequest) -> Response[bytes]:
    """Live grants, newest first; `?text` looks for a customer's id, a grant's or an agent, `?all=1` for ended ones."""
    dependencies = request.dependencies
    if not dependencies.signs_in(request.store):
        raise not_found("Customers do not sign in here.")
    now, text, everything = dependencies.unix_now(), request.form.one("text").lower(), request.form.one("all") == "1"
    stored = await asyncio.to_thread(dependencies.oauth.grants, request.store, limit=MAX_READ)
    found = [
        grant
        for grant in stored
        if (everything or grant.is_live(now))
        and text in f"{grant.customer}\n{grant.id}\n{grant.client_name}\n{grant.redirect_host}".lower()
    ]
    return request.page(
        "customers.html.j2",
        grants=[(grant, standing_of(grant, now)) for grant in found[:GRANTS_PER_PAGE]],
        total=len(found),
        shown=GRANTS_PER_PAGE,
        text=request.form.one("text"),
        everything=everything,
        ended=request.form.one("ended"),
        changed=request.form.one("client"),
        blocked=await asyncio.to_thread(dependencies.oauth.blocked_clients, request.store),
        words=SCOPE_WORDS,
        moment=lambda at: dt.datetime.fromtimestamp(at, dt.UTC),
    )


async def end_grants(request: ConsoleRequest) -> Response[bytes]:
    """End one grant, or all of one customer's."""
    dependencies, form = request.dependencies, request.form
    grant, subject = form.one("grant"), form.one("subject")
    if bool(grant) == bool(subject):
        raise unreadable_form()
    records, now, by = dependencies.oauth, dependencies.unix_now(), request.session.by
    if grant:
        ended = await asyncio.to_thread(
            lambda: records.end_grants(request.store, "operator", now=now, by=by, grant=grant)
        )
    else:
        ended = await asyncio.to_thread(
            lambda: records.raise_epoch(request.store, subject, why="operator", now=now, by=by)
        )
    if not ended:
        raise not_found("There is no such grant that has not ended.")
    return see_other(request.address(f"{TAB.at}?ended={ended}"))


async def block_client(request: ConsoleRequest) -> Response[bytes]:
    """Accept the client of a grant no more, and end all of its grants."""
    dependencies, id_ = request.dependencies, request.form.one("client")
    if not id_ or not is_client_id(id_):
        raise unreadable_form()
    records, now, by = dependencies.oauth, dependencies.unix_now(), request.session.by
    kind = kind_of_client(id_)
    await asyncio.to_thread(lambda: records.block_client(request.store, id_, kind, now=now, by=by))
    return see_other(request.address(f"{TAB.at}?client=blocked"))


async def unblock_client(request: ConsoleRequest) -> Response[bytes]:
    """Accept a client again."""
    records, id_, by = request.dependencies.oauth, request.form.one("client"), request.session.by
    if not await asyncio.to_thread(lambda: records.unblock_client(request.store, id_, by=by)):
        raise not_found("There is no such client that is blocked.")
    return see_other(request.address(f"{TAB.at}?client=unblocked"))


def standing_of(grant: GrantRecord, now: float) -> str:
    """One word: `live`, who or what has ended it, or `expired`."""
    if grant.is_live(now):
        return "live"
    return grant.ended_why or "expired"
