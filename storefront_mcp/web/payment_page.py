"""`/pay/{token}`: the page on which a buyer reviews and pays a checkout that an agent prepared."""

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

from storefront_mcp.checkout.payment_page import PaymentPage, PaymentPageView
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.store import Store
from storefront_mcp.web.buyer_pages import (
    BuyerPages,
    PageUnavailable,
    call_or_unavailable,
    page_address,
    read_fields,
)
from storefront_mcp.web.host_router import site_of
from storefront_mcp.web.responses import see_other

PAY_PATH: Final = "/pay/{token:str}"
MAX_PAY_TOKEN_CHARS: Final = 128
"""A longer token is not looked up."""
MAX_NUMBER_DIGITS: Final = 18
"""Of a number in a form or query."""
REFRESH_SECONDS: Final = (2, 3, 5, 8, 13, 20, 30)
"""Backoff of a page that waits for the payment."""
ANY_HTTPS: Final = ("https:",)
"""CSP sources of a provider whose pages may be on a domain of the shop's own."""


class PaymentPageConfig(Struct, frozen=True, kw_only=True):
    """Payment pages of one store."""

    paying: PaymentPage
    form_targets: Sequence[str] = ANY_HTTPS
    """CSP sources of the provider's pages: `https://pay.example`. Our own origin is always allowed."""


def pay_routes(
    configs: Mapping[StoreId, PaymentPageConfig], pages: BuyerPages, *, now: Callable[[], float] = time.time
) -> list[HTTPRouteHandler]:
    """The routes of the page, for the stores that take payments here."""

    def render_checkout(store: Store, config: PaymentPageConfig, page: PaymentPageView, **more: Any) -> Response[bytes]:  # noqa: ANN401 -- template values
        return pages.page(
            "pay.html.j2",
            store,
            form_targets=config.form_targets,
            page=page,
            holds=page.expires_at - now(),
            **{"before": page.before, "again": None, "back": None, **more},
        )

    @route(
        PAY_PATH,
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        exception_handlers={PageUnavailable: pages.error_page},
        include_in_schema=False,
    )
    async def show(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[bytes]:
        """The checkout; `?done` means that the buyer returns from the provider, which is then asked for the payment."""
        store, config = _config(request, configs)
        came_back = "done" in request.query_params and request.method == HttpMethod.GET
        read = config.paying.return_from_payment if came_back else config.paying.page
        page = await call_or_unavailable(read(_token(token)))
        if page is None:
            raise PageUnavailable(HTTPStatus.NOT_FOUND)
        if page.state not in {"confirming", "ordering"}:
            return render_checkout(store, config, page)
        seconds, again = _next_refresh(request)
        # A buyer who returned without paying needs a link back to the order.
        back = page_address(request) if page.state == "confirming" and came_back else None
        return render_checkout(
            store, config, page, again=again, back=back, headers={"refresh": f"{seconds}; url={again}"}
        )

    @post(PAY_PATH, exception_handlers={PageUnavailable: pages.error_page}, include_in_schema=False)
    async def pay(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[bytes]:
        """Pay the total that the buyer has seen: `shown` in minor units."""
        store, config = _config(request, configs)
        fields = await read_fields(request)
        seen = _number(fields.one("shown"))
        if seen is None:
            raise PageUnavailable(HTTPStatus.BAD_REQUEST)
        answer = await call_or_unavailable(
            config.paying.pay(_token(token), total_shown=seen, offline_method=fields.one("by") or None)
        )
        if answer is None:
            raise PageUnavailable(HTTPStatus.NOT_FOUND)
        if isinstance(answer, str):
            return see_other(answer)
        total = answer.totals.total
        if answer.state != "open" or total.minor == seen:
            # Reloading what follows must not send the form again.
            return see_other(f"{page_address(request)}?done=1")
        return render_checkout(store, config, answer, before=Money(seen, total.currency), status=HTTPStatus.CONFLICT)

    return [show, pay]


def _config(
    request: Request[Any, Any, Any], configs: Mapping[StoreId, PaymentPageConfig]
) -> tuple[Store, PaymentPageConfig]:
    site = site_of(request)
    config = configs.get(site.store.id)
    if config is None:
        raise NotFoundException(detail=f"{site.store.name} takes no payments here.")
    return site.store, config


def _token(token: str) -> str:
    if len(token) > MAX_PAY_TOKEN_CHARS:
        raise PageUnavailable(HTTPStatus.NOT_FOUND)
    return token


def _next_refresh(request: Request[Any, Any, Any]) -> tuple[int, str]:
    """Seconds until a waiting page reloads, and the address to load."""
    look = min(_number(request.query_params.get("look", "")) or 0, len(REFRESH_SECONDS) - 1)
    return REFRESH_SECONDS[look], f"{page_address(request)}?done=1&look={look + 1}"


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_NUMBER_DIGITS else None
