"""What the agent says of a tool's answer: a few plain lines beside the data."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from storefront_mcp.a2a.intents import PHRASES
from storefront_mcp.a2a.model import DATA_TYPE, TEXT_TYPE, MessagePart, data_part, text_part
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.error_codes import CodedError
from storefront_mcp.commerce.money import Money
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.tools.content import ContentBlocks, ValueWithLinks

MAX_LISTED: Final = 10
MAX_NAME_CHARS: Final = 120
ORDER_TOOL: Final = "place_order"
ORDER_HINT: Final = (
    'To order: {"action": "place_order", "email": …, "shipping_address": {…}, "shipping_method": …}; send shipping to '
    "<country> <postcode> for the methods."
)
Plain = Mapping[str, Any]


class AgentReply(Struct, frozen=True):
    """A text and the data it is about."""

    text: str
    data: Plain | None = None

    def parts(self, modes: frozenset[str]) -> tuple[MessagePart, ...]:
        """The parts, of the media types that the client takes."""
        data = () if self.data is None or DATA_TYPE not in modes else (data_part(self.data),)
        return (text_part(self.text), *data) if TEXT_TYPE in modes or not data else data


def reply_of(tool: str, value: Any, roadmap: Roadmap) -> AgentReply:  # noqa: ANN401 -- whatever a tool returns
    """What a tool answered, and how to go on from a cart, where that is open."""
    value = value.value if isinstance(value, ValueWithLinks) else value
    if isinstance(value, ContentBlocks):
        value = {"blocks": value.blocks}
    plain = msgspec.to_builtins(value)
    say = SAYINGS.get(tool) or _saying_of(plain)
    text = say(plain)
    if isinstance(value, Cart) and value.lines and ORDER_TOOL in roadmap.open_items:
        text += f"\n{ORDER_HINT}"
    return AgentReply(text, {"tool": tool, "result": plain})


def reply_of_error(error: CodedError) -> AgentReply:
    """What went wrong, in the shop's words, with what there is to choose from."""
    detail = getattr(error, "detail", None)
    told: dict[str, Any] = {"code": error.code, "message": str(error)}
    if detail is not None:
        told["detail"] = msgspec.to_builtins(detail)
    return AgentReply(str(error), {"error": told})


def grammar_reply(store: str, roadmap: Roadmap, before: str = "") -> AgentReply:
    """What the agent understands, of what is open now."""
    open_items = roadmap.open_items
    usages = [phrase.usage for phrase in PHRASES if phrase.tool in open_items]
    lines = [f"{before} " if before else ""]
    lines[0] += f"This is the agent of {store}. It has no language model and understands:"
    lines += [f"- {usage}" for usage in (*usages, "help")]
    if open_items:
        lines.append(
            'Or a data part {"action": NAME, …} with the arguments of one of these, as the shop\'s MCP tools have '
            f"them: {', '.join(open_items)}. The conversation keeps the cart: cart_id and checkout_id may be left out."
        )
    data = {"phrases": [*usages, "help"], "actions": {name: tool.input_schema for name, tool in open_items.items()}}
    return AgentReply("\n".join(lines), data)


def money_text(amount: Plain | None) -> str:
    """`AUD 25.00` of a plain amount."""
    return "" if amount is None else str(Money(amount["minor"], amount["currency"]))


def _products(plain: Plain) -> str:
    found, hints = plain["products"], plain.get("hints", ())
    if not found:
        return str(plain.get("notice") or " ".join(hints) or "Nothing was found.")
    total = plain.get("total", len(found))
    lines = [f"{total} product{'' if total == 1 else 's'}{_first(total, found)}:"]
    lines += [f"- {_product_line(one)}" for one in found[:MAX_LISTED]]
    if plain.get("did_you_mean"):
        lines.append(f"Searched for: {plain['did_you_mean']}.")
    if plain.get("relaxed"):
        lines.append(f"Nothing fits every word ({'; '.join(plain['relaxed'])}).")
    lines += hints
    if plain.get("next_cursor"):
        lines.append('The next page: the same action with "cursor" as next_cursor has it.')
    return "\n".join(lines)


def _first(total: int, found: Sequence[Any]) -> str:
    shown = min(len(found), MAX_LISTED)
    return "" if shown >= total else f", the first {shown}"


def _product_line(one: Plain) -> str:
    notes = [one.get("choose", ""), "" if one.get("in_stock", True) else "out of stock"]
    noted = "".join(f", {note}" for note in notes if note)
    return f"{one['name'][:MAX_NAME_CHARS]} ({one['sku']}), {money_text(one['price'])}{noted}"


def _product(plain: Plain) -> str:
    lines = [_product_line(plain)]
    if plain.get("description"):
        lines.append(plain["description"])
    variants = plain.get("variants", ())
    if variants:
        lines.append("Buy one of these by its own SKU:")
        for one in variants[:MAX_LISTED]:
            chosen = ", ".join(f"{name} {value}" for name, value in one["options"].items())
            lines.append(f"- {one['sku']}: {chosen}{'' if one.get('in_stock', True) else ', out of stock'}")
    if plain.get("url"):
        lines.append(plain["url"])
    return "\n".join(lines)


def _cart(plain: Plain) -> str:
    lines = [
        f"- {line['quantity']} x {line['name'][:MAX_NAME_CHARS]} ({line['sku']}), {money_text(line['total'])}"
        for line in plain.get("lines", ())
    ]
    total = money_text(plain["totals"]["total"])
    said = [f"The cart, {total} in all:", *lines] if lines else ["The cart is empty."]
    if plain.get("notice"):
        said.append(plain["notice"])
    return "\n".join(said)


def _shipping(plain: Plain) -> str:
    methods = plain["methods"]
    if not methods:
        return str(plain.get("notice", "There is no way to send this cart there."))
    lines = ["Ways to send it:"]
    for one in methods[:MAX_LISTED]:
        takes = f", {one['delivery']}" if one.get("delivery") else ""
        lines.append(f"- {one['code']}: {one['title']}, {money_text(one['price'])}{takes}")
    if plain.get("estimate"):
        lines.append(f"Prices may differ once these are known: {', '.join(plain['depends_on'])}.")
    return "\n".join(lines)


def _checkout(plain: Plain) -> str:
    lines = []
    if "order" in plain:
        number = plain["order"].get("number")
        lines.append("The order is made." if number is None else f"The order is made: number {number}.")
    lines.append(f"Total: {money_text(plain['totals']['total'])}.")
    if plain.get("continue_url"):
        lines.append(f"The buyer pays at {plain['continue_url']}")
    lines += [plain[name] for name in ("next_step", "notice") if plain.get(name)]
    return "\n".join(lines)


def _saying_of(plain: Any) -> Callable[[Any], str]:  # noqa: ANN401 -- JSON
    """By what is in it, where the tool has no saying of its own."""
    members = plain if isinstance(plain, dict) else {}
    if "totals" in members:
        return _cart if "cart_id" in members else _checkout
    if "products" in members:
        return _products
    return lambda _: "The answer is in the data part."


SAYINGS: Final[Mapping[str, Callable[[Any], str]]] = {"get_product": _product, "get_shipping_methods": _shipping}
