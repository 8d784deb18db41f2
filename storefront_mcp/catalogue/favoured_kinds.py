"""What comes first of much that matches alike: the usual kind of a thing, and what is in a jar before the jar.

A shop lists most of a thing where it is most usual: of its paddles more under "Carbon" than under "Junior".
"""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from storefront_mcp.catalogue.index import CatalogueIndex
from storefront_mcp.catalogue.index_query import IndexQuery, KindFavour, WordGroup
from storefront_mcp.catalogue.query.language import LanguageWords

MAX_FAVOURED: Final = 8
"""Categories of one kind that are told apart."""
PACKED_PERCENT: Final = 50
"""Share of a kind from which on a container is what it comes in: jars for pickles, but not bags for paddles."""


def with_favoured_kinds(index: CatalogueIndex, asked: IndexQuery, language: LanguageWords) -> IndexQuery:
    """The question, with the kinds that come first where its words say no more than a kind, or what that comes in."""
    if asked.sort != "relevance" or asked.required is not None or not asked.groups:
        return asked
    if len(asked.groups) == 1:
        return replace(asked, favours=tuple(_usual_places(index, asked.groups[0])))
    return replace(asked, favours=tuple(_contents(index, asked, language)))


def _usual_places(index: CatalogueIndex, group: WordGroup) -> Iterator[KindFavour]:
    """The categories that list most of what a word names, each as much as it lists of that."""
    for choice in group.choices:
        places = index.lexicon.kind_places.get(choice[0].stem) if len(choice) == 1 else None
        if places:
            most = max(places.values())
            for category in sorted(places, key=lambda one: (-places[one], one))[:MAX_FAVOURED]:
                worth = choice[0].weight * places[category] / most
                yield KindFavour(head=choice[0].stem, category=category, worth=worth)


def _contents(index: CatalogueIndex, asked: IndexQuery, language: LanguageWords) -> Iterator[KindFavour]:
    """The kind that "pickle jars" are about: what is in the jars, unless something is named so."""
    *others, last = asked.groups
    heads = _heads(index, others)
    if language.stem(last.text) not in language.containers or not heads:
        return
    alone = replace(asked, size=1, offset=0, facets=False)
    if index.search(replace(alone, of_kind=True)).total:
        return
    contents = replace(alone, heads=heads)
    packed = index.search(contents).total
    if packed and packed * 100 >= PACKED_PERCENT * index.search(replace(contents, groups=tuple(others))).total:
        for head in heads:
            yield KindFavour(head=head)


def _heads(index: CatalogueIndex, groups: Sequence[WordGroup]) -> tuple[str, ...]:
    """Stems among the words that name a kind of thing."""
    single = (choice[0].stem for group in groups for choice in group.choices if len(choice) == 1)
    return tuple(dict.fromkeys(stem for stem in single if stem in index.lexicon.kind_places))
