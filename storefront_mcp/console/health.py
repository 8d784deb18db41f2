"""Health page: health checks of the store, and an examination by the doctor on demand."""

from http import HTTPStatus
from typing import Final

from litestar import Response

from storefront_mcp.access.scopes import has_scope
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.console.errors import ConsoleError
from storefront_mcp.console.routing import ConsoleAction, ConsoleRequest, ConsoleTab
from storefront_mcp.findings import verdict_sentence, worst_level

TAB: Final = ConsoleTab("/health", "Health")
EXAMINE_SCOPES: Final = ("manage:phases", "manage:workspace")


def actions() -> list[ConsoleAction]:
    """The routes of this page."""
    return [
        ConsoleAction(at=TAB.at, run=show_health),
        ConsoleAction(at=f"{TAB.at}/examine", method="POST", needs=EXAMINE_SCOPES, run=DoctorRun()),
    ]


async def show_health(request: ConsoleRequest) -> Response[bytes]:
    """Run the health checks, and show them."""
    findings = await request.dependencies.health_checks[request.store]()
    examines = any(has_scope(request.session.caller, scope) for scope in EXAMINE_SCOPES)
    return request.page(
        "health.html.j2",
        findings=findings,
        worst=worst_level(finding for _, finding in findings),
        examines=examines,
        at=request.dependencies.now(),
    )


class DoctorRun:
    """Route that examines a store; one examination per store at a time."""

    def __init__(self) -> None:
        self._under_way: set[StoreId] = set()

    async def __call__(self, request: ConsoleRequest) -> Response[bytes]:
        """Examine, and show the findings, the worst first. Raises ConsoleError 409 while one is under way."""
        store = request.store
        if store in self._under_way:
            raise ConsoleError(HTTPStatus.CONFLICT, "The doctor is here already", "Try again when that has ended.")
        self._under_way.add(store)
        try:
            findings = await request.dependencies.examine(store)
        finally:
            self._under_way.discard(store)
        faults = sum(finding.level == "fault" for _, finding in findings)
        await request.audit("store.examined", faults=faults)
        wrong = [one for one in findings if one[1].level != "ok"]
        fine = [finding for _, finding in findings if finding.level == "ok"]
        says = verdict_sentence(finding for _, finding in findings)
        return request.page("examined.html.j2", verdict=says, wrong=wrong, fine=fine, faults=faults)
