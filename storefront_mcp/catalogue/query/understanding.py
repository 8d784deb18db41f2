"""From a buyer's words to groups of alternatives that an index can match."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Final

from msgspec import Struct

from storefront_mcp.catalogue.index_query import WordChoice, WordGroup
from storefront_mcp.catalogue.query.alternatives import (
    any_side,
    joined_alternatives,
    names_kind,
    split_alternatives,
    split_comparison,
    split_list,
    with_compound_head,
)
from storefront_mcp.catalogue.query.folding import plain_words, spelling, text_words
from storefront_mcp.catalogue.query.language import MAX_SYNONYM_WORDS, LanguageWords, StemWords, Synonyms
from storefront_mcp.catalogue.query.lexicon import MIN_PART_CHARS, CatalogueLexicon
from storefront_mcp.catalogue.query.negations import ExcludedThing
from storefront_mcp.catalogue.query.quantities import WRITTEN_UNITS
from storefront_mcp.catalogue.query.spelling import SpellingIndex

MAX_QUERY_WORDS: Final = 16
"""Words of a query that are read; what comes after them is left out."""
COUNTED: Final = re.compile(r"(?<!\w)(?:of|von) \d")
MAX_LISTED_THINGS: Final = 6
"""Things of a list in one query that are told apart."""
MAX_CHOICES: Final = 24
"""Alternatives of one word."""
PAIR: Final = 2
"""Words that may be written as one."""
MAX_LABEL_WORDS: Final = 3
"""Words of a filter's value that are recognised in a text."""
MAX_UNIT_CHARS: Final = 2
"""Characters of a word behind a number that is taken for a unit, as in "5 L"."""
MAX_LABEL_READINGS: Final = 4
"""Ways to read the values in a text, such as a medium size and a medium heat, that are tried."""
MIN_PREFIX_CHARS: Final = 4
"""Characters of the shortest unfinished word."""
QUESTION_WORDS: Final = frozenset("what which welche welchen welcher welches".split())
PARTITIVES: Final = (["of"], ["von"])
"""Words between a container and what is in it."""
SYNONYM_WEIGHT: Final = 0.5
COMPOUND_WEIGHT: Final = 0.7
NEAR_WEIGHT: Final = 0.8
"""Of corrected, unfinished and translated words."""

Choice = tuple[WordChoice, ...]


class LabelSpan(Struct, frozen=True, kw_only=True):
    """Words of a query that are a value of an attribute."""

    start: int
    stop: int
    """Behind its last word."""
    readings: tuple[tuple[str, str], ...]
    """Attribute code and value."""


class ReadWords(Struct, frozen=True, kw_only=True):
    """A query, read."""

    groups: tuple[WordGroup, ...]
    """Of all its words."""
    labels: tuple[LabelSpan, ...] = ()
    unlabelled: tuple[WordGroup, ...] = ()
    """Groups of what is left when the values of `labels` are filters."""
    corrected: str | None = None
    """The text with its corrected words, when there are any."""
    unknown: tuple[str, ...] = ()
    """Words that nothing in the catalogue is like, as in the texts of groups."""
    unknown_shown: tuple[str, ...] = ()
    """The same, as they were typed."""


class ListedThings(Struct, frozen=True, kw_only=True):
    """The things of a shopping list in one text."""

    kinds: tuple[str, ...]
    """Those whose words say what kind of thing they are."""
    others: tuple[str, ...]


class WordReader:
    """Reads queries against one state of a catalogue."""

    def __init__(self, language: LanguageWords, lexicon: CatalogueLexicon) -> None:
        """For a language and what the catalogue has."""
        self._language = language
        self._lexicon = lexicon
        self._stem = language.stem

    def read(self, text: str, *, conditions: bool = False) -> ReadWords:
        """The groups of a text; one of fillers alone has none where conditions were taken out of it."""
        plain = plain_words(text)[:MAX_QUERY_WORDS]
        typed: Sequence[str] = [*map(spelling, plain)]
        shown = dict(zip(typed, plain, strict=True))
        replaced: dict[str, str] = {}
        unknown: list[str] = []
        groups = self._query_groups(typed, replaced, unknown, fully=conditions)
        corrected: str | None = None
        guessed: set[int] = set()
        if replaced:
            # What is spelt right may be known with its neighbour only: "pickel balls" are pickleballs.
            corrected = " ".join(replaced.get(word, shown[word]) for word in typed)
            named = self._label_places(typed, tuple(self._labels(typed)))
            guessed = {at for at, word in enumerate(typed) if at not in named and word in replaced}
            typed = [word if at in named else replaced.get(word, word) for at, word in enumerate(typed)]
            groups = self._query_groups(typed, {}, [], fully=conditions)
        spans = () if self._sides_to_compare(typed) else self._labels(typed)
        # What nobody wrote is searched for, but excludes nothing.
        labels = tuple(one for one in spans if guessed.isdisjoint(range(one.start, one.stop)))
        taken = self._label_places(typed, labels)
        rest = [word for at, word in enumerate(typed) if at not in taken]
        return ReadWords(
            groups=groups,
            labels=labels,
            unlabelled=self._query_groups(rest, {}, [], fully=True) if labels else groups,
            corrected=corrected,
            unknown=tuple(unknown),
            unknown_shown=tuple(shown[word] for word in unknown),
        )

    def things(self, text: str) -> ListedThings | None:
        """The things of a text that lists several kinds, as "balls, a towel and a net"; None for any other."""
        parts = split_list(text)
        if not 1 < len(parts) <= MAX_LISTED_THINGS:
            return None
        kinds = [one for one in parts if self._is_thing(one)]
        others = [one for one in parts if one not in kinds]
        return ListedThings(kinds=tuple(kinds), others=tuple(others)) if len(kinds) > 1 else None

    def has_kind(self, text: str) -> bool:
        """Whether any word of a text is a kind of thing that the catalogue has."""
        return any(self._stem(word) in self._lexicon.kinds for word in text_words(text))

    def excluded_thing(self, typed: Sequence[str]) -> ExcludedThing | None:
        """What these folded words begin with; None where the catalogue has no such value or word, nor one like it."""
        span = next(self._labels(typed), None)
        if span is not None and any(self._stem(word) not in self._attribute_names for word in typed[: span.start]):
            span = None
        named = typed if span is None else typed[span.start : span.stop]
        stems = [self._stem(word) for word in named]
        length, choices = self._expression(named, stems, 0)
        choices = choices or tuple(self._synonyms(self._language.foreign, tuple(stems[:1]), NEAR_WEIGHT))
        if span is None and not choices:
            return None
        group = WordGroup(text=" ".join(named[:length]), choices=choices[:MAX_CHOICES])
        if span is None:
            return ExcludedThing(length=length, labels=(), group=group)
        return ExcludedThing(length=self._with_attribute_name(typed, span).stop, labels=span.readings, group=group)

    def _is_thing(self, text: str) -> bool:
        """Whether a text says what kind of thing is wanted, and not only what it comes in: "pair", "set of 4"."""
        groups = self.read(text, conditions=True).groups
        kinds = tuple(one for one in groups if self._stem(one.text) not in self._language.containers)
        return COUNTED.search(text) is None and names_kind(kinds, self._lexicon)

    def _query_groups(
        self, typed: Sequence[str], replaced: dict[str, str], unknown: list[str], *, fully: bool
    ) -> tuple[WordGroup, ...]:
        """The groups of all words, those on either side of an "or" as one that either fulfils."""
        compared = self._sides_to_compare(typed)
        sides = [
            with_compound_head(tuple(self._groups(side, replaced, unknown)), self._lexicon, self._stem)
            for words in compared or split_alternatives(typed)
            if (side := self._meaningful(words, fully=True))
        ]
        if compared and sides:
            return any_side(sides)
        if not sides and not fully:
            return tuple(self._groups(typed, replaced, unknown))
        return joined_alternatives(sides, self._lexicon)

    def _sides_to_compare(self, typed: Sequence[str]) -> Sequence[Sequence[str]]:
        """The things that are compared, unless one is a mere value, as in "difference between black and white tees"."""
        sides = split_comparison(typed)
        mere = any(all(self._label_readings((self._stem(word),)) for word in side) for side in sides)
        return () if mere else sides

    def _meaningful(self, typed: Sequence[str], *, fully: bool = False) -> Sequence[str]:
        """Words without the fillers; all of them when there are only fillers, unless nothing may remain."""
        kept = [
            word
            for at, word in enumerate(typed)
            if not self._is_container(typed, at)
            and not self._is_asked(typed, at)
            and (not self.is_filler(word) or self._is_part(typed, at))
        ]
        return kept or ([] if fully else typed)

    def _is_container(self, typed: Sequence[str], at: int) -> bool:
        """Whether a word only says in what something comes, as in "jar of dills"."""
        return (
            self._stem(typed[at]) in self._language.containers
            and typed[at + 1 : at + 2] in PARTITIVES
            and any(not self.is_filler(word) for word in typed[at + 2 :])
        )

    def _is_asked(self, typed: Sequence[str], at: int) -> bool:
        """Whether a word names an attribute that a question is about, as in "which colours does it come in"."""
        return not QUESTION_WORDS.isdisjoint(typed[:at]) and self._stem(typed[at]) in self._attribute_names

    @cached_property
    def _attribute_names(self) -> frozenset[str]:
        attributes = self._lexicon.attributes.values()
        return frozenset(self._stem(name) for one in attributes for name in text_words(f"{one.code} {one.label}"))

    def is_filler(self, word: str) -> bool:
        """Whether a folded word says nothing of a product here."""
        return word in self._language.fillers or (
            word in self._language.foreign_fillers and not self._lexicon.has_stem(self._stem(word))
        )

    def _is_part(self, typed: Sequence[str], at: int) -> bool:
        """Whether a word and a neighbour are one word of the catalogue, such as "over grip"."""
        pairs = ("".join(typed[start : start + PAIR]) for start in (at - 1, at) if 0 <= start < len(typed) - 1)
        return any(self._lexicon.has_stem(self._stem(pair)) for pair in pairs)

    def _groups(self, typed: Sequence[str], replaced: dict[str, str], unknown: list[str]) -> Iterator[WordGroup]:
        """A group for each word, or for several that mean one thing."""
        stems = [self._stem(word) for word in typed]
        at = 0
        while at < len(typed):
            length, choices = self._expression(typed, stems, at)
            if not choices:
                choices = self._unknown(typed[at], replaced)
                if not choices:
                    unknown.append(typed[at])
                    choices = ((WordChoice(stems[at]),),)
            yield WordGroup(text=" ".join(typed[at : at + length]), choices=choices[:MAX_CHOICES])
            at += length

    def _expression(self, typed: Sequence[str], stems: Sequence[str], at: int) -> tuple[int, tuple[Choice, ...]]:
        """How many words from here mean one thing, and what else means it; no choices for what is not known."""
        for length in range(min(MAX_SYNONYM_WORDS, len(typed) - at), 1, -1):
            span = tuple(stems[at : at + length])
            choices = list(self._synonyms(self._language.synonyms, span))
            if not all(map(self._lexicon.has_stem, span)):
                choices.extend(self._synonyms(self._language.foreign, span, NEAR_WEIGHT))
            if length == PAIR:
                choices.extend(self._measures(typed[at], stems[at : at + PAIR]))
                joined = self._stem("".join(typed[at : at + PAIR]))
                choices.extend(self._synonyms(self._language.synonyms, (joined,)))
                if self._lexicon.has_stem(joined):
                    choices.insert(0, (WordChoice(joined),))
            if choices:
                return length, self._with_own(span, choices)
        word, stem = typed[at], stems[at]
        choices = [*self._synonyms(self._language.synonyms, (stem,)), *self._compounds(word)]
        return 1, self._with_own((stem,), choices)

    def _measures(self, number: str, pair: Sequence[str]) -> Iterator[Choice]:
        """The signs of a unit in full behind a number, with that: "5 metres" is 5 m."""
        if number[0].isdigit() and (pair[1],) in self._written_units:
            for other in self._language.synonyms.get((pair[1],), ()):
                stems = (pair[0], *map(self._stem, other))
                if all(map(self._lexicon.has_stem, stems)):
                    yield tuple(WordChoice(stem) for stem in stems)

    def _with_own(self, span: StemWords, choices: Iterable[Choice]) -> tuple[Choice, ...]:
        """Choices behind the words themselves, where the catalogue has all of those."""
        own = tuple(WordChoice(stem) for stem in span)
        known = [own] if all(map(self._lexicon.has_stem, span)) else []
        return tuple(dict.fromkeys([*known, *choices]))

    def _synonyms(self, table: Synonyms, span: StemWords, weight: float = SYNONYM_WEIGHT) -> Iterator[Choice]:
        """Expressions of a table that the catalogue has, or has as a part of its words."""
        for other in table.get(span, ()):
            stems = tuple(map(self._stem, other))
            if span in self._written_units and stems in self._lexicon.labels:
                continue  # "5 metres" are no size M
            if all(map(self._lexicon.has_stem, stems)):
                yield tuple(WordChoice(stem, weight / len(stems)) for stem in stems)
            elif len(other) == 1:
                yield from self._compounds(other[0], weight * COMPOUND_WEIGHT)

    def _compounds(self, word: str, weight: float = COMPOUND_WEIGHT) -> Iterator[Choice]:
        """Longer words that end with this one, then those that begin with it, where the language writes them so."""
        if self._language.compounds and len(word) >= MIN_PREFIX_CHARS:
            for longer in self._lexicon.ending(word):
                yield (WordChoice(self._stem(longer), weight),)
            for longer in self._lexicon.beginning(word):
                if len(longer) >= len(word) + MIN_PART_CHARS:
                    yield (WordChoice(self._stem(longer), weight * COMPOUND_WEIGHT),)

    def _unknown(self, word: str, replaced: dict[str, str]) -> tuple[Choice, ...]:
        """What a word may mean that the catalogue does not have: another language, parts, a beginning, an error."""
        stem = self._stem(word)
        foreign = tuple(self._synonyms(self._language.foreign, (stem,), NEAR_WEIGHT))
        if foreign or not word.isalpha():
            return foreign
        if parts := self._lexicon.parts(word):
            return (tuple(WordChoice(part, NEAR_WEIGHT) for part in parts),)
        if choices := self._split(word):
            return choices
        if len(word) >= MIN_PREFIX_CHARS and (longer := self._lexicon.beginning(word)):
            return tuple((WordChoice(self._stem(one), NEAR_WEIGHT),) for one in longer)
        # A word that the lists know is spelt right: the catalogue has nothing of it.
        return () if word in self._language.explained else self._correction(word, replaced)

    def _split(self, word: str) -> tuple[Choice, ...]:
        """What a word means as two words with synonyms, or by its end in the neighbour's language."""
        for at in range(MIN_PART_CHARS - 1, len(word) - MIN_PART_CHARS + 2):
            pair = (word[:at], word[at:])
            if choices := tuple(self._synonyms(self._language.synonyms, tuple(map(self._stem, pair)))):
                return choices
        for at in range(MIN_PART_CHARS - 1, len(word) - MIN_PART_CHARS):
            if choices := tuple(self._synonyms(self._language.foreign, (self._stem(word[at:]),), COMPOUND_WEIGHT)):
                return choices
        return ()

    def _correction(self, word: str, replaced: dict[str, str]) -> tuple[Choice, ...]:
        """The nearest word of the catalogue, or the nearest that means one of its words."""
        near = self._speller.nearest(word)
        if near is not None:
            replaced[word] = near
            return self._expression([near], [self._stem(near)], 0)[1]
        # The lists have few plurals.
        near = self._meanings.nearest(word) or self._meanings.nearest(self._stem(word))
        if near is None:
            return ()
        stem = self._stem(near)
        choices = self._expression([near], [stem], 0)[1] or tuple(
            self._synonyms(self._language.foreign, (stem,), NEAR_WEIGHT)
        )
        if choices:
            replaced[word] = near
        return choices

    @cached_property
    def _speller(self) -> SpellingIndex:
        """The catalogue's own words, without those that say nothing."""
        counts = self._lexicon.counts
        return SpellingIndex({word: counts[word] for word in counts if word not in self._language.fillers})

    @cached_property
    def _meanings(self) -> SpellingIndex:
        """Words of which the lists of synonyms, but not the catalogue, know a meaning that the catalogue has."""
        found: dict[str, int] = {}
        for table in (self._language.synonyms, self._language.foreign):
            for word in self._language.explained - WRITTEN_UNITS:
                if next(self._synonyms(table, (self._stem(word),)), None) is not None:
                    found[word] = 1
        return SpellingIndex(found)

    def _labels(self, typed: Sequence[str]) -> Iterator[LabelSpan]:
        """Values of attributes in a text, the longest first; "5 L" is an amount and no size."""
        stems = [self._stem(word) for word in typed]
        at = 0
        while at < len(typed):
            for length in range(min(MAX_LABEL_WORDS, len(typed) - at), 0, -1):
                readings = self._label_readings(tuple(stems[at : at + length]))
                amount = at > 0 and typed[at - 1][0].isdigit() and self._is_unit(typed[at])
                if readings and not amount and not typed[at].replace(".", "").isdigit():
                    yield LabelSpan(start=at, stop=at + length, readings=tuple(readings))
                    at += length
                    break
            else:
                at += 1

    def _is_unit(self, word: str) -> bool:
        return len(word) <= MAX_UNIT_CHARS or word in WRITTEN_UNITS

    @cached_property
    def _written_units(self) -> frozenset[StemWords]:
        return frozenset((self._stem(word),) for word in WRITTEN_UNITS)

    def _label_places(self, typed: Sequence[str], labels: Sequence[LabelSpan]) -> set[int]:
        """The places of values, and of the names of their attributes beside them."""
        return {at for span in labels for at in self._with_attribute_name(typed, span)}

    def _label_readings(self, span: StemWords) -> list[tuple[str, str]]:
        """Attribute codes and values that words name, themselves or by another word for them, such as "blaue"."""
        readings = list(self._lexicon.labels.get(span, ()))
        if span in self._written_units:
            return readings
        for table in (self._language.synonyms, self._language.foreign):
            for other in table.get(span, ()):
                readings.extend(self._lexicon.labels.get(tuple(map(self._stem, other)), ()))
        return list(dict.fromkeys(readings))

    def _with_attribute_name(self, typed: Sequence[str], span: LabelSpan) -> range:
        """The places of a value and of words beside it that only name its attribute, as in "size M"."""
        texts = (f"{code} {self._lexicon.attributes[code].label}" for code, _ in span.readings)
        names = {self._stem(name) for text in texts for name in text_words(text)}
        start, stop = span.start, span.stop
        while start > 0 and self._stem(typed[start - 1]) in names:
            start -= 1
        while stop < len(typed) and self._stem(typed[stop]) in names:
            stop += 1
        return range(start, stop)
