"""What a message asks for: structured data with an `action`, or one of a few fixed phrases."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET, Struct

from storefront_mcp.a2a.model import MessagePart

HELP: Final = "help"
MAX_SEARCH_CHARS: Final = 200
MAX_NAME_CHARS: Final = 64
QUOTE_TOOL: Final = "get_shipping_methods"
SAY_COUNTRY: Final = (
    "Say the country first, by its name or code, then the postcode, such as shipping to Australia 4000."
)
CountryReader = Callable[[str], str | None]
"""The ISO 3166-1 alpha-2 code of a country's name or code; None where it is none."""
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
    refusal: str = ""
    """Why what was said cannot be done as it is, and what to say instead."""


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
        QUOTE_TOOL,
        r"shipping (?P<place>\S.{0,119})",
    ),
    _phrase("status <checkout>", "get_order_status", r"(?:order )?status(?: (?P<checkout_id>\S{1,200}))?"),
    _phrase("cancel <checkout>", "cancel_checkout", r"cancel(?: (?P<checkout_id>\S{1,200}))?"),
)
"""The grammar, in the order in which it is tried and told. `help` tells it."""


def keep_country(name: str) -> str | None:
    """The `CountryReader` of who only wants to know the tool: what stands first is the country."""
    return name


def read_intent(parts: Sequence[MessagePart], country_code: CountryReader = keep_country) -> AgentIntent:
    """What a message asks for: its first data part with an action, else its text."""
    for part in parts:
        if isinstance(part.data, dict) and isinstance(part.data.get(ACTION), str):
            return _of_data(part.data)
    texts = [part.text for part in parts if part.text is not UNSET]
    return _of_text(" ".join(" ".join(texts).split()), country_code)


def _of_data(data: Mapping[str, Any]) -> AgentIntent:
    action = data[ACTION].strip()[:MAX_NAME_CHARS]
    nested = data.get(NESTED)
    sent = {name: value for name, value in data.items() if name != ACTION}
    if isinstance(nested, dict):
        sent = {name: value for name, value in sent.items() if name != NESTED} | nested
    arguments = {ARGUMENTS.get(name, name): value for name, value in sent.items()}
    return AgentIntent(tool=ACTIONS.get(action.lower(), action), arguments=arguments)


def _of_text(text: str, country_code: CountryReader) -> AgentIntent:
    words = text.rstrip(" .!?")
    if not words or words.lower() in {HELP, "hi", "hello"}:
        return AgentIntent(tool=HELP)
    for phrase in PHRASES:
        found = phrase.pattern.fullmatch(words)
        if found is None:
            continue
        said = {name: value for name, value in found.groupdict().items() if value is not None}
        if phrase.tool != QUOTE_TOOL:
            return AgentIntent(tool=phrase.tool, arguments=_arguments(said))
        if (quote := _quote_intent(said["place"], country_code)) is not None:
            return quote
    return AgentIntent(tool="search_products", arguments={"query": words[:MAX_SEARCH_CHARS]}, guessed=True)


def _quote_intent(place: str, country_code: CountryReader) -> AgentIntent | None:
    """A quote for `to Germany 10115`; None for words without `to` that are no country, such as `policy`."""
    words = place.replace(",", " ").split()
    to = bool(words) and words[0].lower() == "to"
    words = words[1:] if to else words
    # Names of countries may have several words, and so may postcodes.
    for count in range(len(words), 0, -1):
        code, rest = country_code(" ".join(words[:count])), " ".join(words[count:])
        numbered = any(char.isdigit() for char in rest)
        if code is not None and (to or numbered or not rest):
            where = {"postcode" if numbered else "city": rest} if rest else {}
            return AgentIntent(tool=QUOTE_TOOL, arguments={"address": {"country": code, **where}})
    if not to:
        return None
    told = f"{' '.join(words)!r} is no country that I know. " if words else ""
    return AgentIntent(tool=QUOTE_TOOL, refusal=told + SAY_COUNTRY)


def _arguments(said: Mapping[str, str]) -> Mapping[str, Any]:
    if "query" in said:
        return {"query": said["query"][:MAX_SEARCH_CHARS]}
    return {name: int(value) if name == "quantity" else value for name, value in said.items()}
