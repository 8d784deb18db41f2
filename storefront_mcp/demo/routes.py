"""Which verb on which path calls what."""

import re
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from storefront_mcp.demo import accounting, browse, carting, discounts, dispatching, ordering
from storefront_mcp.demo.traps import Traps
from storefront_mcp.demo.wire import Answer, Refused, not_found

Action = Callable[..., Awaitable[Answer]]

_PARTS: Final = {
    "number": r"[^/]+",
    "code": r"[^/]+",
    "masked": r"[0-9a-f]{32}",
    "increment_id": r"[^/]+",
}


class Route(Struct, frozen=True):
    """A verb, a path pattern and the action behind them."""

    method: str
    path: re.Pattern[str]
    action: Action


def _route(method: str, path: str, action: Action) -> Route:
    pattern = re.sub(r"\{(\w+)\}", lambda part: f"(?P<{part[1]}>{_PARTS[part[1]]})", path)
    return Route(method, re.compile(pattern), action)


_CART: Final = "/guest-carts/{masked}"

_SHARED: Final = (
    _route("GET", "/store-config", browse.store_config),
    _route("GET", "/stores", browse.stores),
    _route("GET", "/stores/currencies", browse.currencies),
    _route("GET", "/countries", browse.countries),
    _route("GET", "/countries/{code}", browse.country),
    _route("GET", "/categories", browse.categories),
    _route("GET", "/categories/{number}", browse.category),
    _route("GET", "/products", browse.products),
    _route("GET", "/products/{number}", browse.product),
    _route("GET", "/products/{number}/reviews", browse.reviews),
    _route("GET", "/layered-filters", browse.layered_filters),
    _route("GET", "/url-resolver", browse.url_resolver),
    _route("GET", "/cms-pages", browse.cms_pages),
    _route("GET", "/cms-pages/{number}", browse.cms_page),
    _route("GET", "/contact/config", browse.contact_config),
    _route("POST", "/guest-carts", carting.create),
    _route("GET", _CART, carting.view),
    _route("GET", f"{_CART}/totals", carting.totals),
    _route("POST", f"{_CART}/items", carting.add),
    _route("PUT", f"{_CART}/items/{{number}}", carting.update),
    _route("DELETE", f"{_CART}/items/{{number}}", carting.remove),
    _route("POST", f"{_CART}/shipping-methods", dispatching.shipping_methods),
    _route("GET", f"{_CART}/payment-methods", dispatching.list_payment_methods),
    _route("POST", f"{_CART}/place-order", ordering.place_order),
    _route("GET", "/orders/{increment_id}/details", ordering.order_details),
    _route("POST", "/auth/token", accounting.token),
    _route("GET", "/orders", accounting.orders),
    _route("GET", "/orders/{number}", accounting.order),
    _route("GET", "/orders/{number}/shipments", accounting.shipments),
    _route("GET", "/carts/{number}", accounting.cart),
)
_TODAY: Final = (
    _route("PUT", f"{_CART}/coupon", discounts.apply_coupon),
    _route("DELETE", f"{_CART}/coupon", discounts.remove_coupon),
    _route("POST", f"{_CART}/giftcards", discounts.apply_gift_card),
    _route("DELETE", f"{_CART}/giftcards/{{code}}", discounts.remove_gift_card),
    _route("PUT", f"{_CART}/shipping-address", dispatching.set_shipping_address),
    _route("PUT", f"{_CART}/billing-address", dispatching.set_billing_address),
    _route("PUT", f"{_CART}/shipping-method", dispatching.set_shipping_method),
    _route("PUT", f"{_CART}/payment-method", dispatching.set_payment_method),
)
_FORK: Final = (
    _route("POST", f"{_CART}/coupon", discounts.apply_coupon),
    _route("DELETE", f"{_CART}/coupon", discounts.remove_coupon),
    _route("POST", f"{_CART}/giftcard", discounts.apply_gift_card),
    _route("DELETE", f"{_CART}/giftcard/{{code}}", discounts.remove_gift_card),
)


def routes_for(traps: Traps) -> tuple[Route, ...]:
    """The routes of today's API, or those of the older fork."""
    return (*_SHARED, *(_FORK if traps.older_fork else _TODAY))


class Found(Struct, frozen=True):
    """The action for a request, the values in its path, and the verbs this path knows."""

    action: Action
    values: dict[str, str]
    allow: str


def find(routes: tuple[Route, ...], method: str, path: str, url: str) -> Found:
    """The route of a request; 404 when no path fits, 405 when no verb does. HEAD is GET without a body."""
    verb = "GET" if method == "HEAD" else method
    fitting = [(route, match) for route in routes if (match := route.path.fullmatch(path))]
    if not fitting:
        if method == "GET" and re.fullmatch(r"/guest-carts/\w+", path):
            raise not_found()
        raise not_found(f'No route found for "{method} {url}"')
    verbs = [route.method for route, _ in fitting]
    allow = ", ".join(["OPTIONS", "HEAD", *dict.fromkeys(verbs)])
    for route, match in fitting:
        if route.method == verb:
            return Found(route.action, match.groupdict(), allow)
    known = ", ".join(dict.fromkeys(verbs))
    message = f'No route found for "{method} {url}": Method Not Allowed (Allow: {known})'
    raise Refused(405, "method_not_allowed", message)
