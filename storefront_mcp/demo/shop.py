"""The demo shop as a Litestar application."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from litestar import Litestar, Request, Response
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import Receive, Scope, Send

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


class DemoShop(Litestar):
    """The application; no lifespan is needed."""

    def __init__(self, demo: DemoState, ordering: OrderPlacement, routes: Sequence[HTTPRouteHandler]) -> None:
        """Serve `demo` on these routes; dependencies of handlers are `call`, `ordering` and `demo`."""

        async def call(request: Request[Any, Any, Any]) -> ApiCall:
            return await read_call(demo, request)

        def respond(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
            return error_response(demo, request, error)

        super().__init__(
            route_handlers=routes,
            dependencies={
                "call": Provide(call),
                "ordering": Provide(lambda: ordering, sync_to_thread=False),
                "demo": Provide(lambda: demo, sync_to_thread=False),
            },
            exception_handlers={ApiError: respond, HTTPException: respond, Exception: respond},
            openapi_config=None,
            logging_config=None,
        )
        self.demo = demo
        self.ordering = ordering
        self.state.methods = {
            route.path_format: methods_of(route.methods) for route in self.routes if isinstance(route, HTTPRoute)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]
        """Serve one request, also mounted below another Litestar application, whose parsed state is kept apart."""
        if scope["type"] == ScopeType.HTTP:
            scope["state"] = {}
        await super().__call__(scope, receive, send)


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
