"""Names of places in a form in which their usual spellings are equal."""

import re
import unicodedata
from typing import Final

LETTERS: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i"})
"""Letters that Unicode takes no accent off."""
UMLAUTS: Final = re.compile("([aou])e")


def fold_name(name: str) -> str:
    """Letters and digits alone, without case and accents, composed or not.

    >>> fold_name("Québec") == fold_name("QUE\u0301BEC") == "quebec"
    True
    """
    apart = unicodedata.normalize("NFKD", name).casefold().translate(LETTERS)
    apart = unicodedata.normalize("NFKD", apart)
    return "".join(one for one in apart if one.isalnum())


def fold_loosely(name: str) -> str:
    """As `fold_name`, with umlauts that are written as two letters.

    >>> fold_loosely("Baden-Wuerttemberg") == fold_loosely("Baden-Württemberg")
    True
    """
    return UMLAUTS.sub(r"\1", fold_name(name))
