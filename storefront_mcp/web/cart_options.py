"""Options of items that are wanted in a cart and not in it yet: what its page asks for, and what was sent."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.checkout_sessions import SessionProblem, WantedLine
from storefront_mcp.checkout_sessions.unconfigured_items import read_product, required_titles
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.product import CustomOption
from storefront_mcp.web.forms import FormFields

OPTION_FIELD: Final = "option."
"""Before an option's id, in the name of its field."""
TAKEN_KINDS: Final = frozenset({"text", "choice", "choices", "date", "date_time"})
"""Kinds of options that the page has fields for."""
MAX_SENT_FIELDS: Final = 16
"""Fields of one item that a browser may send: a form has no more than `buyer_pages.MAX_FIELDS`."""


class ItemForm(Struct, frozen=True, kw_only=True):
    """An item that is wanted, and what the page says of it."""

    sku: str
    quantity: int
    name: str
    needs: tuple[str, ...] = ()
    """Titles of required options."""
    url: str = ""
    """The product's page in the shop."""
    options: tuple[CustomOption, ...] = ()
    """What the page asks for; empty where only the product's own page takes what is required."""
    sent: Mapping[str, Sequence[str]] = {}
    """What was sent last, by the options' ids, where it was refused."""
    refusal: str = ""
    """Why it was refused."""


async def item_forms(
    runner: ToolRunner,
    cart: Cart,
    problems: Sequence[SessionProblem],
    asked: Sequence[WantedLine],
    sent: WantedLine | None = None,
) -> tuple[ItemForm, ...]:
    """The items of these problems, and those of the page's address that need options and are not in the cart.

    `sent` is what the page was just told of one of them.
    """
    found: dict[str, ItemForm] = {}
    for problem in problems:
        if problem.item is not None:
            item = problem.item
            form = ItemForm(sku=item.sku, quantity=item.quantity, name=item.name, needs=item.options, url=problem.url)
            found[item.sku.casefold()] = await _with_options(runner, form, problem, sent) or form
    for line in missing_of(cart, asked):
        if line.sku.casefold() not in found:
            shown = await _with_options(runner, ItemForm(sku=line.sku, quantity=line.quantity, name=line.sku))
            if shown is not None and shown.needs:
                found[line.sku.casefold()] = shown
    return tuple(found.values())


def missing_of(cart: Cart, asked: Sequence[WantedLine]) -> Sequence[WantedLine]:
    """The items of the page's address that are not in the cart."""
    there = {line.sku.casefold() for line in cart.lines}
    return [line for line in asked if line.sku.casefold() not in there]


def sent_item(fields: FormFields, items: Sequence[ItemForm]) -> WantedLine | None:
    """The item whose form was sent, with the options that were given; None where it was another form."""
    sku = fields.one("sku").casefold()
    item = next((one for one in items if sku and one.sku.casefold() == sku), None)
    if item is None:
        return None
    return WantedLine(sku=item.sku, quantity=item.quantity, options=dict(_options_of(fields, item.options)))


def _options_of(fields: FormFields, options: Sequence[CustomOption]) -> Iterator[tuple[str, str | Sequence[str]]]:
    for option in options:
        values = [value.strip() for value in fields.all(f"{OPTION_FIELD}{option.id}") if value.strip()]
        if values:
            yield option.id, values if option.kind == "choices" else values[-1]


async def _with_options(
    runner: ToolRunner, form: ItemForm, problem: SessionProblem | None = None, sent: WantedLine | None = None
) -> ItemForm | None:
    """The form with the product's name, page and options; None where it cannot be read."""
    product = await read_product(runner, form.sku)
    if product is None:
        return None
    refused = problem is not None and sent is not None and sent.sku.casefold() == form.sku.casefold()
    given = sent.options if refused and sent is not None else {}
    return ItemForm(
        sku=form.sku,
        quantity=form.quantity,
        name=product.name,
        needs=required_titles(product),
        url=product.url or form.url,
        options=_fields_for(product.custom_options),
        sent={id_: (value,) if isinstance(value, str) else tuple(value) for id_, value in given.items()},
        refusal=problem.text if refused and problem is not None else "",
    )


def _fields_for(options: Sequence[CustomOption]) -> tuple[CustomOption, ...]:
    """Those the page has fields for; none where something that is required is not among them."""
    taken = tuple(option for option in options if option.kind in TAKEN_KINDS)
    fields = sum(len(option.values) if option.kind == "choices" else 1 for option in taken)
    if fields > MAX_SENT_FIELDS or any(option.required and option not in taken for option in options):
        return ()
    return taken
