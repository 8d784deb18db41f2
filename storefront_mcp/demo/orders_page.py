"""`/demo/orders`: what was bought in the demo shop, for a person to look at."""

from html import escape
from typing import Final

from storefront_mcp.demo.carts import Order
from storefront_mcp.demo.money import CURRENCIES
from storefront_mcp.demo.receipts import moment
from storefront_mcp.demo.state import ShopState
from storefront_mcp.demo.wire import Reply

MOST: Final = 200
"""Orders on the page; the older ones are only counted."""
_HEADERS: Final = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
_STYLE: Final = """\
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1d2b1f }
table { border-collapse: collapse; width: 100% }
caption { text-align: left; padding-bottom: 1rem }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid #c9d6c4 }
td.total { text-align: right; white-space: nowrap }
"""


def masked(email: str) -> str:
    """An e-mail address that its owner recognises and nobody else can use.

    >>> masked("ada@example.com")
    'a…@example.com'
    """
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}…@{domain}" if name else ""


def orders_page(state: ShopState) -> Reply:
    """The orders as one HTML page, the newest first."""
    newest = list(reversed(state.orders.values()))
    rows = "".join(_row(order) for order in newest[:MOST])
    body = (
        "<!doctype html>"
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Orders · Pickle Warehouse</title><style>{_STYLE}</style></head><body><main>"
        "<h1>Orders of the demo shop</h1>"
        + (_TABLE.format(count=_counted(len(newest)), rows=rows) if newest else "<p>Nothing has been bought yet.</p>")
        + "</main></body></html>"
    )
    return Reply(status=200, headers=_HEADERS, body=body.encode())


_TABLE: Final = (
    "<table><caption>{count}, the newest first. They are forgotten when the shop stops.</caption>"
    '<thead><tr><th scope="col">Number</th><th scope="col">Time (UTC)</th><th scope="col">Items</th>'
    '<th scope="col">Total</th><th scope="col">Paid</th><th scope="col">E-mail</th></tr></thead>'
    "<tbody>{rows}</tbody></table>"
)


def _counted(orders: int) -> str:
    counted = "1 order" if orders == 1 else f"{orders} orders"
    return counted if orders <= MOST else f"{counted}, of which the last {MOST} are shown"


def _row(order: Order) -> str:
    currency = CURRENCIES[order.currency]
    total = f"{order.currency} {order.total / 10**currency.digits:.{currency.digits}f}"
    items = "<br>".join(f"{item['qtyOrdered']} &times; {escape(item['name'])}" for item in order.shown["items"])
    paid = "yes" if order.paid else "not yet"
    return (
        f'<tr><th scope="row">{escape(order.increment_id)}</th><td>{escape(moment(order.placed))}</td>'
        f'<td>{items}</td><td class="total">{escape(total)}</td>'
        f"<td>{paid}, {escape(order.shown['paymentMethodTitle'])}</td><td>{escape(masked(order.email))}</td></tr>"
    )
