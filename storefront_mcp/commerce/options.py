"""Custom options: does what an agent asks for fit what a product offers?"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from storefront_mcp.commerce.backend import Options
from storefront_mcp.commerce.errors import OptionsNeeded
from storefront_mcp.commerce.names import Sku
from storefront_mcp.commerce.product import CustomOption, OptionValue

Titled = TypeVar("Titled", CustomOption, OptionValue)

Chosen = dict[str, str | tuple[str, ...]]
"""Option id to a text (kind `text`), a value id (`choice`) or value ids (`choices`)."""


def chosen(sku: Sku, offered: Sequence[CustomOption], asked: Options) -> Chosen:
    """What was asked, by ids. Options and values may be named by id or, whatever the case, by title.

    Raises OptionsNeeded with everything the product offers when an option is missing, unknown, given twice, too long,
    or of a kind that cannot be given here.
    """
    answer: Chosen = {}
    for key, value in asked.items():
        option = _named(key, offered)
        if option is None:
            raise OptionsNeeded(sku, f"It has no option {key!r}.", offered)
        if option.id in answer:
            raise OptionsNeeded(sku, f"{option.title!r} was given twice.", offered)
        wanted = _answer(sku, option, value, offered)
        if wanted:
            answer[option.id] = wanted
    missing = [option.title for option in offered if option.required and option.id not in answer]
    if missing:
        raise OptionsNeeded(sku, f"It needs {_listed(missing)}.", offered)
    return answer


def lost(
    offered: Sequence[CustomOption], wanted: Mapping[str, str | Sequence[str]], shown: Mapping[str, str]
) -> list[str]:
    """Titles of options that were sent (`wanted`, by ids) and that a cart's line (`shown`, by labels) does not have.

    Shops may change white space and join several values with a comma.
    """
    seen = {_plain(label): _plain(value) for label, value in shown.items()}
    gone = []
    for option in offered:
        sent = wanted.get(option.id)
        if sent is None:
            continue
        here = seen.get(_plain(option.title))
        titles = {value.id: _plain(value.title) for value in option.values}
        ids = (sent,) if isinstance(sent, str) else sent
        expected = [_plain(sent)] if option.kind == "text" and isinstance(sent, str) else [titles[one] for one in ids]
        if here is None or not all(part in here for part in expected):
            gone.append(option.title)
    return gone


def _answer(
    sku: Sku, option: CustomOption, value: str | Sequence[str], offered: Sequence[CustomOption]
) -> str | tuple[str, ...]:
    given = (value,) if isinstance(value, str) else tuple(value)
    if option.kind == "other":
        raise OptionsNeeded(sku, f"{option.title!r} can only be given on the shop's own page.", offered)
    if option.kind != "choices" and len(given) > 1:
        raise OptionsNeeded(sku, f"{option.title!r} takes one answer.", offered)
    if option.kind == "text":
        text = given[0] if given else ""
        if option.max_length is not None and len(text) > option.max_length:
            raise OptionsNeeded(sku, f"{option.title!r} takes at most {option.max_length} characters.", offered)
        return text if text.strip() else ""
    ids = []
    for one in given:
        found = _named(one, option.values)
        if found is None:
            titles = _listed([known.title for known in option.values])
            raise OptionsNeeded(sku, f"{option.title!r} cannot be {one!r}; it can be {titles}.", offered)
        ids.append(found.id)
    if option.kind == "choice":
        return ids[0] if ids else ""
    return tuple(dict.fromkeys(ids))


def _named(key: str, among: Sequence[Titled]) -> Titled | None:
    """The one with this id; else the only one with this title."""
    by_id = [one for one in among if one.id == key]
    by_title = [one for one in among if _plain(one.title) == _plain(key)]
    found = by_id or by_title
    return found[0] if len(found) == 1 else None


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _listed(titles: Sequence[str]) -> str:
    return ", ".join(repr(title) for title in titles)
