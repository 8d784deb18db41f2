"""`CatalogueLexicon`: the words, filter values and categories that a catalogue has."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from storefront_mcp.catalogue.query.folding import text_words
from storefront_mcp.catalogue.query.language import Stem, StemWords
from storefront_mcp.commerce.ids import CategoryId

MAX_NEAR_WORDS: Final = 20
"""How many words that begin or end alike are looked at."""
MIN_PART_CHARS: Final = 4
"""Characters of the shortest part of a compound."""
_LINKS: Final = ("", "s", "n", "en", "es", "er", "e")
"""What joins the parts of a German compound."""


class AttributeLabels(Struct, frozen=True, kw_only=True):
    """An attribute that may be filtered by, with its values and how many products have each."""

    code: str
    label: str
    values: Mapping[str, int]


class CategoryLabel(Struct, frozen=True):
    """A category's name and how many products it lists."""

    name: str
    products: int


class CatalogueLexicon:
    """What one commit of an index holds, for those who read queries."""

    def __init__(
        self,
        *,
        counts: Mapping[str, int],
        attributes: Sequence[AttributeLabels],
        categories: Mapping[CategoryId, CategoryLabel],
        stem: Stem,
        kinds: frozenset[str] = frozenset(),
        kind_places: Mapping[str, Mapping[CategoryId, int]] = MappingProxyType({}),
    ) -> None:
        """`counts` is how many products have each word, folded; `kinds` the stems that say what a thing is.

        `kind_places` is how many products whose name ends with a stem were put into which category.
        """
        self.counts = counts
        self.attributes = {attribute.code: attribute for attribute in attributes}
        self.categories = categories
        self.kinds = kinds
        self.kind_places = kind_places
        self._stem = stem
        self._sorted = sorted(counts)

    @cached_property
    def stems(self) -> Mapping[str, int]:
        """Stems, with how many products have a word of each, at most."""
        found: dict[str, int] = {}
        for word, count in self.counts.items():
            stem = self._stem(word)
            found[stem] = found.get(stem, 0) + count
        return found

    @cached_property
    def labels(self) -> Mapping[StemWords, Sequence[tuple[str, str]]]:
        """Attribute codes and labels by the stems of the label."""
        found: dict[StemWords, list[tuple[str, str]]] = {}
        for attribute in self.attributes.values():
            for label in attribute.values:
                key = tuple(map(self._stem, text_words(label)))
                if key:
                    found.setdefault(key, []).append((attribute.code, label))
        return found

    @cached_property
    def _backward_words(self) -> Sequence[str]:
        return sorted(word[::-1] for word in self.counts if len(word) > MIN_PART_CHARS and word.isalpha())

    def has_stem(self, stem: str) -> bool:
        """Whether any product has a word of this stem."""
        return stem in self.stems

    def beginning(self, start: str, limit: int = MAX_NEAR_WORDS) -> list[str]:
        """Words that begin so, commonest first."""
        at = bisect_left(self._sorted, start)
        end = bisect_left(self._sorted, start + "\U0010ffff")
        return sorted(self._sorted[at:end], key=lambda word: (-self.counts[word], word))[:limit]

    def ending(self, end: str) -> list[str]:
        """Longer words that end so, commonest first: `regenjacke` for `jacke`."""
        backwards = end[::-1]
        at = bisect_left(self._backward_words, backwards)
        stop = bisect_left(self._backward_words, backwards + "\U0010ffff")
        longer = [word[::-1] for word in self._backward_words[at:stop] if len(word) > len(end) + 2]
        return sorted(longer, key=lambda word: (-self.counts[word], word))[:MAX_NEAR_WORDS]

    def parts(self, word: str) -> StemWords:
        """The stems of two known words of which this one is put together; empty when there are none."""
        for at in range(len(word) - MIN_PART_CHARS, MIN_PART_CHARS - 2, -1):
            head, tail = word[:at], self._stem(word[at:])
            if tail not in self.stems:
                continue
            for link in _LINKS:
                bare = head.removesuffix(link) if link else head
                if len(bare) >= MIN_PART_CHARS - 1 and (stem := self._stem(bare)) in self.stems:
                    return stem, tail
        return ()
