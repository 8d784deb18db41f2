"""Tells what stands for a buyer's data without being any."""

from typing import Final

from storefront_mcp.backends.postal.spelling import fold_name

PLACEHOLDERS: Final = frozenset(
    # One string reads better than twenty.
    "none unknown notprovided notspecified notavailable notapplicable nopostcode nozip nophone unspecified undefined "
    "missing tbd tba todo xxx xxxx placeholder dummy string".split()
)
"""As `fold_name` has them."""
SHORT_PLACEHOLDERS: Final = frozenset({"n/a", "n.a.", "n.a", "n/k", "<none>", "null"})
"""In lower case; without their punctuation some are names of people."""
PEOPLE_FIELDS: Final = frozenset({"first_name", "last_name"})
PEOPLE_NAMES: Final = frozenset({"null", "missing", "string", "dummy"})
"""Which people are called, too."""
NUMBER_FIELDS: Final = frozenset({"postcode", "phone"})
LEAST_PHONE_DIGITS: Final = 3


def is_placeholder(field: str, text: str) -> bool:
    """Whether a text in a field of an address stands for nothing: `-`, `none`, or `00000` for a postcode.

    >>> [is_placeholder("postcode", text) for text in ("00000", "n/a", "-", "D02 X285")]
    [True, True, True, False]
    """
    plain, folded = text.strip().lower(), fold_name(text)
    if not plain:
        return False
    if not folded:
        return True
    if field in PEOPLE_FIELDS and folded in PEOPLE_NAMES:
        return False
    if plain in SHORT_PLACEHOLDERS or folded in PLACEHOLDERS:
        return True
    digits = "".join(one for one in plain if one.isdigit())
    if field == "phone" and len(digits) < LEAST_PHONE_DIGITS:
        return True
    return field in NUMBER_FIELDS and folded == digits and not digits.strip("0")
