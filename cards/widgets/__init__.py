"""Widgets: what chat hosts show of our tools' results, one self-contained HTML document each (MCP Apps)."""

from collections.abc import Callable
from functools import partial
from typing import Final

from storefront_mcp.cards.widgets.documents import widget_document
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.roadmap.widget import Widget


def _renderer(name: str, *parts: str) -> Callable[[Store, Roadmap, str], str]:
    return partial(widget_document, name, parts)


WIDGETS: Final[tuple[Widget, ...]] = (
    Widget(
        name="products",
        title="Products",
        description="Cards of the products that were found; the buyer asks for the details of one here.",
        invoking="Looking for products",
        render=_renderer("products", "product.css", "choices.css", "products.css", "product.js", "products.js"),
    ),
    Widget(
        name="product",
        title="Product",
        description="A product with its price and stock; the buyer chooses a variant and puts it into the cart here.",
        invoking="Looking at a product",
        render=_renderer("product", "product.css", "choices.css", "product.js", "product_widget.js"),
    ),
    Widget(
        name="cart",
        title="Cart",
        description="Lines and totals of the cart; the buyer changes quantities, removes lines and uses a coupon here.",
        invoking="Looking into the cart",
        render=_renderer("cart", "lines.css", "totals.js", "cart.js", "cart_widget.js"),
    ),
    Widget(
        name="shipping",
        title="Shipping",
        description="The ways to send the cart, with prices and times; the buyer chooses one here.",
        invoking="Asking what shipping costs",
        render=_renderer("shipping", "choices.css", "shipping.js"),
    ),
    Widget(
        name="payment",
        title="Payment",
        description="What is to be paid, until when, and the button that opens the shop's own page to pay on.",
        invoking="Preparing the order",
        render=_renderer("payment", "lines.css", "totals.js", "checkout.js"),
    ),
    Widget(
        name="order",
        title="Order",
        description="Where the order stands: its number, its parcels, and what is still to be paid.",
        invoking="Asking after the order",
        render=_renderer("order", "lines.css", "totals.js", "checkout.js"),
    ),
)
"""Every widget, in the order in which a buyer meets them."""
