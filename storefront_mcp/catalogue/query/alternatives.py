"""Groups of words that mean one another's alternatives, or the kind of thing that a compound word ends with."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import Final

from msgspec.structs import replace

from storefront_mcp.catalogue.index_query import WordChoice, WordGroup
from storefront_mcp.catalogue.query.language import Stem
from storefront_mcp.catalogue.query.lexicon import MIN_PART_CHARS, CatalogueLexicon

OR_WORDS: Final = frozenset({"or", "oder"})
COMPARING: Final = frozenset(
    "compare compares comparing comparison versus vs difference differences vergleich vergleiche vergleichen "
    "unterschied unterschiede".split()
)
COMPARED_MARKS: Final = OR_WORDS | frozenset("and with to versus vs und mit zu".split())
"""Words between two things that a text compares."""
_BETWEEN_THINGS: Final = re.compile(r"[,;\n] ?(?:(?:and|und|plus) )?| (?:and|und|plus) ")
MIN_COMPOUND_CHARS: Final = 2 * MIN_PART_CHARS - 1
"""Characters of the shortest compound."""
MAX_SIDE_CHOICES: Final = 16
"""Ways to fulfil one side of an "or" that are tried."""

Groups = tuple[WordGroup, ...]


def split_alternatives(typed: Sequence[str]) -> Iterator[Sequence[str]]:
    """The words before, between and behind each "or".

    >>> list(split_alternatives(["paddles", "or", "balls"]))
    [['paddles'], ['balls']]
    """
    start = 0
    for at, word in enumerate(typed):
        if word in OR_WORDS:
            yield typed[start:at]
            start = at + 1
    yield typed[start:]


def split_list(text: str) -> list[str]:
    """The things of a shopping list, one text each.

    >>> split_list("dill pickles, a paddle and a net")
    ['dill pickles', 'a paddle', 'a net']
    """
    return [part for one in _BETWEEN_THINGS.split(text) if (part := one.strip(" .!?"))]


def split_comparison(typed: Sequence[str]) -> Sequence[Sequence[str]]:
    """The words of each thing that a text compares, those of the first before a bare number; empty where it does not.

    >>> split_comparison("compare pro 16 and 14".split())
    [['pro', '16'], ['pro', '14']]
    """
    if COMPARING.isdisjoint(typed):
        return ()
    sides: list[list[str]] = [[]]
    for word in typed:
        if word in COMPARED_MARKS:
            sides.append([])
        elif word not in COMPARING:
            sides[-1].append(word)
    sides = [side for side in sides if side]
    if len(sides) < 2:  # noqa: PLR2004 -- one thing is compared with nothing
        return ()
    first = sides[0]
    return [[*first[: -len(side)], *side] if all(word.isdigit() for word in side) else side for side in sides]


def any_side(sides: Sequence[Groups]) -> Groups:
    """One group that any side fulfils as a whole."""
    return (_either([_whole(side) for side in sides]),)


def joined_alternatives(sides: Sequence[Groups], lexicon: CatalogueLexicon) -> Groups:
    """The groups of all sides, with one that any side fulfils: "dill pickles or green olives" is either of both.

    Where a side names no kind of thing, as in "hot or mild pickles", only the two groups beside the "or" are one.
    """
    if len(sides) < 2:  # noqa: PLR2004 - there is no "or" with one side
        return sides[0] if sides else ()
    if all(any(_is_kind(group, lexicon) for group in side) for side in sides):
        return any_side(sides)
    groups = list(sides[0])
    for side in sides[1:]:
        groups[-1:] = [_either([groups[-1], side[0]]), *side[1:]]
    return tuple(groups)


def with_compound_head(groups: Groups, lexicon: CatalogueLexicon, stem: Stem) -> Groups:
    """The groups, a compound with its end as well: pickleballs are balls before they are a sport.

    Not where there are things of its own name, such as overgrips, or another word names the kind of thing, as in
    "pickleball net".
    """
    ends: dict[int, tuple[WordChoice, WordChoice]] = {}
    for at, group in enumerate(groups):
        word = group.text.replace(" ", "")
        if len(word) < MIN_COMPOUND_CHARS or (whole := stem(word)) in lexicon.kinds or not lexicon.has_stem(whole):
            continue
        if (parts := lexicon.parts(word)) and parts[-1] in lexicon.kinds:
            ends[at] = WordChoice(whole), WordChoice(parts[-1])
    if len(ends) != 1 or any(_is_kind(group, lexicon) for at, group in enumerate(groups) if at not in ends):
        return groups
    [(at, both)] = ends.items()
    group = replace(groups[at], choices=(*groups[at].choices, both))
    return (*groups[:at], group, *groups[at + 1 :])


def names_kind(groups: Groups, lexicon: CatalogueLexicon) -> bool:
    """Whether any of the groups says what kind of thing is wanted."""
    return any(_is_kind(group, lexicon) for group in groups)


def _is_kind(group: WordGroup, lexicon: CatalogueLexicon) -> bool:
    return any(choice[-1].stem in lexicon.kinds for choice in group.choices)


def _whole(side: Groups) -> WordGroup:
    """One group for all of a side, each of its choices one of each group."""
    if len(side) == 1:
        return side[0]
    ways = islice(product(*(group.choices for group in side)), MAX_SIDE_CHOICES)
    return WordGroup(
        text=" ".join(group.text for group in side), choices=tuple(tuple(w for one in way for w in one) for way in ways)
    )


def _either(groups: Sequence[WordGroup]) -> WordGroup:
    choices = dict.fromkeys(choice for group in groups for choice in group.choices)
    return WordGroup(text=" or ".join(group.text for group in groups), choices=tuple(choices))
