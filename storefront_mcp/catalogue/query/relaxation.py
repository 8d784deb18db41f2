"""What a search gives up, step by step, until something is found: words only, never what was stated as a condition."""

from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import Final

from msgspec import Struct

from storefront_mcp.catalogue.index_query import WordGroup
from storefront_mcp.catalogue.query.understanding import MAX_LABEL_READINGS, ReadWords

MIN_ANY_WORDS: Final = 3
"""Words of the shortest query of which any one may do; of two that is all but one."""

WordReadings = Sequence[tuple[tuple[WordGroup, ...], tuple[tuple[str, str], ...]]]
"""Groups to match, and attribute values that are filters beside them: all values filters first, all words last."""


class SearchAttempt(Struct, frozen=True, kw_only=True):
    """One way to ask the index, and what it gives up."""

    groups: tuple[WordGroup, ...]
    required: int | None = None
    labels: tuple[tuple[str, str], ...] = ()
    """Attribute values of the text that are filters in it."""
    relaxed: tuple[str, ...] = ()


def search_attempts(words: ReadWords, *, narrowed: bool) -> Iterator[SearchAttempt]:
    """Ways to ask, those that give up least first; `narrowed`: whether anything but words was asked for."""
    readings = _readings(words)
    if not words.groups and len(readings) == 1:
        yield SearchAttempt(groups=())
        return
    yield from _with_all(readings, ())
    known = [
        (tuple(group for group in groups if group.text not in words.unknown), labels) for groups, labels in readings
    ]
    left_out = tuple(f"left out: {word}" for word in words.unknown_shown)
    if left_out:
        yield from _with_all(known, left_out)
    for groups, labels in known:
        if len(groups) > 1:
            step = (*left_out, "all words but one")
            yield SearchAttempt(groups=groups, required=len(groups) - 1, labels=labels, relaxed=step)
    for groups, labels in known:
        if len(groups) >= MIN_ANY_WORDS:
            yield SearchAttempt(groups=groups, required=1, labels=labels, relaxed=(*left_out, "any word"))
    if narrowed and not any(groups for groups, _ in known):
        yield SearchAttempt(groups=(), relaxed=("words left out, conditions kept",))


def _with_all(readings: WordReadings, relaxed: tuple[str, ...]) -> Iterator[SearchAttempt]:
    for groups, labels in readings:
        if groups or labels:
            yield SearchAttempt(groups=groups, labels=labels, relaxed=relaxed)


def _readings(words: ReadWords) -> WordReadings:
    """Each way to read values of attributes as filters, and last as words like all others."""
    ways = islice(product(*(span.readings for span in words.labels)), MAX_LABEL_READINGS) if words.labels else ()
    return [*((words.unlabelled, labels) for labels in ways), (words.groups, ())]
