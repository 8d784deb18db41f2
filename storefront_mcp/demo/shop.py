"""The demo shop, on a Litestar application that all of them share."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

from litestar import Litestar, Request, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from storefront_mcp.demo import (
    account_api,
    cart_api,
    catalogue_api,
    checkout_api,
    customer_api,
    customer_cart_api,
    customer_orders_api,
    pages,
)
from storefront_mcp.demo.api_errors import ApiError
from storefront_mcp.demo.http import ApiCall, error_response, methods_of, read_call
from storefront_mcp.demo.ordering import OrderPlacement
from storefront_mcp.demo.past_order import add_past_order
from storefront_mcp.demo.state import DemoState

SHOP_KEY: Final = "demo_shop"
"""Of the shop, in the state of a request's scope."""
ROUTES: Final = (
    *catalogue_api.ROUTES,
    *cart_api.ROUTES,
    *checkout_api.ROUTES,
    *account_api.ROUTES,
    *customer_api.ROUTES,
    *customer_orders_api.ROUTES,
    *customer_cart_api.ROUTES,
    *pages.ROUTES,
)


class DemoShop:
    """The shop as an ASGI application; its lifespan does nothing."""

    def __init__(self, demo: DemoState, ordering: OrderPlacement, routes: Sequence[HTTPRouteHandler]) -> None:
        """Serve `demo` on these routes."""
        self.demo = demo
        self.ordering = ordering
        self._framework = routed_application(tuple(routes))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 -- ASGI
        """Serve one request, also mounted below another Litestar application, whose parsed state is kept apart."""
        if scope["type"] == "lifespan":
            # Not the framework's: several shops may be served at a time.
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        scope["state"] = {SHOP_KEY: self}
        await self._framework(scope, receive, send)


@cache
def routed_application(routes: tuple[HTTPRouteHandler, ...]) -> Litestar:
    """The framework's application, one for all shops with these routes, as making it takes longer than making a shop.

    Dependencies of handlers are `call`, `ordering` and `demo`.
    """
    application = Litestar(
        route_handlers=routes,
        dependencies={
            "call": Provide(_call),
            "ordering": Provide(_ordering, sync_to_thread=False),
            "demo": Provide(_demo, sync_to_thread=False),
        },
        exception_handlers={ApiError: _respond, HTTPException: _respond, Exception: _respond},
        openapi_config=None,
        logging_config=None,
    )
    application.state.methods = {
        route.path_format: methods_of(route.methods) for route in application.routes if isinstance(route, HTTPRoute)
    }
    return application


def _shop(request: Request[Any, Any, Any]) -> DemoShop:
    shop: DemoShop = request.scope["state"][SHOP_KEY]
    return shop


async def _call(request: Request[Any, Any, Any]) -> ApiCall:
    return await read_call(_shop(request).demo, request)


def _ordering(request: Request[Any, Any, Any]) -> OrderPlacement:
    return _shop(request).ordering


def _demo(request: Request[Any, Any, Any]) -> DemoState:
    return _shop(request).demo


def _respond(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    return error_response(_shop(request).demo, request, error)


def demo_shop(
    demo: DemoState | None = None,
    *,
    base_url: str = "http://127.0.0.1:8000",
    ordering: Callable[[DemoState], OrderPlacement] = OrderPlacement,
    routes: Sequence[HTTPRouteHandler] = ROUTES,
) -> DemoShop:
    """The application over `demo`, by default a new state with a past order; `base_url` is the prefix of image URLs."""
    if demo is None:
        demo = DemoState(base_url=base_url)
        add_past_order(demo)
    lacks = checkout_api.SETTERS if demo.rules.release == "26.7.4" else ()
    return DemoShop(demo, ordering(demo), [route for route in routes if route not in lacks])
