"""Checkouts pages: those that need an operator first; one with its lines and steps; and what moves money asks first.

No personal data of buyers is shown.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, cast, get_args

from litestar import Response

from storefront_mcp.checkout.closing import NotClosable, close_checkout
from storefront_mcp.checkout.operator import (
    NotResolvable,
    Verdict,
    effect_of,
    find_resolvable,
    possible_verdicts,
    resolve,
)
from storefront_mcp.checkout.record import Checkout, State
from storefront_mcp.checkout.states import TERMINAL_STATES, TRANSITIONS
from storefront_mcp.console.errors import not_found, unreadable_form
from storefront_mcp.console.routing import ConsoleAction, ConsoleRequest, ConsoleTab
from storefront_mcp.web.responses import see_other

REQUIRED_SCOPES: Final = ("manage:checkouts",)
STUCK_STATES: Final[tuple[State, ...]] = ("needs_human",)
TAB: Final = ConsoleTab("/checkouts", "Checkouts", REQUIRED_SCOPES, STUCK_STATES)
ACTIVE_STATES: Final[tuple[State, ...]] = tuple(
    state for state in TRANSITIONS if state not in {*TERMINAL_STATES, *STUCK_STATES}
)
QUESTIONS: Final[Mapping[Verdict, str]] = {
    "ordered": "Is it ordered?",
    "no_order": "Let the money go?",
    "refunded": "Is the money given back?",
}
MAX_ROWS: Final = 100
MAX_ORDER_ID_CHARS: Final = 64


def actions() -> list[ConsoleAction]:
    """The routes of this page."""
    return [
        ConsoleAction(at=TAB.at, needs=REQUIRED_SCOPES, run=show_checkouts),
        ConsoleAction(at=f"{TAB.at}/one", needs=REQUIRED_SCOPES, run=show_checkout),
        ConsoleAction(at=f"{TAB.at}/finish", needs=REQUIRED_SCOPES, run=ask_before_finish),
        ConsoleAction(at=f"{TAB.at}/finish", method="POST", needs=REQUIRED_SCOPES, run=resolve_checkout),
        ConsoleAction(at=f"{TAB.at}/close", needs=REQUIRED_SCOPES, run=ask_before_close),
        ConsoleAction(at=f"{TAB.at}/close", method="POST", needs=REQUIRED_SCOPES, run=close_open_checkout),
        ConsoleAction(at=f"{TAB.at}/mail", method="POST", needs=REQUIRED_SCOPES, run=send_mail_again),
        ConsoleAction(at=f"{TAB.at}/event", method="POST", needs=REQUIRED_SCOPES, run=tell_order_again),
    ]


async def show_checkouts(request: ConsoleRequest) -> Response[bytes]:
    """Stuck, active and finished checkouts."""
    return await _page(request)


async def show_checkout(request: ConsoleRequest) -> Response[bytes]:
    """One checkout, whole: `?checkout=…`."""
    found = await _find(request)
    payment = found.payment
    return request.page(
        "checkout.html.j2",
        one=found,
        verdicts=possible_verdicts(found) if found.state == "needs_human" else (),
        payment_url=None if payment is None else request.dependencies.payment_url(request.store, payment),
    )


async def ask_before_finish(request: ConsoleRequest) -> Response[bytes]:
    """What a verdict would do, and the button that does it."""
    form = request.form
    verdict, order = form.one("as"), form.one("order")[:MAX_ORDER_ID_CHARS]
    if verdict not in get_args(Verdict):
        raise unreadable_form()
    chosen = cast("Verdict", verdict)
    try:
        found = await find_resolvable(request.dependencies.checkouts, request.store, form.one("checkout"), chosen)
    except NotResolvable as refused:
        return await _page(request, status=HTTPStatus.CONFLICT, refused=str(refused))
    return request.page(
        "sure.html.j2",
        one=found,
        question=QUESTIONS[chosen],
        effect=effect_of(found, chosen),
        action="finish",
        fields={"checkout": found.id, "as": chosen, "order": order},
    )


async def ask_before_close(request: ConsoleRequest) -> Response[bytes]:
    """What closing would do, and the button that does it."""
    found = await _find(request)
    effect = (
        "Its payment page ends within seconds, and agent and buyer are told that the shop closed it. Nobody is "
        "charged; if the buyer has just paid, the order is made all the same."
    )
    return request.page(
        "sure.html.j2",
        one=found,
        question="Close this checkout?",
        effect=effect,
        action="close",
        fields={"checkout": found.id},
    )


async def close_open_checkout(request: ConsoleRequest) -> Response[bytes]:
    """Close one that is open."""
    id_, now = request.form.one("checkout"), request.dependencies.now().timestamp()
    try:
        await close_checkout(request.dependencies.checkouts, request.store, id_, by=request.session.by, now=now)
    except NotClosable as refused:
        return await _page(request, status=HTTPStatus.CONFLICT, refused=str(refused))
    return see_other(request.address(f"{TAB.at}?done={id_}"))


async def _find(request: ConsoleRequest) -> Checkout:
    found = await request.dependencies.checkouts.find(request.store, request.form.one("checkout"))
    if found is None:
        raise not_found("There is no such checkout in this store.")
    return found


async def resolve_checkout(request: ConsoleRequest) -> Response[bytes]:
    """Resolve one that needs an operator."""
    form = request.form
    id_, verdict, order = form.one("checkout"), form.one("as"), form.one("order")[:MAX_ORDER_ID_CHARS] or None
    if verdict not in get_args(Verdict):
        raise unreadable_form()
    dependencies, session = request.dependencies, request.session
    now = dependencies.now().timestamp()
    try:
        # `resolve` writes the audit itself.
        await resolve(
            dependencies.checkouts, request.store, id_, cast("Verdict", verdict), order=order, by=session.by, now=now
        )
    except NotResolvable as refused:
        return await _page(request, status=HTTPStatus.CONFLICT, refused=str(refused))
    return see_other(request.address(f"{TAB.at}?done={id_}"))


async def send_mail_again(request: ConsoleRequest) -> Response[bytes]:
    """Queue a confirmation again that could not be sent."""
    id_, now = request.form.one("checkout"), request.dependencies.now().timestamp()
    if not await request.dependencies.order_mails.send_again(request.store, id_, now=now):
        refused = f"There is no confirmation of {id_[:MAX_ORDER_ID_CHARS]} that could not be sent."
        return await _page(request, status=HTTPStatus.CONFLICT, refused=refused)
    return see_other(request.address(TAB.at))


async def tell_order_again(request: ConsoleRequest) -> Response[bytes]:
    """Queue the event about an order again that its platform could not be told."""
    id_, now = request.form.one("checkout"), request.dependencies.now().timestamp()
    if not await request.dependencies.order_events.send_again(request.store, id_, now=now):
        refused = f"There is no order of {id_[:MAX_ORDER_ID_CHARS]} that its platform could not be told of."
        return await _page(request, status=HTTPStatus.CONFLICT, refused=refused)
    return see_other(request.address(TAB.at))


async def _page(request: ConsoleRequest, *, status: HTTPStatus = HTTPStatus.OK, refused: str = "") -> Response[bytes]:
    records, store = request.dependencies.checkouts, request.store
    values: dict[str, Any] = {
        "stuck": await records.list_by_state(store, STUCK_STATES, limit=MAX_ROWS),
        "under_way": await records.list_by_state(store, ACTIVE_STATES, limit=MAX_ROWS),
        "verdicts": possible_verdicts,
        "finished": await records.list_by_state(store, tuple(TERMINAL_STATES), limit=MAX_ROWS),
    }
    ended = [one.id for one in values["finished"]]
    values["mails"] = await request.dependencies.order_mails.list_by_checkout(ended)
    values["events"] = await request.dependencies.order_events.list_by_checkout(ended)
    done = request.form.one("done")
    found = await records.find(store, done) if done else None
    return request.page("checkouts.html.j2", status=status, refused=refused, done=found, most=MAX_ROWS, **values)
