"""`/pay/{token}`: where a person sees what an agent has prepared, and pays for it or does not."""

import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response
from litestar.enums import HttpMethod
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, post, route
from litestar.params import FromPath
from msgspec import Struct

from storefront_mcp.checkout.paying import Paying, PayPage
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.commerce.store import Store
from storefront_mcp.web.buyers import BuyerPages, NotShown, address, asked, form, see
from storefront_mcp.web.front import SITE
from storefront_mcp.web.site import Site

PATH: Final = "/pay/{token:str}"
LONGEST: Final = 128
"""Characters of a token that is looked up at all."""
DIGITS: Final = 18
"""Of a number that a person sends."""
LOOKS: Final = (2, 3, 5, 8, 13, 20, 30)
"""Seconds after which a page that waits looks again: soon at first, then patiently."""
ANYWHERE: Final = ("https:",)
"""CSP sources of a provider whose pages may be under a name of the shop's own."""


class PayDesk(Struct, frozen=True, kw_only=True):
    """One store's side of paying."""

    paying: Paying
    leads_to: Sequence[str] = ANYWHERE
    """CSP sources of the provider's pages: `https://pay.example`. Our own origin is always allowed."""


def pay_routes(
    desks: Mapping[StoreId, PayDesk], pages: BuyerPages, *, now: Callable[[], float] = time.time
) -> list[HTTPRouteHandler]:
    """The routes of the page, for the stores that have a desk."""

    def shown(store: Store, desk: PayDesk, page: PayPage, **more: Any) -> Response[bytes]:  # noqa: ANN401 -- template values
        return pages.page(
            "pay.html.j2",
            store,
            leads_to=desk.leads_to,
            page=page,
            holds=page.expires_at - now(),
            **{"before": page.before, "again": None, "back": None, **more},
        )

    @route(
        PATH,
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        exception_handlers={NotShown: pages.told},
        include_in_schema=False,
    )
    async def show(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[bytes]:
        """The checkout; `?done` says that the person comes back from paying, so that the provider is worth asking."""
        store, desk = _desk(request, desks)
        came_back = "done" in request.query_params and request.method == HttpMethod.GET
        ask = desk.paying.returned if came_back else desk.paying.page
        page = await asked(ask(_token(token)))
        if page is None:
            raise NotShown(HTTPStatus.NOT_FOUND)
        if page.state not in {"confirming", "ordering"}:
            return shown(store, desk, page)
        seconds, again = _look(request)
        # Who came back may have left without paying, and wants to see the order again.
        back = address(request) if page.state == "confirming" and came_back else None
        return shown(store, desk, page, again=again, back=back, headers={"refresh": f"{seconds}; url={again}"})

    @post(PATH, exception_handlers={NotShown: pages.told}, include_in_schema=False)
    async def pay(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[bytes]:
        """The person has seen the total and wants to pay it."""
        store, desk = _desk(request, desks)
        fields = await form(request)
        seen = _number(fields.get("shown", ""))
        if seen is None:
            raise NotShown(HTTPStatus.BAD_REQUEST)
        answer = await asked(desk.paying.pay(_token(token), shown=seen, by=fields.get("by") or None))
        if answer is None:
            raise NotShown(HTTPStatus.NOT_FOUND)
        if isinstance(answer, str):
            return see(answer)
        total = answer.totals.total
        if answer.state != "open" or total.minor == seen:
            # Reloading what follows must not send the form again.
            return see(f"{address(request)}?done=1")
        return shown(store, desk, answer, before=Money(seen, total.currency), status=HTTPStatus.CONFLICT)

    return [show, pay]


def _desk(request: Request[Any, Any, Any], desks: Mapping[StoreId, PayDesk]) -> tuple[Store, PayDesk]:
    site: Site = request.scope[SITE]  # type: ignore[typeddict-item]
    desk = desks.get(site.store.id)
    if desk is None:
        raise NotFoundException(detail=f"{site.store.name} takes no payments here.")
    return site.store, desk


def _token(token: str) -> str:
    if len(token) > LONGEST:
        raise NotShown(HTTPStatus.NOT_FOUND)
    return token


def _look(request: Request[Any, Any, Any]) -> tuple[int, str]:
    """When a page that waits looks again, in seconds, and where; without a script."""
    look = min(_number(request.query_params.get("look", "")) or 0, len(LOOKS) - 1)
    return LOOKS[look], f"{address(request)}?done=1&look={look + 1}"


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= DIGITS else None
