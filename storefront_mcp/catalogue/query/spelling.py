"""Spelling: the known word nearest to one that the catalogue does not have.

rapidfuzz does the same in less time a comparison, but is 12 MB on disk; sets of letters leave so few words to compare
that plain Python answers in a fraction of a millisecond.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

MIN_TYPO_CHARS: Final = 4
"""Characters of the shortest word in which one typing error is looked for."""
MIN_FREQUENT: Final = 5
"""How often a word occurs at least that a word of three letters is corrected to."""
MIN_TWO_TYPOS_CHARS: Final = 7
"""Characters of the shortest word in which two are."""
MIN_UNDOUBLED_CHARS: Final = 5
"""Characters of the shortest word in which an error is looked for besides letters that should be double, or not."""
MAX_WORD_CHARS: Final = 40
"""Characters of the longest word that is corrected."""
_DOUBLED: Final = re.compile(r"(.)\1+")


def edit_distance(first: str, second: str, most: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours between two words; `most` + 1 beyond `most`.

    Optimal string alignment: no piece is edited twice.

    >>> edit_distance("padle", "paddle", 2), edit_distance("tihgt", "tight", 2), edit_distance("net", "tent", 0)
    (1, 1, 1)
    """
    if abs(len(first) - len(second)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(second) + 1))
    for at, letter in enumerate(first, 1):
        above, row = row, [at]
        for column, other in enumerate(second, 1):
            cost = min(above[column] + 1, row[-1] + 1, above[column - 1] + (letter != other))
            if at > 1 and column > 1 and letter == second[column - 2] and first[at - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before = above
    return min(row[-1], most + 1)


class SpellingIndex:
    """The known words, by first letter and length, each with the set of its letters as bits."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        """Of words and how often each occurs."""
        self._words: dict[tuple[str, int], list[tuple[str, int, int]]] = {}
        for word, count in counts.items():
            if len(word) >= MIN_TYPO_CHARS - 1 and word.isalpha():
                self._words.setdefault((word[0], len(word)), []).append((word, _letters(word), count))

    def nearest(self, word: str) -> str | None:
        """The known word at the least distance, the commonest of equals; None beyond 1 error, or 2 in a long word.

        Of three letters, which are mostly words themselves, only the one frequent word that has one of them twice.
        """
        size = len(word)
        if size == MIN_TYPO_CHARS - 1 and word.isalpha():
            return self._only_doubled(word)
        if not MIN_TYPO_CHARS <= size <= MAX_WORD_CHARS or not word.isalpha():
            return None
        most = 2 if size >= MIN_TWO_TYPOS_CHARS else 1
        letters = _letters(word)
        best: tuple[int, int, str] | None = None
        for known, known_letters, count in self._near(word, most):
            if (letters ^ known_letters).bit_count() > 2 * most:
                continue
            distance = edit_distance(word, known, most)
            if distance <= most and (best is None or (distance, -count, known) < best):
                best = distance, -count, known
        return self._nearest_undoubled(word) if best is None else best[2]

    def _only_doubled(self, word: str) -> str | None:
        """The only frequent known word with one letter doubled: `dill` for `dil`, but not `time` for `tie`."""
        doubled = [
            known
            for known, _, count in self._words.get((word[0], len(word) + 1), ())
            if count >= MIN_FREQUENT and _undouble(word) == _undouble(known)
        ]
        return doubled[0] if len(doubled) == 1 else None

    def _nearest_undoubled(self, word: str) -> str | None:
        """The commonest known word at one error when all double letters are single: `padels` for `paddles`."""
        if len(word) < MIN_UNDOUBLED_CHARS:
            return None
        bare = _undouble(word)
        alike = (
            (-count, known)
            for size in range(len(word) - 1, len(word) + 3)
            for known, _, count in self._words.get((word[0], size), ())
            if edit_distance(bare, _undouble(known), 1) <= 1 and (bare != word or _undouble(known) != known)
        )
        return min(alike, default=(0, None))[1]

    def _near(self, word: str, most: int) -> Iterable[tuple[str, int, int]]:
        """Words of like length with the same first letter, or with the first two swapped."""
        for size in range(len(word) - most, len(word) + most + 1):
            yield from self._words.get((word[0], size), ())
        swapped = word[1] + word[0]
        for known in self._words.get((word[1], len(word)), ()) if word[0] != word[1] else ():
            if known[0].startswith(swapped):
                yield known


def _undouble(word: str) -> str:
    """A word with each run of one letter as that letter."""
    return _DOUBLED.sub(r"\1", word)


def _letters(word: str) -> int:
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 63)
    return bits
