"""What is known of a language: its stems, plurals, fillers and synonyms, and those of its neighbour."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from storefront_mcp.catalogue.query.folding import text_words

Stem = Callable[[str], str]
"""From a folded word to what it shares with its other forms."""
StemWords = tuple[str, ...]
Expression = tuple[str, ...]
"""Folded words that mean one thing together."""
Synonyms = Mapping[StemWords, tuple[Expression, ...]]

MAX_SYNONYM_WORDS: Final = 4
"""Words of the longest expression that has synonyms."""
_WORDS: Final = Path(__file__).with_name("words")
_IRREGULAR: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "en": dict(
            pair.split("=")
            for pair in (
                "knives=knife shelves=shelf scarves=scarf men=man women=woman children=child feet=foot teeth=tooth "
                "mice=mouse geese=goose people=person leaves=leaf loaves=loaf wolves=wolf halves=half lives=life "
                "wives=wife dice=die calves=calf hooves=hoof elves=elf thieves=thief oxen=ox cacti=cactus fungi=fungus "
                "radii=radius radishes=radish dishes=dish brushes=brush potatoes=potato tomatoes=tomato mangoes=mango"
            ).split()
        ),
        "de": dict(
            pair.split("=") for pair in "kakteen=kaktus atlanten=atlas globen=globus alben=album cds=cd".split()
        ),
    }
)
_CONTAINERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "en": "bag bottle box bucket bunch can carton case jar pack packet pair piece pot pouch roll sachet tin tub",
        "de": "beutel becher bund dose eimer flasche glas karton kiste paar packung paket rolle sack schachtel tute",
    }
)
_BRITISH: Final = (
    (re.compile(r"iz(?=e$|es$|ed$|er$|ers$|ing$|ation$)"), "is"),
    (re.compile(r"(?<=[a-z]{2})our(?=s$|ed$|$)"), "or"),
)
"""One spelling for two: `personalized` and `personalised`, `colour` and `color`."""


class LanguageWords(Struct, frozen=True, kw_only=True):
    """A language as searches need it."""

    code: str
    """ISO 639-1."""
    stem: Stem
    fillers: frozenset[str] = frozenset()
    """Words that say nothing of a product."""
    foreign_fillers: frozenset[str] = frozenset()
    """Those of the neighbour, for words that the catalogue does not have."""
    containers: frozenset[str] = frozenset()
    """Stems of what things come in: a jar of dills is dills."""
    synonyms: Synonyms = MappingProxyType({})
    foreign: Synonyms = MappingProxyType({})
    """Words of the neighbour, for those that the catalogue does not have."""
    explained: frozenset[str] = frozenset()
    """Folded words of all lists of synonyms, as they are written there."""
    compounds: bool = False
    """Whether words are written together, so that `jacke` is asked for and `regenjacke` meant."""


def language_words(locale: str, stem: Stem, operator_lines: Iterable[str] = ()) -> LanguageWords:
    """What is known for a locale such as `en-AU`; only its stems for languages other than English and German.

    `operator_lines` are an operator's own synonyms, in the format of `words/en.synonyms.txt`; they add to the general.
    """
    code = locale.partition("-")[0].partition("_")[0].lower()
    stemming = stemming_of(code, stem)
    operator_lines = tuple(operator_lines)
    if code not in _IRREGULAR:
        own = _synonyms(operator_lines, stemming)
        return LanguageWords(code=code, stem=stemming, synonyms=own, explained=_single_words(operator_lines))
    neighbour = "de" if code == "en" else "en"
    return LanguageWords(
        code=code,
        stem=stemming,
        fillers=filler_words(code),
        foreign_fillers=filler_words(neighbour),
        containers=frozenset(map(stemming, text_words(_CONTAINERS[code]))),
        synonyms=_synonyms([*operator_lines, *_lines(f"{code}.synonyms.txt")], stemming),
        foreign=_translations(_lines("en-de.txt"), stemming, foreign_first=neighbour == "en"),
        explained=_single_words([*operator_lines, *_lines(f"{code}.synonyms.txt"), *_lines("en-de.txt")]),
        compounds=code == "de",
    )


def stemming_of(code: str, stem: Stem) -> Stem:
    """A stem that knows irregular plurals and the two spellings of English, and remembers."""
    irregular = _IRREGULAR.get(code, {})
    british = _BRITISH if code == "en" else ()

    @lru_cache(maxsize=100_000)
    def stemmed(word: str) -> str:
        word = irregular.get(word, word)
        for pattern, spelling in british:
            word = pattern.sub(spelling, word)
        return stem(word) if word.isalpha() else word

    return stemmed


@cache
def _lines(name: str) -> Sequence[str]:
    return (_WORDS / name).read_text(encoding="utf-8").splitlines()


@cache
def filler_words(code: str) -> frozenset[str]:
    """Words of a language that say nothing of a product, folded."""
    return frozenset(
        word for line in _lines(f"{code}.fillers.txt") if not line.startswith("#") for word in text_words(line)
    )


def _synonyms(lines: Iterable[str], stem: Stem) -> Synonyms:
    """Synonyms by their stems: of each line all of all, with ">" those behind it of those before it."""
    found: dict[StemWords, list[Expression]] = {}
    for line in lines:
        left, arrow, right = line.partition("#")[0].partition(">")
        keys = _expressions(left)
        for key in keys:
            others = found.setdefault(tuple(map(stem, key)), [])
            others.extend(other for other in (_expressions(right) if arrow else keys) if other != key)
    return {key: tuple(dict.fromkeys(others)) for key, others in found.items() if others}


def _translations(lines: Iterable[str], stem: Stem, *, foreign_first: bool) -> Synonyms:
    """From words of the neighbour's language to those of one's own, by stems of one's own."""
    found: dict[StemWords, list[Expression]] = {}
    for line in lines:
        english, _, german = line.partition("#")[0].partition("=")
        foreign, own = (english, german) if foreign_first else (german, english)
        for key in _expressions(foreign):
            found.setdefault(tuple(map(stem, key)), []).extend(_expressions(own))
    return {key: tuple(dict.fromkeys(others)) for key, others in found.items() if others}


def _single_words(lines: Iterable[str]) -> frozenset[str]:
    listed = (text_words(part) for line in lines for part in re.split(r"[,>=]", line.partition("#")[0]))
    return frozenset(one[0] for one in listed if len(one) == 1)


def _expressions(listed: str) -> list[Expression]:
    """The words of each expression of a list with commas."""
    expressions = [tuple(text_words(expression)) for expression in listed.split(",")]
    return [expression for expression in expressions if 0 < len(expression) <= MAX_SYNONYM_WORDS]
