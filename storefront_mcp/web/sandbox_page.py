"""`/sandbox/pay/{session}`: the sandbox provider's payment page, which moves no money and says so.

Its query has the addresses to which the buyer returns; they are trusted only where the provider knows their digest.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response
from litestar.enums import HttpMethod
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, post, route
from litestar.params import FromPath

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.store import Store
from storefront_mcp.payments.sandbox import CANCEL_PARAMETER, PATH, RETURN_PARAMETER, SandboxLink, SandboxProvider
from storefront_mcp.web.buyer_pages import BuyerPages, PageUnavailable, call_or_unavailable, read_fields
from storefront_mcp.web.host_router import site_of
from storefront_mcp.web.responses import see_other

SESSION_PATH: Final = f"{PATH}{{session:str}}"
CHALLENGE: Final = "challenge"
"""Query and button of the second step, which plays a bank's 3-D Secure challenge."""
ATTEMPT_OUTCOMES: Final[Mapping[str, bool]] = {"pay": True, "approve": True, "decline": False, "fail": False}
"""Whether the payment succeeds, by button."""


def sandbox_routes(providers: Mapping[StoreId, SandboxProvider], pages: BuyerPages) -> list[HTTPRouteHandler]:
    """The routes of the page, for the stores whose operator chose the sandbox."""

    @route(
        SESSION_PATH,
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        exception_handlers={PageUnavailable: pages.error_page},
        include_in_schema=False,
    )
    async def show(request: Request[Any, Any, Any], session: FromPath[str]) -> Response[bytes]:
        """What would be paid; `?challenge` is the second step."""
        store, provider = _provider(request, providers)
        link = _link(request, session)
        slip = await call_or_unavailable(provider.page_state(link))
        if slip is None:
            raise PageUnavailable(HTTPStatus.NOT_FOUND)
        challenge = slip.session == "open" and CHALLENGE in request.query_params
        return pages.page("sandbox.html.j2", store, slip=slip, link=link, state=slip.session, challenge=challenge)

    @post(SESSION_PATH, exception_handlers={PageUnavailable: pages.error_page}, include_in_schema=False)
    async def submit(request: Request[Any, Any, Any], session: FromPath[str]) -> Response[bytes]:
        """A button was pressed: challenge, succeed or fail."""
        _, provider = _provider(request, providers)
        link = _link(request, session)
        act = (await read_fields(request)).one("act")
        if act == CHALLENGE:
            return see_other(f"{link.address}&{CHALLENGE}=1")
        if act not in ATTEMPT_OUTCOMES:
            raise PageUnavailable(HTTPStatus.BAD_REQUEST)
        slip = await call_or_unavailable(provider.attempt(link, works=ATTEMPT_OUTCOMES[act]))
        if slip is None:
            raise PageUnavailable(HTTPStatus.NOT_FOUND)
        return see_other(link.return_url if slip.session == "complete" and ATTEMPT_OUTCOMES[act] else link.address)

    return [show, submit]


def _link(request: Request[Any, Any, Any], session: str) -> SandboxLink:
    query = request.query_params
    return SandboxLink(
        id=session, return_url=query.get(RETURN_PARAMETER, ""), cancel_url=query.get(CANCEL_PARAMETER, "")
    )


def _provider(
    request: Request[Any, Any, Any], providers: Mapping[StoreId, SandboxProvider]
) -> tuple[Store, SandboxProvider]:
    site = site_of(request)
    provider = providers.get(site.store.id)
    if provider is None:
        raise NotFoundException(detail=f"{site.store.name} has no sandbox.")
    return site.store, provider
