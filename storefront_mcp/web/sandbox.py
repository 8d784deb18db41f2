"""`/sandbox/pay/{session}`: the sandbox's payment page, where no money moves and everybody may see that."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response
from litestar.enums import HttpMethod
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, post, route
from litestar.params import FromPath

from storefront_mcp.commerce.names import StoreId
from storefront_mcp.commerce.store import Store
from storefront_mcp.payments.sandbox import PATH, SandboxProvider
from storefront_mcp.web.buyers import BuyerPages, NotShown, address, asked, form, see
from storefront_mcp.web.front import SITE
from storefront_mcp.web.site import Site

SESSION: Final = f"{PATH}{{session:str}}"
CHALLENGE: Final = "challenge"
"""The page's second step: a bank asks whether it is really you."""
WORKS: Final[Mapping[str, bool]] = {"pay": True, "approve": True, "decline": False, "fail": False}
"""What a button does to the money."""


def sandbox_routes(providers: Mapping[StoreId, SandboxProvider], pages: BuyerPages) -> list[HTTPRouteHandler]:
    """The routes of the page, for the stores whose operator chose the sandbox."""

    @route(
        SESSION,
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        exception_handlers={NotShown: pages.told},
        include_in_schema=False,
    )
    async def show(request: Request[Any, Any, Any], session: FromPath[str]) -> Response[bytes]:
        """What would be paid; `?challenge` is the second step."""
        store, provider = _provider(request, providers)
        slip = await asked(provider.shown(session))
        if slip is None:
            raise NotShown(HTTPStatus.NOT_FOUND)
        challenge = slip.session == "open" and CHALLENGE in request.query_params
        return pages.page("sandbox.html.j2", store, slip=slip, state=slip.session, challenge=challenge)

    @post(SESSION, exception_handlers={NotShown: pages.told}, include_in_schema=False)
    async def press(request: Request[Any, Any, Any], session: FromPath[str]) -> Response[bytes]:
        """A button was pressed."""
        _, provider = _provider(request, providers)
        act = (await form(request)).get("act", "")
        if act == CHALLENGE:
            return see(f"{address(request)}?{CHALLENGE}=1")
        if act not in WORKS:
            raise NotShown(HTTPStatus.BAD_REQUEST)
        slip = await asked(provider.tried(session, works=WORKS[act]))
        if slip is None:
            raise NotShown(HTTPStatus.NOT_FOUND)
        return see(slip.return_url if slip.session == "complete" and WORKS[act] else address(request))

    return [show, press]


def _provider(
    request: Request[Any, Any, Any], providers: Mapping[StoreId, SandboxProvider]
) -> tuple[Store, SandboxProvider]:
    site: Site = request.scope[SITE]  # type: ignore[typeddict-item]
    provider = providers.get(site.store.id)
    if provider is None:
        raise NotFoundException(detail=f"{site.store.name} has no sandbox.")
    return site.store, provider
