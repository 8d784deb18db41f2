"""Text as it is compared: folded to plain lower-case letters and digits, and cut into words."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

_LETTERS: Final = str.maketrans(
    {
        "ø": "o",
        "æ": "ae",
        "œ": "oe",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "\u0131": "i",
        "\u2019": "'",
        "\u00b4": "'",
        "`": "'",
    }
)
"""What Unicode does not take apart into a letter and a mark."""
_POSSESSIVE: Final = re.compile(r"'s?(?!\w)")
_SINGLE: Final = re.compile(r"(?<!\w)([a-z])[-\u2010\u2011](?=[a-z]{3})")
_AMOUNT_UNIT: Final = re.compile(r"(\d)(?=[a-z])")
_DIGRAPH: Final = re.compile(r"(?<![aeiouq])([aou])e(?=[^\Waeious\d]|s\w)")
_ENDINGS: Final = frozenset("i ii iii iv v vi vii viii ix x xs s m l xl xxl xxxl".split())
"""Numerals and sizes, which say no kind."""
_HEAD_ENDS: Final = re.compile(r"[,(:;\u2013|/]|\s(?:for|with|fur|mit|aus)\s")
_WORD: Final = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_][^\W_]*")


def fold_text(text: str) -> str:
    """Compatibility characters, case, accents and possessives removed; punctuation stays.

    >>> fold_text("Kopfhörer, Men's T-Shirt Größe M")
    'kopfhorer, men t-shirt grosse m'
    """
    if text.isascii():
        return _POSSESSIVE.sub("", text.lower().replace("`", "'"))
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold()).translate(_LETTERS)
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return _POSSESSIVE.sub("", bare)


@lru_cache(maxsize=50_000)
def spelling(word: str) -> str:
    """A folded word with German digraphs as the letters that they stand for: `kopfhoerer` is `kopfhorer`.

    Both spellings are folded alike on either side, so it does not matter that a few English words change with them.
    """
    return _DIGRAPH.sub(r"\1", word)


def text_words(text: str) -> list[str]:
    """The words and numbers of a text, folded, in order; "t-shirt" is one, "480g" two.

    >>> text_words("T-Shirt, 480g Dill (1.5 L)")
    ['tshirt', '480', 'g', 'dill', '1.5', 'l']
    """
    return [spelling(word) for word in plain_words(text)]


def plain_words(text: str) -> list[str]:
    """The same words before German digraphs are folded, for showing."""
    joined = _AMOUNT_UNIT.sub(r"\1 ", _SINGLE.sub(r"\1", fold_text(text)))
    return [word.replace(",", ".") if word[0].isdigit() else word for word in _WORD.findall(joined)]


def head_word(name: str) -> str | None:
    """The word of a name that says what kind of thing it is, folded: the last one before what only describes it.

    >>> head_word("Sunburn Outdoor Balls, pack of 3"), head_word("Carbon Paddle II"), head_word("12")
    ('balls', 'paddle', None)
    """
    words = text_words(_HEAD_ENDS.split(fold_text(name), maxsplit=1)[0])
    found = [word for word in words if word.isalpha() and word not in _ENDINGS]
    return found[-1] if found else None


def sku_letters(text: str) -> str:
    """A SKU or url key without case and punctuation: `TEE-BLACK-M` is `teeblackm`."""
    return "".join(letter for letter in fold_text(text) if letter.isalnum())
