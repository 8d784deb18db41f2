"""HTML page of orders at `/demo/orders`, and an SVG for every product below `/media`."""

from html import escape
from typing import Final

from litestar import route
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from litestar.types import Method

from storefront_mcp.checkout.views import mask_email
from storefront_mcp.demo.api_errors import not_found
from storefront_mcp.demo.art import FAVICON, product_art
from storefront_mcp.demo.cart_shapes import utc_timestamp
from storefront_mcp.demo.currencies import CURRENCIES
from storefront_mcp.demo.models import DemoOrder
from storefront_mcp.demo.state import DemoState

MAX_LISTED_ORDERS: Final = 200
"""Older orders are only counted."""
_READ: Final[list[Method]] = ["GET", "HEAD", "OPTIONS"]
_HTML_HEADERS: Final = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
_IMAGE_HEADERS: Final = {"content-type": "image/svg+xml", "cache-control": "public, max-age=86400"}
_STYLE: Final = """\
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1d2b1f }
@media (prefers-color-scheme: dark) { body { background: #141b15; color: #e3ebe1 } th, td { border-color: #3c4a3d } }
@media (max-width: 40rem) { thead { display: none } tr { display: block; padding: .75rem 0 } th, td { display: block } }
table { border-collapse: collapse; width: 100% }
caption { text-align: left; padding-bottom: 1rem }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid #c9d6c4 }
td.total { text-align: right; white-space: nowrap }
@media (max-width: 40rem) { td.total { text-align: left } th, td { border: 0; padding: .1rem 0 } }
"""
_PAGE: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    f"<title>Orders · Pickle Warehouse</title><style>{_STYLE}</style></head><body><main>"
    "<h1>Orders of the demo shop</h1>%s</main></body></html>"
)
_FRONT_PAGE: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Pickle Warehouse</title></head>'
    '<body><main><h1>Pickle Warehouse</h1><p><a href="/orders">Orders</a></p></main></body></html>'
)
_MAINTENANCE_PAGE: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Service unavailable</title></head>'
    "<body><main><h1>Service temporarily unavailable</h1></main></body></html>"
)
_TABLE: Final = (
    "<table><caption>{count}, the newest first. They are forgotten when the shop stops.</caption>"
    '<thead><tr><th scope="col">Number</th><th scope="col">Time (UTC)</th><th scope="col">Items</th>'
    '<th scope="col">Total</th><th scope="col">Paid</th><th scope="col">E-mail</th></tr></thead>'
    "<tbody>{rows}</tbody></table>"
)


@route(["/orders", "/demo/orders"], http_method=_READ)
async def show_orders(demo: NamedDependency[DemoState]) -> ASGIResponse:
    """The orders as one HTML page, the newest first; mounted below `/demo` the prefix is cut off."""
    count = len(demo.orders)
    counted = "1 order" if count == 1 else f"{count} orders"
    if count > MAX_LISTED_ORDERS:
        counted += f", of which the last {MAX_LISTED_ORDERS} are shown"
    rows = "".join(_row(order) for order in list(reversed(demo.orders.values()))[:MAX_LISTED_ORDERS])
    content = _TABLE.format(count=counted, rows=rows) if count else "<p>Nothing has been bought yet.</p>"
    return ASGIResponse(body=_PAGE.replace("%s", content), headers=_HTML_HEADERS)


@route("/", http_method=_READ)
async def show_front(demo: NamedDependency[DemoState]) -> ASGIResponse:
    """The front page, or 503 in maintenance mode."""
    if demo.rules.maintenance:
        return ASGIResponse(body=_MAINTENANCE_PAGE, status_code=503, headers=_HTML_HEADERS)
    return ASGIResponse(body=_FRONT_PAGE, headers=_HTML_HEADERS)


def _row(order: DemoOrder) -> str:
    currency = CURRENCIES[order.currency]
    total = f"{order.currency} {order.total / 10**currency.digits:.{currency.digits}f}"
    items = "<br>".join(f"{item['qtyOrdered']} &times; {escape(item['name'])}" for item in order.body["items"])
    paid = "yes" if order.paid else "not yet"
    return (
        f'<tr><th scope="row">{escape(order.increment_id)}</th><td>{escape(utc_timestamp(order.placed))}</td>'
        f'<td>{items}</td><td class="total">{escape(total)}</td>'
        f"<td>{paid}, {escape(order.body['paymentMethodTitle'])}</td><td>{escape(mask_email(order.email))}</td></tr>"
    )


@route(["/catalog/product/{file:str}", "/media/catalog/product/{file:str}"], http_method=_READ)
async def show_product_image(demo: NamedDependency[DemoState], file: FromPath[str]) -> ASGIResponse:
    """The picture of a product or variant by its SKU; mounted below `/media` the prefix is cut off."""
    product = demo.catalogue.by_sku(file.removesuffix(".svg"))
    if product is None:
        raise not_found()
    return ASGIResponse(body=product_art(demo.catalogue, product), headers=_IMAGE_HEADERS)


@route(["/favicon.svg", "/favicon.ico", "/logo.svg", "/media/logo.svg", "/media/favicon.svg"], http_method=_READ)
async def show_icon() -> ASGIResponse:
    """The shop's icon, which is its logo too."""
    return ASGIResponse(body=FAVICON, headers=_IMAGE_HEADERS)


ROUTES: Final = (show_front, show_orders, show_product_image, show_icon)
