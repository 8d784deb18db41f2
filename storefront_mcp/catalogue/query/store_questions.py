"""Searches that ask about the shop, not for its goods: which topic of `get_store_info` tells of it."""

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from msgspec import Struct

from storefront_mcp.catalogue.query.folding import fold_text, spelling, text_words
from storefront_mcp.catalogue.query.language import filler_words

_LIST: Final = Path(__file__).with_name("words") / "store.questions.txt"
_FILLERS: Final = ("en", "de")
MAX_EXPRESSION_WORDS: Final = 4
MIN_PLURAL_CHARS: Final = 4
MAX_REMEMBERED_TEXTS: Final = 1_000
"""Of some hundred characters each: agents ask in the same words, page after page."""
_WORD: Final = re.compile(r"[^\W_]+")
Topics = dict[tuple[str, ...], str]
"""Topic by the words that ask for it, folded and without plurals."""


class StoreQuestion(Struct, frozen=True):
    """What of a text asks about the shop."""

    topic: str
    """As `get_store_info` has it."""
    rest: str
    """The words for goods beside it, folded; empty where there are none."""


@lru_cache(MAX_REMEMBERED_TEXTS)
def read_store_question(text: str) -> StoreQuestion | None:
    """The question about the shop in a text; None where it only looks for goods.

    >>> read_store_question("Have you discount codes for paddles under $90?")
    StoreQuestion(topic='coupons', rest='have you   for paddles under $90?')
    >>> read_store_question("Contact?"), read_store_question("contact lenses")
    (StoreQuestion(topic='contact', rest=''), None)
    """
    folded = fold_text(text)
    found = list(_WORD.finditer(folded))
    words = [_singular(spelling(word[0])) for word in found]
    anywhere, alone = _expressions()
    for size in range(min(len(words), MAX_EXPRESSION_WORDS), 0, -1):
        for at in range(len(words) - size + 1):
            topic = anywhere.get(tuple(words[at : at + size]))
            if topic is not None:
                rest = f"{folded[: found[at].start()]} {folded[found[at + size - 1].end() :]}"
                return StoreQuestion(topic, rest if _telling(rest) else "")
    topic = alone.get(_telling(folded))
    return None if topic is None else StoreQuestion(topic, "")


def store_topics() -> frozenset[str]:
    """All topics that are recognised."""
    anywhere, alone = _expressions()
    return frozenset(anywhere.values()) | frozenset(alone.values())


def _singular(word: str) -> str:
    """A word without the "s" of an English plural, on either side of a comparison."""
    return word.removesuffix("s") if len(word) >= MIN_PLURAL_CHARS else word


def _telling(text: str) -> tuple[str, ...]:
    """Words without those that say nothing in either language."""
    return tuple(
        _singular(word) for word in text_words(text) if all(word not in filler_words(code) for code in _FILLERS)
    )


@cache
def _expressions() -> tuple[Topics, Topics]:
    """Topics by the words that ask for them anywhere in a text, and by those that do so alone."""
    anywhere: Topics = {}
    alone: Topics = {}
    for line in _LIST.read_text(encoding="utf-8").splitlines():
        mark = next((mark for mark in ":=" if mark in line), "")
        if line.startswith("#") or not mark:
            continue
        topic, _, expressions = line.partition(mark)
        found = anywhere if mark == ":" else alone
        found.update((tuple(map(_singular, text_words(one))), topic.strip()) for one in expressions.split(","))
    return anywhere, alone
