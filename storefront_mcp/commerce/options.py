"""Custom options: resolve an agent's selection against what a product offers."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from storefront_mcp.commerce.backend import Options
from storefront_mcp.commerce.errors import OptionsNeeded
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.product import CustomOption, OptionValue, Product, Variant

Titled = TypeVar("Titled", CustomOption, OptionValue)

KEPT_KINDS: Final = frozenset({"text", "choice", "choices"})
"""Kinds whose values a cart's line shows as they were chosen; dates are written in many ways."""
MAX_PIECES_DIGITS: Final = 4
Chosen = dict[str, str | tuple[str, ...]]
"""Option id to a text (kind `text`), a value id (`choice`), value ids (`choices`) or `id:pieces` (`amounts`)."""


def resolve_options(sku: Sku, offered: Sequence[CustomOption], requested: Options) -> Chosen:
    """The selection by ids. Options and values may be given by id or, case-insensitively, by title.

    Raises OptionsNeeded with everything the product offers when an option is missing, unknown, given twice, too long,
    or of a kind that cannot be given here.
    """
    if requested and not offered:
        raise no_options(sku)
    chosen: Chosen = {}
    for key, value in requested.items():
        option = _by_name(key, offered)
        if option is None:
            raise OptionsNeeded(sku, f"It has no option {key!r}.", offered)
        if option.id in chosen:
            raise OptionsNeeded(sku, f"{option.title!r} was given twice.", offered)
        wanted = _answer(sku, option, value, offered)
        if wanted:
            chosen[option.id] = wanted
    missing = [option.title for option in offered if option.required and option.id not in chosen]
    if missing:
        raise OptionsNeeded(sku, f"It needs {_list_titles(missing)}.", offered)
    return chosen


def no_options(sku: Sku) -> OptionsNeeded:
    """The refusal of options for a product that has none."""
    return OptionsNeeded(sku, "It takes no options.", how="Leave options out.")


def named_variant(product: Product, requested: Options) -> tuple[Variant | None, Options]:
    """The one variant whose options are requested in words, `{"Colour": "Black", "Size": "M"}`, and what else is.

    None, and the options as they are, where they name no variant wholly, or might mean a custom option.
    """
    labels = {_plain(label) for variant in product.variants for label in variant.options}
    said = {_plain(key): _plain(value) for key, value in requested.items() if isinstance(value, str)}
    said = {label: value for label, value in said.items() if label in labels}
    meant = [variant for variant in product.variants if said and said == _plain_options(variant)]
    if len(meant) != 1 or any(_plain(option.title) in labels for option in product.custom_options):
        return None, requested
    return meant[0], {key: value for key, value in requested.items() if _plain(key) not in labels}


def dropped_options(
    offered: Sequence[CustomOption], wanted: Mapping[str, str | Sequence[str]], shown: Mapping[str, str]
) -> list[str]:
    """Titles of sent options (`wanted`, by ids) that a cart's line (`shown`, by labels) lacks.

    Shops may change white space and join several values with a comma.
    """
    seen = {_plain(label): _plain(value) for label, value in shown.items()}
    dropped = []
    for option in offered:
        sent = wanted.get(option.id)
        if sent is None or option.kind not in KEPT_KINDS or not option.id.isdecimal():
            continue
        here = seen.get(_plain(option.title))
        titles = {value.id: _plain(value.title) for value in option.values}
        ids = (sent,) if isinstance(sent, str) else sent
        expected = [_plain(sent)] if option.kind == "text" and isinstance(sent, str) else [titles[one] for one in ids]
        if here is None or not all(part in here for part in expected):
            dropped.append(option.title)
    return dropped


def _answer(
    sku: Sku, option: CustomOption, value: str | Sequence[str], offered: Sequence[CustomOption]
) -> str | tuple[str, ...]:
    given = (value,) if isinstance(value, str) else tuple(value)
    if option.kind == "other":
        raise OptionsNeeded(sku, f"{option.title!r} can only be given on the product's own page.", offered, how="")
    if option.kind == "amounts":
        return tuple(_amount(sku, option, one, offered) for one in given)
    if option.kind != "choices" and len(given) > 1:
        raise OptionsNeeded(sku, f"{option.title!r} takes one answer.", offered)
    if option.kind == "text":
        text = given[0] if given else ""
        if option.max_length is not None and len(text) > option.max_length:
            raise OptionsNeeded(sku, f"{option.title!r} takes at most {option.max_length} characters.", offered)
        return text if text.strip() else ""
    if option.kind in {"date", "date_time"}:
        return _date(sku, option, given[0] if given else "", offered)
    ids = [_value(sku, option, one, offered).id for one in given]
    if option.kind == "choice":
        return ids[0] if ids else ""
    return tuple(dict.fromkeys(ids))


def parse_amount(text: str) -> tuple[str, int]:
    """Id and number of pieces of a resolved amount.

    >>> parse_amount("6:2"), parse_amount("6")
    (('6', 2), ('6', 1))
    """
    id_, _, pieces = text.partition(":")
    return id_, int(pieces or 1)


def _amount(sku: Sku, option: CustomOption, given: str, offered: Sequence[CustomOption]) -> str:
    """`id:pieces` of a text such as `Balls: 2`; without a number as many as the shop suggests."""
    name, _, pieces = given.rpartition(":")
    digits = pieces.strip()
    if not name:
        name, digits = given, ""
    elif not (digits.isascii() and digits.isdecimal() and len(digits) <= MAX_PIECES_DIGITS and int(digits)):
        raise OptionsNeeded(sku, f"{option.title!r} wants a number of pieces after the colon; got {given!r}.", offered)
    found = _value(sku, option, name.strip(), offered)
    return f"{found.id}:{int(digits)}" if digits else found.id if found.pieces else f"{found.id}:1"


def _date(sku: Sku, option: CustomOption, given: str, offered: Sequence[CustomOption]) -> str:
    """An ISO 8601 date, or date and time without an offset."""
    if not given.strip():
        return ""
    timed = option.kind == "date_time"
    try:
        if timed:
            return dt.datetime.fromisoformat(given.strip()).replace(tzinfo=None, microsecond=0).isoformat()
        return dt.date.fromisoformat(given.strip()).isoformat()
    except ValueError:
        form = "YYYY-MM-DDTHH:MM" if timed else "YYYY-MM-DD"
        raise OptionsNeeded(sku, f"{option.title!r} wants {form}; got {given!r}.", offered) from None


def _value(sku: Sku, option: CustomOption, given: str, offered: Sequence[CustomOption]) -> OptionValue:
    found = _by_name(given, option.values)
    if found is None:
        titles = _list_titles([known.title for known in option.values])
        raise OptionsNeeded(sku, f"{option.title!r} cannot be {given!r}; it can be {titles}.", offered)
    if not found.in_stock:
        raise OptionsNeeded(sku, f"{found.title!r} is sold out.", offered)
    return found


def _by_name(key: str, among: Sequence[Titled]) -> Titled | None:
    """The match by id, else the only match by title."""
    by_id = [one for one in among if one.id == key]
    by_title = [one for one in among if _plain(one.title) == _plain(key)]
    found = by_id or by_title
    return found[0] if len(found) == 1 else None


def _plain_options(variant: Variant) -> Mapping[str, str]:
    return {_plain(label): _plain(value) for label, value in variant.options.items()}


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _list_titles(titles: Sequence[str]) -> str:
    return ", ".join(repr(title) for title in titles)
