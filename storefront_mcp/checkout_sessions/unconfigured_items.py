"""Items that need options, such as an engraving: agent protocols take none, so the buyer gives them on a page."""

from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import parse_qsl, urlencode

from msgspec.structs import replace

from storefront_mcp.calls.errors import CallError
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.checkout_sessions.problems import problem_of
from storefront_mcp.checkout_sessions.record import SessionProblem, UnconfiguredItem
from storefront_mcp.checkout_sessions.state import WantedLine
from storefront_mcp.commerce.errors import SEND_OPTIONS, OptionsNeeded, ShopError
from storefront_mcp.commerce.product import Product

ITEM_FIELD: Final = "item"
"""Field of a cart page's query: `SKU:quantity` of an item that is wanted and not in the cart."""
MAX_PAGE_ITEMS: Final = 10
"""Read of one query."""
MAX_QUERY_CHARS: Final = 2_000
MAX_QUANTITY_DIGITS: Final = 4


async def unconfigured_problem(
    runner: ToolRunner, wanted: WantedLine, error: OptionsNeeded, field: str
) -> SessionProblem:
    """That an item needs options: its name, which are required, and its page in the shop where there is one.

    Without them where products cannot be looked up. `field` is that of the line.
    """
    problem = problem_of(error, field)
    product = await read_product(runner, wanted.sku)
    if product is None:
        return replace(problem, item=UnconfiguredItem(sku=wanted.sku, quantity=wanted.quantity, name=wanted.sku))
    titles = required_titles(product)
    if wanted.options:
        needs = str(error).removeprefix(f"{wanted.sku}: ").removesuffix(SEND_OPTIONS).rstrip()
    elif titles:
        needs = f"the buyer has to give {_list_titles(titles)}, on the page of the shop."
    else:
        needs = "it has to be configured by the buyer, on the page of the shop."
    item = UnconfiguredItem(sku=wanted.sku, quantity=wanted.quantity, name=product.name, options=titles)
    return replace(problem, text=f"{product.name} is not in the cart: {needs}", url=product.url or "", item=item)


async def read_product(runner: ToolRunner, sku: str) -> Product | None:
    """A product that needs options; None where it cannot be read now."""
    try:
        product: Product = await runner.run("get_product", sku=sku)
    except (ShopError, CallError):
        return None
    return product


def required_titles(product: Product) -> tuple[str, ...]:
    """Titles of the options without which it cannot be bought."""
    return tuple(option.title for option in product.custom_options if option.required)


def page_with_items(page: str | None, problems: Iterable[SessionProblem]) -> str | None:
    """The URL of a cart's page, which shows the items that these problems are about, too.

    A cart keeps no problems, so the address names the items. Without a page, that of the first item in the shop.
    """
    found = [one for one in problems if one.item is not None]
    if page is None:
        return next((one.url for one in found if one.url), None)
    items = [(ITEM_FIELD, f"{one.item.sku}:{one.item.quantity}") for one in found if one.item is not None]
    return f"{page}?{urlencode(items[:MAX_PAGE_ITEMS])}" if items else page


def items_of_query(query: str) -> Sequence[WantedLine]:
    """The items that the query of a cart's page names; what is none is left out.

    >>> items_of_query("item=GIFT-MUG%3A2")[0].quantity
    2
    """
    found = []
    for name, value in parse_qsl(query[:MAX_QUERY_CHARS])[:MAX_PAGE_ITEMS]:
        sku, _, quantity = value.rpartition(":")
        if name == ITEM_FIELD and sku and quantity.isascii() and quantity.isdigit():
            found.append(WantedLine(sku=sku, quantity=min(int(quantity[:MAX_QUANTITY_DIGITS]), 9999) or 1))
    return found


def _list_titles(titles: Sequence[str]) -> str:
    """Titles as in a sentence: `Engraving and Mug size`."""
    *most, last = titles
    return f"{', '.join(most)} and {last}" if most else last
