"""What a text says is not wanted, as conditions: values of attributes, and words that no text of a product may have."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from storefront_mcp.catalogue.index_query import WordGroup
from storefront_mcp.catalogue.query.folding import spelling, text_words
from storefront_mcp.catalogue.query.negations import ExcludedThing, TextNegation, find_negations
from storefront_mcp.catalogue.query.understanding import WordReader

_ALTERNATIVES: Final = frozenset("or nor oder noch".split())
_ADDITIONS: Final = frozenset("and und".split())
_ARTICLES: Final = frozenset("a an ein eine einen the der die das den with mit some".split())
"""Words behind an "and" with which something begins that is wanted."""


class ReadExclusions(Struct, frozen=True, kw_only=True):
    """The exclusions of a text, and what is left of it."""

    text: str
    """Folded."""
    values: Mapping[str, Mapping[str, WordGroup]] = MappingProxyType({})
    """Values that must not hold, by the code of their attribute, with the words that named them."""
    groups: tuple[WordGroup, ...] = ()
    """Words that must not be in a product's texts, unless these say that it has not."""
    told: tuple[str, ...] = ()
    """What is excluded, in the buyer's words."""
    left_out: tuple[str, ...] = ()
    """What cannot be excluded, since the catalogue does not know it."""


def read_exclusions(text: str, reader: WordReader, is_named: Callable[[str], bool]) -> ReadExclusions:
    """Take what is not wanted out of a folded text.

    `is_named` tells whether the name of a product has a phrase: "not your grandma" is then what is looked for.
    """
    values: dict[str, dict[str, WordGroup]] = {}
    groups: list[WordGroup] = []
    told: list[str] = []
    left_out: list[str] = []
    cuts: list[tuple[int, int]] = []
    for found in find_negations(text, reader.is_filler):
        start = found.marker.start
        if cuts and start < cuts[-1][1]:
            continue
        things = _things(found, reader, wanted_before=reader.has_kind(text[:start]))
        if found.bound and not all(thing.labels for thing, _, _ in things):
            continue
        stop = found.stop or (things[-1][2] if things else found.tokens[0].stop)
        if is_named(text if found.direct else text[start:stop]):
            # What is called so is found by its words; others that have them are not meant even so.
            groups.extend(thing.group for thing, _, _ in things if not thing.labels)
            continue
        if not things:
            if not (found.bound or found.doubtful):
                left_out.append(text[start:stop])
                cuts.append((start, stop))
            continue
        cuts.append((start, stop))
        for thing, first, last in things:
            told.append(text[first:last])
            for code, label in thing.labels:
                values.setdefault(code, {})[label] = thing.group
            if not thing.labels:
                groups.append(thing.group)
    return ReadExclusions(
        text=_without(text, cuts),
        values=values,
        groups=tuple(groups),
        told=tuple(dict.fromkeys(told)),
        left_out=tuple(dict.fromkeys(left_out)),
    )


def without_negations(text: str, is_filler: Callable[[str], bool]) -> tuple[str, tuple[str, ...]]:
    """A folded text without what it negates, as far as that can be told of words alone, and what that is.

    >>> without_negations("tee not black under", {"under"}.__contains__)
    ('tee under', ('not black',))
    """
    cuts: list[tuple[int, int]] = []
    for found in find_negations(text, is_filler):
        if not (found.bound or found.doubtful or (cuts and found.marker.start < cuts[-1][1])):
            cuts.append((found.marker.start, found.tokens[0].stop))
    return _without(text, cuts), tuple(text[start:stop] for start, stop in cuts)


def has_phrase(text: str, phrase: str) -> bool:
    """Whether a text has the words of a phrase one behind the other."""
    return f" {' '.join(text_words(phrase))} " in f" {' '.join(text_words(text))} "


def _things(
    found: TextNegation, reader: WordReader, *, wanted_before: bool
) -> Sequence[tuple[ExcludedThing, int, int]]:
    """What is negated, each with where it is written: the first thing, and those that are joined to it."""
    tokens = found.tokens
    things: list[tuple[ExcludedThing, int, int]] = []
    at = 0
    while at < len(tokens) and not (at and tokens[at].word in _ARTICLES):
        thing = reader.excluded_thing([spelling(one.word) for one in tokens[at:]])
        if thing is None:
            break
        added = at and tokens[at - 1].word in _ADDITIONS
        if added and not _goes_on(things[-1][0], thing, reader, wanted_before=wanted_before):
            break
        first, at = tokens[at].start, at + thing.length
        things.append((thing, first, tokens[at - 1].stop))
        if at == len(tokens) or tokens[at].word not in _ALTERNATIVES | _ADDITIONS:
            break
        at += 1
    return things


def _goes_on(before: ExcludedThing, thing: ExcludedThing, reader: WordReader, *, wanted_before: bool) -> bool:
    """Whether a negation holds for what an "and" joins, too: "garlic and onion", but not "no cover and paddles"."""
    if before.labels:
        return not {code for code, _ in before.labels}.isdisjoint(code for code, _ in thing.labels)
    return not thing.labels and (wanted_before or not reader.has_kind(thing.group.text))


def _without(text: str, cuts: Sequence[tuple[int, int]]) -> str:
    kept: list[str] = []
    place = 0
    for start, stop in cuts:
        kept.append(text[place:start])
        place = stop
    return " ".join(" ".join((*kept, text[place:])).split())
