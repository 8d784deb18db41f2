"""Emergency stop and its way back, on the roadmap page."""

import asyncio
from functools import partial
from http import HTTPStatus
from typing import Final, cast, get_args

from litestar import Response

from storefront_mcp.checkout.closing import close_open_checkouts
from storefront_mcp.console.errors import ConsoleError, unreadable_form
from storefront_mcp.console.routing import ConsoleAction, ConsoleRequest
from storefront_mcp.roadmap.emergency_stops import StopScope
from storefront_mcp.roadmap.terms import TermsRefused, audience_terms, flip_terms
from storefront_mcp.web.responses import see_other

REQUIRED_SCOPES: Final = ("manage:phases",)
SCOPE_FIELD: Final = "scope"


def actions() -> list[ConsoleAction]:
    """The routes of the stop."""
    return [
        ConsoleAction(at="/roadmap/stop", method="POST", needs=REQUIRED_SCOPES, run=stop_store),
        ConsoleAction(at="/roadmap/resume", method="POST", needs=REQUIRED_SCOPES, run=resume_store),
    ]


async def stop_store(request: ConsoleRequest) -> Response[bytes]:
    """Stop at once, and close open checkouts where nobody can pay any more."""
    form, dependencies, by = request.form, request.dependencies, request.session.by
    scope = form.one(SCOPE_FIELD)
    if scope not in get_args(StopScope):
        raise unreadable_form()
    if scope != "client" and form.one("client").strip():
        text = "A program is named, and more than it would be stopped. Choose to stop one program, or name none."
        raise ConsoleError(HTTPStatus.UNPROCESSABLE_ENTITY, "Nothing was stopped", text)
    try:
        reason = flip_terms(form.one("reason")).reason
        client = audience_terms(None, [form.one("client")]).clients[0] if scope == "client" else ""
    except TermsRefused as refused:
        raise ConsoleError(HTTPStatus.UNPROCESSABLE_ENTITY, "Nothing was stopped", str(refused)) from None
    write = partial(
        dependencies.flips.stop, request.store, cast("StopScope", scope), client=client, reason=reason, by=by
    )
    stop = await asyncio.to_thread(write)
    told = ""
    if stop.ends_payment:
        now = dependencies.unix_now
        result = await close_open_checkouts(dependencies.checkouts, request.store, reason=reason, by=by, now=now)
        told = f"?closed={len(result.closed)}&busy={len(result.busy)}"
    return see_other(request.address(f"/roadmap{told}"))


async def resume_store(request: ConsoleRequest) -> Response[bytes]:
    """End every stop, or the one of `client`."""
    client = request.form.one("client") or None
    end = partial(request.dependencies.flips.resume, request.store, by=request.session.by, client=client)
    await asyncio.to_thread(end)
    return see_other(request.address("/roadmap"))
