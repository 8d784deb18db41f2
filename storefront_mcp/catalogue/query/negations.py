"""Where a text says what is not wanted, or what a product has not: "without garlic", in English and German."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from storefront_mcp.catalogue.index_query import WordGroup
from storefront_mcp.catalogue.query.folding import fold_text, spelling

_MARKERS: Final = frozenset(
    "not no non without except excluding excl never neither isn't isnt aren't arent don't dont doesn't doesnt "
    "nicht ohne ausser weder kein keine keinen keiner keines keinem".split()
)
_DOUBTFUL: Final = frozenset("don't dont doesn't doesnt isn't isnt aren't arent never".split())
"""Those that negate much beside properties, such as "don't know"."""
_ABSENCES: Final = frozenset({"without", "ohne"})
_WORD_BEGINNINGS: Final = frozenset({"non"})
"""Those that begin a word, such as "non-spicy", and name what is wanted as often: "non-slip"."""
_PAIRS: Final = frozenset(
    tuple(pair.split())
    for pair in (
        "anything but,everything but,all but,alles ausser,other than,free of,free from,frei von,anders als".split(",")
    )
)
_ASKING: Final = frozenset({"why", "warum", "wieso"})
_QUESTION: Final = re.compile(
    r"\s*(?:(?:do|did|can|could|have|has) (?:you|we|i|they) not|(?:do|did|have|has|is|are)n'?t (?:you|we|i|they|there)|"
    r"(?:is|are) there (?:no|not)|"
    r"(?:haben sie|habt ihr|hast du|habt|gibt es|gibts) (?:denn )?(?:keine?[rsnm]?|nicht))(?!\w)"
)
"""Questions that ask for what they seem to negate: "don't you have paddles"."""
_NO_NEGATION: Final = frozenset(
    "only just sure yet necessarily matter mind care know problem worries idea later "
    "nur sicher egal wissen weiss problem ahnung unbedingt".split()
)
"""What makes a negation none when it comes next."""
_BESIDE: Final = frozenset("added adding mit with in too contain contains containing made zu zusatz".split())
"""Words between a negation and what is negated, beside those that say nothing."""
_CLAUSE_ENDS: Final = frozenset("but aber sondern and und or oder".split())
_STATED_ENDS: Final = frozenset("with but in on at from than until to mit aber sondern im am von als bis".split())
MAX_CLAUSE_WORDS: Final = 12
MAX_BETWEEN: Final = 4
"""Words between a negation and what is negated."""
MAX_STATED_CHARS: Final = 60
"""Characters in which the next of them is looked for."""
MAX_STATED_WORDS: Final = 3
"""Words behind a negation of which a description says that they do not hold."""
_TOKEN: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_SIGN: Final = re.compile(r"(?<!\w)w/o(?!\w)")
_MARKS: Final = frozenset(",;.!?():\n")
_HYPHENS: Final = frozenset("-\u2010\u2011")
_NOT_CONTAINED: Final = re.compile(
    r"(?<!\w)(?:not|no|non|without|never|nicht|ohne|keine?[rsnm]?|free (?:of|from)|frei von)(?!\w)"
)
_FREE_OF: Final = re.compile(
    r"(?<!\w)([^\W\d_]{3,40})(?:[-\u2010\u2011]free|[-\u2010\u2011]?frei(?:e[rsnm]?)?)(?![\w-])"
)
_FREE: Final = re.compile(r"(?<!\w)([^\W\d_]{3,40})[-\u2010\u2011 ]?(?:free|frei(?:e[rsnm]?)?)(?!\w)")


class TextWord(Struct, frozen=True):
    """A word of a folded text and where it stands."""

    word: str
    start: int
    stop: int


class TextNegation(Struct, frozen=True, kw_only=True):
    """A negation and the words behind it, to the end of its clause."""

    marker: TextWord
    tokens: tuple[TextWord, ...]
    """From the first that may be negated on; those that join a further one are among them."""
    bound: bool
    """Whether only a value of an attribute is negated so."""
    doubtful: bool
    """Whether it may negate what is no property."""
    stop: int | None = None
    """Where it ends, for one that stands behind what is negated: "garlic-free"."""
    direct: bool
    """Whether a product of such a name is without it: "Relish ohne Knoblauch", but not "Not Your Grandma's"."""


class ExcludedThing(Struct, frozen=True, kw_only=True):
    """What the words behind a negation begin with."""

    length: int
    """How many words it is."""
    labels: tuple[tuple[str, str], ...]
    """Codes and values of attributes that are named so."""
    group: WordGroup
    """The words; without choices where only a value is named so."""


def find_negations(text: str, is_filler: Callable[[str], bool]) -> Iterator[TextNegation]:
    """The negations of a folded text, in order.

    >>> [found] = find_negations("pickles without any garlic", {"any"}.__contains__)
    >>> found.marker.word, [one.word for one in found.tokens]
    ('without', ['garlic'])
    """
    text = _SIGN.sub("not", text)
    begins = 0 if (question := _QUESTION.match(text)) is None else question.end()
    tokens = [TextWord(found[0], found.start(), found.end()) for found in _TOKEN.finditer(text)]
    for at, word in enumerate(tokens):
        if word.start < begins:
            continue
        if (free := _FREE_OF.match(text, word.start)) is not None and (at == 0 or tokens[at - 1].word not in _MARKERS):
            thing = TextWord(free[1], word.start, free.end(1))
            marker = TextWord("free", word.start, word.start)
            yield TextNegation(
                marker=marker, tokens=(thing,), bound=False, doubtful=True, direct=False, stop=free.end()
            )
        elif (found := _marker(text, tokens, at)) is not None:
            yield from _negation(text, tokens, at, found, is_filler)


def _marker(text: str, tokens: list[TextWord], at: int) -> TextWord | None:
    """The negation that ends with a word, of one word or two; None where it does not."""
    word, before = tokens[at], tokens[at - 1] if at else None
    if before is not None and (before.word, word.word) in _PAIRS:
        return TextWord(word.word, before.start, word.stop)
    if word.word not in _MARKERS or _is_chained(text, tokens, at) or (before is not None and before.word in _ASKING):
        return None
    return word


def _negation(
    text: str, tokens: list[TextWord], at: int, marker: TextWord, is_filler: Callable[[str], bool]
) -> Iterator[TextNegation]:
    """The negation behind whose last word this is what is negated, if there is anything."""
    behind = _clause(text, tokens, at)
    between = 0
    while between < min(len(behind), MAX_BETWEEN) and _is_between(behind[between].word, is_filler):
        between += 1
    behind = behind[between:]
    if behind and not behind[0].word[0].isdigit() and behind[0].word not in _NO_NEGATION:
        yield TextNegation(
            marker=marker,
            tokens=tuple(behind),
            bound=marker.word in _WORD_BEGINNINGS,
            doubtful=marker.word in _DOUBTFUL,
            direct=marker.word in _ABSENCES and not between,
        )


def stated_absences(text: str) -> Iterator[str]:
    """The words of a text that it says not to hold, folded: garlic of "no garlic", "garlic-free".

    >>> list(stated_absences("Made without added sugar. Gluten-free, with dill."))
    ['added', 'sugar', 'gluten']
    """
    folded = fold_text(text)
    for found in _NOT_CONTAINED.finditer(folded):
        place = found.end()
        for _ in range(MAX_STATED_WORDS):
            token = _TOKEN.search(folded, place, place + MAX_STATED_CHARS)
            if token is None or not _MARKS.isdisjoint(folded[place : token.start()]) or token[0] in _STATED_ENDS:
                break
            yield spelling(token[0])
            place = token.end()
    for found in _FREE.finditer(folded):
        yield spelling(found[1])


def _is_between(word: str, is_filler: Callable[[str], bool]) -> bool:
    return word not in _CLAUSE_ENDS and word not in _NO_NEGATION and (word in _BESIDE or is_filler(word))


def _is_chained(text: str, tokens: list[TextWord], at: int) -> bool:
    """Whether a marker is inside of a name that is written with hyphens, such as "no-see-um", or begins no word."""
    marker = tokens[at]
    if text[marker.start - 1 : marker.start] in _HYPHENS and marker.start:
        return True
    if text[marker.stop : marker.stop + 1] not in _HYPHENS or marker.stop == len(text):
        return marker.word in _WORD_BEGINNINGS and text[marker.stop : marker.stop + 1] != " "
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    return following is None or (text[following.stop : following.stop + 1] in _HYPHENS and following.stop < len(text))


def _clause(text: str, tokens: list[TextWord], at: int) -> list[TextWord]:
    """The words behind a marker, up to a mark."""
    found: list[TextWord] = []
    place = tokens[at].stop
    for token in tokens[at + 1 : at + 1 + MAX_CLAUSE_WORDS]:
        if not _MARKS.isdisjoint(text[place : token.start]):
            break
        found.append(token)
        place = token.stop
    return found
