"""What a message asks for: structured data with an `action`, or one of a few fixed phrases."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET, Struct

from storefront_mcp.a2a.model import MessagePart

HELP: Final = "help"
MAX_SEARCH_CHARS: Final = 200
MAX_NAME_CHARS: Final = 64
ACTION: Final = "action"
NESTED: Final = "arguments"
ACTIONS: Final[Mapping[str, str]] = {
    "search": "search_products",
    "search_catalog": "search_products",
    "find": "search_products",
    "product": "get_product",
    "show": "get_product",
    "add": "add_to_cart",
    "add_to_checkout": "add_to_cart",
    "remove": "remove_from_cart",
    "remove_from_checkout": "remove_from_cart",
    "cart": "view_cart",
    "get_cart": "view_cart",
    "shipping": "get_shipping_methods",
    "checkout": "place_order",
    "complete_checkout": "place_order",
    "order": "place_order",
    "status": "get_order_status",
    "get_checkout": "get_order_status",
    "order_status": "get_order_status",
    "cancel": "cancel_checkout",
}
"""Other names of tools, as agents call what they want."""
ARGUMENTS: Final[Mapping[str, str]] = {"product_id": "sku", "item_id": "sku"}
"""Other names of arguments."""


class AgentIntent(Struct, frozen=True, kw_only=True):
    """A tool and what it is called with; `HELP` where nothing is understood."""

    tool: str
    arguments: Mapping[str, Any] = {}
    guessed: bool = False
    """Whether it is a search for words that are no phrase of the grammar."""


class FixedPhrase(Struct, frozen=True, kw_only=True):
    """A phrase of the grammar."""

    usage: str
    tool: str
    pattern: re.Pattern[str]


def _phrase(usage: str, tool: str, pattern: str) -> FixedPhrase:
    return FixedPhrase(usage=usage, tool=tool, pattern=re.compile(pattern, re.IGNORECASE | re.DOTALL))


PHRASES: Final = (
    _phrase("search <words>", "search_products", r"(?:search|find)(?: for)? (?P<query>\S.*)"),
    _phrase("show <SKU>", "get_product", r"(?:show|product) (?P<sku>\S{1,64})"),
    _phrase("add <SKU> x <quantity>", "add_to_cart", r"add (?P<sku>\S{1,64})(?: ?x ?(?P<quantity>\d{1,4}))?"),
    _phrase("remove <SKU>", "remove_from_cart", r"remove (?P<sku>\S{1,64})"),
    _phrase("cart", "view_cart", r"(?:show )?(?:the |my )?cart"),
    _phrase(
        "shipping to <country> <postcode>",
        "get_shipping_methods",
        r"shipping(?: to)? (?P<country>[a-z]{2})(?: (?P<postcode>\S.{0,19}))?",
    ),
    _phrase("status <checkout>", "get_order_status", r"(?:order )?status(?: (?P<checkout_id>\S{1,200}))?"),
    _phrase("cancel <checkout>", "cancel_checkout", r"cancel(?: (?P<checkout_id>\S{1,200}))?"),
)
"""The grammar, in the order in which it is tried and told. `help` tells it."""


def read_intent(parts: Sequence[MessagePart]) -> AgentIntent:
    """What a message asks for: its first data part with an action, else its text."""
    for part in parts:
        if isinstance(part.data, dict) and isinstance(part.data.get(ACTION), str):
            return _of_data(part.data)
    texts = [part.text for part in parts if part.text is not UNSET]
    return _of_text(" ".join(" ".join(texts).split()))


def _of_data(data: Mapping[str, Any]) -> AgentIntent:
    action = data[ACTION].strip()[:MAX_NAME_CHARS]
    nested = data.get(NESTED)
    sent = {name: value for name, value in data.items() if name != ACTION}
    if isinstance(nested, dict):
        sent = {name: value for name, value in sent.items() if name != NESTED} | nested
    arguments = {ARGUMENTS.get(name, name): value for name, value in sent.items()}
    return AgentIntent(tool=ACTIONS.get(action.lower(), action), arguments=arguments)


def _of_text(text: str) -> AgentIntent:
    words = text.rstrip(" .!?")
    if not words or words.lower() in {HELP, "hi", "hello"}:
        return AgentIntent(tool=HELP)
    for phrase in PHRASES:
        found = phrase.pattern.fullmatch(words)
        if found is not None:
            said = {name: value for name, value in found.groupdict().items() if value is not None}
            return AgentIntent(tool=phrase.tool, arguments=_arguments(phrase.tool, said))
    return AgentIntent(tool="search_products", arguments={"query": words[:MAX_SEARCH_CHARS]}, guessed=True)


def _arguments(tool: str, said: Mapping[str, str]) -> Mapping[str, Any]:
    if tool == "get_shipping_methods":
        return {"address": {**said, "country": said["country"].upper()}}
    if "query" in said:
        return {"query": said["query"][:MAX_SEARCH_CHARS]}
    return {name: int(value) if name == "quantity" else value for name, value in said.items()}
