"""Finds the country that is meant, however it is written."""

from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from storefront_mcp.backends.postal.spelling import fold_name

CODE_CHARS: Final = 2
LONG_CODE_CHARS: Final = 3
OTHER_CODES: Final = {"UK": "GB", "EL": "GR"}
"""Codes in use that are not the country's own (ISO 3166-1 reserves them)."""
ALIASES: Final = Path(__file__).with_name("country_aliases.json")
"""Other names, local ones among them, of countries that are ordered from most."""


def country_code(given: str) -> str | None:
    """The ISO 3166-1 alpha-2 code of a code of two or three letters, or of a name; None when it is not known here.

    Names are English or local ones.

    >>> [country_code(name) for name in ("au", "UK", "AUS", "Australia", "U.S.A.", "Atlantis")]
    ['AU', 'GB', 'AU', 'AU', 'US', None]
    """
    plain = given.strip().upper()
    if len(plain) == CODE_CHARS and plain.isascii() and plain.isalpha():
        return OTHER_CODES.get(plain, plain)
    return _names().get(fold_name(given))


@cache
def _names() -> dict[str, str]:
    """Country codes by name, as `fold_name` has it: alpha-3 codes, as the CLDR has them, English names, the aliases."""
    from babel import Locale  # noqa: PLC0415 -- few calls name a country in words
    from babel.core import get_global  # noqa: PLC0415 -- the same

    named: dict[str, str] = {
        fold_name(long): codes[0]
        for long, codes in get_global("territory_aliases").items()
        if len(long) == LONG_CODE_CHARS and long.isalpha() and len(codes) == 1
    }
    for code, name in Locale("en").territories.items():
        if len(code) == CODE_CHARS and code.isalpha():
            named |= {fold_name(name): code, fold_name(name.replace("&", "and").replace("St.", "Saint")): code}
    aliases = msgspec.json.decode(ALIASES.read_bytes(), type=dict[str, list[str]])
    return named | {fold_name(name): code for code, names in aliases.items() for name in names}
