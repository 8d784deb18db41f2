"""Finds the region that is meant among those that a shop has, however it is written."""

import difflib
import re
from collections.abc import Callable, Iterator, Sequence, Set as AbstractSet
from typing import Final

from msgspec import Struct

from storefront_mcp.backends.postal.formats import postal_format
from storefront_mcp.backends.postal.spelling import fold_loosely, fold_name

KINDS_OF_REGION: Final = re.compile(
    r"\b(?:the|state|province|county|canton|kanton|prefecture|territory|provincia|département|departement|department|"
    r"freistaat|bundesland|land|maakond|region|région|emirate|governorate|of|de|du|von)\b",
    re.IGNORECASE,
)
"""Words around a name that are no part of it."""
PARENTHESES: Final = re.compile(r"\(([^()]*)\)")
MAX_CLOSE_REGIONS: Final = 12
"""Regions that an error names of a long list."""


class OfferedRegion(Struct, frozen=True):
    """A region of a shop's list."""

    id: int
    code: str
    """The shop's own, with or without the country's: `EE-37`, `BAY`, `1`."""
    name: str


def find_region(country: str, given: str, offered: Sequence[OfferedRegion]) -> OfferedRegion | None:
    """The region of a country that a text names: by the shop's code or name, by ISO 3166-2, locally or in English.

    >>> find_region("DE", "DE-BY", [OfferedRegion(81, "BAY", "Bayern")]).id
    81
    """
    for folded in (fold_name, fold_loosely):
        found = _by_spelling(country, given, offered, folded)
        if found is not None:
            return found
    return None


def close_regions(given: str, offered: Sequence[OfferedRegion]) -> Sequence[OfferedRegion]:
    """All of a short list; of a long one those whose names are spelled most like it."""
    if len(offered) <= MAX_CLOSE_REGIONS * 2:
        return offered
    by_name = {fold_name(one.name or one.code): one for one in offered}
    close = difflib.get_close_matches(fold_name(given)[:100], by_name, n=MAX_CLOSE_REGIONS, cutoff=0.0)
    return [by_name[name] for name in close]


def _by_spelling(
    country: str, given: str, offered: Sequence[OfferedRegion], folded: Callable[[str], str]
) -> OfferedRegion | None:
    codes: dict[str, OfferedRegion] = {}
    names: dict[str, OfferedRegion] = {}
    for one in reversed(offered):
        codes |= dict.fromkeys(_code_spellings(country, one.code, folded), one)
        if one.name:
            names[folded(one.name)] = one
    spellings = list(dict.fromkeys(_spellings(country, given, folded)))
    for spelling in spellings:
        found = codes.get(spelling) or names.get(spelling) or codes.get(spelling.lstrip("0") or spelling)
        if found is not None:
            return found
    known: Sequence[AbstractSet[str]] = postal_format(country).regions
    if folded is not fold_name:
        known = [frozenset(map(folded, group)) for group in known]
    for spelling in spellings:
        for group in known:
            if spelling in group:
                named = next((names[one] for one in group if one in names), None)
                coded = next((codes[one] for one in group if one in codes), None)
                if named is not None or coded is not None:
                    return named or coded
    return None


def _spellings(country: str, given: str, folded: Callable[[str], str]) -> Iterator[str]:
    """What a text may mean, the whole of it first: without the country's code, a remark, or the kind of region."""
    texts = [given, PARENTHESES.sub(" ", given), *PARENTHESES.findall(given)]
    texts += re.split(r"\s[-\u2013\u2014/|]\s|,", given)
    for text in texts:
        for one in (text, KINDS_OF_REGION.sub(" ", text)):
            plain = one.strip()
            without = re.sub(rf"^{country}\s*[-_:/ ]\s*", "", plain, flags=re.IGNORECASE)
            yield from (spelled for part in (plain, without) if (spelled := folded(part)))


def _code_spellings(country: str, code: str, folded: Callable[[str], str]) -> Iterator[str]:
    short = code.upper().removeprefix(f"{country}-")
    for one in (code, short, short.lstrip("0")):
        if spelled := folded(one):
            yield spelled
