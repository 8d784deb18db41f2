"""Health: a look at everything that the shop needs, and the doctor for whoever wants to know more."""

from http import HTTPStatus
from typing import Final

from litestar import Response

from storefront_mcp.calls.scopes import holds
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.web.console.desk import Action, Tab, Visit
from storefront_mcp.web.console.refusals import NotForYou

TAB: Final = Tab("/health", "Health")
EXAMINES: Final = ("manage:phases", "manage:workspace")
ORDER: Final = ("bad", "warn", "good")


def actions() -> list[Action]:
    """What can be asked for."""
    return [
        Action(at=TAB.at, run=show),
        Action(at=f"{TAB.at}/examine", method="POST", needs=EXAMINES, run=Examining()),
    ]


async def show(visit: Visit) -> Response[bytes]:
    """Look, at all of it at once."""
    findings = await visit.desk.books.checkups[visit.store]()
    worst = min((ORDER.index(finding.standing) for finding in findings), default=len(ORDER) - 1)
    examines = any(holds(visit.seat.caller, scope) for scope in EXAMINES)
    return visit.page(
        "health.html.j2", findings=findings, worst=ORDER[worst], examines=examines, at=visit.desk.books.now()
    )


class Examining:
    """Has the store examined, once at a time."""

    def __init__(self) -> None:
        self._under_way: set[StoreId] = set()

    async def __call__(self, visit: Visit) -> Response[bytes]:
        """What the doctor finds, what has to be put right first."""
        store = visit.store
        if store in self._under_way:
            raise NotForYou(HTTPStatus.CONFLICT, "The doctor is here already", "Try again when that has ended.")
        self._under_way.add(store)
        try:
            findings = await visit.desk.books.examine(store)
        finally:
            self._under_way.discard(store)
        faults = sum(finding.standing == "bad" for finding in findings)
        await visit.told("store.examined", faults=faults)
        wrong = sorted(
            (one for one in findings if one.standing != "good"),
            key=lambda one: ("bad", "warn", "note").index(one.standing),
        )
        fine = [one for one in findings if one.standing == "good"]
        return visit.page("examined.html.j2", wrong=wrong, fine=fine, faults=faults)
