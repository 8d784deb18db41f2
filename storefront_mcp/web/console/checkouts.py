"""Checkouts: what waits for a person comes first, with the answers that end it; nothing here says who the buyer is."""

from http import HTTPStatus
from typing import Any, Final, cast, get_args

from litestar import Response

from storefront_mcp.checkout.finishing import NotToFinish, Verdict, finish
from storefront_mcp.checkout.record import State
from storefront_mcp.checkout.states import ENDED, NEXT
from storefront_mcp.web.console.desk import Action, Tab, Visit
from storefront_mcp.web.console.dress import see
from storefront_mcp.web.console.refusals import unreadable

NEEDS: Final = ("manage:checkouts",)
TAB: Final = Tab("/checkouts", "Checkouts", NEEDS)
STUCK: Final[tuple[State, ...]] = ("needs_human",)
UNDER_WAY: Final[tuple[State, ...]] = tuple(state for state in NEXT if state not in {*ENDED, *STUCK})
MOST: Final = 100
LONGEST: Final = 64
"""Characters of an order's number."""


def actions() -> list[Action]:
    """What can be asked for."""
    return [
        Action(at=TAB.at, needs=NEEDS, run=show),
        Action(at=f"{TAB.at}/finish", method="POST", needs=NEEDS, run=finish_one),
    ]


async def show(visit: Visit) -> Response[bytes]:
    """What is stuck, under way and finished."""
    return await _shown(visit)


async def finish_one(visit: Visit) -> Response[bytes]:
    """Say how one that waits for a person ends."""
    form = visit.form
    id_, verdict, order = form.one("checkout"), form.one("as"), form.one("order")[:LONGEST] or None
    if verdict not in get_args(Verdict):
        raise unreadable()
    books, seat = visit.desk.books, visit.seat
    now = books.now().timestamp()
    try:
        # It puts itself on record.
        await finish(books.records, visit.store, id_, cast("Verdict", verdict), order=order, by=seat.by, now=now)
    except NotToFinish as refused:
        return await _shown(visit, status=HTTPStatus.CONFLICT, refused=str(refused))
    return see(visit.address(f"{TAB.at}?done={id_}"))


async def _shown(visit: Visit, *, status: HTTPStatus = HTTPStatus.OK, refused: str = "") -> Response[bytes]:
    records, store = visit.desk.books.records, visit.store
    values: dict[str, Any] = {
        "stuck": await records.needing(store, STUCK, limit=MOST),
        "under_way": await records.needing(store, UNDER_WAY, limit=MOST),
        "finished": await records.needing(store, tuple(ENDED), limit=MOST),
    }
    done = visit.form.one("done")
    found = await records.find(store, done) if done else None
    return visit.page("checkouts.html.j2", status=status, refused=refused, done=found, most=MOST, **values)
